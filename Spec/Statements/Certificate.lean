/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.Cuts
public import Spec.Certificate.Random

/-!
# The statements about certificates

Each public theorem of `Spec/Certificate` once more, in full, so that one that says less than before does not build.
-/

namespace Scanproof

section Choices

variable (β : Type) (S : List β) (m : Nat)

example : (choices S m).length = S.length ^ m := length_choices S m

example (v : Fin m → β) : v ∈ choices S m ↔ ∀ k, v k ∈ S := mem_choices

example (hS : S.Nodup) : (choices S m).Nodup := nodup_choices hS m

example (p : β → Bool) :
    (choices S m).countP (fun v => decide (∀ k, p (v k) = true)) = S.countP p ^ m :=
  countP_choices_forall p S m

example (hS : S.Nodup) (p : (Fin m → β) → Bool) (k : Fin m)
    (h : ∀ v w, p v = true → p w = true → (∀ j, j ≠ k → v j = w j) → v k = w k) :
    (choices S m).countP p * S.length ≤ S.length ^ m :=
  countP_choices_mul_length_le hS p k h

end Choices

section Cuts

variable (κ ι α : Type) [Zero α] (reach : κ → Nat) (pos : ι → Nat) (J : κ → ι → α)

example : MatrixCausal reach pos J ↔ ∀ k i, reach k ≤ pos i → J k i = 0 := Iff.rfl

example (τ : Nat) (k : κ) (i : ι) : Separates reach pos τ k i ↔ reach k ≤ τ ∧ τ ≤ pos i := Iff.rfl

example (τ : Nat) : CutClear reach pos J τ ↔ ∀ k i, reach k ≤ τ ∧ τ ≤ pos i → J k i = 0 := Iff.rfl

example (k : κ) (i : ι) (h : reach k ≤ pos i) : Separates reach pos (pos i) k i := separates_pos reach pos h

example (k : κ) (i : ι) (h : reach k ≤ pos i) : Separates reach pos (reach k) k i := separates_reach reach pos h

example (τ : Nat) (k : κ) (i : ι) (h : Separates reach pos τ k i) : reach k ≤ pos i := h.le

example (cuts : Nat → Prop) (h : ∀ k i, reach k ≤ pos i → ∃ τ, cuts τ ∧ Separates reach pos τ k i) :
    MatrixCausal reach pos J ↔ ∀ τ, cuts τ → CutClear reach pos J τ :=
  matrixCausal_iff_of_separating reach pos J h

example : MatrixCausal reach pos J ↔ ∀ τ, CutClear reach pos J τ := matrixCausal_iff_cuts reach pos J

example : MatrixCausal reach pos J ↔ ∀ k, CutClear reach pos J (reach k) := matrixCausal_iff_reach_cuts reach pos J

example (T : Nat) (hpos : ∀ i, pos i < T) :
    MatrixCausal reach pos J ↔ ∀ k, reach k < T → CutClear reach pos J (reach k) :=
  matrixCausal_iff_reach_cuts_below reach pos J hpos

example (T : Nat) (out : κ → Nat) (hpos : ∀ i, pos i < T) :
    (∀ k i, out k < pos i → J k i = 0) ↔
      ∀ τ, 1 ≤ τ → τ < T → ∀ k i, out k < τ ∧ τ ≤ pos i → J k i = 0 :=
  matrixCausal_iff_cuts_below out pos J hpos

example (T : Nat) (J : Fin T → Fin T → α) :
    (∀ t s, t < s → J t s = 0) ↔ ∀ τ, 1 ≤ τ → τ < T → ∀ t s : Fin T, t.val < τ → τ ≤ s.val → J t s = 0 :=
  blockLowerTriangular_iff_cuts J

end Cuts

section RandomCuts

variable (T t s K : Nat)

example (τ : Nat) : τ ∈ cutsBelow T ↔ 1 ≤ τ ∧ τ < T := mem_cutsBelow

example : (cutsBelow T).length = T - 1 := length_cutsBelow T

example (hts : t ≤ s) (hs : s < T) : (cutsBelow T).countP (fun τ => t < τ && τ ≤ s) = s - t := countP_cutsBelow hts hs

example (separates : Nat → Bool) (cuts : List Nat) :
    (choices cuts K).countP (fun c => decide (∀ j, separates (c j) = false)) =
      (cuts.length - cuts.countP separates) ^ K :=
  countP_choices_missed separates cuts K

example (hts : t ≤ s) (hs : s < T) :
    (choices (cutsBelow T) K).countP (fun c => decide (∀ j, (t < c j && c j ≤ s) = false)) = (T - 1 - (s - t)) ^ K :=
  countP_random_cuts_missed hts hs K

example (ht : t + 1 < T) :
    (choices (cutsBelow T) K).countP (fun c => decide (∀ j, (t < c j && c j ≤ t + 1) = false)) = (T - 2) ^ K :=
  countP_random_cuts_missed_next ht K

example (hts : t < s) (hs : s < T) :
    ((choices (cutsBelow T) K).countP (fun c => decide (∀ j, (t < c j && c j ≤ s) = false)) : Rat) /
        ((choices (cutsBelow T) K).length : Rat) = (1 - ((s : Rat) - t) / ((T : Rat) - 1)) ^ K :=
  random_cuts_missed hts hs K

example (ht : t + 1 < T) :
    ((choices (cutsBelow T) K).countP (fun c => decide (∀ j, (t < c j && c j ≤ t + 1) = false)) : Rat) /
        ((choices (cutsBelow T) K).length : Rat) = (1 - 1 / ((T : Rat) - 1)) ^ K :=
  random_cuts_missed_next ht K

end RandomCuts

section RandomCotangents

variable (α ι : Type) (m : Nat) (reach : Fin m → Nat) (pos : ι → Nat) (J : Fin m → ι → α) (τ : Nat) (S : List α)

example [Lean.Grind.Semiring α] (v : Fin m → α) (h : CutClear reach pos J τ) (i : ι) (hi : τ ≤ pos i) :
    vecMul (fun k => if reach k ≤ τ then v k else 0) J i = 0 :=
  h.passes v i hi

example [Lean.Grind.Semiring α] (v : Fin m → α) (h : MatrixCausal reach pos J) (i : ι) (hi : τ ≤ pos i) :
    vecMul (fun k => if reach k ≤ τ then v k else 0) J i = 0 :=
  h.passes τ v i hi

example [Lean.Grind.Ring α] [DecidableEq α] (hS : S.Nodup) (k : Fin m) (i : ι) (h : ∀ a, a * J k i = 0 → a = 0) :
    (choices S m).countP (fun v => decide (vecMul v J i = 0)) * S.length ≤ S.length ^ m :=
  countP_vecMul_eq_zero_le hS J h

example [Lean.Grind.Ring α] [DecidableEq α] (domain : ∀ a b : α, a * b = 0 → a = 0 ∨ b = 0) (hS : S.Nodup) (n : Nat)
    (J : Fin m → Fin n → α) (h : ¬ ∀ k i, J k i = 0) :
    (choices S m).countP (fun v => decide (∀ i, vecMul v J i = 0)) * S.length ≤ S.length ^ m :=
  countP_vecMul_forall_eq_zero_le domain hS J h

example [Lean.Grind.Ring α] [DecidablePred (Passes reach pos J τ)] (hS : S.Nodup) (k : Fin m) (i : ι)
    (hs : reach k ≤ τ ∧ τ ≤ pos i) (h : ∀ a, a * J k i = 0 → a = 0) :
    (choices S m).countP (fun v => decide (Passes reach pos J τ v)) * S.length ≤ S.length ^ m :=
  countP_passes_le hS reach pos J τ hs h

example [Lean.Grind.Ring α] [∀ τ, DecidablePred (Passes reach pos J τ)]
    (domain : ∀ a b : α, a * b = 0 → a = 0 ∨ b = 0) (hS : S.Nodup) (c : Nat) (cuts : Fin c → Nat)
    (hcuts : ∀ k i, reach k ≤ pos i → ∃ j, reach k ≤ cuts j ∧ cuts j ≤ pos i)
    (h : ¬ ∀ k i, reach k ≤ pos i → J k i = 0) :
    (choices S m).countP (fun v => decide (∀ j, Passes reach pos J (cuts j) v)) * S.length ≤ S.length ^ m :=
  countP_certificate_le domain hS reach pos J cuts hcuts h

example [Lean.Grind.Ring α] (domain : ∀ a b : α, a * b = 0 → a = 0 ∨ b = 0) (hS : S.Nodup) (T : Nat)
    (out : Fin m → Nat) (hpos : ∀ i, pos i < T) [∀ τ, DecidablePred (Passes (fun k => out k + 1) pos J τ)]
    (h : ¬ ∀ k i, out k < pos i → J k i = 0) :
    (choices S m).countP (fun v => decide (∀ j : Fin (T - 1), Passes (fun k => out k + 1) pos J (j.val + 1) v)) *
        S.length ≤ S.length ^ m :=
  countP_certificate_same_length_le domain hS out pos hpos J h

end RandomCotangents

end Scanproof
