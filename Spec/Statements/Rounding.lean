/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Rounding.FloatingPoint
public import Spec.Rounding.Maximum
public import Spec.Rounding.Scan
public import Spec.Rounding.Sum

/-!
# Rounding, restated

Each public theorem of `Spec.Rounding`, word for word. Who weakens one breaks the build here, and finds in one place what the library says.
-/

namespace Scanproof

open Lean.Grind Std

attribute [local instance] Semiring.natCast

/-! ## Rounding/Abs -/

section

variable {R : Type} [CommRing R] [LE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

example {x x' y y' : R} (hx : 0 ≤ x) (hxx' : x ≤ x') (hy : 0 ≤ y) (hyy' : y ≤ y') :
    x * y ≤ x' * y' := by
  apply mul_le_mul_of_nonneg <;> assumption

example : (0 : R) ≤ 1 := by
  apply zero_le_one <;> assumption

example {x : R} (h : 1 ≤ x) : 0 ≤ x := by
  apply nonneg_of_one_le <;> assumption

example {x y : R} (hx : 1 ≤ x) (hy : 1 ≤ y) : 1 ≤ x * y := by
  apply one_le_mul <;> assumption

example {x : R} (h : 1 ≤ x) (n : Nat) : 1 ≤ x ^ n := by
  apply one_le_pow <;> assumption

example (n : Nat) : (0 : R) ≤ (n : R) := by
  apply natCast_nonneg <;> assumption

end

section

variable {R : Type} [CommRing R] [LE R] [DecidableLE R]

example {x : R} (h : 0 ≤ x) : magnitude x = x := by
  apply magnitude_of_nonneg <;> assumption

variable [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

example {x : R} (h : x ≤ 0) : magnitude x = -x := by
  apply magnitude_of_nonpos <;> assumption

example (x : R) : 0 ≤ magnitude x := by
  apply magnitude_nonneg <;> assumption

example {x c : R} : magnitude x ≤ c ↔ -c ≤ x ∧ x ≤ c := by
  apply magnitude_le_iff <;> assumption

example (x : R) : x ≤ magnitude x := by
  apply le_magnitude <;> assumption

example (x y : R) : magnitude (x + y) ≤ magnitude x + magnitude y := by
  apply magnitude_add_le <;> assumption

example (x : R) : magnitude (-x) = magnitude x := by
  apply magnitude_neg <;> assumption

example (x y : R) : magnitude (x * y) = magnitude x * magnitude y := by
  apply magnitude_mul <;> assumption

end

/-! ## Rounding/Model -/

section

variable {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

example (r : Rounding R) (x : R) : r.Rounds x x := by
  apply Rounding.rounds_self <;> assumption

example (r : Rounding R) : 1 ≤ r.w := by
  apply Rounding.one_le_w <;> assumption

variable {x' x X Y y' y V Z : R}

example (x : R) : Within x x (magnitude x) (magnitude x) := by
  apply Within.exact <;> assumption

example {e : R} (h : magnitude (x' - x) ≤ e) : Within x' x (magnitude x) (magnitude x + e) := by
  apply Within.inexact <;> assumption

example (h : Within x' x X Y) {Y' : R} (hY : Y ≤ Y') : Within x' x X Y' := by
  apply Within.mono <;> assumption

example (h : Within x' x X Y) : 0 ≤ X := by
  apply Within.nonneg <;> assumption

example (h : Within x' x X Y) : X ≤ Y := by
  apply Within.le <;> assumption

example (h : Within x' x X Y) : magnitude x' ≤ Y := by
  apply Within.computed <;> assumption

example (hx : Within x' x X Y) (hy : Within y' y V Z) : Within (x' + y') (x + y) (X + V) (Y + Z) := by
  apply Within.add <;> assumption

example (hx : Within x' x X Y) (hy : Within y' y V Z) : Within (x' * y') (x * y) (X * V) (Y * Z) := by
  apply Within.mul <;> assumption

example (r : Rounding R) (hx : Within x' x X Y) {z : R} (hz : r.Rounds x' z) : Within z x X (r.w * Y + r.η) := by
  apply Within.round <;> assumption

example (r : Rounding R) {a' a A A' h' h H H' b' b B B' y : R} (ha : Within a' a A A')
    (hh : Within h' h H H') (hb : Within b' b B B') (hy : r.Affine a' h' b' y) :
    Within y (a * h + b) (A * H + B) (r.w * (r.w * (A' * H') + r.η + B') + r.η) := by
  apply Rounding.affine_error <;> assumption

end

/-! ## Rounding/Tree -/

section

variable {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

example (r : Rounding R) {tree : Tree (R × R)} {result : R × R} (h : r.Evaluates tree result)
    (hη : 8 * (r.w * r.w * r.η) * ((tree.toList.length : R) * tree.toList.length) ≤ 1) :
    magnitude (result.2 - (tree.combine affineAfter).2) ≤ r.treeBound tree.toList := by
  apply Rounding.tree_error <;> assumption

end

/-! ## Rounding/Sequential -/

section

variable {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

example (r : Rounding R) {t : R × R} {h h' e y : R} (he : magnitude (h' - h) ≤ e)
    (hy : r.Affine t.1 h' t.2 y) : magnitude (y - affineApply t h) ≤ r.stepError t h e := by
  apply Rounding.step_error <;> assumption

example (r : Rounding R) {h h' e result : R} {ts : List (R × R)}
    (he : magnitude (h' - h) ≤ e) (hrun : r.Run h' ts result) :
    magnitude (result - ts.foldl (fun h t => affineApply t h) h) ≤ r.runningError h e ts := by
  apply Rounding.sequential_error <;> assumption

example (first : Tree (R × R)) (ts : List (R × R)) :
    (sequentialTree first ts).toList = first.toList ++ ts := by
  apply toList_sequentialTree <;> assumption

example {r : Rounding R} {h result : R} {ts : List (R × R)} (hrun : r.Run h ts result) :
    ∃ a, r.Evaluates (sequentialTree (.leaf (0, h)) ts) (a, result) := by
  apply Rounding.Run.evaluates <;> assumption

example {A d e e' : R} (hA : 0 ≤ A) (hA1 : A ≤ 1) (he : (1 - A) * e ≤ d) (h : e' ≤ A * e + d) :
    (1 - A) * e' ≤ d := by
  apply geometric_error <;> assumption

example (r : Rounding R) {A B H h e : R} {ts : List (R × R)}
    (hA : r.w * r.w * A ≤ 1) (hts : ∀ t ∈ ts, magnitude t.1 ≤ A ∧ magnitude t.2 ≤ B)
    (hH : ∀ k, magnitude ((ts.take k).foldl (fun h t => affineApply t h) h) ≤ H) (he0 : 0 ≤ e)
    (he : (1 - r.w * r.w * A) * e ≤ (r.w * r.w - 1) * (A * H) + (r.w - 1) * B + (r.w + 1) * r.η) :
    (1 - r.w * r.w * A) * r.runningError h e ts ≤ (r.w * r.w - 1) * (A * H) + (r.w - 1) * B + (r.w + 1) * r.η := by
  apply Rounding.sequential_error_closed <;> assumption

end

/-! ## Rounding/Leaves -/

section

variable {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

example {h h' d : R} (hd : magnitude (h' - h) ≤ d) (ts : List (InexactTransition R)) :
    magnitude (((ts.map InexactTransition.given).foldl (fun h t => affineApply t h) h') -
      ((ts.map InexactTransition.exact).foldl (fun h t => affineApply t h) h)) ≤ movedBy h d ts := by
  apply leaf_error <;> assumption

example (r : Rounding R) {ss ts : List (R × R)} (h : AllDominated ss ts) (hne : ss ≠ []) :
    r.treeBound ss ≤ r.treeBound ts := by
  apply Rounding.treeBound_mono <;> assumption

example (tree : Tree (R × R)) (h : R) :
    affineApply (tree.combine affineAfter) h = tree.toList.foldl (fun h t => affineApply t h) h := by
  apply affineApply_combine <;> assumption

example (r : Rounding R) (h0 : R) (ts : List (InexactTransition R)) {tree : Tree (R × R)} {result : R × R}
    (hleaves : tree.toList = (0, h0) :: ts.map InexactTransition.given) (h : r.Evaluates tree result)
    (hη : 8 * (r.w * r.w * r.η) * (((ts.length + 1 : Nat) : R) * ((ts.length + 1 : Nat) : R)) ≤ 1) :
    magnitude (result.2 - (ts.map InexactTransition.exact).foldl (fun h t => affineApply t h) h0) ≤ r.scanBound h0 ts := by
  apply Rounding.scan_error <;> assumption

end

/-! ## Rounding/Sum -/

section

variable {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

example (f : Approximate R → R) (xs ys : List (Approximate R)) :
    total f (xs ++ ys) = total f xs + total f ys := by
  apply total_append <;> assumption

example (r : Rounding R) {tree : Tree (Approximate R)} {z : R} (h : r.Sums tree z) :
    Within z (total Approximate.exact tree.toList) (total Approximate.size tree.toList)
      (r.w ^ (tree.toList.length - 1) * total Approximate.reach tree.toList +
        ((tree.toList.length - 1 : Nat) : R) * r.w ^ (tree.toList.length - 1) * r.η) := by
  apply Rounding.sum_error <;> assumption

example (r accumulator : Rounding R) {tree : Tree (Approximate R)} {z y : R}
    (h : accumulator.Sums tree z) (hy : r.Rounds z y) :
    Within y (total Approximate.exact tree.toList) (total Approximate.size tree.toList)
      (r.w * (accumulator.w ^ (tree.toList.length - 1) * total Approximate.reach tree.toList +
        ((tree.toList.length - 1 : Nat) : R) * accumulator.w ^ (tree.toList.length - 1) * accumulator.η) + r.η) := by
  apply Rounding.rounded_sum_error <;> assumption

end

/-! ## Rounding/Maximum -/

section

variable {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

example {x y a b ε δ : R} (h : y ≤ x) (ha : magnitude (a - x) ≤ ε) (hb : magnitude (b - y) ≤ δ) :
    magnitude (greater a b - greater x y) ≤ greater ε (δ - (x - y)) := by
  apply greater_error <;> assumption

example {x y a b ε δ : R} (h : y ≤ x) (ha : magnitude (a - x) ≤ ε) (hb : magnitude (b - y) ≤ δ)
    (gap : δ ≤ x - y) : magnitude (greater a b - greater x y) ≤ ε := by
  apply greater_error_of_gap <;> assumption

example {x y ε δ : R} (h : y ≤ x) (hε : 0 ≤ ε) (hδ : 0 ≤ δ) :
    ∃ a b, magnitude (a - x) ≤ ε ∧ magnitude (b - y) ≤ δ ∧
      magnitude (greater a b - greater x y) = greater ε (δ - (x - y)) := by
  apply greater_error_attained <;> assumption

end

/-! ## Rounding/FloatingPoint -/

section

example {spacing : Rat} (h : 0 < spacing) (x : Rat) :
    magnitude (nearestMultiple spacing x - x) ≤ spacing / 2 := by
  apply nearestMultiple_error <;> assumption

example (p k : Nat) (x : Rat) : (binaryRounding p k).Rounds x (roundBinary p k x) := by
  apply roundBinary_rounds <;> assumption

example (p k : Nat) (h : Rat) (ts : List (Rat × Rat)) :
    (binaryRounding p k).Run h ts (roundedScan p k h ts) := by
  apply roundedScan_run <;> assumption

end

/-! ## Rounding/Scan -/

section

variable {α : Type} [Scalar α] {n : Nat}

example (h0 : Tensor α [n]) (ts : List (DiagonalTransition α n)) (i : Fin n) :
    (runDiagonalTransitions h0 ts).get i =
      (ts.map (DiagonalTransition.entry i)).foldl (fun h t => t.1 * h + t.2) (h0.get i) := by
  apply get_runDiagonalTransitions <;> assumption

variable [CommRingScalar α] [LE α] [DecidableLE α] [LT α] [LawfulOrderLT α] [IsLinearOrder α] [OrderedRing α]

example (r : Rounding α) (h0 : Tensor α [n]) (ts : List (DiagonalTransition α n)) (i : Fin n)
    (leaves : List (InexactTransition α)) (hleaves : leaves.map InexactTransition.exact = ts.map (DiagonalTransition.entry i))
    {tree : Tree (α × α)} {result : α × α}
    (htree : tree.toList = (0, h0.get i) :: leaves.map InexactTransition.given) (h : r.Evaluates tree result)
    (hη : 8 * (r.w * r.w * r.η) * (((leaves.length + 1 : Nat) : α) * ((leaves.length + 1 : Nat) : α)) ≤ 1) :
    magnitude (result.2 - (runDiagonalTransitions h0 ts).get i) ≤ r.scanBound (h0.get i) leaves := by
  apply runDiagonalTransitions_error <;> assumption

example [CommRingScalar α] [LE α] [DecidableLE α] [LT α] [LawfulOrderLT α]
    [IsLinearOrder α] [OrderedRing α] (r : Rounding α) (fl : α → α) (hfl : ∀ x, r.Rounds x (fl x)) (h0 : Tensor α [n])
    (ts : List (DiagonalTransition α n)) (i : Fin n) :
    magnitude ((@runDiagonalTransitions α (roundedScalar fl) n h0 ts).get i - (runDiagonalTransitions h0 ts).get i) ≤
      r.runningError (h0.get i) 0 (ts.map (DiagonalTransition.entry i)) := by
  apply runDiagonalTransitions_rounded_error <;> assumption

example :
    letI := exactScalar
    letI := commRingScalar_exact
    @OrderedRing Rat CommRingScalar.toRing.toSemiring inferInstance inferInstance inferInstance :=
  orderedRing_exact

end

end Scanproof
