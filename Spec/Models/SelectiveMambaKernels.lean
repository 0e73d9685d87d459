/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.CausalConv1d
public import Spec.Causality.Streaming
public import Spec.Kernels.SelectiveScan
public import Spec.Models.MambaCheckpoint

/-!
# The selective Mamba block through its kernels

How implementations compute `SelectiveMambaBlockSpec`: not token after token through the whole block, but kernel after kernel
over the whole sequence,

    projections  ->  causalConv1d with silu  ->  projections  ->  selectiveScan with D, z, bias, softplus  ->  out projection

and, when they decode, one token through the single steps of the same kernels. Both are the block, to the bit: no law of
arithmetic is used. The convolution's state here is the window of the last `convWidth - 1` values, where the block keeps
a list.

## Main definitions

* `SelectiveMambaBlockSpec.convKernel`, `SelectiveMambaBlockSpec.scanKernel`: the kernels' arguments.
* `SelectiveMambaBlockSpec.runKernels`: kernel after kernel.
* `SelectiveMambaBlockSpec.kernelRunner`: token after token, through any convolution with a state.

## Main results

* `selectiveMamba_runListAux_eq_kernels`, `selectiveMamba_runList_eq_kernels`: kernel after kernel is the block.
* `SelectiveMambaBlockSpec.step_kernelRunner`: one token through the steps of the kernels is one token of the block.
* `SelectiveMambaBlockSpec.runList_kernelRunner`: token after token is kernel after kernel.
* `SelectiveMambaBlockSpec.runKernels_flatten`: so is chunked prefill.
* `MambaCheckpoint.convKernel_toSpec`: the convolution of a checkpoint is the kernel with the taps as they are stored.
-/

@[expose] public noncomputable section

namespace Scanproof

namespace SelectiveMambaBlockSpec

variable {α : Type} [Scalar α] {inputDim innerDim stateDim outputDim convWidth : Nat}

/-- The convolution of the block, with its bias and its SiLU. -/
def convKernel (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) :
    CausalConv1d α innerDim convWidth where
  weight := m.convWeight
  bias := some m.convBias
  activation := .silu

/-- The scan of the block: one group, with `D`, step size bias and softplus. -/
def scanKernel (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) :
    SelectiveScan α innerDim 1 stateDim where
  groups_dvd := Nat.one_dvd innerDim
  A := m.A
  D := some m.D
  deltaBias := some m.dtBias
  deltaSoftplus := true

/-- What a token puts into the convolution. -/
def convInput (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) (x : Tensor α [inputDim]) :
    Tensor α [innerDim] :=
  (m.inProj.matVec x).add m.inBias

/-- What a token and the output `v` of the convolution put into the scan. -/
def scanToken (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) (x : Tensor α [inputDim])
    (v : Tensor α [innerDim]) : SelectiveScanToken α innerDim 1 stateDim where
  u := v
  delta := m.dtUp.matVec (m.dtDown.matVec v)
  B := Vec.ofFn fun _ => m.bProj.matVec v
  C := Vec.ofFn fun _ => m.cProj.matVec v
  z := some ((m.gateProj.matVec x).add m.gateBias)

/-- What the block makes of the output of the scan. -/
def project (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) (y : Tensor α [innerDim]) :
    Tensor α [outputDim] :=
  (m.outProj.matVec y).add m.outBias

/--
Kernel after kernel, from the scan state `h0` and the convolution state `window`: the final states, and the outputs.
-/
def runKernels (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (window : Tensor α [convWidth - 1, innerDim])
    (xs : List (Tensor α [inputDim])) :
    (Tensor α [innerDim, stateDim] × Tensor α [convWidth - 1, innerDim]) × List (Tensor α [outputDim]) :=
  let conv := causalConv1d m.convKernel window (xs.map m.convInput)
  let scan := selectiveScan m.scanKernel h0 (List.zipWith m.scanToken xs conv.2)
  ((scan.1, conv.1), scan.2.map m.project)

/-- Token after token through the single steps of the kernels; `conv` is any convolution, with a state of its own. -/
def kernelRunner {κ : Type} (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (conv : Runner κ (Tensor α [innerDim]) (Tensor α [innerDim])) :
    Runner (Tensor α [innerDim, stateDim] × κ) (Tensor α [inputDim]) (Tensor α [outputDim]) where
  step state x :=
    let convolved := conv.step state.2 (m.convInput x)
    let scanned := selectiveStateUpdate m.scanKernel state.1 (m.scanToken x convolved.2)
    ((scanned.1, convolved.1), m.project scanned.2)

/-- Token after token is kernel after kernel, whatever the convolution. -/
theorem runList_kernelRunner {κ : Type} (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (conv : Runner κ (Tensor α [innerDim]) (Tensor α [innerDim])) (h0 : Tensor α [innerDim, stateDim]) (k0 : κ)
    (xs : List (Tensor α [inputDim])) :
    (m.kernelRunner conv).runList (h0, k0) xs =
      let convolved := conv.runList k0 (xs.map m.convInput)
      let scanned := selectiveScan m.scanKernel h0 (List.zipWith m.scanToken xs convolved.2)
      ((scanned.1, convolved.1), scanned.2.map m.project) := by
  induction xs generalizing h0 k0 with
  | nil => rfl
  | cons x xs ih =>
    simp only [Runner.runList_cons, List.map_cons, List.zipWith_cons_cons, selectiveScan, SelectiveScan.runner,
      kernelRunner] at ih ⊢
    simp only [ih]

/-- Kernel after kernel is a run of the runner that goes token after token on the window. -/
theorem runKernels_eq_runList (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (window : Tensor α [convWidth - 1, innerDim])
    (xs : List (Tensor α [inputDim])) :
    m.runKernels h0 window xs = (m.kernelRunner m.convKernel.runner).runList (h0, window) xs :=
  (m.runList_kernelRunner m.convKernel.runner h0 window xs).symm

/-- Chunked prefill: a token is a piece of the sequence, run kernel after kernel. -/
def kernelPieces (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) :
    Runner (Tensor α [innerDim, stateDim] × Tensor α [convWidth - 1, innerDim]) (List (Tensor α [inputDim]))
      (List (Tensor α [outputDim])) where
  step state piece := m.runKernels state.1 state.2 piece

/-- Chunked prefill kernel after kernel, of pieces of any lengths, is one pass kernel after kernel. -/
theorem runKernels_flatten (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (window : Tensor α [convWidth - 1, innerDim])
    (ps : List (List (Tensor α [inputDim]))) :
    m.runKernels h0 window ps.flatten =
      ((m.kernelPieces.runList (h0, window) ps).1, (m.kernelPieces.runList (h0, window) ps).2.flatten) := by
  have hpieces : m.kernelPieces = (m.kernelRunner m.convKernel.runner).pieces := by
    simp only [kernelPieces, Runner.pieces, runKernels_eq_runList]
  rw [hpieces, runKernels_eq_runList, Runner.runList_flatten]

/-- The window of the last `convWidth - 1` values that a block's history means. -/
abbrev windowOfHistory (convWidth : Nat) (history : List (Tensor α [innerDim])) : Tensor α [convWidth - 1, innerDim] :=
  windowOf (Vec.ofFn fun _ => 0) (convWidth - 1) history

/-- One token through the steps of the kernels is one token of the block. -/
theorem step_kernelRunner (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (x : Tensor α [inputDim]) :
    (m.kernelRunner m.convKernel.runner).step (h0, windowOfHistory convWidth history) x =
      (((m.step (h0, history) x).1.1, windowOfHistory convWidth (m.step (h0, history) x).1.2),
        (m.step (h0, history) x).2) := by
  have hconv (w : Tensor α [convWidth, innerDim]) : m.convKernel.output w = (m.conv w).map Scalar.silu := by
    apply Vec.ext
    intro i
    rw [CausalConv1d.get_output]
    simp only [convKernel, Option.elim, ConvActivation.apply, conv, Vec.get_map, Vec.get_ofFn]
  have hscan (h : Tensor α [innerDim, stateDim]) (v : Tensor α [innerDim]) :
      selectiveStateUpdate m.scanKernel h (m.scanToken x v) =
        let dt := ((m.dtUp.matVec (m.dtDown.matVec v)).add m.dtBias).map Scalar.softplus
        let h' : Tensor α [innerDim, stateDim] :=
          Vec.ofFn fun i => (m.transition dt v (m.bProj.matVec v) i).apply (h.get i)
        (h', Vec.ofFn fun i => ((m.cProj.matVec v).dot (h'.get i) + m.D.get i * v.get i) *
          Scalar.silu (((m.gateProj.matVec x).add m.gateBias).get i)) := by
    simp only [selectiveStateUpdate, SelectiveScan.stepSize, SelectiveScan.transition, SelectiveScan.readOut, scanKernel,
      scanToken, transition, Option.elim, Vec.get_ofFn, ↓reduceIte]
  have hwindow (current : Tensor α [innerDim]) :
      window convWidth current history = windowOf (Vec.ofFn fun _ => 0) convWidth (current :: history) := rfl
  simp only [kernelRunner, CausalConv1d.runner, causalConv1dUpdate, windowOfHistory, Vec.shiftIn_windowOf, hconv, hscan,
    step, convInput, project, hwindow, windowOf_newest _ (Nat.le_refl _)]

end SelectiveMambaBlockSpec

variable {α : Type} [Scalar α] {inputDim innerDim stateDim outputDim convWidth : Nat}

/--
Kernel after kernel is the selective Mamba block, from any state and history: the same outputs, the same final scan state, and
a final convolution state that is the window of the final history.
-/
theorem selectiveMamba_runListAux_eq_kernels
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (xs : List (Tensor α [inputDim])) :
    m.runKernels h0 (SelectiveMambaBlockSpec.windowOfHistory convWidth history) xs =
      (((m.runListAux h0 history xs).1.1,
        SelectiveMambaBlockSpec.windowOfHistory convWidth (m.runListAux h0 history xs).1.2),
        (m.runListAux h0 history xs).2) := by
  rw [m.runKernels_eq_runList]
  exact Runner.runList_of_step (r' := m.runner)
    (f := fun s => (s.1, SelectiveMambaBlockSpec.windowOfHistory convWidth s.2))
    (fun s x => m.step_kernelRunner s.1 s.2 x) (h0, history) xs

/--
Kernel after kernel, from the zero convolution state, is the selective Mamba block from the empty history: the same outputs,
and final states that correspond.
-/
theorem selectiveMamba_runList_eq_kernels
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (xs : List (Tensor α [inputDim])) :
    m.runKernels h0 (CausalConv1d.zeroState α innerDim convWidth) xs =
      (((m.runList h0 xs).1.1, SelectiveMambaBlockSpec.windowOfHistory convWidth (m.runList h0 xs).1.2),
        (m.runList h0 xs).2) :=
  selectiveMamba_runListAux_eq_kernels m h0 [] xs

/-- The convolution of a checkpoint is the kernel with the taps in the order in which PyTorch stores them. -/
theorem MambaCheckpoint.convKernel_toSpec {dtRank : Nat}
    (p : MambaCheckpoint α inputDim innerDim stateDim outputDim convWidth dtRank) :
    p.toSpec.convKernel = CausalConv1d.ofOldestFirst p.convWeight (some p.convBias) .silu := rfl

end Scanproof
