/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.Coded

/-!
# What a coded sweep bounds

The residue of an input is `e (G(e) - G(e/2))`, of two coded gradients. A leak enters it with a factor of at least one, and
with more the farther it reads ahead; what the outputs after the input contribute, which is legal, enters with a factor of at
most `e² / 2`. So a residue above that is a leak, and a residue below a limit bounds every leak.

Exact arithmetic over an ordered field. Rounding of the sweep itself comes on top; it is why a window with a great residue
is settled by exact cuts, and not by its residue.

## Main definitions

* `residue c first stop s e`: the residue at position `s` of the window `first ≤ t < stop`.

## Main results

* `pairCoefficient_le_neg_one`, `pairCoefficient_nonneg`, `pairCoefficient_le`: the size of the coefficients.
* `le_magnitude_pairCoefficient_mul`: a leak enters with at least its own size.
* `magnitude_residue_le`: no false alarm above `e² / 2` times the contributions of later outputs.
* `magnitude_contribution_le`: a small residue bounds a leak from one position, at any distance.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind Std

variable {α : Type} [Field α] [LE α] [LT α] [LawfulOrderLT α] [IsLinearOrder α] [OrderedRing α]

/-- Two is not zero. -/
theorem two_ne_zero : (2 : α) ≠ 0 := by
  have : (0 : α) < 1 := OrderedRing.zero_lt_one
  grind

/-- A leak, at any distance `d < 0`, enters the residue with a factor of at least one in size. -/
theorem pairCoefficient_le_neg_one {e : α} (he : 0 < e) (he1 : e ≤ 1) {d : Int} (hd : d < 0) :
    pairCoefficient e d ≤ -1 := by
  have two : (1 : α) ≤ 2 ^ (-d - 1) := by
    have half : (2 : α)⁻¹ * 2 = 1 := Field.inv_mul_cancel two_ne_zero
    have pos : (0 : α) < 2⁻¹ := Field.IsOrdered.inv_pos_iff.2 (by have : (0 : α) < 1 := OrderedRing.zero_lt_one; grind)
    have := one_le_zpow pos (by grind) (k := d + 1) (by omega)
    rw [inv_zpow two_ne_zero] at this
    rwa [show -d - 1 = -(d + 1) by omega]
  have far := one_le_zpow he he1 (k := d + 1) (by omega)
  have split : (2 : α) ^ (-d) = 2 ^ (-d - 1) * 2 := by
    have := Field.zpow_add (two_ne_zero (α := α)) (-d - 1) 1
    rwa [Field.zpow_one, show -d - 1 + 1 = -d by omega] at this
  rw [pairCoefficient, split]
  generalize (2 : α) ^ (-d - 1) = p, e ^ (d + 1) = q at *
  have := one_le_mul (x := p * 2 - 1) (y := q) (by grind) far
  grind

/-- What is legal enters the residue with a factor that is not negative. -/
theorem pairCoefficient_nonneg {e : α} (he : 0 < e) {d : Int} (hd : 0 ≤ d) : 0 ≤ pairCoefficient e d := by
  have pos := zpow_pos he (d + 1)
  have half : (2 : α) ^ (-d) ≤ 1 := by
    have inv : (0 : α) < 2⁻¹ := Field.IsOrdered.inv_pos_iff.2 (by have : (0 : α) < 1 := OrderedRing.zero_lt_one; grind)
    have := Field.inv_mul_cancel (two_ne_zero (α := α))
    rw [← inv_zpow two_ne_zero]
    exact zpow_le_one inv (by grind) hd
  rw [pairCoefficient]
  exact OrderedRing.mul_nonneg (by grind) (by grind)

/-- And of at most `e² / 2`, where `e` is at most one half. -/
theorem pairCoefficient_le {e : α} (he : 0 < e) (he1 : 2 * e ≤ 1) {d : Int} (hd : 0 ≤ d) :
    pairCoefficient e d ≤ e ^ 2 / 2 := by
  have ne : e ≠ 0 := by grind
  have square : e ^ (2 : Int) = e ^ 2 := Field.zpow_natCast e 2
  have pos := zpow_pos he 2
  have half := Field.inv_mul_cancel (two_ne_zero (α := α))
  have inv : (0 : α) < 2⁻¹ := Field.IsOrdered.inv_pos_iff.2 (by have : (0 : α) < 1 := OrderedRing.zero_lt_one; grind)
  rw [pairCoefficient, Field.div_eq_mul_inv, ← square]
  rcases (by omega : d = 0 ∨ d = 1 ∨ 2 ≤ d) with rfl | rfl | hd
  · rw [Int.neg_zero, Field.zpow_zero]
    have := OrderedRing.mul_nonneg (show 0 ≤ e ^ (2 : Int) by grind) (show (0 : α) ≤ 2⁻¹ by grind)
    grind
  · rw [Field.zpow_neg, Field.zpow_one]
    have : (1 : Int) + 1 = 2 := rfl
    rw [this]
    grind
  · have near := zpow_le_one he (by grind) (k := d - 2) (by omega)
    have nearPos := zpow_pos he (d - 2)
    have two := zpow_pos (show (0 : α) < 2 by grind) (-d)
    have split : e ^ (d + 1) = e ^ (2 : Int) * (e * e ^ (d - 2)) := by
      have h := Field.zpow_add ne 2 (d - 1)
      have h' := Field.zpow_add ne 1 (d - 2)
      rw [show (2 : Int) + (d - 1) = d + 1 by omega] at h
      rw [show (1 : Int) + (d - 2) = d - 1 by omega, Field.zpow_one] at h'
      rw [h, h']
    rw [split]
    generalize e ^ (d - 2) = p, (2 : α) ^ (-d) = q, e ^ (2 : Int) = r at *
    have small := mul_le_mul_of_nonneg (x := e) (x' := 2⁻¹) (y := p) (y' := 1) (by grind) (by grind) (by grind) near
    have h := mul_le_mul_of_nonneg (x := r) (x' := r) (y := e * p) (y' := 2⁻¹) (by grind) (by grind)
      (OrderedRing.mul_nonneg (by grind) (by grind)) (by grind)
    have h' := OrderedRing.mul_nonneg (show 0 ≤ q by grind)
      (OrderedRing.mul_nonneg (show 0 ≤ r by grind) (OrderedRing.mul_nonneg (show 0 ≤ e by grind) (show 0 ≤ p by grind)))
    grind

/-! ## One leak -/

/-- The residue at position `s` of a window: what the codes `e` and `e/2` leave of the contributions `c`. -/
def residue (c : Nat → α) (first stop s : Nat) (e : α) : α :=
  e * (laurent c first stop s e - laurent c first stop s (e / 2))

variable [DecidableLE α]

private theorem magnitude_sumOver_le {f g : Nat → α} {l : List Nat} (h : ∀ t ∈ l, magnitude (f t) ≤ g t) :
    magnitude (sumOver l f) ≤ sumOver l g := by
  induction l with
  | nil =>
    rw [sumOver_nil, sumOver_nil, magnitude_of_nonneg (IsPreorder.le_refl 0)]
    exact IsPreorder.le_refl 0
  | cons t l ih =>
    rw [sumOver_cons, sumOver_cons]
    have := magnitude_add_le (f t) (sumOver l f)
    have := h t List.mem_cons_self
    have := ih fun t ht => h t (List.mem_cons_of_mem _ ht)
    grind

/-- A leak enters the residue with at least its own size. -/
theorem le_magnitude_pairCoefficient_mul {e : α} (he : 0 < e) (he1 : e ≤ 1) {d : Int} (hd : d < 0) (x : α) :
    magnitude x ≤ magnitude (pairCoefficient e d * x) := by
  have one : (0 : α) < 1 := OrderedRing.zero_lt_one
  have large := pairCoefficient_le_neg_one he he1 hd
  have := mul_le_mul_of_nonneg (x := 1) (x' := -pairCoefficient e d) (by grind) (by grind) (magnitude_nonneg x)
    (IsPreorder.le_refl _)
  rw [magnitude_mul, magnitude_of_nonpos (x := pairCoefficient e d) (by grind)]
  grind

/--
Without the terms of earlier outputs, which are leaks, a residue is at most `e² / 2` times the contributions of later
outputs.
-/
theorem magnitude_residue_sub_le (c : Nat → α) {first stop s : Nat} (hfirst : first ≤ s) (hstop : s < stop) {e : α}
    (he : 0 < e) (he1 : 2 * e ≤ 1) :
    magnitude (residue c first stop s e - sumRange first s fun t => pairCoefficient e ((t : Int) - s) * c t) ≤
      e ^ 2 / 2 * sumRange (s + 1) stop fun t => magnitude (c t) := by
  rw [residue, laurent_pair two_ne_zero c first stop s (by grind), sumRange_split hfirst (Nat.le_of_lt hstop),
    sumRange_split (m := s) (k := s + 1) (Nat.le_succ s) hstop, sumRange_succ (Nat.le_refl s), sumRange_self]
  have zero : pairCoefficient e ((s : Int) - s) * c s = 0 := by
    rw [Int.sub_self, pairCoefficient, Int.neg_zero, Field.zpow_zero]
    grind
  have cancel (a b : α) : a + (0 + 0 + b) - a = b := by grind
  rw [zero, cancel, sumRange, sumRange, mul_sumOver]
  refine magnitude_sumOver_le fun t ht => ?_
  rw [List.mem_range'_1] at ht
  have h0 := pairCoefficient_nonneg he (d := (t : Int) - s) (by omega)
  have h1 := pairCoefficient_le he he1 (d := (t : Int) - s) (by omega)
  rw [magnitude_mul, magnitude_of_nonneg h0]
  exact mul_le_mul_of_nonneg h0 h1 (magnitude_nonneg _) (IsPreorder.le_refl _)

/-- No false alarm: a causal map leaves a residue of at most `e² / 2` times the contributions of later outputs. -/
theorem magnitude_residue_le {c : Nat → α} {first stop s : Nat} (hfirst : first ≤ s) (hstop : s < stop) {e : α}
    (he : 0 < e) (he1 : 2 * e ≤ 1) (h : ∀ t, t < s → c t = 0) :
    magnitude (residue c first stop s e) ≤ e ^ 2 / 2 * sumRange (s + 1) stop fun t => magnitude (c t) := by
  have bound := magnitude_residue_sub_le c hfirst hstop he he1
  have zero : (sumRange first s fun t => pairCoefficient e ((t : Int) - s) * c t) = 0 := by
    rw [sumRange_congr (g := fun _ => 0) fun t _ ht => by rw [h t ht, Semiring.mul_zero]]
    exact sumOver_zero _
  rwa [zero, show residue c first stop s e - 0 = residue c first stop s e by grind] at bound

/--
A leak from one position `t`, at any distance, contributes at most the residue and `e² / 2` times the contributions of later
outputs.
-/
theorem magnitude_contribution_le {c : Nat → α} {first stop s t : Nat} (hstop : s < stop) {e : α}
    (he : 0 < e) (he1 : 2 * e ≤ 1) (hfirst : first ≤ t) (ht : t < s) (h : ∀ r, r < s → r ≠ t → c r = 0) :
    magnitude (c t) ≤
      magnitude (residue c first stop s e) + e ^ 2 / 2 * sumRange (s + 1) stop fun t => magnitude (c t) := by
  have bound := magnitude_residue_sub_le c (Nat.le_trans hfirst (Nat.le_of_lt ht)) hstop he he1
  have none (m n : Nat) (hmn : n ≤ s) (hout : t < m ∨ n ≤ t) :
      (sumRange m n fun r => pairCoefficient e ((r : Int) - s) * c r) = 0 := by
    rw [sumRange_congr (g := fun _ => 0) fun r hmr hrn => by rw [h r (by omega) (by omega), Semiring.mul_zero]]
    exact sumOver_zero _
  have one : (sumRange first s fun r => pairCoefficient e ((r : Int) - s) * c r) =
      pairCoefficient e ((t : Int) - s) * c t := by
    rw [sumRange_split hfirst (Nat.le_of_lt ht), sumRange_split (m := t) (k := t + 1) (Nat.le_succ t) ht,
      sumRange_succ (Nat.le_refl t), sumRange_self, none first t (by omega) (by omega), none (t + 1) s (by omega) (by omega)]
    grind
  rw [one] at bound
  have large := le_magnitude_pairCoefficient_mul he (by grind) (d := (t : Int) - s) (by omega) (c t)
  have triangle := magnitude_add_le (residue c first stop s e)
    (-(residue c first stop s e - pairCoefficient e ((t : Int) - s) * c t))
  rw [magnitude_neg] at triangle
  have whole : residue c first stop s e + -(residue c first stop s e - pairCoefficient e ((t : Int) - s) * c t) =
      pairCoefficient e ((t : Int) - s) * c t := by
    grind
  rw [whole] at triangle
  grind

end Scanproof
