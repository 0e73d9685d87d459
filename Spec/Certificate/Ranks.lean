/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.Cuts

/-!
# Alignments as ranks

Of an alignment between outputs and inputs, cuts need the order only. Rank the outputs by how many of the different reaches
lie below their own, and the inputs by how many reaches end at or before them: on this one scale an output may read an input
exactly when the rank of the input is at most its own, as in sequences of the same length.

## Main definitions

* `outputRank reaches r`: the rank of an output with reach `r`.
* `inputRank reaches s`: the rank of an input at position `s`.

## Main results

* `lt_reach_iff_inputRank_le`: ranks decide what may be read.
* `matrixCausal_iff_ranks`, `matrixCausal_iff_rank_cuts`: so causality, and its cuts, are those of sequences of the same length.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- The number of the reaches that are less than `r`. -/
def outputRank (reaches : List Nat) (r : Nat) : Nat := reaches.countP fun reach => reach < r

/-- The number of the reaches that are at most `s`: of outputs that may not read the input at `s`. -/
def inputRank (reaches : List Nat) (s : Nat) : Nat := reaches.countP fun reach => reach ≤ s

/-- An output of one of the reaches may read an input exactly when the rank of the input is at most its own. -/
theorem lt_reach_iff_inputRank_le {reaches : List Nat} {r : Nat} (hr : r ∈ reaches) (s : Nat) :
    s < r ↔ inputRank reaches s ≤ outputRank reaches r := by
  constructor
  · intro h
    refine List.countP_mono_left fun reach _ hreach => ?_
    rw [decide_eq_true_iff] at hreach ⊢
    omega
  · intro h
    apply Nat.lt_of_not_le
    intro hrs
    obtain ⟨before, after, rfl⟩ := List.append_of_mem hr
    have mono (l : List Nat) : (l.countP fun reach => reach < r) ≤ l.countP fun reach => reach ≤ s := by
      refine List.countP_mono_left fun reach _ hreach => ?_
      rw [decide_eq_true_iff] at hreach ⊢
      omega
    have hb := mono before
    have ha := mono after
    rw [inputRank, outputRank, List.countP_append, List.countP_append, List.countP_cons, List.countP_cons,
      if_pos (decide_eq_true_iff.2 hrs), if_neg (by simp only [Nat.lt_irrefl, decide_false]; exact Bool.false_ne_true)] at h
    omega

variable {κ ι α : Type} [Zero α]

/-- A matrix is causal for an alignment exactly when it is causal on the scale of ranks. -/
theorem matrixCausal_iff_ranks {reaches : List Nat} (reach : κ → Nat) (hreach : ∀ k, reach k ∈ reaches) (pos : ι → Nat)
    (J : κ → ι → α) :
    MatrixCausal reach pos J ↔
      MatrixCausal (fun k => outputRank reaches (reach k) + 1) (fun i => inputRank reaches (pos i)) J := by
  have same (k : κ) (i : ι) :
      reach k ≤ pos i ↔ outputRank reaches (reach k) + 1 ≤ inputRank reaches (pos i) := by
    have := lt_reach_iff_inputRank_le (hreach k) (pos i)
    omega
  exact ⟨fun h k i hki => h k i ((same k i).2 hki), fun h k i hki => h k i ((same k i).1 hki)⟩

/-- The cuts 1 … n between the ranks suffice, `n` being the greatest rank of an input. -/
theorem matrixCausal_iff_rank_cuts {reaches : List Nat} (reach : κ → Nat) (hreach : ∀ k, reach k ∈ reaches) (pos : ι → Nat)
    (J : κ → ι → α) {n : Nat} (hn : ∀ i, inputRank reaches (pos i) ≤ n) :
    MatrixCausal reach pos J ↔
      ∀ cut, 1 ≤ cut → cut ≤ n → ∀ k i,
        outputRank reaches (reach k) < cut → cut ≤ inputRank reaches (pos i) → J k i = 0 := by
  rw [matrixCausal_iff_ranks reach hreach pos J,
    matrixCausal_iff_cuts_below (T := n + 1) _ _ J fun i => Nat.lt_succ_of_le (hn i)]
  exact ⟨fun h cut h1 hcut k i hk hi => h cut h1 (Nat.lt_succ_of_le hcut) k i ⟨hk, hi⟩,
    fun h cut h1 hcut k i hs => h cut h1 (Nat.le_of_lt_succ hcut) k i hs.1 hs.2⟩

end Scanproof
