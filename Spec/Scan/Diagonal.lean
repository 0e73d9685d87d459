/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Runner
public import Spec.Tensor

/-!
# The diagonal selective scan

The recurrence `h' = a ⊙ h + b` with coefficients that may differ at every token: the core that all models here share.

## Main definitions

* `DiagonalTransition`: the coefficients `a` and `b` of one token; `DiagonalTransition.apply` performs the step.
* `runDiagonalTransitions`: the state after a list of transitions.
* `diagonalSelectiveScan`: the states after each of them.

## Main results

* `diagonalSelectiveScan_append`: the scan of an append is the scan of the prefix, followed by the scan of the rest from
  the state that the prefix reached.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} [Scalar α] {stateDim : Nat}

/-- The affine map `h ↦ a ⊙ h + b` of one token. -/
structure DiagonalTransition (α : Type) (stateDim : Nat) where
  /-- The factor of each state entry (the decay). -/
  a : Tensor α [stateDim]
  /-- What the token adds to each state entry. -/
  b : Tensor α [stateDim]

/-- The state `a ⊙ h + b`: multiply, then add. -/
def DiagonalTransition.apply (t : DiagonalTransition α stateDim) (h : Tensor α [stateDim]) : Tensor α [stateDim] :=
  (t.a.mul h).add t.b

/-- The runner whose tokens are transitions and whose outputs are the states. -/
def diagonalScanRunner (α : Type) [Scalar α] (stateDim : Nat) :
    Runner (Tensor α [stateDim]) (DiagonalTransition α stateDim) (Tensor α [stateDim]) where
  step h t :=
    let h' := t.apply h
    (h', h')

/-- The state after all transitions, from `h0`. -/
def runDiagonalTransitions (h0 : Tensor α [stateDim]) (ts : List (DiagonalTransition α stateDim)) :
    Tensor α [stateDim] :=
  ((diagonalScanRunner α stateDim).runList h0 ts).1

/-- The states after each transition, from `h0` (which is not among them). -/
def diagonalSelectiveScan (h0 : Tensor α [stateDim]) (ts : List (DiagonalTransition α stateDim)) :
    List (Tensor α [stateDim]) :=
  ((diagonalScanRunner α stateDim).runList h0 ts).2

/-- One state per transition. -/
@[simp] theorem length_diagonalSelectiveScan (h0 : Tensor α [stateDim]) (ts : List (DiagonalTransition α stateDim)) :
    (diagonalSelectiveScan h0 ts).length = ts.length :=
  Runner.length_outputs _ h0 ts

/-- Running appended transitions is running the later ones from the state after the earlier ones. -/
theorem runDiagonalTransitions_append (h0 : Tensor α [stateDim]) (xs ys : List (DiagonalTransition α stateDim)) :
    runDiagonalTransitions h0 (xs ++ ys) = runDiagonalTransitions (runDiagonalTransitions h0 xs) ys :=
  Runner.state_append _ h0 xs ys

/--
The scan of an append is the scan of the prefix `xs`, followed by the scan of `ys` from the state that `xs` reached.
So a sequence may be processed in pieces that hand their state on, and a longer sequence keeps the states of its prefix.
-/
theorem diagonalSelectiveScan_append (h0 : Tensor α [stateDim]) (xs ys : List (DiagonalTransition α stateDim)) :
    diagonalSelectiveScan h0 (xs ++ ys) =
      diagonalSelectiveScan h0 xs ++ diagonalSelectiveScan (runDiagonalTransitions h0 xs) ys := by
  simp only [diagonalSelectiveScan, runDiagonalTransitions, Runner.runList_append]

end Scanproof
