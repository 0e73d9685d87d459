/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.SelectiveScan
public import Spec.Scan.DiagonalTree

/-!
# Parallel forms of the selective scan kernel

Implementations do not step from token to token: they combine the transitions of a channel in the shape of some tree, or in
chunks, and read each output from the state so reached. In lawful arithmetic that is the kernel, whatever the trees.

## Main results

* `selectiveScan_getElem`: every output, from the channel's transitions up to its token; this takes no law.
* `selectiveScan_output_tree`: every output, from any tree over the transitions up to its token.
* `selectiveScan_output_chunks`: every output, from any split of them into chunks, each with any tree.
* `selectiveScan_state_tree`, `selectiveScan_state_chunks`: the final state likewise.
-/

@[expose] public section

namespace Scanproof

variable {α : Type} [Scalar α] {channels groups stateDim : Nat}

/-- The output at `t` of channel `i` is read from the state after the channel's first `t + 1` transitions. -/
theorem selectiveScan_getElem (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (ts : List (SelectiveScanToken α channels groups stateDim)) (t : Nat) (ht : t < ts.length) (i : Fin channels) :
    ((selectiveScan p h0 ts).2[t]'((Runner.length_outputs ..).symm ▸ ht)).get i =
      p.readOut ts[t] i
        (runDiagonalTransitions (h0.get i) ((ts.take (t + 1)).map fun t => p.transition (p.stepSize t.delta) t i)) := by
  calc ((selectiveScan p h0 ts).2[t]'((Runner.length_outputs ..).symm ▸ ht)).get i
    _ = (selectiveStateUpdate p (selectiveScan p h0 (ts.take t)).1 ts[t]).2.get i :=
      congrArg (fun y => y.get i) (Runner.getElem_outputs p.runner h0 ts t ht)
    _ = p.readOut ts[t] i
          ((p.transition (p.stepSize ts[t].delta) ts[t] i).apply ((selectiveScan p h0 (ts.take t)).1.get i)) := by
      simp only [selectiveStateUpdate, Vec.get_ofFn]
    _ = _ := by
      rw [List.take_succ_eq_append_getElem ht, List.map_append, runDiagonalTransitions_append,
        ← selectiveScan_state_channel]
      rfl

/-- Every output is read from what any tree over the channel's transitions, up to that token, makes of the initial state. -/
theorem selectiveScan_output_tree [LawfulScalar α] (p : SelectiveScan α channels groups stateDim)
    (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) (t : Nat)
    (ht : t < ts.length) (i : Fin channels) (tree : Tree (DiagonalTransition α stateDim))
    (htree : tree.toList = (ts.take (t + 1)).map fun t => p.transition (p.stepSize t.delta) t i) :
    ((selectiveScan p h0 ts).2[t]'((Runner.length_outputs ..).symm ▸ ht)).get i =
      p.readOut ts[t] i ((tree.combine DiagonalTransition.after).apply (h0.get i)) := by
  rw [selectiveScan_getElem p h0 ts t ht, runDiagonalTransitions_tree, htree]

/--
Every output is read from what any split of the channel's transitions, up to that token, into chunks with any trees makes of
the initial state, the state handed from chunk to chunk.
-/
theorem selectiveScan_output_chunks [LawfulScalar α] (p : SelectiveScan α channels groups stateDim)
    (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) (t : Nat)
    (ht : t < ts.length) (i : Fin channels) (chunks : List (Tree (DiagonalTransition α stateDim)))
    (hchunks : chunks.flatMap Tree.toList = (ts.take (t + 1)).map fun t => p.transition (p.stepSize t.delta) t i) :
    ((selectiveScan p h0 ts).2[t]'((Runner.length_outputs ..).symm ▸ ht)).get i =
      p.readOut ts[t] i (chunks.foldl (fun h tree => (tree.combine DiagonalTransition.after).apply h) (h0.get i)) := by
  rw [selectiveScan_getElem p h0 ts t ht, runDiagonalTransitions_chunks, hchunks]

/-- The final state of a channel is what any tree over its transitions makes of the initial state. -/
theorem selectiveScan_state_tree [LawfulScalar α] (p : SelectiveScan α channels groups stateDim)
    (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels)
    (tree : Tree (DiagonalTransition α stateDim))
    (htree : tree.toList = ts.map fun t => p.transition (p.stepSize t.delta) t i) :
    (selectiveScan p h0 ts).1.get i = (tree.combine DiagonalTransition.after).apply (h0.get i) := by
  rw [selectiveScan_state_channel, runDiagonalTransitions_tree, htree]

/-- The final state of a channel is what any split of its transitions into chunks with any trees makes of the first. -/
theorem selectiveScan_state_chunks [LawfulScalar α] (p : SelectiveScan α channels groups stateDim)
    (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels)
    (chunks : List (Tree (DiagonalTransition α stateDim)))
    (hchunks : chunks.flatMap Tree.toList = ts.map fun t => p.transition (p.stepSize t.delta) t i) :
    (selectiveScan p h0 ts).1.get i =
      chunks.foldl (fun h tree => (tree.combine DiagonalTransition.after).apply h) (h0.get i) := by
  rw [selectiveScan_state_channel, runDiagonalTransitions_chunks, hchunks]

end Scanproof
