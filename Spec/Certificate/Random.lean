/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.Cuts
public import Spec.Certificate.VecMul

/-!
# Random cotangents

A cut is probed by one vector-Jacobian product, with a random cotangent on the outputs that the cut keeps. The gradient at
the inputs that it forbids is zero for every cotangent when the cut is clear, and for few cotangents when it is not: at most
one in `S.length`, when the entries are drawn uniformly and independently from the distinct values `S`. With the 2^52 or more
values that a random float64 takes, that is never.

## Main definitions

* `cutCotangent reach τ v`: the cotangent `v`, with zeros at the outputs that the cut `τ` does not keep.
* `Passes reach pos J τ v`: the probe of the cut `τ` with the cotangent `v` finds no forbidden gradient.

## Main results

* `MatrixCausal.passes`: no false alarm. A causal matrix passes every probe.
* `countP_vecMul_eq_zero_le`, `countP_vecMul_forall_eq_zero_le`: a matrix other than zero is sent to zero by at most a
  fraction `1 / S.length` of the cotangents.
* `countP_passes_le`: nor does a cut that is not clear pass with more.
* `countP_certificate_le`, `countP_certificate_same_length_le`: nor does a matrix that is not causal pass all of its cuts
  with more, whatever their number.

## References

* R. Freivalds, Probabilistic machines can use less running time, IFIP 1977.
* J. T. Schwartz, Fast probabilistic algorithms for verification of polynomial identities, 1980.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind (Semiring Ring AddCommGroup)

section Probe

variable {α ι : Type} [Semiring α] {m : Nat}

/-- The cotangent `v` on the outputs that the cut `τ` keeps, zero on the others. -/
def cutCotangent (reach : Fin m → Nat) (τ : Nat) (v : Fin m → α) (k : Fin m) : α := if reach k ≤ τ then v k else 0

/-- The probe of the cut `τ` with the cotangent `v` leaves a gradient of exactly zero at every input that `τ` forbids. -/
def Passes (reach : Fin m → Nat) (pos : ι → Nat) (J : Fin m → ι → α) (τ : Nat) (v : Fin m → α) : Prop :=
  ∀ i, τ ≤ pos i → vecMul (cutCotangent reach τ v) J i = 0

/-- A clear cut passes with every cotangent. -/
theorem CutClear.passes {reach : Fin m → Nat} {pos : ι → Nat} {J : Fin m → ι → α} {τ : Nat}
    (h : CutClear reach pos J τ) (v : Fin m → α) : Passes reach pos J τ v := by
  intro i hi
  refine vecMul_eq_zero fun k => ?_
  by_cases hk : reach k ≤ τ
  · exact Or.inr (h k i ⟨hk, hi⟩)
  · exact Or.inl (if_neg hk)

/-- No false alarm: a causal matrix passes the probe of every cut with every cotangent. -/
theorem MatrixCausal.passes {reach : Fin m → Nat} {pos : ι → Nat} {J : Fin m → ι → α}
    (h : MatrixCausal reach pos J) (τ : Nat) (v : Fin m → α) : Passes reach pos J τ v :=
  ((matrixCausal_iff_cuts reach pos J).1 h τ).passes v

end Probe

section Count

variable {α ι : Type} [Ring α] {m : Nat}

/--
If `J k i` is not a zero divisor, at most one in `S.length` of the cotangents with entries in `S` leaves a gradient of zero
at input `i`. (Freivalds; the simplest case of Schwartz and Zippel.)
-/
theorem countP_vecMul_eq_zero_le [DecidableEq α] {S : List α} (hS : S.Nodup) (J : Fin m → ι → α) {k : Fin m} {i : ι}
    (h : ∀ a, a * J k i = 0 → a = 0) :
    (choices S m).countP (fun v => decide (vecMul v J i = 0)) * S.length ≤ S.length ^ m := by
  refine countP_choices_mul_length_le hS _ k fun v w hv hw hvw => ?_
  have hv := decide_eq_true_iff.1 hv
  have hw := decide_eq_true_iff.1 hw
  have := vecMul_sub_vecMul J i hvw
  rw [hv, hw] at this
  have zero : v k - w k = 0 := h _ (this.symm.trans (AddCommGroup.sub_self 0))
  exact AddCommGroup.sub_eq_zero_iff.1 zero

/--
A matrix other than zero is sent to zero by at most one in `S.length` of the cotangents with entries in `S`, over a ring
without zero divisors.
-/
theorem countP_vecMul_forall_eq_zero_le {n : Nat} [DecidableEq α] (domain : ∀ a b : α, a * b = 0 → a = 0 ∨ b = 0)
    {S : List α} (hS : S.Nodup) (J : Fin m → Fin n → α) (h : ¬ ∀ k i, J k i = 0) :
    (choices S m).countP (fun v => decide (∀ i, vecMul v J i = 0)) * S.length ≤ S.length ^ m := by
  obtain ⟨k, hk⟩ := Classical.not_forall.1 h
  obtain ⟨i, hi⟩ := Classical.not_forall.1 hk
  refine Nat.le_trans (Nat.mul_le_mul_right _ (List.countP_mono_left fun v _ hv => ?_))
    (countP_vecMul_eq_zero_le hS J (k := k) (i := i) fun a ha => (domain a _ ha).resolve_right hi)
  exact decide_eq_true (decide_eq_true_iff.1 hv i)

private theorem vecMul_cutCotangent (reach : Fin m → Nat) (τ : Nat) (v : Fin m → α) (J : Fin m → ι → α) (i : ι) :
    vecMul (cutCotangent reach τ v) J i = vecMul v (fun k i => if reach k ≤ τ then J k i else 0) i := by
  simp only [vecMul, cutCotangent]
  congr 1
  funext k
  split
  · rfl
  · rw [Semiring.zero_mul, Semiring.mul_zero]

/--
If the cut `τ` separates a pair whose entry is not a zero divisor, at most one in `S.length` of its cotangents passes, with
any leaks elsewhere.
-/
theorem countP_passes_le {S : List α} (hS : S.Nodup) (reach : Fin m → Nat) (pos : ι → Nat) (J : Fin m → ι → α) (τ : Nat)
    [DecidablePred (Passes reach pos J τ)] {k : Fin m} {i : ι} (hs : Separates reach pos τ k i)
    (h : ∀ a, a * J k i = 0 → a = 0) :
    (choices S m).countP (fun v => decide (Passes reach pos J τ v)) * S.length ≤ S.length ^ m := by
  refine countP_choices_mul_length_le hS _ k fun v w hv hw hvw => ?_
  have hv := decide_eq_true_iff.1 hv i hs.2
  have hw := decide_eq_true_iff.1 hw i hs.2
  rw [vecMul_cutCotangent] at hv hw
  have := vecMul_sub_vecMul (fun k i => if reach k ≤ τ then J k i else 0) i hvw
  rw [hv, hw] at this
  simp only [if_pos hs.1] at this
  exact AddCommGroup.sub_eq_zero_iff.1 (h _ (this.symm.trans (AddCommGroup.sub_self 0)))

/--
The certificate. Probe any cuts that separate every forbidden pair, all with one cotangent. A matrix that is not causal
passes all of them with at most one in `S.length` of the cotangents, over a ring without zero divisors.
-/
theorem countP_certificate_le (domain : ∀ a b : α, a * b = 0 → a = 0 ∨ b = 0) {S : List α} (hS : S.Nodup)
    (reach : Fin m → Nat) (pos : ι → Nat) (J : Fin m → ι → α) {c : Nat} (cuts : Fin c → Nat)
    [∀ τ, DecidablePred (Passes reach pos J τ)]
    (hcuts : ∀ k i, reach k ≤ pos i → ∃ j, Separates reach pos (cuts j) k i) (h : ¬ MatrixCausal reach pos J) :
    (choices S m).countP (fun v => decide (∀ j, Passes reach pos J (cuts j) v)) * S.length ≤ S.length ^ m := by
  obtain ⟨k, hk⟩ := Classical.not_forall.1 h
  obtain ⟨i, hi⟩ := Classical.not_forall.1 hk
  obtain ⟨hki, hJ⟩ := Classical.not_imp.1 hi
  obtain ⟨j, hj⟩ := hcuts k i hki
  refine Nat.le_trans (Nat.mul_le_mul_right _ (List.countP_mono_left fun v _ hv => ?_))
    (countP_passes_le hS reach pos J (cuts j) hj fun a ha => (domain a _ ha).resolve_right hJ)
  exact decide_eq_true (decide_eq_true_iff.1 hv j)

/--
The certificate for sequences of the same length `T`, where output `k` stands at position `out k` and may read that position
and all before it: the cuts 1 … T - 1, with one cotangent. A matrix that is not causal passes with at most one in `S.length`
of the cotangents.
-/
theorem countP_certificate_same_length_le (domain : ∀ a b : α, a * b = 0 → a = 0 ∨ b = 0) {S : List α} (hS : S.Nodup)
    {T : Nat} (out : Fin m → Nat) (pos : ι → Nat) (hpos : ∀ i, pos i < T) (J : Fin m → ι → α)
    [∀ τ, DecidablePred (Passes (fun k => out k + 1) pos J τ)] (h : ¬ ∀ k i, out k < pos i → J k i = 0) :
    (choices S m).countP (fun v => decide (∀ j : Fin (T - 1), Passes (fun k => out k + 1) pos J (j.val + 1) v)) *
        S.length ≤ S.length ^ m := by
  refine countP_certificate_le domain hS _ pos J (fun j : Fin (T - 1) => j.val + 1) (fun k i hki => ?_) h
  have := hpos i
  exact ⟨⟨pos i - 1, by omega⟩, by unfold Separates; dsimp only; omega⟩

end Count

end Scanproof
