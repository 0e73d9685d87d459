/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Rounding.Sequential

/-!
# Binary floating point meets the model

Rounding to nearest on a binary grid with a given number of digits and gradual underflow, over the rationals and without an upper limit of
the exponent. It shows that the hypothesis of the theorems on rounding can be met, and by what.

## Main definitions

* `nearestMultiple`: the nearest multiple of a spacing.
* `roundBinary p k`: rounding to `p + 1` significant binary digits, in steps of at least `2⁻ᵏ`.
* `binaryRounding p k`: its unit roundoff `2⁻ᵖ⁻¹` and its underflow unit `2⁻ᵏ⁻¹`.

## Main results

* `roundBinary_rounds`: rounding to nearest meets the model. Binary64 has `p = 52`, binary32 `p = 23`, bfloat16 `p = 7`.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind Std

/-- The multiple of `spacing` nearest to `x`; of two at the same distance, the greater one. -/
def nearestMultiple (spacing x : Rat) : Rat := spacing * ((x / spacing + 1 / 2).floor : Rat)

/-- The nearest multiple is at most half a spacing away. -/
theorem nearestMultiple_error {spacing : Rat} (h : 0 < spacing) (x : Rat) :
    magnitude (nearestMultiple spacing x - x) ≤ spacing / 2 := by
  have hle := Rat.floor_le (x / spacing + 1 / 2)
  have hlt := Rat.lt_floor_add_one (x / spacing + 1 / 2)
  have hcancel : x / spacing * spacing = x := Rat.div_mul_cancel (by grind)
  have h1 := OrderedRing.mul_le_mul_of_nonneg_left hle (show 0 ≤ spacing by grind)
  have h2 := OrderedRing.mul_le_mul_of_nonneg_left (show x / spacing + 1 / 2 ≤ ((x / spacing + 1 / 2).floor : Rat) + 1 by grind)
    (show 0 ≤ spacing by grind)
  rw [magnitude_le_iff]
  unfold nearestMultiple
  constructor <;> grind

/-- The exponent of `x` in steps of `2⁻ᵏ`: the greatest `e` with `2ᵉ⁻ᵏ ≤ |x|`, and 0 below the smallest step. -/
def binaryExponent (k : Nat) (x : Rat) : Nat := (magnitude x * 2 ^ k).floor.toNat.log2

/-- Rounding to `p + 1` significant binary digits, in steps of at least `2⁻ᵏ`. -/
def roundBinary (p k : Nat) (x : Rat) : Rat := nearestMultiple (2 ^ (binaryExponent k x - p) / 2 ^ k) x

private theorem two_pow_pos (n : Nat) : (0 : Rat) < 2 ^ n := by
  have := one_le_pow (show (1 : Rat) ≤ 2 by decide) n
  have : (0 : Rat) < 1 := by decide
  grind

private theorem one_div_pos {x : Rat} (h : 0 < x) : 0 < 1 / x := by
  have hcancel : 1 / x * x = 1 := Rat.div_mul_cancel (by grind)
  rcases IsLinearOrder.le_total 0 (1 / x) with hx | hx
  · grind
  · have := OrderedRing.mul_le_mul_of_nonneg_left (show 0 ≤ -(1 / x) by grind) (show 0 ≤ x by grind)
    grind

/-- Unit roundoff and underflow unit of rounding to nearest with `p + 1` binary digits, in steps of at least `2⁻ᵏ`. -/
def binaryRounding (p k : Nat) : Rounding Rat where
  u := 1 / 2 ^ p / 2
  η := 1 / 2 ^ k / 2
  u_nonneg := by
    have := one_div_pos (two_pow_pos p)
    grind
  η_nonneg := by
    have := one_div_pos (two_pow_pos k)
    grind

private theorem cast_two_pow (e : Nat) : (((2 ^ e : Nat) : Int) : Rat) = 2 ^ e := by
  induction e with
  | zero => rfl
  | succ e ih =>
    rw [Nat.pow_succ, Int.natCast_mul, Rat.intCast_mul, ih, Semiring.pow_succ]
    rfl

private theorem two_pow_binaryExponent_le {k : Nat} {x : Rat} (h : 0 < binaryExponent k x) :
    (2 : Rat) ^ binaryExponent k x ≤ magnitude x * 2 ^ k := by
  rw [← cast_two_pow, ← Rat.le_floor_iff]
  unfold binaryExponent at h ⊢
  generalize (magnitude x * 2 ^ k).floor = f at h ⊢
  have hne : f.toNat ≠ 0 := by
    intro h0
    rw [h0] at h
    exact absurd h (by decide)
  have hle := Nat.log2_self_le hne
  omega

/-- Rounding to nearest on a binary grid with gradual underflow meets the model of rounding. -/
theorem roundBinary_rounds (p k : Nat) (x : Rat) : (binaryRounding p k).Rounds x (roundBinary p k x) := by
  have hk := two_pow_pos k
  have hp := two_pow_pos p
  have hs := two_pow_pos (binaryExponent k x - p)
  have ha := one_div_pos hp
  have hb := one_div_pos hk
  have hpa : 1 / (2 : Rat) ^ p * 2 ^ p = 1 := Rat.div_mul_cancel (by grind)
  have hkb : 1 / (2 : Rat) ^ k * 2 ^ k = 1 := Rat.div_mul_cancel (by grind)
  have hspacing : (2 : Rat) ^ (binaryExponent k x - p) / 2 ^ k = 2 ^ (binaryExponent k x - p) * (1 / 2 ^ k) := by grind
  have hpos : 0 < (2 : Rat) ^ (binaryExponent k x - p) / 2 ^ k := by
    rw [hspacing]
    exact OrderedRing.mul_pos hs hb
  have herror := nearestMultiple_error hpos x
  have hx := magnitude_nonneg x
  suffices (2 : Rat) ^ (binaryExponent k x - p) / 2 ^ k ≤ 1 / 2 ^ p * magnitude x + 1 / 2 ^ k by
    unfold Rounding.Rounds binaryRounding roundBinary
    simp only
    grind
  rw [hspacing]
  by_cases h : binaryExponent k x ≤ p
  · rw [Nat.sub_eq_zero_of_le h, Semiring.pow_zero]
    have := OrderedRing.mul_nonneg (show 0 ≤ 1 / (2 : Rat) ^ p by grind) hx
    grind
  · have hexp := two_pow_binaryExponent_le (k := k) (x := x) (by omega)
    have hsplit : (2 : Rat) ^ binaryExponent k x = 2 ^ (binaryExponent k x - p) * 2 ^ p := by
      rw [← Semiring.pow_add, Nat.sub_add_cancel (by omega)]
    rw [hsplit] at hexp
    have hscaled := OrderedRing.mul_le_mul_of_nonneg_left hexp
      (OrderedRing.mul_nonneg (show 0 ≤ 1 / (2 : Rat) ^ p by grind) (show 0 ≤ 1 / (2 : Rat) ^ k by grind))
    have hl : 1 / (2 : Rat) ^ p * (1 / 2 ^ k) * (2 ^ (binaryExponent k x - p) * 2 ^ p) =
        2 ^ (binaryExponent k x - p) * (1 / 2 ^ k) * (1 / 2 ^ p * 2 ^ p) := by grind
    have hr : 1 / (2 : Rat) ^ p * (1 / 2 ^ k) * (magnitude x * 2 ^ k) =
        1 / 2 ^ p * magnitude x * (1 / 2 ^ k * 2 ^ k) := by grind
    rw [hl, hr, hpa, hkb] at hscaled
    grind

/-! ## One example, evaluated

Three tokens with four significant digits (`p = 3`, `k = 20`), from the state 1: rounding after every product and every sum leads to
`3 / 16`, exactly it is `17 / 80`, and the bound holds. -/

/-- The sequential run in binary floating point. -/
def roundedScan (p k : Nat) (h : Rat) (ts : List (Rat × Rat)) : Rat :=
  ts.foldl (fun h t => roundBinary p k (roundBinary p k (t.1 * h) + t.2)) h

/-- It is a run under the model. -/
theorem roundedScan_run (p k : Nat) (h : Rat) (ts : List (Rat × Rat)) :
    (binaryRounding p k).Run h ts (roundedScan p k h ts) := by
  induction ts generalizing h with
  | nil => exact .nil h
  | cons t ts ih =>
    exact .cons (Or.inl ⟨_, roundBinary_rounds p k _, roundBinary_rounds p k _⟩) (ih _)

private def exampleTokens : List (Rat × Rat) := [(3 / 4, 1 / 3), (-1 / 2, 2 / 3), (9 / 10, 1 / 10)]

example : roundedScan 3 20 1 exampleTokens = 3 / 16 := by decide +kernel

example : exampleTokens.foldl (fun h t => affineApply t h) 1 = 17 / 80 := by decide +kernel

example : magnitude (roundedScan 3 20 1 exampleTokens - exampleTokens.foldl (fun h t => affineApply t h) 1) ≤
    (binaryRounding 3 20).runningError 1 0 exampleTokens := by
  decide +kernel

example : (binaryRounding 3 20).runningError 1 0 exampleTokens ≤ 1 / 2 := by decide +kernel

end Scanproof
