/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.FinSum
public import Spec.Runner

/-!
# Sequence indices

Kernels for packed rows take an index for every token, `seq_idx`, in place of a flag at the first token of each
example: where the index changes from one token to the next, the state is dropped. Said of any runner.

## Main definitions

* `Runner.withSeqIdx`: the runner whose tokens carry an index, and which starts anew where the index changes.
* `NeighboursDiffer`: neighbours in a list of indices are different.
* `packSeqIdx`: examples laid end to end, each with its index.
* `resetDecay`: the decay that is zero where the index changes.

## Main results

* `Runner.withSeqIdx_const`: tokens that carry the index of the state are run as if they carried none.
* `Runner.withSeqIdx_change`: where the index changes, what came before does not matter.
* `Runner.withSeqIdx_packed`: each example of a packed row has the outputs that it has alone.
* `segProd_resetDecay`: the mask of a packed row is the mask of an unpacked one where source and destination have the
  same index, and zero elsewhere.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {σ ι ο : Type}

/-- Examples laid end to end, each token with the index of its example. -/
def packSeqIdx (examples : List (Int × List ι)) : List (Int × ι) :=
  examples.flatMap fun e => e.2.map fun x => (e.1, x)

/-- No two neighbours in the list are equal. -/
def NeighboursDiffer : List Int → Prop
  | i :: j :: l => i ≠ j ∧ NeighboursDiffer (j :: l)
  | _ => True

namespace Runner

variable (r : Runner σ ι ο) (s0 : σ)

/--
The runner that starts anew, from `s0`, at each token whose index is not that of the token before; the state holds
that index.
-/
def withSeqIdx : Runner (σ × Int) (Int × ι) ο where
  step state token :=
    let next := r.step (if token.1 = state.2 then state.1 else s0) token.2
    ((next.1, token.1), next.2)

/-- Tokens that carry the index of the state are run as if they carried none. -/
theorem withSeqIdx_const (s : σ) (j : Int) (xs : List ι) :
    (r.withSeqIdx s0).runList (s, j) (xs.map fun x => (j, x)) = (((r.runList s xs).1, j), (r.runList s xs).2) := by
  induction xs generalizing s with
  | nil => rfl
  | cons x xs ih =>
    have step : (r.withSeqIdx s0).step (s, j) (j, x) = (((r.step s x).1, j), (r.step s x).2) := by
      simp only [withSeqIdx, ↓reduceIte]
    rw [List.map_cons, runList_cons, step, ih]
    rfl

/-- Where the index changes, the tokens that follow are run from `s0`, whatever came before. -/
theorem withSeqIdx_change (s : σ) (j : Int) (token : Int × ι) (tokens : List (Int × ι)) (h : token.1 ≠ j) :
    (r.withSeqIdx s0).runList (s, j) (token :: tokens) =
      (r.withSeqIdx s0).runList (s0, token.1) (token :: tokens) := by
  have step : (r.withSeqIdx s0).step (s, j) token = (r.withSeqIdx s0).step (s0, token.1) token := by
    simp only [withSeqIdx, if_neg h, ↓reduceIte]
  rw [runList_cons, step]
  rfl

private theorem withSeqIdx_example (s : σ) {i j : Int} (h : j ≠ i) {xs : List ι} (hne : xs ≠ []) :
    (r.withSeqIdx s0).runList (s, j) (xs.map fun x => (i, x)) = (((r.runList s0 xs).1, i), (r.runList s0 xs).2) := by
  cases xs with
  | nil => exact absurd rfl hne
  | cons x xs =>
    rw [List.map_cons, withSeqIdx_change r s0 s j _ _ (Ne.symm h), ← List.map_cons, withSeqIdx_const]

/--
The outputs of a packed row, from the state `s` with index `j`: a first example with index `j` continues from `s` (it
may be empty), and every later one has the outputs that it has alone, from `s0`. No example but the first is empty,
and neighbours have different indices.
-/
theorem withSeqIdx_packed (s : σ) (j : Int) (xs : List ι) (later : List (Int × List ι)) (hne : ∀ e ∈ later, e.2 ≠ [])
    (hidx : NeighboursDiffer (j :: later.map Prod.fst)) :
    ((r.withSeqIdx s0).runList (s, j) (packSeqIdx ((j, xs) :: later))).2 =
      (r.runList s xs).2 ++ later.flatMap fun e => (r.runList s0 e.2).2 := by
  have rest : ∀ (s : σ) (j : Int), NeighboursDiffer (j :: later.map Prod.fst) →
      ((r.withSeqIdx s0).runList (s, j) (packSeqIdx later)).2 = later.flatMap fun e => (r.runList s0 e.2).2 := by
    clear hidx
    induction later with
    | nil => intro s j _; rfl
    | cons e later ih =>
      intro s j hidx
      have ih := ih fun e he => hne e (List.mem_cons_of_mem _ he)
      rw [packSeqIdx, List.flatMap_cons, runList_append,
        withSeqIdx_example r s0 s hidx.1 (hne e List.mem_cons_self), List.flatMap_cons]
      exact congrArg _ (ih _ _ hidx.2)
  rw [packSeqIdx, List.flatMap_cons, runList_append, withSeqIdx_const]
  exact congrArg _ (rest _ _ hidx)

end Runner

open Lean.Grind

/-- The index of the token before time `t`; before the first one it is `first`. -/
def previousIdx (first : Int) (idx : Nat → Int) : Nat → Int
  | 0 => first
  | t + 1 => idx t

/-- The decay, made zero where the index changes. -/
def resetDecay {R : Type} [Semiring R] (first : Int) (idx : Nat → Int) (a : Nat → R) (t : Nat) : R :=
  if idx t = previousIdx first idx t then a t else 0

/--
From source `s` to destination `t`, the decays of a packed row multiply to those of an unpacked one if both have the
same index, and to zero otherwise: the mask that kernels use. Each index must be that of one stretch of tokens.
-/
theorem segProd_resetDecay {R : Type} [Semiring R] (first : Int) (idx : Nat → Int) (a : Nat → R)
    (stretch : ∀ r s t, r ≤ s → s ≤ t → idx r = idx t → idx s = idx t) {s t : Nat} (h : s ≤ t) :
    segProd (resetDecay first idx a) (s + 1) (t + 1) = if idx s = idx t then segProd a (s + 1) (t + 1) else 0 := by
  obtain ⟨d, rfl⟩ := Nat.exists_eq_add_of_le h
  induction d with
  | zero => simp only [Nat.add_zero, segProd_self, ↓reduceIte]
  | succ d ih =>
    rw [← Nat.add_assoc, segProd_succ _ (by omega), segProd_succ a (by omega), ih (by omega)]
    by_cases same : idx s = idx (s + d + 1)
    · have before := stretch s (s + d) (s + d + 1) (by omega) (by omega) same
      rw [resetDecay, previousIdx, if_pos before.symm, if_pos (same.trans before.symm), if_pos same]
    · by_cases last : idx (s + d) = idx (s + d + 1)
      · have first : ¬idx s = idx (s + d) := fun h => same (h.trans last)
        rw [if_neg first, if_neg same]
        grind
      · have last : ¬idx (s + d + 1) = idx (s + d) := fun h => last h.symm
        rw [resetDecay, previousIdx, if_neg last, if_neg same]
        grind

end Scanproof
