/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causality.Streaming
public import Spec.Kernels.CausalConv1d
public import Spec.Kernels.SsdScan
public import Spec.Models.MambaLanguageModel

/-!
# Mamba-2 block

The whole mixer of Mamba-2, with its parameters as checkpoints store them, through its kernels:

    z, xBC, dt = inProj x + inBias                  split in this order
    x', B, C   = causalConv1d xBC                   with bias and silu, then split in this order
    y          = ssdScan x' dt B C                  A = -exp aLog, D, dtBias, softplus, limits
    output     = outProj (groupedRmsNorm (y * silu z)) + outBias

The norm is `rmsNorm` of each group of channels by itself. The state has two parts: that of the scan, and the last
`convWidth - 1` values of `xBC`, newest first. Where the limits of the step size bind, the decoding kernels of the ecosystem,
which have none, do not compute this step.

## Main definitions

* `Mamba2BlockSpec`: the parameters.
* `Mamba2BlockSpec.runList`: token after token, through the single steps of the kernels.
* `Mamba2BlockSpec.runKernels`: kernel after kernel over the whole sequence.

## Main results

* `mamba2_append_outputs_prefix`: appending future tokens cannot change past outputs.
* `mamba2_runList_eq_kernels`: token after token is kernel after kernel.
* `mamba2_prefill_decode`: a prefill kernel after kernel, then single steps, is one pass kernel after kernel.

No law of arithmetic is assumed.

## References

* T. Dao, A. Gu, *Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured State Space
  Duality*, ICML 2024, section 7.
* The class `Mamba2Mixer` of transformers defines the order of the parts.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} [Scalar α]

/-! ## The block -/

/-- The channels of the convolution of a Mamba-2 block: those of the scan, and the entries of `B` and of `C`. -/
abbrev mamba2ConvDim (heads groups headDim stateDim : Nat) : Nat :=
  heads * headDim + (groups * stateDim + groups * stateDim)

/-- Parameters of a Mamba-2 block, as checkpoints store them. Matrices have shape (out, in). -/
structure Mamba2BlockSpec (α : Type) (inputDim heads groups headDim stateDim outputDim convWidth : Nat) where
  /-- The groups divide the heads evenly. -/
  groups_dvd : groups ∣ heads
  /-- From the input to the gate, the channels of the convolution, and the step sizes of the heads, in this order. -/
  inProj : Tensor α [heads * headDim + (mamba2ConvDim heads groups headDim stateDim + heads), inputDim]
  /-- The bias of `inProj`. -/
  inBias : Tensor α [heads * headDim + (mamba2ConvDim heads groups headDim stateDim + heads)]
  /-- The taps of the depthwise convolution, oldest token first. -/
  convWeight : Tensor α [mamba2ConvDim heads groups headDim stateDim, convWidth]
  /-- The bias of the convolution. -/
  convBias : Tensor α [mamba2ConvDim heads groups headDim stateDim]
  /-- The bias of the step sizes, before the softplus. -/
  dtBias : Tensor α [heads]
  /-- The logarithm of each head's decay rate. -/
  aLog : Tensor α [heads]
  /-- The weight with which the channels of a head pass by the state. -/
  D : Tensor α [heads]
  /-- The least step size; none: no limit. -/
  dtMin : Option α
  /-- The greatest step size; none: no limit. -/
  dtMax : Option α
  /-- The weight of the norm. -/
  normWeight : Tensor α [heads * headDim]
  /-- What the norm adds to the mean square. -/
  eps : α
  /-- From the normed channels to the output. -/
  outProj : Tensor α [outputDim, heads * headDim]
  /-- The bias of `outProj`. -/
  outBias : Tensor α [outputDim]

namespace Mamba2BlockSpec

variable {inputDim heads groups headDim stateDim outputDim convWidth : Nat}

/-- The convolution of the block, with its bias and its SiLU. -/
def convKernel (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth) :
    CausalConv1d α (mamba2ConvDim heads groups headDim stateDim) convWidth :=
  .ofOldestFirst m.convWeight (some m.convBias) .silu

/-- The scan of the block: `A = -exp aLog`, `D` per head, step size bias, softplus and limits. -/
def scanKernel (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth) :
    SsdScan α heads groups headDim where
  groups_dvd := m.groups_dvd
  A := m.aLog.map fun a => -Scalar.exp a
  D := some (ssdSkipPerHead m.D)
  dtBias := some m.dtBias
  dtSoftplus := true
  dtMin := m.dtMin
  dtMax := m.dtMax

/-- The first projection of a token: gate, channels of the convolution, step sizes. -/
def projected (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth) (x : Tensor α [inputDim]) :
    Tensor α [heads * headDim + (mamba2ConvDim heads groups headDim stateDim + heads)] :=
  (m.inProj.matVec x).add m.inBias

/-- The gate of a token, before the SiLU. -/
def gate (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth) (x : Tensor α [inputDim]) :
    Tensor α [heads * headDim] :=
  (m.projected x).slice 0 _ (by omega)

/-- What a token puts into the convolution. -/
def convInput (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth) (x : Tensor α [inputDim]) :
    Tensor α [mamba2ConvDim heads groups headDim stateDim] :=
  (m.projected x).slice (heads * headDim) _ (by omega)

/-- What a token and the output `v` of the convolution put into the scan. -/
def scanToken (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth) (x : Tensor α [inputDim])
    (v : Tensor α [mamba2ConvDim heads groups headDim stateDim]) : SsdScanToken α heads groups headDim stateDim where
  x := Vec.toRows (v.slice 0 (heads * headDim) (by unfold mamba2ConvDim; omega))
  dt := (m.projected x).slice (heads * headDim + mamba2ConvDim heads groups headDim stateDim) heads (by omega)
  B := Vec.toRows (v.slice (heads * headDim) (groups * stateDim) (by unfold mamba2ConvDim; omega))
  C := Vec.toRows (v.slice (heads * headDim + groups * stateDim) (groups * stateDim) (by unfold mamba2ConvDim; omega))

/-- What the block makes of a token and the output `y` of the scan: gate, norm, projection. -/
def finish (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth) (x : Tensor α [inputDim])
    (y : Tensor α [heads, headDim]) : Tensor α [outputDim] :=
  let gated : Tensor α [heads * headDim] := (Vec.ofRows y).mul ((m.gate x).map Scalar.silu)
  let normed := groupedRmsNorm (Nat.dvd_trans m.groups_dvd (Nat.dvd_mul_right heads headDim)) m.eps m.normWeight gated
  (m.outProj.matVec normed).add m.outBias

/-- The block as a state machine: token after token through the single steps of the kernels. -/
def runner (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth) :
    Runner
      (Tensor α [heads, headDim, stateDim] × Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim])
      (Tensor α [inputDim]) (Tensor α [outputDim]) where
  step state x :=
    let convolved := causalConv1dUpdate m.convKernel state.2 (m.convInput x)
    let scanned := ssdStateUpdate m.scanKernel state.1 (m.scanToken x convolved.2)
    ((scanned.1, convolved.1), m.finish x scanned.2)

/-- Run from the scan state `h0` and the convolution state `window`: the final states, and the outputs. -/
def runList (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth)
    (h0 : Tensor α [heads, headDim, stateDim])
    (window : Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim]) (xs : List (Tensor α [inputDim])) :
    (Tensor α [heads, headDim, stateDim] × Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim]) ×
      List (Tensor α [outputDim]) :=
  m.runner.runList (h0, window) xs

/-- Kernel after kernel, from the scan state `h0` and the convolution state `window`: the final states, and the outputs. -/
def runKernels (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth)
    (h0 : Tensor α [heads, headDim, stateDim])
    (window : Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim]) (xs : List (Tensor α [inputDim])) :
    (Tensor α [heads, headDim, stateDim] × Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim]) ×
      List (Tensor α [outputDim]) :=
  let conv := causalConv1d m.convKernel window (xs.map m.convInput)
  let scan := ssdScan m.scanKernel h0 (List.zipWith m.scanToken xs conv.2)
  ((scan.1, conv.1), List.zipWith m.finish xs scan.2)

end Mamba2BlockSpec

variable {inputDim heads groups headDim stateDim outputDim convWidth : Nat}

/-- Appending future tokens `ys` cannot change the outputs already produced for `xs`, from any state. -/
theorem mamba2_append_outputs_prefix
    (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth)
    (h0 : Tensor α [heads, headDim, stateDim])
    (window : Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim])
    (xs ys : List (Tensor α [inputDim])) :
    (m.runList h0 window (xs ++ ys)).2.take xs.length = (m.runList h0 window xs).2 :=
  m.runner.take_outputs_append (h0, window) xs ys

/-- Token after token through the steps of the kernels is kernel after kernel, from any state. -/
theorem mamba2_runList_eq_kernels
    (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth)
    (h0 : Tensor α [heads, headDim, stateDim])
    (window : Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim])
    (xs : List (Tensor α [inputDim])) : m.runList h0 window xs = m.runKernels h0 window xs := by
  induction xs generalizing h0 window with
  | nil => rfl
  | cons x xs ih =>
    simp only [Mamba2BlockSpec.runList, Mamba2BlockSpec.runKernels, Mamba2BlockSpec.runner, causalConv1d,
      CausalConv1d.runner, ssdScan, SsdScan.runner, Runner.runList_cons, List.map_cons, List.zipWith_cons_cons] at ih ⊢
    simp only [ih]

/--
A prefill kernel after kernel, then single steps from the states that it reached, is one pass kernel after kernel.
-/
theorem mamba2_prefill_decode
    (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth)
    (h0 : Tensor α [heads, headDim, stateDim])
    (window : Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim])
    (xs ys : List (Tensor α [inputDim])) :
    m.runner.decode (m.runKernels h0 window xs) ys = m.runKernels h0 window (xs ++ ys) := by
  rw [← mamba2_runList_eq_kernels, ← mamba2_runList_eq_kernels]
  exact m.runner.prefill_decode (h0, window) xs ys

end Scanproof
