/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.RingScalar
public import Spec.Rounding.Leaves
public import Spec.Scan.DiagonalTree

/-!
# Rounding in the diagonal selective scan

The bounds, said of `runDiagonalTransitions` itself: the scan that the models and kernels here run. Arithmetic that rounds is another
`Scalar` on the same numbers, so the rounded scan is the same definition, run with it.

## Main definitions

* `DiagonalTransition.entry`: the transition of one state entry.
* `roundedScalar fl`: the arithmetic whose sums and products are rounded by `fl`.

## Main results

* `get_runDiagonalTransitions`: each entry of the state is a scan of its own.
* `runDiagonalTransitions_error`: whatever evaluates an entry, in any association and with inexact coefficients, lies within
  `Rounding.scanBound` of the exact state. The theorem that a verdict of refinement rests on.
* `runDiagonalTransitions_rounded_error`: the runner itself, run in rounded arithmetic, lies within `Rounding.runningError`.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind Std

attribute [local instance] Semiring.natCast

variable {α : Type} [Scalar α] {n : Nat}

/-- The transition of the state entry `i`. -/
def DiagonalTransition.entry (i : Fin n) (t : DiagonalTransition α n) : α × α := (t.a.get i, t.b.get i)

/-- Each entry of the state is a scan of its own, whatever the arithmetic. -/
theorem get_runDiagonalTransitions (h0 : Tensor α [n]) (ts : List (DiagonalTransition α n)) (i : Fin n) :
    (runDiagonalTransitions h0 ts).get i =
      (ts.map (DiagonalTransition.entry i)).foldl (fun h t => t.1 * h + t.2) (h0.get i) := by
  rw [runDiagonalTransitions_eq_foldl]
  induction ts generalizing h0 with
  | nil => rfl
  | cons t ts ih =>
    rw [List.foldl_cons, ih, List.map_cons, List.foldl_cons]
    simp only [DiagonalTransition.apply, DiagonalTransition.entry, Vec.mul, Vec.add, Vec.get_zipWith]

section

variable [CommRingScalar α] [LE α] [DecidableLE α] [LT α] [LawfulOrderLT α] [IsLinearOrder α] [OrderedRing α]

/--
Soundness for the diagonal selective scan. For the state entry `i`, let `leaves` be its transitions as they are meant, as an implementation
has them, and how far these lie apart. Whatever a tree over the initial state and the latter evaluates to, every operation rounding in a way of
its own, lies within `scanBound` of the entry that `runDiagonalTransitions` gives. The condition bounds underflow; it is void for `η = 0`.
-/
theorem runDiagonalTransitions_error (r : Rounding α) (h0 : Tensor α [n]) (ts : List (DiagonalTransition α n)) (i : Fin n)
    (leaves : List (InexactTransition α)) (hleaves : leaves.map InexactTransition.exact = ts.map (DiagonalTransition.entry i))
    {tree : Tree (α × α)} {result : α × α}
    (htree : tree.toList = (0, h0.get i) :: leaves.map InexactTransition.given) (h : r.Evaluates tree result)
    (hη : 8 * (r.w * r.w * r.η) * (((leaves.length + 1 : Nat) : α) * ((leaves.length + 1 : Nat) : α)) ≤ 1) :
    magnitude (result.2 - (runDiagonalTransitions h0 ts).get i) ≤ r.scanBound (h0.get i) leaves := by
  have herror := r.scan_error (h0.get i) leaves htree h hη
  rw [get_runDiagonalTransitions, ← hleaves]
  exact herror

end

/-- The rational numbers are such scalars: their order is that of their ring. -/
theorem orderedRing_exact :
    letI := exactScalar
    letI := commRingScalar_exact
    @OrderedRing Rat CommRingScalar.toRing.toSemiring inferInstance inferInstance inferInstance :=
  letI := exactScalar
  letI := commRingScalar_exact
  @OrderedRing.mk Rat CommRingScalar.toRing.toSemiring inferInstance inferInstance inferInstance
    (@OrderedAdd.mk Rat _ inferInstance inferInstance fun {a b} c => by
      exact (OrderedAdd.add_le_left_iff (M := Rat) (a := a) (b := b) c))
    (by exact OrderedRing.zero_lt_one (R := Rat))
    (fun {a b c} hab hc => by exact OrderedRing.mul_lt_mul_of_pos_left (R := Rat) (a := a) (b := b) (c := c) hab hc)
    (fun {a b c} hab hc => by exact OrderedRing.mul_lt_mul_of_pos_right (R := Rat) (a := a) (b := b) (c := c) hab hc)

/-- The arithmetic whose sums and products are rounded by `fl`; all else is as before. -/
@[reducible] def roundedScalar (fl : α → α) [base : Scalar α] : Scalar α where
  zero := base.zero
  one := base.one
  add x y := fl (base.add x y)
  mul x y := fl (base.mul x y)
  neg := base.neg
  div := base.div
  natCast := base.natCast
  exp := base.exp
  log := base.log
  max := base.max
  softplus := base.softplus

/--
The runner itself, run in arithmetic that rounds by `fl`, on the same numbers: each entry of its state lies within `runningError` of the exact
one.
-/
theorem runDiagonalTransitions_rounded_error [CommRingScalar α] [LE α] [DecidableLE α] [LT α] [LawfulOrderLT α]
    [IsLinearOrder α] [OrderedRing α] (r : Rounding α) (fl : α → α) (hfl : ∀ x, r.Rounds x (fl x)) (h0 : Tensor α [n])
    (ts : List (DiagonalTransition α n)) (i : Fin n) :
    magnitude ((@runDiagonalTransitions α (roundedScalar fl) n h0 ts).get i - (runDiagonalTransitions h0 ts).get i) ≤
      r.runningError (h0.get i) 0 (ts.map (DiagonalTransition.entry i)) := by
  have hrun (h : α) (ts : List (α × α)) : r.Run h ts (ts.foldl (fun h t => fl (fl (t.1 * h) + t.2)) h) := by
    induction ts generalizing h with
    | nil => exact .nil h
    | cons t ts ih => exact .cons (Or.inl ⟨_, hfl _, hfl _⟩) (ih _)
  have hzero : magnitude (h0.get i - h0.get i) ≤ (0 : α) := by
    rw [show h0.get i - h0.get i = 0 by grind, magnitude_of_nonneg (le_refl _)]
    exact le_refl _
  have herror := r.sequential_error hzero (hrun (h0.get i) (ts.map (DiagonalTransition.entry i)))
  have hrounded : (@runDiagonalTransitions α (roundedScalar fl) n h0 ts).get i =
      (ts.map (DiagonalTransition.entry i)).foldl (fun h t => fl (fl (t.1 * h) + t.2)) (h0.get i) :=
    letI := roundedScalar fl
    get_runDiagonalTransitions h0 ts i
  rw [hrounded, get_runDiagonalTransitions h0 ts i]
  exact herror

end Scanproof
