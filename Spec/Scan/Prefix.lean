/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Sequential
public import Spec.Scan.Tree

/-!
# What a parallel prefix computes

Parallel scans differ in the order in which they combine transitions, and in nothing else. `IsPrefixScan` says just that,
without any law: the result at position `i` is the value of *some* binary tree over the first `i + 1` transitions. A bound
on the rounding of every tree is therefore a bound for each of these algorithms.

## Main definitions

* `prefixes ts`: the lists of the first `1, 2, …` transitions.
* `IsPrefixScan op ts ys`: each of `ys` is the value of a tree over the prefix that ends there.

## Main results

* `IsPrefixScan.map_act`: applied to a state, any parallel prefix gives the states of the sequential scan.
* `IsPrefixScan.eq_inclusiveScan`: where `op` is associative, all parallel prefixes are equal.
* `isPrefixScan_of_natural`: to be a parallel prefix it suffices to join lists rightly, for an algorithm that uses its
  transitions only by combining them.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {τ σ : Type}

/-- The first transition, the first two, and so on to all of them. -/
def prefixes (ts : List τ) : List (List τ) := inclusiveScan (fun later earlier => earlier ++ later) (ts.map ([·]))

/-- One prefix per transition. -/
@[simp] theorem length_prefixes (ts : List τ) : (prefixes ts).length = ts.length := by
  rw [prefixes, length_inclusiveScan, List.length_map]

/-- Joining one-element lists joins their elements. -/
theorem foldl_append_singleton (acc : List τ) (ts : List τ) :
    (ts.map ([·])).foldl (fun earlier later => earlier ++ later) acc = acc ++ ts := by
  induction ts generalizing acc with
  | nil => exact (List.append_nil acc).symm
  | cons t ts ih => simp only [List.map_cons, List.foldl_cons, ih, List.append_assoc, List.singleton_append]

/-- The prefix at position `i` holds the first `i + 1` transitions. -/
theorem getElem_prefixes (ts : List τ) (i : Nat) (h : i < (prefixes ts).length) :
    (prefixes ts)[i] = ts.take (i + 1) := by
  cases ts with
  | nil => exact absurd h (Nat.not_lt_zero i)
  | cons t ts =>
    cases i with
    | zero => rfl
    | succ i =>
      simp only [prefixes, List.map_cons, inclusiveScan, List.getElem_cons_succ, getElem_scanStates, ← List.map_take,
        foldl_append_singleton, List.singleton_append, List.take_succ_cons]

/--
Each of `ys` is what some binary tree over the transitions up to that position evaluates to. It says which transitions are
combined and in which order of time, and leaves open how they are bracketed.
-/
def IsPrefixScan (op : τ → τ → τ) (ts ys : List τ) : Prop :=
  ∃ trees : List (Tree τ), trees.map Tree.toList = prefixes ts ∧ trees.map (Tree.combine op) = ys

namespace IsPrefixScan

variable {op : τ → τ → τ} {ts ys : List τ}

/-- One combined transition per transition. -/
theorem length_eq (h : IsPrefixScan op ts ys) : ys.length = ts.length := by
  obtain ⟨trees, hts, rfl⟩ := h
  rw [← length_prefixes ts, ← hts, List.length_map, List.length_map]

/-- At position `i` stands the value of some tree over the first `i + 1` transitions. -/
theorem getElem_eq (h : IsPrefixScan op ts ys) (i : Nat) (hi : i < ys.length) :
    ∃ tree : Tree τ, tree.toList = ts.take (i + 1) ∧ ys[i] = tree.combine op := by
  obtain ⟨trees, hts, rfl⟩ := h
  have hi' : i < trees.length := by simpa only [List.length_map] using hi
  refine ⟨trees[i], ?_, List.getElem_map ..⟩
  have h' : i < (prefixes ts).length := by rw [← hts, List.length_map]; exact hi'
  rw [← getElem_prefixes ts i h']
  simp only [← hts, List.getElem_map]

/-- Conversely, a tree for every position makes a parallel prefix. -/
theorem of_getElem (length_eq : ys.length = ts.length)
    (trees : ∀ i (h : i < ys.length), ∃ tree : Tree τ, tree.toList = ts.take (i + 1) ∧ ys[i] = tree.combine op) :
    IsPrefixScan op ts ys := by
  refine ⟨List.ofFn fun i : Fin ys.length => Classical.choose (trees i.val i.isLt), ?_, ?_⟩
  · apply List.ext_getElem
    · rw [List.length_map, List.length_ofFn, length_prefixes, length_eq]
    · intro i h _
      rw [List.length_map, List.length_ofFn] at h
      rw [List.getElem_map, List.getElem_ofFn, getElem_prefixes]
      exact (Classical.choose_spec (trees i h)).1
  · apply List.ext_getElem
    · rw [List.length_map, List.length_ofFn]
    · intro i h _
      rw [List.length_map, List.length_ofFn] at h
      rw [List.getElem_map, List.getElem_ofFn]
      exact (Classical.choose_spec (trees i h)).2.symm

/--
Applied to a state, any parallel prefix gives the states of the sequential scan, if `op` is one after the other. It need
not be associative.
-/
theorem map_act (h : IsPrefixScan op ts ys) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (s : σ) :
    ys.map (fun t => act t s) = scanStates act s ts := by
  apply List.ext_getElem
  · rw [List.length_map, length_scanStates, h.length_eq]
  · intro i hi _
    obtain ⟨tree, htree, hy⟩ := h.getElem_eq i (by simpa only [List.length_map] using hi)
    rw [List.getElem_map, hy, Tree.act_combine op act act_op, htree, getElem_scanStates]

private theorem act_of_assoc (op : τ → τ → τ) [Std.Associative op] (tree : Tree τ) (t : τ) :
    op (tree.combine op) t = tree.toList.foldl (fun s t => op t s) t :=
  Tree.act_combine op op Std.Associative.assoc tree t

private theorem combine_eq (op : τ → τ → τ) [Std.Associative op] (tree : Tree τ) :
    ∃ t ts, tree.toList = t :: ts ∧ tree.combine op = ts.foldl (fun s t => op t s) t := by
  induction tree with
  | leaf t => exact ⟨t, [], rfl, rfl⟩
  | node earlier later ihe _ =>
    obtain ⟨t, ts, hl, hc⟩ := ihe
    refine ⟨t, ts ++ later.toList, ?_, ?_⟩
    · rw [Tree.toList, hl, List.cons_append]
    · rw [Tree.combine, act_of_assoc op, hc, List.foldl_append]

/-- Where `op` is associative, any parallel prefix is the sequential inclusive scan. -/
theorem eq_inclusiveScan [Std.Associative op] (h : IsPrefixScan op ts ys) : ys = inclusiveScan op ts := by
  apply List.ext_getElem
  · rw [length_inclusiveScan, h.length_eq]
  · intro i hi hi'
    obtain ⟨tree, htree, hy⟩ := h.getElem_eq i hi
    obtain ⟨u, us, hl, hc⟩ := combine_eq op tree
    rw [hy, hc]
    rw [htree] at hl
    cases ts with
    | nil => exact absurd hi' (Nat.not_lt_zero i)
    | cons t ts =>
      rw [List.take_succ_cons, List.cons.injEq] at hl
      obtain ⟨rfl, rfl⟩ := hl
      cases i with
      | zero => rfl
      | succ i => simp only [inclusiveScan, List.getElem_cons_succ, getElem_scanStates]

end IsPrefixScan

private theorem map_toList_leaf (ts : List τ) : (ts.map Tree.leaf).map Tree.toList = ts.map ([·]) := by
  rw [List.map_map]
  rfl

private theorem map_combine_leaf (op : τ → τ → τ) (ts : List τ) : (ts.map Tree.leaf).map (Tree.combine op) = ts := by
  rw [List.map_map]
  exact List.map_id ts

/--
An algorithm that uses its transitions only by combining them (`natural`), and that joins one-element lists to the prefixes
(`lists`), is a parallel prefix for every `op`.
-/
theorem isPrefixScan_of_natural (scan : {τ : Type} → (τ → τ → τ) → List τ → List τ)
    (natural : ∀ {τ υ : Type} (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ),
      (∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) →
      ∀ ts, (scan op ts).map f = scan op' (ts.map f))
    (lists : ∀ {τ : Type} (ts : List τ), scan (fun later earlier => earlier ++ later) (ts.map ([·])) = prefixes ts)
    (op : τ → τ → τ) (ts : List τ) : IsPrefixScan op ts (scan op ts) :=
  ⟨scan (fun later earlier => Tree.node earlier later) (ts.map Tree.leaf),
    by rw [natural Tree.toList _ (fun later earlier => earlier ++ later) fun _ _ => rfl, map_toList_leaf, lists],
    by rw [natural (Tree.combine op) _ op fun _ _ => rfl, map_combine_leaf]⟩

/-- The sequential inclusive scan is a parallel prefix: its trees lean to the left. -/
theorem isPrefixScan_inclusiveScan (op : τ → τ → τ) (ts : List τ) : IsPrefixScan op ts (inclusiveScan op ts) :=
  isPrefixScan_of_natural inclusiveScan map_inclusiveScan (fun _ => rfl) op ts

end Scanproof
