/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Rounding.Abs

/-!
# Integer powers in fields

What coded cotangents need of powers with exponents of either sign.

## Main results

* `zpow_ne_zero`, `mul_zpow`, `inv_zpow`, `neg_one_zpow`: in any field.
* `zpow_pos`, `zpow_le_one`, `one_le_zpow`: in an ordered one.
-/

@[expose] public section

namespace Scanproof

open Lean.Grind Std

section Field

variable {α : Type} [Field α]

/-- A power of a number other than zero is not zero. -/
theorem zpow_ne_zero {a : α} (ha : a ≠ 0) (k : Int) : a ^ k ≠ 0 := by
  intro h
  have := Field.zpow_add ha k (-k)
  rw [h, Int.add_right_neg, Field.zpow_zero, Semiring.zero_mul] at this
  exact Field.zero_ne_one this.symm

private theorem mul_pow (a b : α) (n : Nat) : (a * b) ^ n = a ^ n * b ^ n := by
  induction n with
  | zero => rw [Semiring.pow_zero, Semiring.pow_zero, Semiring.pow_zero, Semiring.mul_one]
  | succ n ih =>
    rw [Semiring.pow_succ, Semiring.pow_succ, Semiring.pow_succ, ih]
    grind

/-- A power of a product is the product of the powers. -/
theorem mul_zpow (a b : α) (k : Int) : (a * b) ^ k = a ^ k * b ^ k := by
  have nat (n : Nat) : (a * b) ^ (n : Int) = a ^ (n : Int) * b ^ (n : Int) := by
    rw [Field.zpow_natCast, Field.zpow_natCast, Field.zpow_natCast, mul_pow]
  rcases Int.eq_nat_or_neg k with ⟨n, rfl | rfl⟩
  · exact nat n
  · rw [Field.zpow_neg, Field.zpow_neg, Field.zpow_neg, nat, Field.inv_mul]

/-- Powers of one are one. -/
theorem one_zpow (k : Int) : (1 : α) ^ k = 1 := by
  rcases Int.eq_nat_or_neg k with ⟨n, rfl | rfl⟩
  · rw [Field.zpow_natCast, Semiring.one_pow]
  · rw [Field.zpow_neg, Field.zpow_natCast, Semiring.one_pow, Field.inv_one]

/-- The power of an inverse is the power with the opposite exponent. -/
theorem inv_zpow {a : α} (ha : a ≠ 0) (k : Int) : a⁻¹ ^ k = a ^ (-k) := by
  have h := mul_zpow a a⁻¹ k
  rw [Field.mul_inv_cancel ha, one_zpow] at h
  have h' := Field.zpow_add ha k (-k)
  rw [Int.add_right_neg, Field.zpow_zero] at h'
  have := zpow_ne_zero ha k
  grind

/-- The powers of minus one: one for even exponents, minus one for odd ones. -/
theorem neg_one_zpow (k : Int) : (-1 : α) ^ k = if k % 2 = 0 then 1 else -1 := by
  have nat (n : Nat) : (-1 : α) ^ n = if n % 2 = 0 then 1 else -1 := by
    induction n with
    | zero => exact Semiring.pow_zero _
    | succ n ih =>
      rw [Semiring.pow_succ, ih]
      rcases Nat.mod_two_eq_zero_or_one n with h | h
      · rw [if_pos h, if_neg (by omega)]
        grind
      · rw [if_neg (by omega), if_pos (by omega)]
        grind
  rcases Int.eq_nat_or_neg k with ⟨n, rfl | rfl⟩
  · rw [Field.zpow_natCast, nat]
    congr 1
    rw [eq_iff_iff]
    omega
  · rw [Field.zpow_neg, Field.zpow_natCast, nat]
    rcases Nat.mod_two_eq_zero_or_one n with h | h
    · rw [if_pos h, if_pos (by omega), Field.inv_one]
    · rw [if_neg (by omega), if_neg (by omega), Field.inv_neg, Field.inv_one]

end Field

section Ordered

variable {α : Type} [Field α] [LE α] [LT α] [LawfulOrderLT α] [IsLinearOrder α] [OrderedRing α]

/-- Powers of a positive number are positive. -/
theorem zpow_pos {a : α} (ha : 0 < a) (k : Int) : 0 < a ^ k := by
  have nat (n : Nat) : 0 < a ^ n := by
    induction n with
    | zero =>
      rw [Semiring.pow_zero]
      exact OrderedRing.zero_lt_one
    | succ n ih =>
      rw [Semiring.pow_succ]
      exact OrderedRing.mul_pos ih ha
  rcases Int.eq_nat_or_neg k with ⟨n, rfl | rfl⟩
  · rw [Field.zpow_natCast]
    exact nat n
  · rw [Field.zpow_neg, Field.zpow_natCast]
    exact Field.IsOrdered.inv_pos_iff.2 (nat n)

/-- Powers with exponents that are not negative, of a positive number that is at most one, are at most one. -/
theorem zpow_le_one {a : α} (ha : 0 < a) (ha1 : a ≤ 1) {k : Int} (hk : 0 ≤ k) : a ^ k ≤ 1 := by
  obtain ⟨n, rfl⟩ := Int.eq_ofNat_of_zero_le hk
  induction n with
  | zero =>
    have := Field.zpow_zero a
    simp only [Int.cast_ofNat_Int, this]
    exact IsPreorder.le_refl 1
  | succ n ih =>
    rw [Field.zpow_natCast] at ih ⊢
    rw [Semiring.pow_succ]
    have pos := zpow_pos ha n
    rw [Field.zpow_natCast] at pos
    have := mul_le_mul_of_nonneg (x' := 1) (y' := 1) (by grind) (ih (by omega)) (by grind) ha1
    grind

/-- Powers with exponents that are not positive, of a positive number that is at most one, are at least one. -/
theorem one_le_zpow {a : α} (ha : 0 < a) (ha1 : a ≤ 1) {k : Int} (hk : k ≤ 0) : 1 ≤ a ^ k := by
  have ne : a ≠ 0 := by grind
  have h := zpow_le_one ha ha1 (k := -k) (by omega)
  have pos := zpow_pos ha k
  have h' := Field.zpow_add ne k (-k)
  rw [Int.add_right_neg, Field.zpow_zero] at h'
  have pos' := zpow_pos ha (-k)
  generalize a ^ k = p, a ^ (-k) = q at *
  have := mul_le_mul_of_nonneg (x' := p) (y' := 1) (x := p) (by grind) (by grind) (by grind) h
  grind

end Ordered

end Scanproof
