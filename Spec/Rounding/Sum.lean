/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Rounding.Model
public import Spec.Scan.Tree

/-!
# Rounding in sums and dot products

A sum of `n` terms may be formed in any order, by any binary tree: one term after another, pairwise, in blocks, over the lanes of a
vector unit. Each term passes through at most `n - 1` additions.

## Main definitions

* `Approximate`: a number that is computed, with the exact one and bounds.
* `Rounding.Sums`: what a tree of terms may sum to.

## Main results

* `Rounding.sum_error`: the bound of a sum, in any order.
* `Rounding.product`: a rounded product of approximate numbers, as a term of a dot product. With it, `sum_error` is the bound of
  dot products, `(1 + u)ⁿ - 1` times the sum of the products' magnitudes (Higham's `γₙ` is above it) where factors are exact.
* `Rounding.rounded_sum_error`: the same where the sum is accumulated in one arithmetic and rounded once in another.

## References

* N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd edition, SIAM 2002, sections 3.1 and 4.2.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind Std

attribute [local instance] Semiring.natCast

variable {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

/-- A number that is computed, the exact one, and bounds of both. -/
structure Approximate (R : Type) [CommRing R] [LE R] [DecidableLE R] where
  /-- What the implementation has. -/
  computed : R
  /-- What it stands for. -/
  exact : R
  /-- How large the exact number can be. -/
  size : R
  /-- How large the computed number can be; `reach - size` bounds its error. -/
  reach : R
  /-- The bounds hold. -/
  within : Within computed exact size reach

/-- The product of two approximate numbers, rounded to `y`. -/
def Rounding.product (r : Rounding R) (x v : Approximate R) (y : R) (h : r.Rounds (x.computed * v.computed) y) : Approximate R :=
  ⟨y, x.exact * v.exact, x.size * v.size, r.w * (x.reach * v.reach) + r.η, (x.within.mul v.within).round r h⟩

/-- What a tree of terms may sum to when every addition rounds. -/
inductive Rounding.Sums (r : Rounding R) : Tree (Approximate R) → R → Prop where
  /-- One term. -/
  | leaf (x : Approximate R) : r.Sums (.leaf x) x.computed
  /-- The rounded sum of two sums. -/
  | node {earlier later : Tree (Approximate R)} {x y z : R} (h₁ : r.Sums earlier x) (h₂ : r.Sums later y)
      (h : r.Rounds (x + y) z) : r.Sums (.node earlier later) z

/-- The sum of a number of each term, in order. -/
def total (f : Approximate R → R) (terms : List (Approximate R)) : R := terms.foldl (fun s x => s + f x) 0

omit [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
private theorem total_from (f : Approximate R → R) (s : R) (terms : List (Approximate R)) :
    terms.foldl (fun s x => s + f x) s = s + total f terms := by
  induction terms generalizing s with
  | nil => simp only [total, List.foldl_nil]; grind
  | cons x terms ih =>
    simp only [total, List.foldl_cons]
    rw [ih (s + f x), ih (0 + f x)]
    grind

omit [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
/-- The sum over an append is the sum of the two sums. -/
theorem total_append (f : Approximate R → R) (xs ys : List (Approximate R)) :
    total f (xs ++ ys) = total f xs + total f ys := by
  rw [total, List.foldl_append, total_from, ← total]

private theorem total_reach_nonneg (terms : List (Approximate R)) : 0 ≤ total Approximate.reach terms := by
  induction terms with
  | nil => exact le_refl _
  | cons x terms ih =>
    have h := total_append Approximate.reach [x] terms
    rw [List.singleton_append] at h
    have hx : total Approximate.reach [x] = x.reach := by
      simp only [total, List.foldl_cons, List.foldl_nil]
      grind
    have := x.within.nonneg
    have := x.within.le
    grind

private def additions : Tree (Approximate R) → Nat
  | .leaf _ => 0
  | .node e l => additions e + additions l + 1

omit [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
private theorem length_toList : (tree : Tree (Approximate R)) → tree.toList.length = additions tree + 1
  | .leaf _ => rfl
  | .node e l => by
    rw [Tree.toList, List.length_append, length_toList e, length_toList l, additions]
    omega

omit [DecidableLE R] in
private theorem sum_node {w η k₁ k₂ P₁ P₂ s₁ s₂ : R} (hw : 1 ≤ w) (hη : 0 ≤ η) (hk₁ : 0 ≤ k₁) (hk₂ : 0 ≤ k₂) (hP₁ : 1 ≤ P₁)
    (hP₂ : 1 ≤ P₂) (hs₁ : 0 ≤ s₁) (hs₂ : 0 ≤ s₂) :
    w * (P₁ * s₁ + k₁ * P₁ * η + (P₂ * s₂ + k₂ * P₂ * η)) + η ≤
      P₁ * P₂ * w * (s₁ + s₂) + (k₁ + k₂ + 1) * (P₁ * P₂ * w) * η := by
  have hw0 := nonneg_of_one_le hw
  have hP₁0 := nonneg_of_one_le hP₁
  have hP₂0 := nonneg_of_one_le hP₂
  have h1 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 (OrderedRing.mul_nonneg hP₁0 hs₁)) (show 0 ≤ P₂ - 1 by grind)
  have h2 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 (OrderedRing.mul_nonneg hP₂0 hs₂)) (show 0 ≤ P₁ - 1 by grind)
  have h3 := OrderedRing.mul_nonneg
    (OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 hη) (OrderedRing.mul_nonneg hP₁0 hk₁)) (show 0 ≤ P₂ - 1 by grind)
  have h4 := OrderedRing.mul_nonneg
    (OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 hη) (OrderedRing.mul_nonneg hP₂0 hk₂)) (show 0 ≤ P₁ - 1 by grind)
  have h5 := OrderedRing.mul_nonneg hη (show 0 ≤ P₁ * P₂ * w - 1 by
    have := one_le_mul (one_le_mul hP₁ hP₂) hw
    grind)
  grind

/--
In any order, a sum of `n` terms is known to `(1 + u)ⁿ⁻¹` times the sum of the terms' reaches, plus `(n - 1) (1 + u)ⁿ⁻¹ η`, less the sum of
their sizes.
-/
theorem Rounding.sum_error (r : Rounding R) {tree : Tree (Approximate R)} {z : R} (h : r.Sums tree z) :
    Within z (total Approximate.exact tree.toList) (total Approximate.size tree.toList)
      (r.w ^ (tree.toList.length - 1) * total Approximate.reach tree.toList +
        ((tree.toList.length - 1 : Nat) : R) * r.w ^ (tree.toList.length - 1) * r.η) := by
  have hw := r.one_le_w
  rw [length_toList, Nat.add_sub_cancel]
  induction h with
  | leaf x =>
    have h0 (f : Approximate R → R) : total f (Tree.leaf x).toList = f x := by
      simp only [total, Tree.toList, List.foldl_cons, List.foldl_nil]
      grind
    simp only [h0, additions, Semiring.pow_zero, Semiring.natCast_zero]
    exact x.within.mono (by grind)
  | @node earlier later x y z h₁ h₂ h ih₁ ih₂ =>
    have hnode := (ih₁.add ih₂).round r h
    simp only [Tree.toList, total_append, additions, Semiring.pow_succ, Semiring.pow_add, Semiring.natCast_succ,
      Semiring.natCast_add] at hnode ⊢
    exact hnode.mono (sum_node hw r.η_nonneg (natCast_nonneg _) (natCast_nonneg _) (one_le_pow hw _) (one_le_pow hw _)
      (total_reach_nonneg _) (total_reach_nonneg _))

/--
The same for a sum that is accumulated in the arithmetic `accumulator` and rounded once in the arithmetic `r`: half precision with products
summed in single precision.
-/
theorem Rounding.rounded_sum_error (r accumulator : Rounding R) {tree : Tree (Approximate R)} {z y : R}
    (h : accumulator.Sums tree z) (hy : r.Rounds z y) :
    Within y (total Approximate.exact tree.toList) (total Approximate.size tree.toList)
      (r.w * (accumulator.w ^ (tree.toList.length - 1) * total Approximate.reach tree.toList +
        ((tree.toList.length - 1 : Nat) : R) * accumulator.w ^ (tree.toList.length - 1) * accumulator.η) + r.η) :=
  (accumulator.sum_error h).round r hy

end Scanproof
