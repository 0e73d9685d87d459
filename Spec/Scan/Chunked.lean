/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Prefix

/-!
# Chunked scans

Scan all chunks in parallel, each by any parallel prefix, and carry one state from chunk to chunk. The states at *every*
position are those of the sequential scan, for every chunk length, whether or not it divides the number of transitions.

## Main definitions

* `chunks c xs`: the pieces of `c` elements in order, the last one as long as what is left.
* `applyChunks act s locals`: the states, given the combined transitions within each chunk.
* `chunkedScan scan act c s ts`: the chunked scan.

## Main results

* `flatten_chunks`, `length_getElem_chunks`: the pieces are a split, of length `c` except for a ragged last one.
* `chunkedScan_eq_scanStates`: the chunked scan is the sequential scan.
* `segmentedScan_eq_scanStates`: so is the scan of any segments.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α τ σ : Type}

/-- The pieces of `c` elements in order; the last one holds what is left. (A `c` of zero counts as one.) -/
def chunks (c : Nat) : List α → List (List α)
  | [] => []
  | x :: xs => (x :: xs.take (c - 1)) :: chunks c (xs.drop (c - 1))
termination_by xs => xs.length
decreasing_by
  simp only [List.length_drop, List.length_cons]
  omega

/-- Joined again, the pieces are the list. -/
theorem flatten_chunks (c : Nat) (xs : List α) : (chunks c xs).flatten = xs := by
  fun_induction chunks c xs with
  | case1 => rfl
  | case2 x xs ih => rw [List.flatten_cons, ih, List.cons_append, List.take_append_drop]

/-- There are `⌈n / c⌉` pieces. -/
theorem length_chunks {c : Nat} (hc : 1 ≤ c) (xs : List α) : (chunks c xs).length = (xs.length + c - 1) / c := by
  fun_induction chunks c xs with
  | case1 =>
    rw [List.length_nil, List.length_nil, Nat.zero_add, Nat.div_eq_of_lt (by omega)]
  | case2 x xs ih =>
    rw [List.length_cons, ih, List.length_drop, List.length_cons]
    by_cases h : c - 1 ≤ xs.length
    · rw [show xs.length + 1 + c - 1 = xs.length - (c - 1) + c - 1 + c by omega, Nat.add_div_right _ (by omega)]
    · rw [show xs.length - (c - 1) + c - 1 = c - 1 by omega, Nat.div_eq_of_lt (by omega),
        show xs.length + 1 + c - 1 = xs.length + c by omega, Nat.add_div_right _ (by omega), Nat.div_eq_of_lt (by omega)]

/-- The piece at `i` holds the `c` elements from `i * c` on, or what is left of them. -/
theorem getElem_chunks {c : Nat} (hc : 1 ≤ c) (xs : List α) (i : Nat) (h : i < (chunks c xs).length) :
    (chunks c xs)[i] = (xs.drop (i * c)).take c := by
  fun_induction chunks c xs generalizing i with
  | case1 => exact absurd h (Nat.not_lt_zero i)
  | case2 x xs ih =>
    obtain ⟨c, rfl⟩ := Nat.exists_eq_add_of_le' hc
    cases i with
    | zero => rw [List.getElem_cons_zero, Nat.zero_mul, List.drop_zero, List.take_succ_cons, Nat.add_sub_cancel]
    | succ i =>
      rw [List.getElem_cons_succ, ih i (Nat.lt_of_succ_lt_succ h), List.drop_drop, Nat.add_sub_cancel, Nat.succ_mul,
        ← Nat.add_assoc, List.drop_succ_cons, Nat.add_comm c (i * _)]

/-- The piece at `i` has `c` elements, except for a last one that has as many as are left. -/
theorem length_getElem_chunks {c : Nat} (hc : 1 ≤ c) (xs : List α) (i : Nat) (h : i < (chunks c xs).length) :
    (chunks c xs)[i].length = min c (xs.length - i * c) := by
  rw [getElem_chunks hc, List.length_take, List.length_drop]

/--
The states, given for each chunk the combined transitions from its start: each is applied to the state in which the chunk
is entered, and the last state of a chunk enters the next one.
-/
def applyChunks (act : τ → σ → σ) (s : σ) : (locals : List (List τ)) → List σ
  | [] => []
  | chunk :: locals =>
    let states := chunk.map fun t => act t s
    states ++ applyChunks act (states.getLastD s) locals

/-- Scan all segments by `scan`, then carry the state through. -/
def segmentedScan (scan : List τ → List τ) (act : τ → σ → σ) (s : σ) (segments : List (List τ)) : List σ :=
  applyChunks act s (segments.map scan)

/-- Scan all chunks of length `c` by `scan`, then carry the state through. -/
def chunkedScan (scan : List τ → List τ) (act : τ → σ → σ) (c : Nat) (s : σ) (ts : List τ) : List σ :=
  segmentedScan scan act s (chunks c ts)

private theorem getLastD_scanStates (act : τ → σ → σ) (s : σ) (ts : List τ) :
    (scanStates act s ts).getLastD s = ts.foldl (fun s t => act t s) s := by
  induction ts generalizing s with
  | nil => rfl
  | cons t ts ih => rw [scanStates_cons, List.getLastD_cons, ih, List.foldl_cons]

/--
Scanning segments of any lengths by any parallel prefix, and carrying the state through, gives the states of the sequential
scan at every position.
-/
theorem segmentedScan_eq_scanStates (op : τ → τ → τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (scan : List τ → List τ)
    (hscan : ∀ ts, IsPrefixScan op ts (scan ts)) (s : σ) (segments : List (List τ)) :
    segmentedScan scan act s segments = scanStates act s segments.flatten := by
  induction segments generalizing s with
  | nil => rfl
  | cons segment segments ih =>
    rw [List.flatten_cons, scanStates_append, ← ih, ← getLastD_scanStates, ← (hscan segment).map_act act act_op]
    rfl

/--
The chunked scan gives the states of the sequential scan at every position, for every chunk length and any parallel prefix
within the chunks. The number of transitions need not be a multiple of the chunk length.
-/
theorem chunkedScan_eq_scanStates (op : τ → τ → τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (scan : List τ → List τ)
    (hscan : ∀ ts, IsPrefixScan op ts (scan ts)) (c : Nat) (s : σ) (ts : List τ) :
    chunkedScan scan act c s ts = scanStates act s ts := by
  rw [chunkedScan, segmentedScan_eq_scanStates op act act_op scan hscan, flatten_chunks]

end Scanproof
