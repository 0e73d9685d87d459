/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Prefix

/-!
# The scan of Hillis and Steele

Recursive doubling: in round `k` every position combines itself with the one `2 ^ k` places before it, all at once. Any
length, no identity, `⌈log₂ n⌉` rounds.

## Main definitions

* `combineAtDistance op d ts`: one round.
* `hillisSteele op ts`: all rounds.

## Main results

* `isPrefixScan_hillisSteele`: it is a parallel prefix, without any law.
* `hillisSteele_eq_inclusiveScan`: the sequential scan, where `op` is associative.

## References

* W. D. Hillis, G. L. Steele, *Data Parallel Algorithms*, CACM 29(12), 1986.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {τ υ : Type}

/-- One round: every position from `d` on is combined with the one `d` places before it; the first `d` stay. -/
def combineAtDistance (op : τ → τ → τ) (d : Nat) (ts : List τ) : List τ := ts.take d ++ List.zipWith op (ts.drop d) ts

/-- The first `k` rounds, at the distances `1, 2, 4, …`. -/
def doublingRounds (op : τ → τ → τ) : (k : Nat) → List τ → List τ
  | 0, ts => ts
  | k + 1, ts => combineAtDistance op (2 ^ k) (doublingRounds op k ts)

/-- The least number of rounds whose distances reach over `n` positions: `⌈log₂ n⌉`. -/
def doublingDepth (n : Nat) : Nat := if n ≤ 1 then 0 else (n - 1).log2 + 1

/-- That many rounds reach over `n` positions. -/
theorem le_two_pow_doublingDepth (n : Nat) : n ≤ 2 ^ doublingDepth n := by
  unfold doublingDepth
  split
  · rw [Nat.pow_zero]
    assumption
  · have := Nat.lt_log2_self (n := n - 1)
    omega

/-- No fewer rounds do. -/
theorem two_pow_lt_of_lt_doublingDepth {n k : Nat} (h : k < doublingDepth n) : 2 ^ k < n := by
  unfold doublingDepth at h
  split at h
  · exact absurd h (Nat.not_lt_zero k)
  · have h1 : 2 ^ k ≤ 2 ^ (n - 1).log2 := Nat.pow_le_pow_right (by decide) (Nat.le_of_lt_succ h)
    have h2 := Nat.log2_self_le (n := n - 1) (by omega)
    omega

/-- Rounds at the distances `1, 2, 4, …` until one round more would reach over the whole list. -/
def hillisSteele (op : τ → τ → τ) (ts : List τ) : List τ := doublingRounds op (doublingDepth ts.length) ts

private theorem map_combineAtDistance (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (d : Nat) (ts : List τ) :
    (combineAtDistance op d ts).map f = combineAtDistance op' d (ts.map f) := by
  simp only [combineAtDistance, List.map_append, List.map_take, List.map_zipWith, ← List.map_drop, List.zipWith_map, h]

private theorem map_doublingRounds (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (k : Nat) (ts : List τ) :
    (doublingRounds op k ts).map f = doublingRounds op' k (ts.map f) := by
  induction k with
  | zero => rfl
  | succ k ih => simp only [doublingRounds, map_combineAtDistance f op op' h, ih]

/-- A map that takes combined transitions to combined images takes the scan to the scan of the images. -/
theorem map_hillisSteele (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (ts : List τ) :
    (hillisSteele op ts).map f = hillisSteele op' (ts.map f) := by
  rw [hillisSteele, hillisSteele, map_doublingRounds f op op' h, List.length_map]

/-- A round keeps the length. -/
private theorem length_combineAtDistance (op : τ → τ → τ) (d : Nat) (ts : List τ) :
    (combineAtDistance op d ts).length = ts.length := by
  simp only [combineAtDistance, List.length_append, List.length_take, List.length_zipWith, List.length_drop]
  omega

private theorem length_doublingRounds (op : τ → τ → τ) (k : Nat) (ts : List τ) :
    (doublingRounds op k ts).length = ts.length := by
  induction k with
  | zero => rfl
  | succ k ih => rw [doublingRounds, length_combineAtDistance, ih]

/-- After `k` rounds, position `i` has joined the last `2 ^ k` elements up to and with its own. -/
private theorem getElem_doublingRounds (ts : List τ) (k i : Nat)
    (h : i < (doublingRounds (fun later earlier => earlier ++ later) k (ts.map ([·]))).length) :
    (doublingRounds (fun later earlier => earlier ++ later) k (ts.map ([·])))[i] =
      (ts.take (i + 1)).drop (i + 1 - 2 ^ k) := by
  have hi : i < ts.length := by simpa only [length_doublingRounds, List.length_map] using h
  induction k generalizing i with
  | zero =>
    simp only [doublingRounds, List.getElem_map, Nat.pow_zero, Nat.add_sub_cancel, List.take_succ_eq_append_getElem hi]
    rw [List.drop_left' (by rw [List.length_take]; omega)]
  | succ k ih =>
    have hpos := Nat.two_pow_pos k
    simp only [doublingRounds, combineAtDistance]
    by_cases hlt : i < 2 ^ k
    · rw [List.getElem_append_left (by simp only [List.length_take, length_doublingRounds, List.length_map]; omega)]
      rw [List.getElem_take, ih i (by simpa only [length_doublingRounds, List.length_map] using hi) hi]
      congr 1
      have := Nat.pow_le_pow_right (n := 2) (by decide) (Nat.le_succ k)
      omega
    · rw [List.getElem_append_right (by simp only [List.length_take]; omega)]
      simp only [List.getElem_zipWith, List.getElem_drop, List.length_take, length_doublingRounds, List.length_map,
        Nat.min_eq_left (show 2 ^ k ≤ ts.length by omega), show 2 ^ k + (i - 2 ^ k) = i by omega]
      rw [ih i (by simpa only [length_doublingRounds, List.length_map] using hi) hi,
        ih (i - 2 ^ k) (by simp only [length_doublingRounds, List.length_map]; omega) (by omega)]
      have hpow : 2 ^ (k + 1) = 2 ^ k + 2 ^ k := by rw [Nat.pow_succ]; omega
      have hsplit : (ts.take (i + 1)).drop (i + 1 - 2 ^ (k + 1)) =
          ((ts.take (i + 1)).take (i - 2 ^ k + 1)).drop (i + 1 - 2 ^ (k + 1)) ++
            (ts.take (i + 1)).drop (i - 2 ^ k + 1) := by
        conv => lhs; rw [← List.take_append_drop (i - 2 ^ k + 1) (ts.take (i + 1))]
        rw [List.drop_append_of_le_length]
        rw [List.length_take, List.length_take]
        omega
      rw [hsplit, List.take_take, Nat.min_eq_left (by omega), show i - 2 ^ k + 1 - 2 ^ k = i + 1 - 2 ^ (k + 1) by omega,
        show i + 1 - 2 ^ k = i - 2 ^ k + 1 by omega]

private theorem hillisSteele_lists (ts : List τ) :
    hillisSteele (fun later earlier => earlier ++ later) (ts.map ([·])) = prefixes ts := by
  apply List.ext_getElem
  · rw [hillisSteele, length_doublingRounds, List.length_map, length_prefixes]
  · intro i h h'
    rw [length_prefixes] at h'
    simp only [hillisSteele] at h ⊢
    rw [getElem_doublingRounds, getElem_prefixes]
    have := le_two_pow_doublingDepth ts.length
    rw [List.length_map, show i + 1 - 2 ^ doublingDepth ts.length = 0 by omega, List.drop_zero]

/-- The scan of Hillis and Steele is a parallel prefix: every result is the value of a tree over its prefix. -/
theorem isPrefixScan_hillisSteele (op : τ → τ → τ) (ts : List τ) : IsPrefixScan op ts (hillisSteele op ts) :=
  isPrefixScan_of_natural hillisSteele map_hillisSteele hillisSteele_lists op ts

/-- Where `op` is associative, the scan of Hillis and Steele is the sequential scan. -/
theorem hillisSteele_eq_inclusiveScan (op : τ → τ → τ) [Std.Associative op] (ts : List τ) :
    hillisSteele op ts = inclusiveScan op ts :=
  (isPrefixScan_hillisSteele op ts).eq_inclusiveScan

end Scanproof
