/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.Choices

/-!
# Prefix cuts are complete

A Jacobian has a row for each entry of the output and a column for each entry of the input. Causality forbids some of its
entries, in a staircase above the diagonal. A *cut* at `τ` keeps the outputs that may read below `τ` only, and forbids the
inputs at `τ` and later: a rectangle. The rectangles cover the staircase, so rectangles are enough to check.

Rows and columns are indexed by any types `κ` and `ι`. Entries are of any type with a zero: numbers, or blocks. Input `i`
stands at position `pos i`; output `k` may read the positions below `reach k`. Sequences of the same length have
`reach k = t + 1` for an output at position `t`; patching, striding and delays have other alignments.

## Main definitions

* `MatrixCausal reach pos J`: the forbidden entries of `J` are zero.
* `Separates reach pos τ k i`: the cut `τ` keeps output `k` and forbids input `i`.
* `CutClear reach pos J τ`: the block of the cut `τ` is zero.
* `cutsBelow T`: the cuts 1 … T - 1.

## Main results

* `matrixCausal_iff_cuts`, `matrixCausal_iff_reach_cuts`, `matrixCausal_iff_reach_cuts_below`: `J` is causal exactly when
  every cut is clear, and the cuts at the values of `reach` suffice.
* `matrixCausal_iff_cuts_below`, `blockLowerTriangular_iff_cuts`: for sequences of the same length `T`, the `T - 1` cuts
  suffice.
* `separates_pos`, `separates_reach`: a leaky pair is separated by the cut at its input, and by the cut at its output.
* `countP_cutsBelow`: `s - t` of the cuts separate the pair `t <- s`.
* `countP_choices_missed`, `countP_random_cuts_missed`, `countP_random_cuts_missed_next`, `random_cuts_missed`,
  `random_cuts_missed_next`: how often random cuts miss a pair.

## References

* Per-cut gradients: arXiv:2505.22487.
-/

@[expose] public noncomputable section

namespace Scanproof

section Cuts

variable {κ ι α : Type} [Zero α]

/-- Entry `(k, i)` of `J` is zero wherever input `i` stands beyond what output `k` may read. -/
def MatrixCausal (reach : κ → Nat) (pos : ι → Nat) (J : κ → ι → α) : Prop :=
  ∀ k i, reach k ≤ pos i → J k i = 0

/-- The cut `τ` keeps output `k`, which reads below `τ` only, and forbids input `i`, which stands at `τ` or later. -/
def Separates (reach : κ → Nat) (pos : ι → Nat) (τ : Nat) (k : κ) (i : ι) : Prop :=
  reach k ≤ τ ∧ τ ≤ pos i

/-- The block of `J` from the inputs that the cut `τ` forbids to the outputs that it keeps is zero. -/
def CutClear (reach : κ → Nat) (pos : ι → Nat) (J : κ → ι → α) (τ : Nat) : Prop :=
  ∀ k i, Separates reach pos τ k i → J k i = 0

/-- A forbidden pair is separated by the cut at the position of its input. -/
theorem separates_pos (reach : κ → Nat) (pos : ι → Nat) {k : κ} {i : ι} (h : reach k ≤ pos i) :
    Separates reach pos (pos i) k i :=
  ⟨h, Nat.le_refl _⟩

/-- A forbidden pair is separated by the cut at the reach of its output. -/
theorem separates_reach (reach : κ → Nat) (pos : ι → Nat) {k : κ} {i : ι} (h : reach k ≤ pos i) :
    Separates reach pos (reach k) k i :=
  ⟨Nat.le_refl _, h⟩

/-- A cut separates forbidden pairs only: no correct matrix fails it. -/
theorem Separates.le {reach : κ → Nat} {pos : ι → Nat} {τ : Nat} {k : κ} {i : ι} (h : Separates reach pos τ k i) :
    reach k ≤ pos i :=
  Nat.le_trans h.1 h.2

/-- Any family of cuts that separates every forbidden pair decides causality. -/
theorem matrixCausal_iff_of_separating (reach : κ → Nat) (pos : ι → Nat) (J : κ → ι → α) {cuts : Nat → Prop}
    (h : ∀ k i, reach k ≤ pos i → ∃ τ, cuts τ ∧ Separates reach pos τ k i) :
    MatrixCausal reach pos J ↔ ∀ τ, cuts τ → CutClear reach pos J τ := by
  refine ⟨fun hJ τ _ k i hs => hJ k i hs.le, fun hJ k i hki => ?_⟩
  obtain ⟨τ, hτ, hs⟩ := h k i hki
  exact hJ τ hτ k i hs

/-- A matrix is causal exactly when every cut is clear. -/
theorem matrixCausal_iff_cuts (reach : κ → Nat) (pos : ι → Nat) (J : κ → ι → α) :
    MatrixCausal reach pos J ↔ ∀ τ, CutClear reach pos J τ := by
  refine (matrixCausal_iff_of_separating reach pos J (cuts := fun _ => True) fun k i h => ?_).trans
    ⟨fun h τ => h τ trivial, fun h τ _ => h τ⟩
  exact ⟨pos i, trivial, separates_pos reach pos h⟩

/-- The cuts at the values of `reach` suffice. -/
theorem matrixCausal_iff_reach_cuts (reach : κ → Nat) (pos : ι → Nat) (J : κ → ι → α) :
    MatrixCausal reach pos J ↔ ∀ k, CutClear reach pos J (reach k) := by
  refine (matrixCausal_iff_of_separating reach pos J (cuts := fun τ => ∃ k, reach k = τ) fun k i h => ?_).trans
    ⟨fun h k => h _ ⟨k, rfl⟩, fun h τ ⟨k, hk⟩ => hk ▸ h k⟩
  exact ⟨reach k, ⟨k, rfl⟩, separates_reach reach pos h⟩

/-- Where all inputs stand below `T`, the cuts at the values of `reach` below `T` suffice. -/
theorem matrixCausal_iff_reach_cuts_below (reach : κ → Nat) (pos : ι → Nat) (J : κ → ι → α) {T : Nat}
    (hpos : ∀ i, pos i < T) : MatrixCausal reach pos J ↔ ∀ k, reach k < T → CutClear reach pos J (reach k) := by
  rw [matrixCausal_iff_reach_cuts]
  refine ⟨fun h k _ => h k, fun h k k' i hs => h k (Nat.lt_of_le_of_lt hs.2 (hpos i)) k' i hs⟩

/--
Where outputs and inputs stand at positions below `T`, and an output may read its own position and all before it, the cuts
1 … T - 1 suffice.
-/
theorem matrixCausal_iff_cuts_below {T : Nat} (out : κ → Nat) (pos : ι → Nat) (J : κ → ι → α)
    (hpos : ∀ i, pos i < T) :
    MatrixCausal (fun k => out k + 1) pos J ↔
      ∀ τ, 1 ≤ τ → τ < T → CutClear (fun k => out k + 1) pos J τ := by
  refine (matrixCausal_iff_of_separating _ pos J (cuts := fun τ => 1 ≤ τ ∧ τ < T) fun k i h => ?_).trans
    ⟨fun h τ h1 hT => h τ ⟨h1, hT⟩, fun h τ hτ => h τ hτ.1 hτ.2⟩
  exact ⟨pos i, ⟨Nat.le_trans (Nat.le_add_left 1 _) h, hpos i⟩, separates_pos _ pos h⟩

/--
A `T × T` matrix (of numbers, or of blocks) is lower triangular exactly when, for each of the cuts 1 … T - 1, the block
above and to the right of the cut is zero.
-/
theorem blockLowerTriangular_iff_cuts {T : Nat} (J : Fin T → Fin T → α) :
    (∀ t s, t < s → J t s = 0) ↔
      ∀ τ, 1 ≤ τ → τ < T → ∀ t s : Fin T, t.val < τ → τ ≤ s.val → J t s = 0 :=
  (matrixCausal_iff_cuts_below (fun t : Fin T => t.val) (fun s : Fin T => s.val) J fun s => s.isLt).trans
    ⟨fun h τ h1 hT t s ht hs => h τ h1 hT t s ⟨ht, hs⟩, fun h τ h1 hT t s hts => h τ h1 hT t s hts.1 hts.2⟩

end Cuts

/-! ## Random cuts -/

/-- The cuts 1 … T - 1 of a sequence of length `T`. -/
def cutsBelow (T : Nat) : List Nat := List.range' 1 (T - 1)

/-- A number is among the cuts exactly when it is at least 1 and less than `T`. -/
theorem mem_cutsBelow {T τ : Nat} : τ ∈ cutsBelow T ↔ 1 ≤ τ ∧ τ < T := by
  rw [cutsBelow, List.mem_range'_1]
  omega

/-- There are `T - 1` cuts. -/
theorem length_cutsBelow (T : Nat) : (cutsBelow T).length = T - 1 := List.length_range'

private theorem countP_range' (a n t s : Nat) (ht : a ≤ t + 1) (hts : t ≤ s) (hs : s < a + n) :
    (List.range' a n).countP (fun τ => t < τ && τ ≤ s) = s - t := by
  induction n generalizing a t with
  | zero => simp; omega
  | succ n ih =>
    rw [List.range'_succ, List.countP_cons]
    by_cases hat : a = t + 1
    · subst hat
      by_cases hs' : t = s
      · subst hs'
        have : (List.range' (t + 1 + 1) n).countP (fun τ => t < τ && τ ≤ t) = 0 := by
          rw [List.countP_eq_zero]
          intro τ _
          simp
        simp [this]
      · have : (List.range' (t + 1 + 1) n).countP (fun τ => t < τ && τ ≤ s) =
            (List.range' (t + 1 + 1) n).countP (fun τ => t + 1 < τ && τ ≤ s) := by
          apply List.countP_congr
          intro τ hτ
          rw [List.mem_range'_1] at hτ
          simp
          omega
        rw [this, ih (t + 1 + 1) (t + 1) (by omega) (by omega) (by omega), if_pos (by simp; omega)]
        omega
    · rw [ih (a + 1) t (by omega) hts (by omega)]
      simp
      omega

/-- Of the cuts 1 … T - 1, exactly `s - t` separate output `t` from input `s`: one only, when they are neighbours. -/
theorem countP_cutsBelow {T t s : Nat} (hts : t ≤ s) (hs : s < T) :
    (cutsBelow T).countP (fun τ => t < τ && τ ≤ s) = s - t :=
  countP_range' 1 (T - 1) t s (by omega) hts (by omega)

/--
`K` cuts drawn from a list, with replacement, all miss what `separates` says of a cut in
`(number of cuts that do not separate) ^ K` of the draws.
-/
theorem countP_choices_missed (separates : Nat → Bool) (cuts : List Nat) (K : Nat) :
    (choices cuts K).countP (fun c => decide (∀ j, separates (c j) = false)) =
      (cuts.length - cuts.countP separates) ^ K := by
  have := List.length_eq_countP_add_countP separates (l := cuts)
  have miss := countP_choices_forall (fun τ => !separates τ) cuts K
  simp only [Bool.not_eq_true'] at miss
  rw [miss]
  congr 1
  rw [this]
  simp

/--
Of the `(T - 1) ^ K` draws of `K` cuts, `(T - 1 - (s - t)) ^ K` miss the pair `t <- s`: none of their cuts separates it.
-/
theorem countP_random_cuts_missed {T t s : Nat} (hts : t ≤ s) (hs : s < T) (K : Nat) :
    (choices (cutsBelow T) K).countP (fun c => decide (∀ j, (t < c j && c j ≤ s) = false)) =
      (T - 1 - (s - t)) ^ K := by
  rw [countP_choices_missed (fun τ => t < τ && τ ≤ s), countP_cutsBelow hts hs, length_cutsBelow]

/-- Of the `(T - 1) ^ K` draws of `K` cuts, `(T - 2) ^ K` miss the pair of neighbours `t <- t + 1`. -/
theorem countP_random_cuts_missed_next {T t : Nat} (ht : t + 1 < T) (K : Nat) :
    (choices (cutsBelow T) K).countP (fun c => decide (∀ j, (t < c j && c j ≤ t + 1) = false)) = (T - 2) ^ K := by
  rw [countP_random_cuts_missed (Nat.le_add_right t 1) ht, Nat.add_sub_cancel_left, Nat.sub_sub]

private theorem rat_pow_div (a b : Rat) (K : Nat) : a ^ K / b ^ K = (a / b) ^ K := by
  induction K with
  | zero => grind
  | succ K ih => grind

/--
The share of the draws of `K` cuts that miss the pair `t <- s` is `(1 - (s - t) / (T - 1)) ^ K`: their probability, when
cuts are drawn uniformly and independently.
-/
theorem random_cuts_missed {T t s : Nat} (hts : t < s) (hs : s < T) (K : Nat) :
    ((choices (cutsBelow T) K).countP (fun c => decide (∀ j, (t < c j && c j ≤ s) = false)) : Rat) /
        ((choices (cutsBelow T) K).length : Rat) = (1 - ((s : Rat) - t) / ((T : Rat) - 1)) ^ K := by
  rw [countP_random_cuts_missed (Nat.le_of_lt hts) hs, length_choices, length_cutsBelow]
  obtain ⟨d, rfl⟩ := Nat.exists_eq_add_of_lt hts
  obtain ⟨e, rfl⟩ := Nat.exists_eq_add_of_lt hs
  have count : t + (d + 1) + e + 1 - 1 - (t + (d + 1) - t) = t + e := by omega
  have total : t + (d + 1) + e + 1 - 1 = t + (d + 1) + e := by omega
  have positive : ((t + (d + 1) + e : Nat) : Rat) ≠ 0 := by
    intro h
    have := Rat.natCast_eq_zero_iff.1 h
    omega
  rw [Nat.add_assoc t d 1, count, total]
  push_cast at positive ⊢
  rw [rat_pow_div]
  congr 1
  grind

/--
The share of the draws of `K` cuts that miss a pair of neighbours is `(1 - 1 / (T - 1)) ^ K`.
-/
theorem random_cuts_missed_next {T t : Nat} (ht : t + 1 < T) (K : Nat) :
    ((choices (cutsBelow T) K).countP (fun c => decide (∀ j, (t < c j && c j ≤ t + 1) = false)) : Rat) /
        ((choices (cutsBelow T) K).length : Rat) = (1 - 1 / ((T : Rat) - 1)) ^ K := by
  rw [random_cuts_missed (Nat.lt_succ_self t) ht]
  grind

end Scanproof
