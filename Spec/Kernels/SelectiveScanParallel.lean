/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.SelectiveScan
public import Spec.RingScalar
public import Spec.Scan.Chunked
public import Spec.Scan.DiagonalTree

/-!
# Parallel forms of the selective scan kernel

Implementations do not step from token to token: they combine the transitions of a channel in the shape of some tree, or in
chunks, and read each output from the state so reached. In lawful arithmetic that is the kernel, whatever the trees.

## Main results

* `selectiveScan_getElem`: every output, from the channel's transitions up to its token; this takes no law.
* `selectiveScan_output_tree`: every output, from any tree over the transitions up to its token.
* `selectiveScan_outputs_prefixScan`: all outputs, from any parallel prefix.
* `selectiveScan_outputs_prefixScan_zero`: all outputs, from its additive parts alone, when the initial state is zero.
* `selectiveScan_outputs_chunked`: all outputs, from the chunked scan of any chunk length.
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
The outputs of a channel are read from any parallel prefix over its transitions, each combined transition applied to the initial
state: Hillis-Steele, odd-even and Blelloch's scan are such.
-/
theorem selectiveScan_outputs_prefixScan [LawfulScalar α] (p : SelectiveScan α channels groups stateDim)
    (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels)
    (combined : List (DiagonalTransition α stateDim))
    (hcombined : IsPrefixScan DiagonalTransition.after
      (ts.map fun t => p.transition (p.stepSize t.delta) t i) combined) :
    (selectiveScan p h0 ts).2.map (fun y => y.get i) =
      List.zipWith (fun t h => p.readOut t i h) ts (combined.map fun t => t.apply (h0.get i)) := by
  rw [selectiveScan_outputs_channel, hcombined.map_act DiagonalTransition.apply DiagonalTransition.apply_after]
  rfl

/--
From the zero state, the outputs of a channel are read from the additive parts of any parallel prefix over its transitions: they
are the states. This takes the laws of zero, too.
-/
theorem selectiveScan_outputs_prefixScan_zero [SemiringScalar α] (p : SelectiveScan α channels groups stateDim)
    (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels)
    (hzero : ∀ n, (h0.get i).get n = 0) (combined : List (DiagonalTransition α stateDim))
    (hcombined : IsPrefixScan DiagonalTransition.after
      (ts.map fun t => p.transition (p.stepSize t.delta) t i) combined) :
    (selectiveScan p h0 ts).2.map (fun y => y.get i) =
      List.zipWith (fun t h => p.readOut t i h) ts (combined.map DiagonalTransition.b) := by
  have happly : (fun t : DiagonalTransition α stateDim => t.apply (h0.get i)) = DiagonalTransition.b :=
    funext fun t => Vec.ext fun n => by
      simp only [DiagonalTransition.apply, Vec.mul, Vec.add, Vec.get_zipWith]
      rw [hzero, SemiringScalar.mul_zero, SemiringScalar.add_comm, SemiringScalar.add_zero]
  rw [selectiveScan_outputs_prefixScan p h0 ts i combined hcombined, happly]

/--
The outputs of a channel are read from the chunked scan of its transitions, for every chunk length and any parallel prefix within
the chunks. The number of tokens need not be a multiple of the chunk length.
-/
theorem selectiveScan_outputs_chunked [LawfulScalar α] (p : SelectiveScan α channels groups stateDim)
    (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels)
    (scan : List (DiagonalTransition α stateDim) → List (DiagonalTransition α stateDim))
    (hscan : ∀ ts, IsPrefixScan DiagonalTransition.after ts (scan ts)) (chunkLength : Nat) :
    (selectiveScan p h0 ts).2.map (fun y => y.get i) =
      List.zipWith (fun t h => p.readOut t i h) ts
        (chunkedScan scan DiagonalTransition.apply chunkLength (h0.get i)
          (ts.map fun t => p.transition (p.stepSize t.delta) t i)) := by
  rw [selectiveScan_outputs_channel,
    chunkedScan_eq_scanStates DiagonalTransition.after DiagonalTransition.apply DiagonalTransition.apply_after scan hscan]
  rfl

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
