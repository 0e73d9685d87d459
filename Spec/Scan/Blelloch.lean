/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Prefix

/-!
# The scan of Blelloch

Two sweeps over a tree of neighbours. The up-sweep combines them, level by level, to the root. The down-sweep starts with the
identity `e` at the root, hands what lies before a node to its left child, and that combined with the left child to its right
child. At the leaves stands the exclusive scan. Any length: an element without a neighbour moves up as it is.

## Main definitions

* `upSweep op ts`: the levels of the tree, from the leaves to the root.
* `downSweep op e levels`: what lies before each leaf.
* `blelloch op e ts`: the exclusive scan; `blellochInclusive` combines each transition with it.

## Main results

* `isTree_blelloch`: what lies before position `i` is the value of a tree over `e` and the first `i` transitions, without
  any law.
* `isPrefixScan_blellochInclusive`: where `e` changes no transition that it comes before, the inclusive form is a parallel
  prefix.
* `blelloch_eq_exclusiveScan`: the sequential exclusive scan, where `op` is associative; `e` need not be neutral.
* `map_act_blellochInclusive`: applied to a state, the states of the sequential scan, where `e` changes no state.
* `take_blellochInclusive_append`: padding, to a power of two or any other length, changes nothing before it.

## References

* G. E. Blelloch, *Prefix Sums and Their Applications*, CMU-CS-90-190, 1990, section 1.2.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {τ υ σ : Type}

/-- Combine the first with the second, the third with the fourth and so on; an odd last one stays as it is. -/
def combineNeighbours (op : τ → τ → τ) : List τ → List τ
  | x :: y :: ts => op y x :: combineNeighbours op ts
  | [x] => [x]
  | [] => []

/-- There are half as many, rounded up. -/
theorem length_combineNeighbours (op : τ → τ → τ) (ts : List τ) :
    (combineNeighbours op ts).length = (ts.length + 1) / 2 := by
  fun_induction combineNeighbours op ts with
  | case1 x y ts ih => simp only [List.length_cons, ih]; omega
  | case2 => simp only [List.length_nil, List.length_cons, Nat.reduceAdd, Nat.reduceDiv]
  | case3 => simp only [List.length_nil, Nat.reduceAdd, Nat.reduceDiv]

/-- The levels of the tree of neighbours, from the leaves to the root. -/
def upSweep (op : τ → τ → τ) : List τ → List (List τ)
  | x :: y :: ts => (x :: y :: ts) :: upSweep op (combineNeighbours op (x :: y :: ts))
  | [x] => [[x]]
  | [] => [[]]
termination_by ts => ts.length
decreasing_by
  simp only [length_combineNeighbours, List.length_cons]
  omega

/-- From what lies before each node to what lies before its children. -/
def expand (op : τ → τ → τ) : (before children : List τ) → List τ
  | p :: before, x :: _ :: ts => p :: op x p :: expand op before ts
  | p :: _, [_] => [p]
  | _, _ => []

/-- What lies before each leaf, given the levels from the leaves to the root; before the root lies `e`. -/
def downSweep (op : τ → τ → τ) (e : τ) : List (List τ) → List τ
  | [] => []
  | [root] => root.map fun _ => e
  | level :: levels => expand op (downSweep op e levels) level

/-- The exclusive scan: up, and down again. -/
def blelloch (op : τ → τ → τ) (e : τ) (ts : List τ) : List τ := downSweep op e (upSweep op ts)

/-- The inclusive scan: each transition combined with what lies before it. -/
def blellochInclusive (op : τ → τ → τ) (e : τ) (ts : List τ) : List τ := List.zipWith op ts (blelloch op e ts)

private theorem upSweep_ne_nil (op : τ → τ → τ) (ts : List τ) : upSweep op ts ≠ [] := by
  fun_cases upSweep op ts <;> exact List.cons_ne_nil _ _

/-- One level: down from the neighbours' exclusive scan. -/
private theorem blelloch_cons_cons (op : τ → τ → τ) (e x y : τ) (ts : List τ) :
    blelloch op e (x :: y :: ts) = expand op (blelloch op e (combineNeighbours op (x :: y :: ts))) (x :: y :: ts) := by
  rw [blelloch, upSweep, downSweep, blelloch]
  exact upSweep_ne_nil op _

private theorem blelloch_nil (op : τ → τ → τ) (e : τ) : blelloch op e [] = [] := by
  rw [blelloch, upSweep]
  rfl

private theorem blelloch_singleton (op : τ → τ → τ) (e x : τ) : blelloch op e [x] = [e] := by
  rw [blelloch, upSweep]
  rfl

/-- Recursion over the levels. -/
private theorem level_induction (op : τ → τ → τ) {motive : List τ → Prop} (nil : motive []) (singleton : ∀ x, motive [x])
    (level : ∀ x y ts, motive (combineNeighbours op (x :: y :: ts)) → motive (x :: y :: ts)) (ts : List τ) : motive ts := by
  fun_induction upSweep op ts with
  | case1 x y ts ih => exact level x y ts ih
  | case2 x => exact singleton x
  | case3 => exact nil

private theorem map_combineNeighbours (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (ts : List τ) :
    (combineNeighbours op ts).map f = combineNeighbours op' (ts.map f) := by
  fun_induction combineNeighbours op ts with
  | case1 x y ts ih => simp only [List.map_cons, combineNeighbours, ih, h]
  | case2 => rfl
  | case3 => rfl

private theorem map_expand (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (before children : List τ) :
    (expand op before children).map f = expand op' (before.map f) (children.map f) := by
  fun_induction expand op before children with
  | case1 p before x y ts ih => simp only [List.map_cons, expand, ih, h]
  | case2 p before x => rfl
  | case3 before children h1 h2 =>
    match before, children with
    | [], _ => rfl
    | _ :: _, [] => rfl
    | p :: before, [x] => exact (h2 p before x rfl rfl).elim
    | p :: before, x :: y :: ts => exact (h1 p before x y ts rfl rfl).elim

/-- A map that takes combined transitions to combined images takes the scan to the scan of the images. -/
theorem map_blelloch (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (e : τ) (ts : List τ) :
    (blelloch op e ts).map f = blelloch op' (f e) (ts.map f) := by
  induction ts using level_induction op with
  | nil => simp only [blelloch_nil, List.map_nil]
  | singleton x => simp only [blelloch_singleton, List.map_cons, List.map_nil]
  | level x y ts ih =>
    rw [blelloch_cons_cons, map_expand f op op' h, ih, map_combineNeighbours f op op' h, List.map_cons, List.map_cons,
      blelloch_cons_cons]

private theorem expand_exclusiveScan (op : τ → τ → τ) [Std.Associative op] (e : τ) (ts : List τ) :
    expand op (exclusiveScan op e (combineNeighbours op ts)) ts = exclusiveScan op e ts := by
  fun_induction combineNeighbours op ts generalizing e with
  | case1 x y ts ih => simp only [exclusiveScan, expand, ih, Std.Associative.assoc (op := op)]
  | case2 => rfl
  | case3 => rfl

/-- Where `op` is associative, the scan of Blelloch is the sequential exclusive scan from `e`. -/
theorem blelloch_eq_exclusiveScan (op : τ → τ → τ) [Std.Associative op] (e : τ) (ts : List τ) :
    blelloch op e ts = exclusiveScan op e ts := by
  induction ts using level_induction op with
  | nil => exact blelloch_nil op e
  | singleton x => exact blelloch_singleton op e x
  | level x y ts ih => rw [blelloch_cons_cons, ih, expand_exclusiveScan]

/-- One combined transition per transition. -/
theorem length_blelloch (op : τ → τ → τ) (e : τ) (ts : List τ) : (blelloch op e ts).length = ts.length := by
  have : Std.Associative fun (_ _ : Unit) => () := ⟨fun _ _ _ => rfl⟩
  have h := congrArg List.length (map_blelloch (fun _ => ()) op (fun (_ _ : Unit) => ()) (fun _ _ => rfl) e ts)
  rw [blelloch_eq_exclusiveScan (fun (_ _ : Unit) => ()), length_exclusiveScan, List.length_map, List.length_map] at h
  exact h

/-- Where `op` is associative, its inclusive form is the sequential scan from `e`. -/
theorem blellochInclusive_eq_scanStates (op : τ → τ → τ) [Std.Associative op] (e : τ) (ts : List τ) :
    blellochInclusive op e ts = scanStates op e ts := by
  rw [blellochInclusive, blelloch_eq_exclusiveScan, zipWith_exclusiveScan]

/-- Where `op` is associative and `e` neutral, its inclusive form is the sequential inclusive scan. -/
theorem blellochInclusive_eq_inclusiveScan (op : τ → τ → τ) [Std.Associative op] (e : τ) [Std.LawfulRightIdentity op e]
    (ts : List τ) : blellochInclusive op e ts = inclusiveScan op ts := by
  rw [blellochInclusive_eq_scanStates]
  cases ts with
  | nil => rfl
  | cons t ts => rw [scanStates_cons, Std.LawfulRightIdentity.right_id (op := op), inclusiveScan]

/-- The inclusive form has one combined transition per transition. -/
theorem length_blellochInclusive (op : τ → τ → τ) (e : τ) (ts : List τ) :
    (blellochInclusive op e ts).length = ts.length := by
  rw [blellochInclusive, List.length_zipWith, length_blelloch, Nat.min_self]

/--
What lies before position `i` is the value of some tree over `e` and the first `i` transitions, in the order of time. No law
is assumed.
-/
theorem isTree_blelloch (op : τ → τ → τ) (e : τ) (ts : List τ) (i : Nat) (h : i < (blelloch op e ts).length) :
    ∃ tree : Tree τ, tree.toList = e :: ts.take i ∧ (blelloch op e ts)[i] = tree.combine op := by
  have hassoc : Std.Associative fun later earlier : List τ => earlier ++ later :=
    ⟨fun _ _ _ => (List.append_assoc ..).symm⟩
  let trees := blelloch (fun later earlier => Tree.node earlier later) (Tree.leaf e) (ts.map Tree.leaf)
  have hlists : trees.map Tree.toList = exclusiveScan (fun later earlier => earlier ++ later) [e] (ts.map ([·])) := by
    rw [map_blelloch Tree.toList _ (fun later earlier => earlier ++ later) fun _ _ => rfl, blelloch_eq_exclusiveScan,
      List.map_map]
    rfl
  have hvalues : trees.map (Tree.combine op) = blelloch op e ts := by
    rw [map_blelloch (Tree.combine op) _ op fun _ _ => rfl, List.map_map]
    congr 1
    exact List.map_id ts
  have hi : i < trees.length := by rw [← List.length_map (Tree.combine op), hvalues]; exact h
  refine ⟨trees[i], ?_, ?_⟩
  · have hi' : i < (exclusiveScan (fun later earlier => earlier ++ later) [e] (ts.map ([·]))).length := by
      rw [← hlists, List.length_map]
      exact hi
    calc
      trees[i].toList = (trees.map Tree.toList)[i]'(by rw [List.length_map]; exact hi) := (List.getElem_map ..).symm
      _ = (exclusiveScan (fun later earlier => earlier ++ later) [e] (ts.map ([·])))[i] := by simp only [hlists]
      _ = e :: ts.take i := by
        rw [getElem_exclusiveScan, ← List.map_take, foldl_append_singleton, List.singleton_append]
  · simp only [← hvalues, List.getElem_map]

private theorem toList_ne_nil (tree : Tree τ) : tree.toList ≠ [] := by
  cases tree with
  | leaf t => exact List.cons_ne_nil _ _
  | node earlier later => exact fun h => toList_ne_nil earlier (List.append_eq_nil_iff.mp h).1

private theorem combine_singleton (op : τ → τ → τ) (tree : Tree τ) {t : τ} (h : tree.toList = [t]) : tree.combine op = t := by
  cases tree with
  | leaf u => exact List.head_eq_of_cons_eq h
  | node earlier later =>
    have h := congrArg List.length h
    have := List.length_pos_iff.mpr (toList_ne_nil earlier)
    have := List.length_pos_iff.mpr (toList_ne_nil later)
    rw [Tree.toList, List.length_append, List.length_singleton] at h
    omega

private theorem drop_first (op : τ → τ → τ) {e : τ} (right_id : ∀ t, op t e = t) (tree : Tree τ) :
    ∀ {t ts}, tree.toList = e :: t :: ts → ∃ tree' : Tree τ, tree'.toList = t :: ts ∧ tree'.combine op = tree.combine op := by
  induction tree with
  | leaf x => intro t ts h; exact absurd (List.tail_eq_of_cons_eq h) (List.cons_ne_nil t ts).symm
  | node earlier later ih _ =>
    intro t ts h
    rw [Tree.toList] at h
    rcases hE : earlier.toList with _ | ⟨x, _ | ⟨u, us⟩⟩
    · exact absurd hE (toList_ne_nil earlier)
    · rw [hE, List.singleton_append, List.cons.injEq] at h
      obtain ⟨rfl, h⟩ := h
      refine ⟨later, h, ?_⟩
      rw [Tree.combine, combine_singleton op earlier hE, right_id]
    · rw [hE, List.cons_append, List.cons.injEq] at h
      obtain ⟨rfl, h⟩ := h
      obtain ⟨earlier', hl, hc⟩ := ih hE
      refine ⟨.node earlier' later, ?_, ?_⟩
      · rw [Tree.toList, hl, h]
      · rw [Tree.combine, Tree.combine, hc]

/--
Where `e` changes no transition that it comes before, the inclusive form is a parallel prefix. No other law is assumed.
-/
theorem isPrefixScan_blellochInclusive (op : τ → τ → τ) (e : τ) (right_id : ∀ t, op t e = t) (ts : List τ) :
    IsPrefixScan op ts (blellochInclusive op e ts) := by
  refine .of_getElem (length_blellochInclusive op e ts) fun i h => ?_
  have hi : i < ts.length := by rw [← length_blellochInclusive op e ts]; exact h
  obtain ⟨before, hbefore, hvalue⟩ := isTree_blelloch op e ts i (by rw [length_blelloch]; exact hi)
  cases ts with
  | nil => exact absurd hi (Nat.not_lt_zero i)
  | cons t ts =>
    have hnode : (Tree.node before (.leaf (t :: ts)[i])).toList = e :: t :: ts.take i := by
      rw [Tree.toList, hbefore, Tree.toList, List.cons_append, ← List.take_succ_eq_append_getElem hi, List.take_succ_cons]
    obtain ⟨tree, hl, hc⟩ := drop_first op right_id _ hnode
    refine ⟨tree, by rw [hl, List.take_succ_cons], ?_⟩
    rw [hc, Tree.combine, Tree.combine, ← hvalue]
    simp only [blellochInclusive, List.getElem_zipWith]

/--
Applied to a state, the inclusive form gives the states of the sequential scan, if `op` is one after the other and `e` changes
no state.
-/
theorem map_act_blellochInclusive (op : τ → τ → τ) (e : τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (act_e : ∀ s, act e s = s) (s : σ)
    (ts : List τ) : (blellochInclusive op e ts).map (fun t => act t s) = scanStates act s ts := by
  apply List.ext_getElem
  · rw [List.length_map, length_blellochInclusive, length_scanStates]
  · intro i hi hi'
    have hts : i < ts.length := by simpa only [length_scanStates] using hi'
    obtain ⟨tree, htree, h⟩ := isTree_blelloch op e ts i (by rw [length_blelloch]; exact hts)
    simp only [List.getElem_map, blellochInclusive, List.getElem_zipWith]
    rw [act_op, h, Tree.act_combine op act act_op, htree, List.foldl_cons, act_e, getElem_scanStates,
      List.take_succ_eq_append_getElem hts, List.foldl_append, List.foldl_cons, List.foldl_nil]

/-- Transitions appended as padding, to a power of two or any other length, change no state before them. -/
theorem take_blellochInclusive_append (op : τ → τ → τ) (e : τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (act_e : ∀ s, act e s = s) (s : σ)
    (ts padding : List τ) :
    ((blellochInclusive op e (ts ++ padding)).take ts.length).map (fun t => act t s) = scanStates act s ts := by
  rw [List.map_take, map_act_blellochInclusive op e act act_op act_e]
  exact Runner.take_outputs_append _ s ts padding

end Scanproof
