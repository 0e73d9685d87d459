/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

/-!
# Absolute values in ordered rings

What error analysis needs of them, over any linearly ordered commutative ring of Lean's own library: the integers, the rationals,
the dyadic numbers.

## Main definitions

* `magnitude x`: the absolute value of `x`.

## Main results

* `magnitude_add_le`: the triangle inequality.
* `magnitude_mul`: the absolute value of a product.
* `mul_le_mul_of_nonneg`: products of inequalities.
* `magnitude_le_iff`: `|x| ≤ c` says that `-c ≤ x ≤ c`.
-/

@[expose] public section

namespace Scanproof

open Lean.Grind Std

attribute [local instance] Semiring.natCast

section

variable {R : Type} [CommRing R] [LE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

/-- Products of inequalities between numbers that are not negative. -/
theorem mul_le_mul_of_nonneg {x x' y y' : R} (hx : 0 ≤ x) (hxx' : x ≤ x') (hy : 0 ≤ y) (hyy' : y ≤ y') :
    x * y ≤ x' * y' := by
  have h := OrderedRing.mul_nonneg hx (show 0 ≤ y' - y by grind)
  have h' := OrderedRing.mul_nonneg (show 0 ≤ x' - x by grind) (show 0 ≤ y' by grind)
  grind

/-- Zero is at most one. -/
theorem zero_le_one : (0 : R) ≤ 1 := by
  have : (0 : R) < 1 := OrderedRing.zero_lt_one
  grind

/-- A number that is at least one is not negative. -/
theorem nonneg_of_one_le {x : R} (h : 1 ≤ x) : 0 ≤ x := by
  have := zero_le_one (R := R)
  grind

/-- The product of numbers that are at least one is at least one. -/
theorem one_le_mul {x y : R} (hx : 1 ≤ x) (hy : 1 ≤ y) : 1 ≤ x * y := by
  have := mul_le_mul_of_nonneg zero_le_one hx zero_le_one hy
  grind

/-- Powers of a number that is at least one are at least one. -/
theorem one_le_pow {x : R} (h : 1 ≤ x) (n : Nat) : 1 ≤ x ^ n := by
  induction n with
  | zero => rw [Semiring.pow_zero]; exact le_refl _
  | succ n ih => rw [Semiring.pow_succ]; exact one_le_mul ih h

/-- Counts are not negative. -/
theorem natCast_nonneg (n : Nat) : (0 : R) ≤ (n : R) := by
  induction n with
  | zero => rw [Semiring.natCast_zero]; exact le_refl _
  | succ n ih =>
    have := zero_le_one (R := R)
    rw [Semiring.natCast_succ]
    grind

end

variable {R : Type} [CommRing R] [LE R] [DecidableLE R]

/-- The absolute value. -/
def magnitude (x : R) : R := if 0 ≤ x then x else -x

/-- A number that is not negative is its absolute value. -/
theorem magnitude_of_nonneg {x : R} (h : 0 ≤ x) : magnitude x = x := by
  simp only [magnitude, h, ↓reduceIte]

variable [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

/-- The absolute value of a number that is not positive is its negation. -/
theorem magnitude_of_nonpos {x : R} (h : x ≤ 0) : magnitude x = -x := by
  unfold magnitude
  split <;> grind

/-- Absolute values are not negative. -/
theorem magnitude_nonneg (x : R) : 0 ≤ magnitude x := by
  unfold magnitude
  split <;> grind

/-- `|x| ≤ c` says that `x` lies between `-c` and `c`. -/
theorem magnitude_le_iff {x c : R} : magnitude x ≤ c ↔ -c ≤ x ∧ x ≤ c := by
  unfold magnitude
  split <;> grind

/-- A number is at most its absolute value. -/
theorem le_magnitude (x : R) : x ≤ magnitude x := by
  unfold magnitude
  split <;> grind

/-- The triangle inequality. -/
theorem magnitude_add_le (x y : R) : magnitude (x + y) ≤ magnitude x + magnitude y := by
  unfold magnitude
  split <;> split <;> split <;> grind

/-- A number and its negation have the same absolute value. -/
theorem magnitude_neg (x : R) : magnitude (-x) = magnitude x := by
  unfold magnitude
  split <;> split <;> grind

/-- The absolute value of a product is the product of the absolute values. -/
theorem magnitude_mul (x y : R) : magnitude (x * y) = magnitude x * magnitude y := by
  rcases IsLinearOrder.le_total 0 x with hx | hx <;> rcases IsLinearOrder.le_total 0 y with hy | hy
  · rw [magnitude_of_nonneg hx, magnitude_of_nonneg hy, magnitude_of_nonneg (OrderedRing.mul_nonneg hx hy)]
  · have h := OrderedRing.mul_nonneg hx (show 0 ≤ -y by grind)
    rw [magnitude_of_nonneg hx, magnitude_of_nonpos hy, magnitude_of_nonpos (by grind)]
    grind
  · have h := OrderedRing.mul_nonneg (show 0 ≤ -x by grind) hy
    rw [magnitude_of_nonpos hx, magnitude_of_nonneg hy, magnitude_of_nonpos (by grind)]
    grind
  · have h := OrderedRing.mul_nonneg (show 0 ≤ -x by grind) (show 0 ≤ -y by grind)
    rw [magnitude_of_nonpos hx, magnitude_of_nonpos hy, magnitude_of_nonneg (by grind)]
    grind

end Scanproof
