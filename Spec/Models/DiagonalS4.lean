/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Diagonal

/-!
# Diagonal S4

The time-invariant diagonal state-space layer, already discretised:

    h' = a ⊙ h + inProj x
    y  = outProj h' + skip x

## References

* A. Gu, K. Goel, C. Ré, *Efficiently Modeling Long Sequences with Structured State Spaces*, ICLR 2022.
* A. Gu, A. Gupta, K. Goel, C. Ré, *On the Parameterization and Initialization of Diagonal State Space Models*,
  NeurIPS 2022.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- Parameters of a diagonal S4 layer. Matrices have shape (out, in). -/
structure DiagonalS4Spec (α : Type) (inputDim stateDim outputDim : Nat) where
  /-- From the input to the state (the discretised `B`). -/
  inProj : Tensor α [stateDim, inputDim]
  /-- The decay of each state entry (the discretised diagonal of `A`). -/
  a : Tensor α [stateDim]
  /-- From the state to the output (`C`). -/
  outProj : Tensor α [outputDim, stateDim]
  /-- From the input straight to the output (`D`). -/
  skip : Tensor α [outputDim, inputDim]

namespace DiagonalS4Spec

variable {α : Type} [Scalar α] {inputDim stateDim outputDim : Nat}

/-- One token: the next state and the output. -/
def step (m : DiagonalS4Spec α inputDim stateDim outputDim) (h : Tensor α [stateDim]) (x : Tensor α [inputDim]) :
    Tensor α [stateDim] × Tensor α [outputDim] :=
  let h' := DiagonalTransition.apply ⟨m.a, m.inProj.matVec x⟩ h
  (h', (m.outProj.matVec h').add (m.skip.matVec x))

/-- The layer as a state machine. -/
def runner (m : DiagonalS4Spec α inputDim stateDim outputDim) :
    Runner (Tensor α [stateDim]) (Tensor α [inputDim]) (Tensor α [outputDim]) where
  step := m.step

/-- Run over a list of tokens from the state `h0`: the final state and the outputs. -/
def runList (m : DiagonalS4Spec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs : List (Tensor α [inputDim])) : Tensor α [stateDim] × List (Tensor α [outputDim]) :=
  m.runner.runList h0 xs

end DiagonalS4Spec

end Scanproof
