/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causality.Packing
public import Spec.Kernels.SeqIdx

/-!
# Cumulative sequence lengths

Two more ways to say where the examples of a packed row begin. Kernels take `cu_seqlens`, the positions of the first tokens of
the examples and the row's length; and what a change of `seq_idx` does, a flag at the token does too. All mean the same.

## Main definitions

* `changeFlags`: the tokens of a row, flagged where their index differs from that of the token before.
* `segments`: a row cut into examples of given lengths; `cuSeqlens`: the positions where they begin, and the row's length.
* `seqIdxOfLengths`: the index of each token, counted upwards from a first one.

## Main results

* `Runner.withSeqIdx_eq_resetting`: starting anew where the index changes is starting anew at the flags.
* `getElem_segments`: an example lies between two neighbours in `cuSeqlens`.
* `Runner.withSeqIdx_segments`: with indices made from lengths, each example has the outputs that it has alone. Examples may
  be empty.
* `Runner.resetting_segments`: so it has with flags.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {σ ι ο : Type}

/-- The tokens of a row, each flagged if its index is not that of the token before; before the first one it is `j`. -/
def changeFlags (j : Int) : List (Int × ι) → List (Bool × ι)
  | [] => []
  | t :: ts => (decide (t.1 ≠ j), t.2) :: changeFlags t.1 ts

/-- The index of the last token, or `j` if there is none. -/
def lastIdx (j : Int) : List (Int × ι) → Int
  | [] => j
  | t :: ts => lastIdx t.1 ts

/-- A row cut into examples of these lengths, one after the other. -/
def segments : (lengths : List Nat) → List ι → List (List ι)
  | [], _ => []
  | l :: ls, xs => xs.take l :: segments ls (xs.drop l)

/-- The positions where examples of these lengths begin, from `start` on, and where the last one ends. -/
def cuSeqlens (start : Nat) : (lengths : List Nat) → List Nat
  | [] => [start]
  | l :: ls => start :: cuSeqlens (start + l) ls

/-- The index of each token of examples of these lengths: `first` for the first example, one more for each later one. -/
def seqIdxOfLengths (first : Int) : (lengths : List Nat) → List Int
  | [] => []
  | l :: ls => List.replicate l first ++ seqIdxOfLengths (first + 1) ls

/-- One position more than there are examples. -/
@[simp] theorem length_cuSeqlens (start : Nat) (ls : List Nat) : (cuSeqlens start ls).length = ls.length + 1 := by
  induction ls generalizing start with
  | nil => rfl
  | cons l ls ih => rw [cuSeqlens, List.length_cons, ih, List.length_cons]

/-- One example for each length. -/
@[simp] theorem length_segments (ls : List Nat) (xs : List ι) : (segments ls xs).length = ls.length := by
  induction ls generalizing xs with
  | nil => rfl
  | cons l ls ih => rw [segments, List.length_cons, ih, List.length_cons]

private theorem getElem_segments_from (start : Nat) (ls : List Nat) (xs : List ι) (i : Nat) (h : i < ls.length) :
    start ≤ (cuSeqlens start ls)[i]'(by rw [length_cuSeqlens]; omega) ∧
    (segments ls xs)[i]'(by rw [length_segments]; exact h) =
      (xs.drop ((cuSeqlens start ls)[i]'(by rw [length_cuSeqlens]; omega) - start)).take
        ((cuSeqlens start ls)[i + 1]'(by rw [length_cuSeqlens]; omega) -
          (cuSeqlens start ls)[i]'(by rw [length_cuSeqlens]; omega)) := by
  induction ls generalizing start xs i with
  | nil => exact absurd h (Nat.not_lt_zero i)
  | cons l ls ih =>
    cases i with
    | zero =>
      have next : (cuSeqlens (start + l) ls)[0]'(by rw [length_cuSeqlens]; omega) = start + l := by
        cases ls <;> rfl
      simp only [segments, cuSeqlens, List.getElem_cons_zero, List.getElem_cons_succ, next, Nat.sub_self, List.drop_zero,
        Nat.add_sub_cancel_left, Nat.le_refl, true_and]
    | succ i =>
      have rest := ih (start + l) (xs.drop l) i (Nat.lt_of_succ_lt_succ h)
      simp only [segments, cuSeqlens, List.getElem_cons_succ, rest.2, List.drop_drop]
      refine ⟨by omega, ?_⟩
      congr 2
      omega

/-- The example at `i` is what lies between the positions at `i` and `i + 1`. -/
theorem getElem_segments (ls : List Nat) (xs : List ι) (i : Nat) (h : i < ls.length) :
    (segments ls xs)[i]'(by rw [length_segments]; exact h) =
      (xs.drop ((cuSeqlens 0 ls)[i]'(by rw [length_cuSeqlens]; omega))).take
        ((cuSeqlens 0 ls)[i + 1]'(by rw [length_cuSeqlens]; omega) -
          (cuSeqlens 0 ls)[i]'(by rw [length_cuSeqlens]; omega)) :=
  (getElem_segments_from 0 ls xs i h).2

namespace Runner

variable (r : Runner σ ι ο) (s0 : σ)

/-- Starting anew where the index changes is starting anew at the flags. -/
theorem withSeqIdx_eq_resetting (s : σ) (j : Int) (ts : List (Int × ι)) :
    (r.withSeqIdx s0).runList (s, j) ts =
      ((((r.resetting s0).runList s (changeFlags j ts)).1, lastIdx j ts), ((r.resetting s0).runList s (changeFlags j ts)).2) := by
  induction ts generalizing s j with
  | nil => rfl
  | cons t ts ih =>
    have step : (r.withSeqIdx s0).step (s, j) t =
        ((((r.resetting s0).step s (decide (t.1 ≠ j), t.2)).1, t.1), ((r.resetting s0).step s (decide (t.1 ≠ j), t.2)).2) := by
      by_cases h : t.1 = j
      · simp only [withSeqIdx, resetting, h, ↓reduceIte, ne_eq, not_true_eq_false, decide_false, Bool.false_eq_true]
      · simp only [withSeqIdx, resetting, h, ↓reduceIte, ne_eq, not_false_eq_true, decide_true]
    rw [runList_cons, step, ih, changeFlags, runList_cons]
    rfl

private theorem zip_replicate (first : Int) (l : Nat) (idx : List Int) (xs : List ι) (h : l ≤ xs.length) :
    (List.replicate l first ++ idx).zip xs = ((xs.take l).map fun x => (first, x)) ++ idx.zip (xs.drop l) := by
  induction l generalizing xs with
  | zero => rfl
  | succ l ih =>
    cases xs with
    | nil => exact absurd h (Nat.not_succ_le_zero l)
    | cons x xs =>
      rw [List.replicate_succ, List.cons_append, List.zip_cons_cons, ih xs (Nat.le_of_succ_le_succ h), List.take_succ_cons,
        List.drop_succ_cons, List.map_cons, List.cons_append]

/--
With indices made from the lengths, in place of `cu_seqlens`, each example of a packed row has the outputs that it has alone,
from `s0`. Whatever state came before, its index is smaller than the first one.
-/
theorem withSeqIdx_segments (s : σ) (j first : Int) (hj : j < first) (ls : List Nat) (xs : List ι) (h : ls.sum = xs.length) :
    ((r.withSeqIdx s0).runList (s, j) ((seqIdxOfLengths first ls).zip xs)).2 =
      (segments ls xs).flatMap fun e => (r.runList s0 e).2 := by
  induction ls generalizing s j first xs with
  | nil => rfl
  | cons l ls ih =>
    rw [List.sum_cons] at h
    have rest : ls.sum = (xs.drop l).length := by rw [List.length_drop]; omega
    rw [seqIdxOfLengths, zip_replicate first l _ xs (by omega), runList_append, segments, List.flatMap_cons]
    cases hx : xs.take l with
    | nil =>
      rw [List.map_nil, runList_nil, runList_nil]
      exact ih s j (first + 1) (by omega) _ rest
    | cons y ys =>
      have alone : (r.withSeqIdx s0).runList (s, j) ((y :: ys).map fun x => (first, x)) =
          (((r.runList s0 (y :: ys)).1, first), (r.runList s0 (y :: ys)).2) := by
        rw [List.map_cons, withSeqIdx_change r s0 s j _ _ (by dsimp only; omega), ← List.map_cons, withSeqIdx_const]
      rw [alone]
      exact congrArg (fun later => (r.runList s0 (y :: ys)).2 ++ later) (ih _ first (first + 1) (by omega) _ rest)

/-- With a flag at the first token of each example, as the lengths say, each has the outputs that it has alone. -/
theorem resetting_segments (s : σ) (j first : Int) (hj : j < first) (ls : List Nat) (xs : List ι) (h : ls.sum = xs.length) :
    ((r.resetting s0).runList s (changeFlags j ((seqIdxOfLengths first ls).zip xs))).2 =
      (segments ls xs).flatMap fun e => (r.runList s0 e).2 := by
  rw [← withSeqIdx_segments r s0 s j first hj ls xs h, withSeqIdx_eq_resetting]

end Runner

end Scanproof
