/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

/-!
# Evaluation by trees

Parallel scans do not apply transitions one after another: they combine neighbours first, in the shape of some binary tree,
and apply the result. Whatever the tree, the state is that of the sequential run, if combining two transitions is the same
as applying one after the other. Associativity is not needed.

## Main definitions

* `Tree`: a binary tree over the transitions, the earlier ones on the left.
* `Tree.combine`: the transition that a tree evaluates to.

## Main results

* `Tree.act_combine`: applying what any tree evaluates to is applying its leaves in order.
* `Tree.act_chunks`: the same for any split into chunks, each with a tree of its own, the state handed from chunk to chunk.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- A binary tree whose leaves are transitions, in the order of time from left to right. -/
inductive Tree (τ : Type) where
  /-- One transition. -/
  | leaf (transition : τ)
  /-- Some transitions, and the ones after them. -/
  | node (earlier later : Tree τ)

namespace Tree

variable {τ σ : Type}

/-- The transitions in the order of time. -/
def toList : Tree τ → List τ
  | leaf t => [t]
  | node earlier later => earlier.toList ++ later.toList

/-- Combine the transitions as the tree says; `op later earlier` is `later` after `earlier`. -/
def combine (op : τ → τ → τ) : Tree τ → τ
  | leaf t => t
  | node earlier later => op (later.combine op) (earlier.combine op)

/--
Applying what a tree evaluates to is applying its leaves in order, whatever the shape of the tree, if `op` is one after the
other. So sequential, chunked, recursive-doubling and work-efficient scans reach the same state.
-/
theorem act_combine (op : τ → τ → τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (tree : Tree τ) (s : σ) :
    act (tree.combine op) s = tree.toList.foldl (fun s t => act t s) s := by
  induction tree generalizing s with
  | leaf t => rfl
  | node earlier later ihe ihl => simp only [combine, toList, act_op, ihe, ihl, List.foldl_append]

/--
Splitting the transitions into chunks of any lengths, evaluating each chunk by any tree, and handing the state from chunk to
chunk, reaches the state of the sequential run.
-/
theorem act_chunks (op : τ → τ → τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (chunks : List (Tree τ)) (s : σ) :
    chunks.foldl (fun s tree => act (tree.combine op) s) s =
      (chunks.flatMap toList).foldl (fun s t => act t s) s := by
  induction chunks generalizing s with
  | nil => rfl
  | cons tree chunks ih =>
    rw [List.foldl_cons, List.flatMap_cons, List.foldl_append, ih, act_combine op act act_op]

end Tree

end Scanproof
