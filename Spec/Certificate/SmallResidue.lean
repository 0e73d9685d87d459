/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.Choices
public import Spec.Certificate.VecMul
public import Spec.Rounding.Abs

/-!
# Small gradients are rare

Where rounding forbids the test for zero, a gradient is compared with a bound. A random cotangent leaves a gradient below the
bound by accident no more often than its own entries fall into a short interval: other leaks cannot hide this one.

## Main results

* `countP_magnitude_vecMul_lt_le`: a product smaller than half of `w |J k i|` is as rare as an interval of length `w`.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind Std

variable {α ι : Type} [Field α] [LE α] [DecidableLE α] [LT α] [DecidableLT α] [LawfulOrderLT α] [IsLinearOrder α]
  [OrderedRing α] {m : Nat}

/--
If at most `q` of the values in `S` lie in any open interval of length `w`, at most `q` in `S.length` of the cotangents with
entries in `S` leave a gradient at input `i` that is smaller than `b ≤ w |J k i| / 2`, whatever the other entries of `J` are.
-/
theorem countP_magnitude_vecMul_lt_le {S : List α} {w b : α} {q : Nat}
    (hS : ∀ a, S.countP (fun x => decide (a < x) && decide (x < a + w)) ≤ q) (J : Fin m → ι → α) {k : Fin m} {i : ι}
    (hb : b + b ≤ w * magnitude (J k i)) :
    (choices S m).countP (fun v => decide (magnitude (vecMul v J i) < b)) * S.length ≤ q * S.length ^ m := by
  refine countP_choices_line_mul_le _ k fun line hk hline => ?_
  have move (x : α) : vecMul (line x) J i = vecMul (line 0) J i + x * J k i := by
    have := vecMul_sub_vecMul J i (hline x 0)
    rw [hk, hk] at this
    grind
  generalize vecMul (line 0) J i = rest at move
  by_cases hJ : J k i = 0
  · refine Nat.le_trans (Nat.le_of_eq (List.countP_eq_zero.2 fun x _ hx => ?_)) (Nat.zero_le q)
    have hx := decide_eq_true_iff.1 hx
    have := magnitude_nonneg (vecMul (line x) J i)
    rw [hJ, magnitude_of_nonneg (IsPreorder.le_refl 0)] at hb
    grind
  · have hM : 0 < magnitude (J k i) := by
      have h0 := magnitude_nonneg (J k i)
      have hpos : magnitude (J k i) ≠ 0 := by
        unfold magnitude
        split <;> grind
      grind
    have hz : (-rest) / J k i * J k i = -rest := by grind
    have hg : b / magnitude (J k i) * magnitude (J k i) = b := by grind
    generalize (-rest) / J k i = z, b / magnitude (J k i) = g at hz hg
    have hw : g + g ≤ w := by
      have := OrderedRing.mul_lt_mul_of_pos_right (a := w) (b := g + g) (c := magnitude (J k i))
      grind
    refine Nat.le_trans (List.countP_mono_left fun x _ hx => ?_) (hS (z - g))
    have hx := decide_eq_true_iff.1 hx
    rw [move, show rest + x * J k i = (x - z) * J k i by grind, magnitude_mul] at hx
    have hd : magnitude (x - z) < g := by
      have := OrderedRing.mul_le_mul_of_nonneg_right (a := g) (b := magnitude (x - z)) (c := magnitude (J k i))
      grind
    have := le_magnitude (x - z)
    have := le_magnitude (-(x - z))
    rw [magnitude_neg] at this
    rw [Bool.and_eq_true, decide_eq_true_iff, decide_eq_true_iff]
    grind

end Scanproof
