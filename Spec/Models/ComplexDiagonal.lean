/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Complex
public import Spec.Scan.Diagonal

/-!
# Complex diagonal state spaces: S5 and the linear recurrent unit

`h' = λ ⊙ h + B u` with a complex state, read as the real part of `C h'`, and `D u` besides. The state is a diagonal scan over
complex scalars, so every form of that scan is a form of this layer. The decays may differ at every token: S5 with varying step
sizes.

Where the state keeps one entry of each conjugate pair, the output is twice the real part (`conjugatePairs`): S5's `conj_sym`.
Its discretisation is `λ = exp (Λ Δ)`, and scales `B`; that of the linear recurrent unit, `B` scaled by `γ`.

## Main definitions

* `ComplexDiagonalSpec`: the parameters of a layer; `ComplexDiagonalSpec.runner`, `ComplexDiagonalSpec.runList` run it.

## Main results

* `complexDiagonal_outputs`: each output is read from the state of a complex diagonal scan. `Spec.Models.ComplexDiagonalParallel`
  has the parallel form.

## References

* J. T. H. Smith, A. Warrington, S. W. Linderman, *Simplified State Space Layers for Sequence Modeling*, ICLR 2023, section 3.
* A. Orvieto et al., *Resurrecting Recurrent Neural Networks for Long Sequences*, ICML 2023, section 3.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- The parameters of a complex diagonal layer. -/
structure ComplexDiagonalSpec (α : Type) (inputDim stateDim outputDim : Nat) where
  /-- How the input enters the state. -/
  inProj : Tensor (Complex α) [stateDim, inputDim]
  /-- How the state is read. -/
  outProj : Tensor (Complex α) [outputDim, stateDim]
  /-- How the input passes by the state. -/
  skip : Tensor α [outputDim, inputDim]
  /-- Whether the state keeps one entry of each conjugate pair, so that what is read counts twice. -/
  conjugatePairs : Bool := false

/-- One token: its decays and its input. -/
structure ComplexDiagonalToken (α : Type) (inputDim stateDim : Nat) where
  /-- The factor of each state entry. -/
  decay : Tensor (Complex α) [stateDim]
  /-- The input, which is real. -/
  u : Tensor α [inputDim]

namespace ComplexDiagonalSpec

variable {α : Type} [Scalar α] [Polar α] {inputDim stateDim outputDim : Nat}
  (m : ComplexDiagonalSpec α inputDim stateDim outputDim)

/-- The transition of a token. -/
def transition (t : ComplexDiagonalToken α inputDim stateDim) : DiagonalTransition (Complex α) stateDim :=
  ⟨t.decay, m.inProj.matVec (t.u.map Complex.ofReal)⟩

/-- The output of a token, whose state is `h` after it. -/
def readOut (t : ComplexDiagonalToken α inputDim stateDim) (h : Tensor (Complex α) [stateDim]) : Tensor α [outputDim] :=
  let read := (m.outProj.matVec h).map fun y => if m.conjugatePairs then Scalar.natCast 2 * y.re else y.re
  read.add (m.skip.matVec t.u)

/-- The layer as a state machine. -/
def runner : Runner (Tensor (Complex α) [stateDim]) (ComplexDiagonalToken α inputDim stateDim) (Tensor α [outputDim]) where
  step h t :=
    let h' := (m.transition t).apply h
    (h', m.readOut t h')

/-- A list of tokens from the state `h0`: the final state and the outputs. -/
def runList (h0 : Tensor (Complex α) [stateDim]) (ts : List (ComplexDiagonalToken α inputDim stateDim)) :
    Tensor (Complex α) [stateDim] × List (Tensor α [outputDim]) :=
  m.runner.runList h0 ts

end ComplexDiagonalSpec

variable {α : Type} [Scalar α] [Polar α] {inputDim stateDim outputDim : Nat}
  (m : ComplexDiagonalSpec α inputDim stateDim outputDim) (h0 : Tensor (Complex α) [stateDim])
  (ts : List (ComplexDiagonalToken α inputDim stateDim))

/-- The final state is that of a complex diagonal scan, whatever the arithmetic. -/
theorem complexDiagonal_state : (m.runList h0 ts).1 = runDiagonalTransitions h0 (ts.map m.transition) := by
  induction ts generalizing h0 with
  | nil => rfl
  | cons t ts ih => exact ih _

/-- The outputs are read from the states of a complex diagonal scan, whatever the arithmetic. -/
theorem complexDiagonal_outputs :
    (m.runList h0 ts).2 = List.zipWith m.readOut ts (diagonalSelectiveScan h0 (ts.map m.transition)) := by
  induction ts generalizing h0 with
  | nil => rfl
  | cons t ts ih => exact congrArg (List.cons _) (ih _)

end Scanproof
