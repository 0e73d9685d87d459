/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Diagonal

/-!
# Compact Mamba block

The smallest block with Mamba's shape: a diagonal recurrence whose read-out is gated by the token.

    u  = inProj x
    g  = sigmoid (gateProj x)
    h' = a ⊙ h + b ⊙ u
    y  = outProj ((c ⊙ h' + d ⊙ u) ⊙ g)

## References

* A. Gu, T. Dao, *Mamba: Linear-Time Sequence Modeling with Selective State Spaces*, COLM 2024.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- Parameters of a compact Mamba block. Matrices have shape (out, in). -/
structure MambaBlockSpec (α : Type) (inputDim stateDim outputDim : Nat) where
  /-- From the input to the state channels. -/
  inProj : Tensor α [stateDim, inputDim]
  /-- From the input to the gate, before the sigmoid. -/
  gateProj : Tensor α [stateDim, inputDim]
  /-- The decay of each state entry. -/
  a : Tensor α [stateDim]
  /-- The weight with which a channel enters the state. -/
  b : Tensor α [stateDim]
  /-- The weight with which the state is read. -/
  c : Tensor α [stateDim]
  /-- The weight with which a channel passes by the state. -/
  d : Tensor α [stateDim]
  /-- From the gated channels to the output. -/
  outProj : Tensor α [outputDim, stateDim]

namespace MambaBlockSpec

variable {α : Type} [Scalar α] {inputDim stateDim outputDim : Nat}

/-- One token: the next state and the output. -/
def step (m : MambaBlockSpec α inputDim stateDim outputDim) (h : Tensor α [stateDim]) (x : Tensor α [inputDim]) :
    Tensor α [stateDim] × Tensor α [outputDim] :=
  let u := m.inProj.matVec x
  let g := (m.gateProj.matVec x).map Scalar.sigmoid
  let h' := DiagonalTransition.apply ⟨m.a, m.b.mul u⟩ h
  (h', m.outProj.matVec (((m.c.mul h').add (m.d.mul u)).mul g))

/-- The block as a state machine. -/
def runner (m : MambaBlockSpec α inputDim stateDim outputDim) :
    Runner (Tensor α [stateDim]) (Tensor α [inputDim]) (Tensor α [outputDim]) where
  step := m.step

/-- Run over a list of tokens from the state `h0`: the final state and the outputs. -/
def runList (m : MambaBlockSpec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs : List (Tensor α [inputDim])) : Tensor α [stateDim] × List (Tensor α [outputDim]) :=
  m.runner.runList h0 xs

end MambaBlockSpec

end Scanproof
