/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.CodedBounds
public import Spec.Certificate.SmallResidue

/-!
# The coded sweep is complete

A sweep makes two vector-Jacobian products for each window of positions, and looks at the residues of the inputs in the
window and at the gradients of the inputs beyond it. Together, windows that cover the outputs see every pair.

## Main definitions

* `CodedPass`: the residues of all windows are below a bound, and the inputs beyond each window receive exactly zero.

## Main results

* `countP_codedPass_le`: any number of leaks, at any distances, pass with few cotangents only.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind Std

variable {α ι : Type} [Field α] [LE α] [DecidableLE α] [LT α] [LawfulOrderLT α] [IsLinearOrder α] [OrderedRing α] {m : Nat}

/--
The cotangent `u` passes a coded sweep: for every window `(first, stop)`, the inputs in it have residues smaller than `b`,
and the inputs beyond it receive a gradient of exactly zero from the code `e`.
-/
def CodedPass (windows : List (Nat × Nat)) (centre : Nat × Nat → Int) (e b : α) (out : Fin m → Nat) (pos : ι → Nat)
    (J : Fin m → ι → α) (u : Fin m → α) : Prop :=
  ∀ W ∈ windows, ∀ i,
    (W.1 ≤ pos i → pos i < W.2 →
      magnitude (e * (codedGradient W.1 W.2 (centre W) e out u J i (pos i) -
        codedGradient W.1 W.2 (centre W) (e / 2) out u J i (pos i))) < b) ∧
    (W.2 ≤ pos i → vecMul (fun k => code W.1 W.2 (centre W) e (out k) * u k) J i = 0)

omit [DecidableLE α] in
private theorem residue_eq_vecMul (first stop : Nat) (centre : Int) {e : α} (he : e ≠ 0) (out : Fin m → Nat)
    (u : Fin m → α) (J : Fin m → ι → α) (i : ι) (s : Nat) :
    e * (codedGradient first stop centre e out u J i s - codedGradient first stop centre (e / 2) out u J i s) =
      vecMul u (fun k i => if first ≤ out k ∧ out k < stop then pairCoefficient e ((out k : Int) - s) * J k i else 0) i := by
  have he2 : e / 2 ≠ 0 := by
    have := two_ne_zero (α := α)
    grind
  rw [codedGradient_eq_laurent first stop centre he, codedGradient_eq_laurent first stop centre he2,
    laurent_pair two_ne_zero _ first stop s he]
  simp only [contribution]
  rw [← finSum_window out first stop fun t => pairCoefficient e ((t : Int) - s)]
  refine finSum_congr fun k => ?_
  dsimp only
  split
  · grind
  · exact (Semiring.mul_zero _).symm

/--
The coded sweep is complete. Let the windows cover the outputs, let `J` have a leak, output `k` reading input `i` at a later
position, and let the bound be at most half of `w |J k i|`. If at most `q` of the values in `S` lie in any open interval of
length `w`, at most `q` in `S.length` of the cotangents with entries in `S` pass, at whatever distance the leak is and whatever
other leaks there are.
-/
theorem countP_codedPass_le [DecidableLT α] {S : List α} {w b : α} {q : Nat} (hw : 0 < w)
    (hS : ∀ a, S.countP (fun x => decide (a < x) && decide (x < a + w)) ≤ q) {windows : List (Nat × Nat)}
    (centre : Nat × Nat → Int) {e : α} (he : 0 < e) (he1 : e ≤ 1) (out : Fin m → Nat) (pos : ι → Nat) (J : Fin m → ι → α)
    [DecidablePred (CodedPass windows centre e b out pos J)] {k : Fin m} {i : ι}
    (hwindow : ∃ W ∈ windows, W.1 ≤ out k ∧ out k < W.2) (hki : out k < pos i) (hJ : J k i ≠ 0)
    (hb : b + b ≤ w * magnitude (J k i)) :
    (choices S m).countP (fun u => decide (CodedPass windows centre e b out pos J u)) * S.length ≤ q * S.length ^ m := by
  obtain ⟨W, hW, hfirst, hstop⟩ := hwindow
  have ne : e ≠ 0 := by grind
  by_cases hi : pos i < W.2
  · refine Nat.le_trans (Nat.mul_le_mul_right _ (List.countP_mono_left fun u _ hu => decide_eq_true_iff.2 ?_))
      (countP_magnitude_vecMul_lt_le (b := b) hS (fun k i => if W.1 ≤ out k ∧ out k < W.2 then
        pairCoefficient e ((out k : Int) - pos i) * J k i else 0) (k := k) (i := i) ?_)
    · have := ((decide_eq_true_iff.1 hu) W hW i).1 (by omega) hi
      rwa [residue_eq_vecMul W.1 W.2 (centre W) ne] at this
    · simp only [hfirst, hstop, and_self, ↓reduceIte]
      have large := le_magnitude_pairCoefficient_mul he he1 (d := (out k : Int) - pos i) (by omega) (J k i)
      have := mul_le_mul_of_nonneg (x := w) (x' := w) (by grind) (IsPreorder.le_refl _) (magnitude_nonneg (J k i)) large
      grind
  · have weight : code W.1 W.2 (centre W) e (out k) ≠ 0 := by
      rw [code, if_pos ⟨hfirst, hstop⟩]
      exact zpow_ne_zero ne _
    have entry : 0 < magnitude (code W.1 W.2 (centre W) e (out k) * J k i) := by
      have nonneg := magnitude_nonneg (code W.1 W.2 (centre W) e (out k) * J k i)
      have : magnitude (code W.1 W.2 (centre W) e (out k) * J k i) ≠ 0 := by
        have := Field.of_mul_eq_zero (a := code W.1 W.2 (centre W) e (out k)) (b := J k i)
        unfold magnitude
        split <;> grind
      grind
    have product := OrderedRing.mul_pos hw entry
    refine Nat.le_trans (Nat.mul_le_mul_right _ (List.countP_mono_left fun u _ hu => decide_eq_true_iff.2 ?_))
      (countP_magnitude_vecMul_lt_le hS (fun k i => code W.1 W.2 (centre W) e (out k) * J k i) (k := k) (i := i)
        (b := w * magnitude (code W.1 W.2 (centre W) e (out k) * J k i) / 2) (by grind))
    have zero := ((decide_eq_true_iff.1 hu) W hW i).2 (by omega)
    have same : vecMul u (fun k i => code W.1 W.2 (centre W) e (out k) * J k i) i = 0 := by
      rw [← zero]
      refine finSum_congr fun j => ?_
      grind
    rw [same, magnitude_of_nonneg (IsPreorder.le_refl 0)]
    grind

end Scanproof
