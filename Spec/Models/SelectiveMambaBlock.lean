/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.Window
public import Spec.Scan.Diagonal

/-!
# Selective Mamba block

The whole block of the paper, as its PyTorch reference computes it:

    x' = inProj x + inBias                          z = gateProj x + gateBias
    v  = silu (conv (x', history) + convBias)       causal, depthwise, newest tap first
    dt = softplus (dtUp (dtDown v) + dtBias)        B = bProj v      C = cProj v
    h'[i, n] = exp (dt[i] * A[i, n]) * h[i, n] + (dt[i] * B[n]) * v[i]
    y[i] = ((sum over n of C[n] * h'[i, n]) + D[i] * v[i]) * silu z[i]
    output = outProj y + outBias

The state has two parts: `h`, and the last `convWidth - 1` values of `x'`, newest first (`history`).

## Main definitions

* `SelectiveMambaBlockSpec`: the parameters.
* `SelectiveMambaBlockSpec.runListAux`: run from a state and a history.
* `SelectiveMambaBlockSpec.runList`: run from a state and the empty history.

## References

* A. Gu, T. Dao, *Mamba: Linear-Time Sequence Modeling with Selective State Spaces*, COLM 2024, sections 3.2 and 3.4.
-/

@[expose] public noncomputable section

namespace Scanproof

/--
Parameters of a selective Mamba block. Matrices have shape (out, in). The time step's projection is the product of two
factors of rank `dtRank`, as in real checkpoints.
-/
structure SelectiveMambaBlockSpec (α : Type) (inputDim innerDim stateDim outputDim convWidth : Nat) where
  /-- The rank of the time step's projection. -/
  dtRank : Nat
  /-- From the input to the inner channels. -/
  inProj : Tensor α [innerDim, inputDim]
  /-- The bias of `inProj`. -/
  inBias : Tensor α [innerDim]
  /-- From the input to the gate, before the SiLU. -/
  gateProj : Tensor α [innerDim, inputDim]
  /-- The bias of `gateProj`. -/
  gateBias : Tensor α [innerDim]
  /-- The taps of the depthwise convolution, newest token first. -/
  convWeight : Tensor α [innerDim, convWidth]
  /-- The bias of the convolution. -/
  convBias : Tensor α [innerDim]
  /-- The inner factor of the time step's projection. -/
  dtDown : Tensor α [dtRank, innerDim]
  /-- The outer factor of the time step's projection. -/
  dtUp : Tensor α [innerDim, dtRank]
  /-- The bias of the time step, before the softplus. -/
  dtBias : Tensor α [innerDim]
  /-- From the inner channels to `B`. -/
  bProj : Tensor α [stateDim, innerDim]
  /-- From the inner channels to `C`. -/
  cProj : Tensor α [stateDim, innerDim]
  /-- The continuous-time decay rates, negative in a stable model. -/
  A : Tensor α [innerDim, stateDim]
  /-- The weight with which an inner channel passes by the state. -/
  D : Tensor α [innerDim]
  /-- From the gated inner channels to the output. -/
  outProj : Tensor α [outputDim, innerDim]
  /-- The bias of `outProj`. -/
  outBias : Tensor α [outputDim]

namespace SelectiveMambaBlockSpec

variable {α : Type} [Scalar α] {inputDim innerDim stateDim outputDim convWidth : Nat}

/-- The last `convWidth` values that the convolution sees, newest first; values before the start are zero. -/
def window (convWidth : Nat) (current : Tensor α [innerDim]) (history : List (Tensor α [innerDim])) :
    Tensor α [convWidth, innerDim] :=
  Vec.ofFn fun k => entryAt (Vec.ofFn fun _ => 0) (current :: history) k.val

/-- The causal depthwise convolution of one token, with its bias, before the SiLU. -/
def conv (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (w : Tensor α [convWidth, innerDim]) : Tensor α [innerDim] :=
  Vec.ofFn fun i => (sum fun k => (m.convWeight.get i).get k * (w.get k).get i) + m.convBias.get i

/-- The transition of inner channel `i`: decay `exp (dt A)`, input `(dt B) v`. -/
def transition (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (dt v : Tensor α [innerDim]) (B : Tensor α [stateDim]) (i : Fin innerDim) : DiagonalTransition α stateDim :=
  let dtI := dt.get i
  let vI := v.get i
  ⟨(m.A.get i).map fun rate => Scalar.exp (dtI * rate), B.map fun b => (dtI * b) * vI⟩

/-- One token: the next state and history, and the output. -/
def step (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (state : Tensor α [innerDim, stateDim] × List (Tensor α [innerDim])) (x : Tensor α [inputDim]) :
    (Tensor α [innerDim, stateDim] × List (Tensor α [innerDim])) × Tensor α [outputDim] :=
  let current := (m.inProj.matVec x).add m.inBias
  let z := (m.gateProj.matVec x).add m.gateBias
  let v := (m.conv (window convWidth current state.2)).map Scalar.silu
  let dt := ((m.dtUp.matVec (m.dtDown.matVec v)).add m.dtBias).map Scalar.softplus
  let B := m.bProj.matVec v
  let C := m.cProj.matVec v
  let h' : Tensor α [innerDim, stateDim] := Vec.ofFn fun i => (m.transition dt v B i).apply (state.1.get i)
  let y : Tensor α [innerDim] :=
    Vec.ofFn fun i => (C.dot (h'.get i) + m.D.get i * v.get i) * Scalar.silu (z.get i)
  ((h', newest (convWidth - 1) (current :: state.2)), (m.outProj.matVec y).add m.outBias)

/-- The block as a state machine. -/
def runner (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) :
    Runner (Tensor α [innerDim, stateDim] × List (Tensor α [innerDim])) (Tensor α [inputDim])
      (Tensor α [outputDim]) where
  step := m.step

/-- Run from the state `h0` and a newest-first `history`: the final state and history, and the outputs. -/
def runListAux (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (xs : List (Tensor α [inputDim])) :
    (Tensor α [innerDim, stateDim] × List (Tensor α [innerDim])) × List (Tensor α [outputDim]) :=
  m.runner.runList (h0, history) xs

/-- Run from the state `h0` and the empty history: the final state and history, and the outputs. -/
def runList (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (xs : List (Tensor α [inputDim])) :
    (Tensor α [innerDim, stateDim] × List (Tensor α [innerDim])) × List (Tensor α [outputDim]) :=
  m.runListAux h0 [] xs

end SelectiveMambaBlockSpec

end Scanproof
