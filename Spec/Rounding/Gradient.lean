/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Rounding.Scan
public import Spec.Scan.Adjoint

/-!
# Rounding in the gradient of the diagonal scan

The gradient is a diagonal scan run backwards, so the bound on that scan bounds it: the very expression, evaluated on the
adjoint transitions.

## Main results

* `diagonalScan_vjp_inputs_error`: the cotangent of an input, evaluated in any association with inexact coefficients.
* `diagonalScan_vjp_decays_error`: the cotangent of a decay, a rounded product of two states that are known to within bounds.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind Std

attribute [local instance] Semiring.natCast

/--
The cotangent of a decay is the product of the cotangent of its input and the state before it: how far a rounded product of
approximations, each within a known distance, lies from it.
-/
theorem diagonalScan_vjp_decays_error {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R]
    [IsLinearOrder R] [OrderedRing R] (r : Rounding R) {g g' dg h h' dh y : R} (hg : magnitude (g' - g) ≤ dg)
    (hh : magnitude (h' - h) ≤ dh) (hy : r.Rounds (g' * h') y) :
    magnitude (y - g * h) ≤ r.w * ((magnitude g + dg) * (magnitude h + dh)) + r.η - magnitude g * magnitude h :=
  (((Within.inexact hg).mul (Within.inexact hh)).round r hy).error

variable {α : Type} [Scalar α] {n : Nat} [CommRingScalar α] [LE α] [DecidableLE α] [LT α] [LawfulOrderLT α]
  [IsLinearOrder α] [OrderedRing α]

/--
Soundness for the cotangent of the first of the inputs `ts`; of any other, with `ts` and `ws` from its token on. Let `leaves`
be the transitions of entry `i` of the adjoint scan as they are meant, as an implementation has them, and how far these lie
apart. Whatever a tree over the last cotangent and the latter evaluates to lies within `scanBound` of the cotangent.
-/
theorem diagonalScan_vjp_inputs_error (r : Rounding α) (w : Tensor α [n]) (t : DiagonalTransition α n)
    (ts : List (DiagonalTransition α n)) (v : Tensor α [n]) (ws : List (Tensor α [n])) (hw : ws.length = ts.length) (i : Fin n)
    (leaves : List (InexactTransition α))
    (hleaves : leaves.map InexactTransition.exact =
      (adjointTransitions (t :: ts) (v :: ws)).map (DiagonalTransition.entry i))
    {tree : Tree (α × α)} {result : α × α}
    (htree : tree.toList = (0, w.get i) :: leaves.map InexactTransition.given) (h : r.Evaluates tree result)
    (hη : 8 * (r.w * r.w * r.η) * (((leaves.length + 1 : Nat) : α) * ((leaves.length + 1 : Nat) : α)) ≤ 1) :
    ∃ g ∈ (diagonalScanVjp w (t :: ts) (v :: ws)).head?, magnitude (result.2 - g.get i) ≤ r.scanBound (w.get i) leaves :=
  ⟨_, diagonalScanVjp_head w t ts v ws hw, runDiagonalTransitions_error r w _ i leaves hleaves htree h hη⟩

end Scanproof
