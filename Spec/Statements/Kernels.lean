/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causality.Kernels
public import Spec.Causality.MambaLanguageModelStreaming
public import Spec.Causality.ModelStreaming
public import Spec.Causality.SelectiveMambaCache
public import Spec.Causality.Streaming
public import Spec.Kernels.CausalConv1d
public import Spec.Kernels.CausalConv1dCache
public import Spec.Kernels.Groups
public import Spec.Kernels.RingBuffer
public import Spec.Kernels.SelectiveScan
public import Spec.Kernels.SelectiveScanParallel
public import Spec.Kernels.Window
public import Spec.Models.Mamba2Block
public import Spec.Models.SelectiveMambaKernels

/-!
# Kernels and streaming, restated

Each public theorem of `Spec.Kernels`, of the block through its kernels, and of streaming, word for word. Who weakens one
breaks the build here, and finds in one place what the library says.
-/

namespace Scanproof

/-! ## Kernels/Groups -/

section

example {channels groups : Nat} (h : groups ∣ channels) (i : Fin channels) :
    (groupOf h i).val = i.val / (channels / groups) := by
  apply val_groupOf <;> assumption

example {channels : Nat} (h : 1 ∣ channels) (i : Fin channels) : groupOf h i = 0 := by
  apply groupOf_one <;> assumption

example {channels : Nat} (h : channels ∣ channels) (i : Fin channels) : groupOf h i = i := by
  apply groupOf_self <;> assumption

end

/-! ## Kernels/Window -/

section

variable {β : Type}

example (default : β) (xs : List β) (k : Nat) : entryAt default xs k = xs.getD k default := by
  apply entryAt_eq_getD <;> assumption

example (k : Nat) (xs : List β) : newest k xs = xs.take k := by
  apply newest_eq_take <;> assumption

example (m n : Nat) (xs : List β) : newest m (newest n xs) = newest (min m n) xs := by
  apply newest_newest <;> assumption

example (default : β) (n : Nat) (xs : List β) (k : Nat) (h : k < n) :
    entryAt default (newest n xs) k = entryAt default xs k := by
  apply entryAt_newest <;> assumption

example (default : β) {m n : Nat} (h : m ≤ n) (history : List β) :
    windowOf default m (newest n history) = windowOf default m history := by
  apply windowOf_newest <;> assumption

example (default : β) (n : Nat) : windowOf default n [] = Vec.ofFn fun _ => default := by
  apply windowOf_nil <;> assumption

example (default : β) {m n : Nat} (h : m ≤ n + 1) (x : β) (history : List β) :
    Vec.shiftIn x (windowOf default n history) h = windowOf default m (x :: history) := by
  apply Vec.shiftIn_windowOf <;> assumption

example {l m n k : Nat} (x : β) (w : Vec β n) (hlk : l ≤ k) (hk : k ≤ n + 1) (hl : l ≤ m + 1)
    (hm : m ≤ n) : (Vec.shiftIn x w hk).take hlk = Vec.shiftIn x (w.take hm) hl := by
  apply Vec.take_shiftIn <;> assumption

example (default : β) {n : Nat} (w : Vec β n) (k : Nat) :
    entryAt default w.toList k = if h : k < n then w.get ⟨k, h⟩ else default := by
  apply entryAt_toList <;> assumption

example (default : β) {n : Nat} (w : Vec β n) : windowOf default n w.toList = w := by
  apply windowOf_toList <;> assumption

end

/-! ## Kernels/RingBuffer -/

section

example {β : Type} {n : Nat} (v : Vec β n) (i : Nat) (x : β) (j : Fin n) :
    (v.set i x).get j = if i = j.val then x else v.get j := by
  apply Vec.get_set <;> assumption

namespace RingBuffer

variable {β : Type} {len : Nat}

example (ring : RingBuffer β len) (x : β) (n : Nat) (h : n ≤ len) :
    (ring.push x).newest n h = Vec.shiftIn x (ring.newest n h) (Nat.le_succ n) := by
  apply newest_push <;> assumption

example (default : β) (count : Nat) {n : Nat} (w : Vec β n) (h : n ≤ len) :
    (ofWindow default len count w).newest n h = w := by
  apply newest_ofWindow <;> assumption

end RingBuffer

end

/-! ## Kernels/SelectiveScan -/

section

variable {α : Type} [Scalar α] {channels groups stateDim : Nat}

example (p : SelectiveScan α channels groups stateDim) (delta : Tensor α [channels])
    (i : Fin channels) :
    (p.stepSize delta).get i =
      let biased := p.deltaBias.elim (delta.get i) fun bias => delta.get i + bias.get i
      if p.deltaSoftplus then Scalar.softplus biased else biased := by
  apply SelectiveScan.get_stepSize <;> assumption

example (p : SelectiveScan α channels groups stateDim) (h : Tensor α [channels, stateDim])
    (t : SelectiveScanToken α channels groups stateDim) (i : Fin channels) (n : Fin stateDim) :
    ((selectiveStateUpdate p h t).1.get i).get n =
      Scalar.exp ((p.stepSize t.delta).get i * (p.A.get i).get n) * (h.get i).get n +
        ((p.stepSize t.delta).get i * (t.B.get (groupOf p.groups_dvd i)).get n) * t.u.get i := by
  apply selectiveStateUpdate_state <;> assumption

example (p : SelectiveScan α channels groups stateDim) (h : Tensor α [channels, stateDim])
    (t : SelectiveScanToken α channels groups stateDim) (i : Fin channels) :
    (selectiveStateUpdate p h t).2.get i =
      let read := (t.C.get (groupOf p.groups_dvd i)).dot ((selectiveStateUpdate p h t).1.get i)
      let skipped := p.D.elim read fun D => read + D.get i * t.u.get i
      t.z.elim skipped fun z => skipped * Scalar.silu (z.get i) := by
  apply selectiveStateUpdate_output <;> assumption

example (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels) :
    (selectiveScan p h0 ts).1.get i =
      runDiagonalTransitions (h0.get i) (ts.map fun t => p.transition (p.stepSize t.delta) t i) := by
  apply selectiveScan_state_channel <;> assumption

example (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels) :
    (selectiveScan p h0 ts).2.map (fun y => y.get i) =
      List.zipWith (fun t h => p.readOut t i h) ts
        (diagonalSelectiveScan (h0.get i) (ts.map fun t => p.transition (p.stepSize t.delta) t i)) := by
  apply selectiveScan_outputs_channel <;> assumption

end

/-! ## Kernels/SelectiveScanParallel -/

section

variable {α : Type} [Scalar α] {channels groups stateDim : Nat}

example (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (ts : List (SelectiveScanToken α channels groups stateDim)) (t : Nat) (ht : t < ts.length) (i : Fin channels) :
    ((selectiveScan p h0 ts).2[t]'((Runner.length_outputs ..).symm ▸ ht)).get i =
      p.readOut ts[t] i
        (runDiagonalTransitions (h0.get i) ((ts.take (t + 1)).map fun t => p.transition (p.stepSize t.delta) t i)) := by
  apply selectiveScan_getElem <;> assumption

example [LawfulScalar α] (p : SelectiveScan α channels groups stateDim)
    (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) (t : Nat)
    (ht : t < ts.length) (i : Fin channels) (tree : Tree (DiagonalTransition α stateDim))
    (htree : tree.toList = (ts.take (t + 1)).map fun t => p.transition (p.stepSize t.delta) t i) :
    ((selectiveScan p h0 ts).2[t]'((Runner.length_outputs ..).symm ▸ ht)).get i =
      p.readOut ts[t] i ((tree.combine DiagonalTransition.after).apply (h0.get i)) := by
  apply selectiveScan_output_tree <;> assumption

example [LawfulScalar α] (p : SelectiveScan α channels groups stateDim)
    (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels)
    (combined : List (DiagonalTransition α stateDim))
    (hcombined : IsPrefixScan DiagonalTransition.after
      (ts.map fun t => p.transition (p.stepSize t.delta) t i) combined) :
    (selectiveScan p h0 ts).2.map (fun y => y.get i) =
      List.zipWith (fun t h => p.readOut t i h) ts (combined.map fun t => t.apply (h0.get i)) := by
  apply selectiveScan_outputs_prefixScan <;> assumption

example [SemiringScalar α] (p : SelectiveScan α channels groups stateDim)
    (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels)
    (hzero : ∀ n, (h0.get i).get n = 0) (combined : List (DiagonalTransition α stateDim))
    (hcombined : IsPrefixScan DiagonalTransition.after
      (ts.map fun t => p.transition (p.stepSize t.delta) t i) combined) :
    (selectiveScan p h0 ts).2.map (fun y => y.get i) =
      List.zipWith (fun t h => p.readOut t i h) ts (combined.map DiagonalTransition.b) := by
  apply selectiveScan_outputs_prefixScan_zero <;> assumption

example [LawfulScalar α] (p : SelectiveScan α channels groups stateDim)
    (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels)
    (scan : List (DiagonalTransition α stateDim) → List (DiagonalTransition α stateDim))
    (hscan : ∀ ts, IsPrefixScan DiagonalTransition.after ts (scan ts)) (chunkLength : Nat) :
    (selectiveScan p h0 ts).2.map (fun y => y.get i) =
      List.zipWith (fun t h => p.readOut t i h) ts
        (chunkedScan scan DiagonalTransition.apply chunkLength (h0.get i)
          (ts.map fun t => p.transition (p.stepSize t.delta) t i)) := by
  apply selectiveScan_outputs_chunked <;> assumption

example [LawfulScalar α] (p : SelectiveScan α channels groups stateDim)
    (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels)
    (tree : Tree (DiagonalTransition α stateDim))
    (htree : tree.toList = ts.map fun t => p.transition (p.stepSize t.delta) t i) :
    (selectiveScan p h0 ts).1.get i = (tree.combine DiagonalTransition.after).apply (h0.get i) := by
  apply selectiveScan_state_tree <;> assumption

example [LawfulScalar α] (p : SelectiveScan α channels groups stateDim)
    (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels)
    (chunks : List (Tree (DiagonalTransition α stateDim)))
    (hchunks : chunks.flatMap Tree.toList = ts.map fun t => p.transition (p.stepSize t.delta) t i) :
    (selectiveScan p h0 ts).1.get i =
      chunks.foldl (fun h tree => (tree.combine DiagonalTransition.after).apply h) (h0.get i) := by
  apply selectiveScan_state_chunks <;> assumption

end

/-! ## Kernels/CausalConv1d -/

section

variable {α : Type} [Scalar α] {channels width : Nat}

example (c : CausalConv1d α channels width) (history xs : List (Tensor α [channels])) :
    (c.historyRunner.runList history xs).1 = xs.reverse ++ history := by
  apply CausalConv1d.historyRunner_state <;> assumption

example (c : CausalConv1d α channels width) (history xs : List (Tensor α [channels])) :
    causalConv1d c (windowOf (Vec.ofFn fun _ => 0) (width - 1) history) xs =
      (windowOf (Vec.ofFn fun _ => 0) (width - 1) (xs.reverse ++ history), (c.historyRunner.runList history xs).2) := by
  apply causalConv1d_windowOf <;> assumption

example (c : CausalConv1d α channels width) (first : Int × List (Tensor α [channels]))
    (later : List (Int × List (Tensor α [channels]))) (hne : ∀ e ∈ later, e.2 ≠ [])
    (hidx : NeighboursDiffer (first.1 :: later.map Prod.fst)) :
    (causalConv1dSeqIdx c (CausalConv1d.zeroState α channels width, first.1) (packSeqIdx (first :: later))).2 =
      (first :: later).flatMap fun e => (causalConv1d c (CausalConv1d.zeroState α channels width) e.2).2 := by
  apply causalConv1dSeqIdx_packed <;> assumption

example (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs : List (Tensor α [channels])) : (causalConv1d c state xs).2.length = xs.length := by
  apply length_causalConv1d <;> assumption

example (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs : List (Tensor α [channels])) :
    (causalConv1d c state xs).1 = windowOf (Vec.ofFn fun _ => 0) (width - 1) (xs.reverse ++ state.toList) := by
  apply causalConv1d_state <;> assumption

example (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs : List (Tensor α [channels])) (t : Nat) (ht : t < xs.length) :
    (causalConv1d c state xs).2[t]'(by rwa [length_causalConv1d]) =
      c.output (Vec.ofFn fun k => CausalConv1d.pastInput state xs t k.val) := by
  apply causalConv1d_getElem_window <;> assumption

example (c : CausalConv1d α channels width) (w : Tensor α [width, channels]) (i : Fin channels) :
    (c.output w).get i =
      let summed := sum fun k => (c.weight.get i).get k * (w.get k).get i
      c.activation.apply (c.bias.elim summed fun bias => summed + bias.get i) := by
  apply CausalConv1d.get_output <;> assumption

example (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs : List (Tensor α [channels])) (t : Nat) (ht : t < xs.length) (i : Fin channels) :
    ((causalConv1d c state xs).2[t]'(by rwa [length_causalConv1d])).get i =
      let summed := sum fun k : Fin width =>
        (c.weight.get i).get k * (CausalConv1d.pastInput state xs t k.val).get i
      c.activation.apply (c.bias.elim summed fun bias => summed + bias.get i) := by
  apply causalConv1d_getElem <;> assumption

example (xs : List (Tensor α [channels])) (t k : Nat) :
    CausalConv1d.pastInput (CausalConv1d.zeroState α channels width) xs t k =
      if k ≤ t then xs.getD (t - k) (Vec.ofFn fun _ => 0) else Vec.ofFn fun _ => 0 := by
  apply CausalConv1d.pastInput_zeroState <;> assumption

example (weight : Tensor α [channels, width]) (bias : Option (Tensor α [channels]))
    (activation : ConvActivation) (state : Tensor α [width - 1, channels]) (xs : List (Tensor α [channels])) (t : Nat)
    (ht : t < xs.length) (i : Fin channels) :
    ((causalConv1d (.ofOldestFirst weight bias activation) state xs).2[t]'(by rwa [length_causalConv1d])).get i =
      let summed := sum fun k : Fin width =>
        (weight.get i).get k.rev * (CausalConv1d.pastInput state xs t k.val).get i
      activation.apply (bias.elim summed fun bias => summed + bias.get i) := by
  apply causalConv1d_getElem_ofOldestFirst <;> assumption

end

/-! ## Kernels/CausalConv1dCache -/

section

variable {α : Type} [Scalar α] {channels width len : Nat}

example (c : CausalConv1d α channels width) (h : width - 1 ≤ len)
    (state : Tensor α [len, channels]) (x : Tensor α [channels]) :
    c.runner.step (Vec.take state h) x =
      (Vec.take ((c.shiftRunner h).step state x).1 h, ((c.shiftRunner h).step state x).2) := by
  apply CausalConv1d.step_shiftRunner <;> assumption

example (c : CausalConv1d α channels width) (h : width - 1 ≤ len) (state : Tensor α [len, channels])
    (xs : List (Tensor α [channels])) :
    causalConv1d c (Vec.take state h) xs =
      (Vec.take ((c.shiftRunner h).runList state xs).1 h, ((c.shiftRunner h).runList state xs).2) := by
  apply causalConv1d_shift <;> assumption

example (c : CausalConv1d α channels width) (h : width - 1 ≤ len)
    (ring : RingBuffer (Tensor α [channels]) len) (x : Tensor α [channels]) :
    c.runner.step (ring.newest (width - 1) h) x =
      (((c.ringRunner h).step ring x).1.newest (width - 1) h, ((c.ringRunner h).step ring x).2) := by
  apply CausalConv1d.step_ringRunner <;> assumption

example (c : CausalConv1d α channels width) (h : width - 1 ≤ len)
    (ring : RingBuffer (Tensor α [channels]) len) (xs : List (Tensor α [channels])) :
    causalConv1d c (ring.newest (width - 1) h) xs =
      (((c.ringRunner h).runList ring xs).1.newest (width - 1) h, ((c.ringRunner h).runList ring xs).2) := by
  apply causalConv1d_ring <;> assumption

example (c : CausalConv1d α channels width) (h : width - 1 ≤ len) (count : Nat)
    (state : Tensor α [width - 1, channels]) (xs : List (Tensor α [channels])) :
    ((c.ringRunner h).runList (.ofWindow (Vec.ofFn fun _ => 0) len count state) xs).2 = (causalConv1d c state xs).2 := by
  apply causalConv1d_ring_ofWindow <;> assumption

example (c : CausalConv1d α channels width) (h : width - 1 ≤ len)
    (state : Tensor α [width - 1, channels]) (xs ys : List (Tensor α [channels]))
    (ring : RingBuffer (Tensor α [channels]) len)
    (hand_over : ring.newest (width - 1) h = (causalConv1d c state xs).1) :
    causalConv1d c state (xs ++ ys) =
      (((c.ringRunner h).decode (ring, (causalConv1d c state xs).2) ys).1.newest (width - 1) h,
        ((c.ringRunner h).decode (ring, (causalConv1d c state xs).2) ys).2) := by
  apply causalConv1d_prefill_decode_ring <;> assumption

end

/-! ## Models/SelectiveMambaKernels -/

section

namespace SelectiveMambaBlockSpec

variable {α : Type} [Scalar α] {inputDim innerDim stateDim outputDim convWidth : Nat}

example {κ : Type} (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (conv : Runner κ (Tensor α [innerDim]) (Tensor α [innerDim])) (h0 : Tensor α [innerDim, stateDim]) (k0 : κ)
    (xs : List (Tensor α [inputDim])) :
    (m.kernelRunner conv).runList (h0, k0) xs =
      let convolved := conv.runList k0 (xs.map m.convInput)
      let scanned := selectiveScan m.scanKernel h0 (List.zipWith m.scanToken xs convolved.2)
      ((scanned.1, convolved.1), scanned.2.map m.project) := by
  apply runList_kernelRunner <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (window : Tensor α [convWidth - 1, innerDim])
    (xs : List (Tensor α [inputDim])) :
    m.runKernels h0 window xs = (m.kernelRunner m.convKernel.runner).runList (h0, window) xs := by
  apply runKernels_eq_runList <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (window : Tensor α [convWidth - 1, innerDim])
    (ps : List (List (Tensor α [inputDim]))) :
    m.runKernels h0 window ps.flatten =
      ((m.kernelPieces.runList (h0, window) ps).1, (m.kernelPieces.runList (h0, window) ps).2.flatten) := by
  apply runKernels_flatten <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (x : Tensor α [inputDim]) :
    (m.kernelRunner m.convKernel.runner).step (h0, windowOfHistory convWidth history) x =
      (((m.step (h0, history) x).1.1, windowOfHistory convWidth (m.step (h0, history) x).1.2),
        (m.step (h0, history) x).2) := by
  apply step_kernelRunner <;> assumption

end SelectiveMambaBlockSpec

variable {α : Type} [Scalar α] {inputDim innerDim stateDim outputDim convWidth : Nat}

example
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (xs : List (Tensor α [inputDim])) :
    m.runKernels h0 (SelectiveMambaBlockSpec.windowOfHistory convWidth history) xs =
      (((m.runListAux h0 history xs).1.1,
        SelectiveMambaBlockSpec.windowOfHistory convWidth (m.runListAux h0 history xs).1.2),
        (m.runListAux h0 history xs).2) := by
  apply selectiveMamba_runListAux_eq_kernels <;> assumption

example
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (xs : List (Tensor α [inputDim])) :
    m.runKernels h0 (CausalConv1d.zeroState α innerDim convWidth) xs =
      (((m.runList h0 xs).1.1, SelectiveMambaBlockSpec.windowOfHistory convWidth (m.runList h0 xs).1.2),
        (m.runList h0 xs).2) := by
  apply selectiveMamba_runList_eq_kernels <;> assumption

example {dtRank : Nat}
    (p : MambaCheckpoint α inputDim innerDim stateDim outputDim convWidth dtRank) :
    p.toSpec.convKernel = CausalConv1d.ofOldestFirst p.convWeight (some p.convBias) .silu := by
  apply MambaCheckpoint.convKernel_toSpec <;> assumption

end

/-! ## Models/Mamba2Block -/

section

variable {α : Type} [Scalar α] {inputDim heads groups headDim stateDim outputDim convWidth : Nat}

example
    (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth)
    (h0 : Tensor α [heads, headDim, stateDim])
    (window : Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim])
    (xs ys : List (Tensor α [inputDim])) :
    (m.runList h0 window (xs ++ ys)).2.take xs.length = (m.runList h0 window xs).2 := by
  apply mamba2_append_outputs_prefix <;> assumption

example
    (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth)
    (h0 : Tensor α [heads, headDim, stateDim])
    (window : Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim])
    (xs : List (Tensor α [inputDim])) : m.runList h0 window xs = m.runKernels h0 window xs := by
  apply mamba2_runList_eq_kernels <;> assumption

example
    (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth)
    (h0 : Tensor α [heads, headDim, stateDim])
    (window : Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim])
    (xs ys : List (Tensor α [inputDim])) :
    m.runner.decode (m.runKernels h0 window xs) ys = m.runKernels h0 window (xs ++ ys) := by
  apply mamba2_prefill_decode <;> assumption

end

/-! ## Causality/Streaming -/

section
namespace Runner

variable {σ τ ι ο : Type}

example (r : Runner σ ι ο) (s : σ) (ps : List (List ι)) :
    r.runList s ps.flatten = ((r.pieces.runList s ps).1, (r.pieces.runList s ps).2.flatten) := by
  apply runList_flatten <;> assumption

example (r : Runner σ ι ο) (run : σ × List ο) (xs : List ι) :
    r.decode run xs = ((r.runList run.1 xs).1, run.2 ++ (r.runList run.1 xs).2) := by
  apply decode_eq <;> assumption

example (r : Runner σ ι ο) (s : σ) (xs : List ι) : r.decode (s, []) xs = r.runList s xs := by
  apply decode_eq_runList <;> assumption

example (r : Runner σ ι ο) (s : σ) (xs ys : List ι) :
    r.decode (r.runList s xs) ys = r.runList s (xs ++ ys) := by
  apply prefill_decode <;> assumption

example (r : Runner σ ι ο) (s : σ) (ps : List (List ι)) (ys : List ι) :
    r.decode ((r.pieces.runList s ps).1, (r.pieces.runList s ps).2.flatten) ys = r.runList s (ps.flatten ++ ys) := by
  apply prefill_pieces_decode <;> assumption

example (r : Runner σ ι ο) (s : σ) (xs : List ι) :
    (r.runList s xs).1 = xs.foldl (fun s x => (r.step s x).1) s := by
  apply state_eq_foldl <;> assumption

example (r : Runner σ ι ο) (choose : Nat → ο → ι) (s : σ) (prompt : List ι) (x : ι) (n : Nat) :
    r.generate choose (r.runList s prompt).1 x n = regenerate (fun xs => (r.runList s xs).2) choose (prompt ++ [x]) n := by
  apply generate_eq_regenerate <;> assumption

example {κ : Type} (second : Runner τ κ ο) (first : Runner σ ι κ) (s : σ) (t : τ) (xs : List ι) :
    (second.comp first).runList (s, t) xs =
      (((first.runList s xs).1, (second.runList t (first.runList s xs).2).1),
        (second.runList t (first.runList s xs).2).2) := by
  apply runList_comp <;> assumption

example {r : Runner σ ι ο} {r' : Runner τ ι ο} {f : τ → σ}
    (hstep : ∀ t x, r.step (f t) x = (f (r'.step t x).1, (r'.step t x).2)) (t : τ) (xs : List ι) :
    r.runList (f t) xs = (f (r'.runList t xs).1, (r'.runList t xs).2) := by
  apply runList_of_step <;> assumption

example {r : Runner σ ι ο} {r' : Runner τ ι ο} {f : τ → σ}
    (hstep : ∀ t x, r.step (f t) x = (f (r'.step t x).1, (r'.step t x).2)) (s : σ) (t : τ) (xs ys : List ι)
    (hand_over : f t = (r.runList s xs).1) :
    r.runList s (xs ++ ys) =
      (f (r'.decode (t, (r.runList s xs).2) ys).1, (r'.decode (t, (r.runList s xs).2) ys).2) := by
  apply prefill_decode_of_step <;> assumption

end Runner

end

/-! ## Causality/Kernels -/

section

section

variable {α : Type} [Scalar α] {channels groups stateDim : Nat}

example
    (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (xs ys : List (SelectiveScanToken α channels groups stateDim)) :
    List.take xs.length (selectiveScan p h0 (xs ++ ys)).2 = (selectiveScan p h0 xs).2 := by
  apply selectiveScan_append_outputs_prefix <;> assumption

example (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    {xs ys : List (SelectiveScanToken α channels groups stateDim)} {k : Nat} (h : xs.take k = ys.take k) :
    (selectiveScan p h0 xs).2.take k = (selectiveScan p h0 ys).2.take k := by
  apply selectiveScan_outputs_congr <;> assumption

example (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (xs ys : List (SelectiveScanToken α channels groups stateDim)) :
    selectiveScan p h0 (xs ++ ys) =
      ((selectiveScan p (selectiveScan p h0 xs).1 ys).1,
        (selectiveScan p h0 xs).2 ++ (selectiveScan p (selectiveScan p h0 xs).1 ys).2) := by
  apply selectiveScan_append <;> assumption

example (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (ps : List (List (SelectiveScanToken α channels groups stateDim))) :
    selectiveScan p h0 ps.flatten = ((p.runner.pieces.runList h0 ps).1, (p.runner.pieces.runList h0 ps).2.flatten) := by
  apply selectiveScan_flatten <;> assumption

example (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (xs : List (SelectiveScanToken α channels groups stateDim)) : p.runner.decode (h0, []) xs = selectiveScan p h0 xs := by
  apply selectiveScan_decode <;> assumption

example (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (xs ys : List (SelectiveScanToken α channels groups stateDim)) :
    p.runner.decode (selectiveScan p h0 xs) ys = selectiveScan p h0 (xs ++ ys) := by
  apply selectiveScan_prefill_decode <;> assumption

example
    (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (ps : List (List (SelectiveScanToken α channels groups stateDim)))
    (ys : List (SelectiveScanToken α channels groups stateDim)) :
    p.runner.decode ((p.runner.pieces.runList h0 ps).1, (p.runner.pieces.runList h0 ps).2.flatten) ys =
      selectiveScan p h0 (ps.flatten ++ ys) := by
  apply selectiveScan_prefill_pieces_decode <;> assumption

end

section

variable {α : Type} [Scalar α] {channels width : Nat}

example (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs ys : List (Tensor α [channels])) :
    List.take xs.length (causalConv1d c state (xs ++ ys)).2 = (causalConv1d c state xs).2 := by
  apply causalConv1d_append_outputs_prefix <;> assumption

example (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    {xs ys : List (Tensor α [channels])} {k : Nat} (h : xs.take k = ys.take k) :
    (causalConv1d c state xs).2.take k = (causalConv1d c state ys).2.take k := by
  apply causalConv1d_outputs_congr <;> assumption

example (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs ys : List (Tensor α [channels])) :
    causalConv1d c state (xs ++ ys) =
      ((causalConv1d c (causalConv1d c state xs).1 ys).1,
        (causalConv1d c state xs).2 ++ (causalConv1d c (causalConv1d c state xs).1 ys).2) := by
  apply causalConv1d_append <;> assumption

example (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (ps : List (List (Tensor α [channels]))) :
    causalConv1d c state ps.flatten =
      ((c.runner.pieces.runList state ps).1, (c.runner.pieces.runList state ps).2.flatten) := by
  apply causalConv1d_flatten <;> assumption

example (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs : List (Tensor α [channels])) : c.runner.decode (state, []) xs = causalConv1d c state xs := by
  apply causalConv1d_decode <;> assumption

example (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs ys : List (Tensor α [channels])) :
    c.runner.decode (causalConv1d c state xs) ys = causalConv1d c state (xs ++ ys) := by
  apply causalConv1d_prefill_decode <;> assumption

example (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (ps : List (List (Tensor α [channels]))) (ys : List (Tensor α [channels])) :
    c.runner.decode ((c.runner.pieces.runList state ps).1, (c.runner.pieces.runList state ps).2.flatten) ys =
      causalConv1d c state (ps.flatten ++ ys) := by
  apply causalConv1d_prefill_pieces_decode <;> assumption

end

end

/-! ## Causality/ModelStreaming -/

section

section

variable {α : Type} [Scalar α] {inputDim stateDim outputDim : Nat}

example (m : DiagonalS4Spec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (ps : List (List (Tensor α [inputDim]))) :
    m.runList h0 ps.flatten =
      ((m.runner.pieces.runList h0 ps).1, (m.runner.pieces.runList h0 ps).2.flatten) := by
  apply diagonalS4_runList_flatten <;> assumption

example (m : DiagonalS4Spec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs : List (Tensor α [inputDim])) : m.runner.decode (h0, []) xs = m.runList h0 xs := by
  apply diagonalS4_runList_decode <;> assumption

example (m : DiagonalS4Spec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs ys : List (Tensor α [inputDim])) :
    m.runner.decode (m.runList h0 xs) ys = m.runList h0 (xs ++ ys) := by
  apply diagonalS4_runList_prefill_decode <;> assumption

example
    (m : DiagonalS4Spec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (ps : List (List (Tensor α [inputDim]))) (ys : List (Tensor α [inputDim])) :
    m.runner.decode ((m.runner.pieces.runList h0 ps).1, (m.runner.pieces.runList h0 ps).2.flatten) ys =
      m.runList h0 (ps.flatten ++ ys) := by
  apply diagonalS4_runList_prefill_pieces_decode <;> assumption

end

section

variable {α : Type} [Scalar α] {inputDim stateDim outputDim : Nat}

example (m : MambaBlockSpec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (ps : List (List (Tensor α [inputDim]))) :
    m.runList h0 ps.flatten =
      ((m.runner.pieces.runList h0 ps).1, (m.runner.pieces.runList h0 ps).2.flatten) := by
  apply compactMamba_runList_flatten <;> assumption

example (m : MambaBlockSpec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs : List (Tensor α [inputDim])) : m.runner.decode (h0, []) xs = m.runList h0 xs := by
  apply compactMamba_runList_decode <;> assumption

example
    (m : MambaBlockSpec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs ys : List (Tensor α [inputDim])) :
    m.runner.decode (m.runList h0 xs) ys = m.runList h0 (xs ++ ys) := by
  apply compactMamba_runList_prefill_decode <;> assumption

example
    (m : MambaBlockSpec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (ps : List (List (Tensor α [inputDim]))) (ys : List (Tensor α [inputDim])) :
    m.runner.decode ((m.runner.pieces.runList h0 ps).1, (m.runner.pieces.runList h0 ps).2.flatten) ys =
      m.runList h0 (ps.flatten ++ ys) := by
  apply compactMamba_runList_prefill_pieces_decode <;> assumption

end

section

variable {α : Type} [Scalar α] {inputDim innerDim stateDim outputDim convWidth : Nat}

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (ps : List (List (Tensor α [inputDim]))) :
    m.runListAux h0 history ps.flatten =
      ((m.runner.pieces.runList (h0, history) ps).1, (m.runner.pieces.runList (h0, history) ps).2.flatten) := by
  apply selectiveMamba_runListAux_flatten <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (xs : List (Tensor α [inputDim])) : m.runner.decode ((h0, history), []) xs = m.runListAux h0 history xs := by
  apply selectiveMamba_runListAux_decode <;> assumption

example
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (xs ys : List (Tensor α [inputDim])) :
    m.runner.decode (m.runListAux h0 history xs) ys = m.runListAux h0 history (xs ++ ys) := by
  apply selectiveMamba_runListAux_prefill_decode <;> assumption

example
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (ps : List (List (Tensor α [inputDim]))) (ys : List (Tensor α [inputDim])) :
    m.runner.decode
        ((m.runner.pieces.runList (h0, history) ps).1, (m.runner.pieces.runList (h0, history) ps).2.flatten) ys =
      m.runListAux h0 history (ps.flatten ++ ys) := by
  apply selectiveMamba_runListAux_prefill_pieces_decode <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (ps : List (List (Tensor α [inputDim]))) :
    m.runList h0 ps.flatten = ((m.runner.pieces.runList (h0, []) ps).1, (m.runner.pieces.runList (h0, []) ps).2.flatten) := by
  apply selectiveMamba_runList_flatten <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (xs : List (Tensor α [inputDim])) :
    m.runner.decode ((h0, []), []) xs = m.runList h0 xs := by
  apply selectiveMamba_runList_decode <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (xs ys : List (Tensor α [inputDim])) :
    m.runner.decode (m.runList h0 xs) ys = m.runList h0 (xs ++ ys) := by
  apply selectiveMamba_runList_prefill_decode <;> assumption

end

end

/-! ## Causality/SelectiveMambaCache -/

section

variable {α : Type} [Scalar α] {inputDim innerDim stateDim outputDim convWidth len : Nat}

example
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) (h : convWidth - 1 ≤ len)
    (cache : Tensor α [innerDim, stateDim] × RingBuffer (Tensor α [innerDim]) len) (x : Tensor α [inputDim]) :
    (m.kernelRunner m.convKernel.runner).step (cache.1, cache.2.newest (convWidth - 1) h) x =
      let next := (m.kernelRunner (m.convKernel.ringRunner h)).step cache x
      ((next.1.1, next.1.2.newest (convWidth - 1) h), next.2) := by
  apply SelectiveMambaBlockSpec.step_kernelRunner_ring <;> assumption

example
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) (h : convWidth - 1 ≤ len)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (xs ys : List (Tensor α [inputDim]))
    (ring : RingBuffer (Tensor α [innerDim]) len)
    (hand_over : ring.newest (convWidth - 1) h =
      (m.runKernels h0 (SelectiveMambaBlockSpec.windowOfHistory convWidth history) xs).1.2) :
    let block := m.runListAux h0 history (xs ++ ys)
    let prefill := m.runKernels h0 (SelectiveMambaBlockSpec.windowOfHistory convWidth history) xs
    let run := (m.kernelRunner (m.convKernel.ringRunner h)).decode ((prefill.1.1, ring), prefill.2) ys
    run.2 = block.2 ∧ run.1.1 = block.1.1 ∧
      run.1.2.newest (convWidth - 1) h = SelectiveMambaBlockSpec.windowOfHistory convWidth block.1.2 := by
  apply selectiveMamba_prefill_decode_ring <;> assumption

example
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) (h : convWidth - 1 ≤ len)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (ps : List (List (Tensor α [inputDim]))) (ys : List (Tensor α [inputDim]))
    (ring : RingBuffer (Tensor α [innerDim]) len)
    (hand_over : ring.newest (convWidth - 1) h =
      (m.kernelPieces.runList (h0, SelectiveMambaBlockSpec.windowOfHistory convWidth history) ps).1.2) :
    let block := m.runListAux h0 history (ps.flatten ++ ys)
    let prefill := m.kernelPieces.runList (h0, SelectiveMambaBlockSpec.windowOfHistory convWidth history) ps
    let run := (m.kernelRunner (m.convKernel.ringRunner h)).decode ((prefill.1.1, ring), prefill.2.flatten) ys
    run.2 = block.2 ∧ run.1.1 = block.1.1 ∧
      run.1.2.newest (convWidth - 1) h = SelectiveMambaBlockSpec.windowOfHistory convWidth block.1.2 := by
  apply selectiveMamba_prefill_pieces_decode_ring <;> assumption

example
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) (h : convWidth - 1 ≤ len)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (xs : List (Tensor α [inputDim]))
    (ring : RingBuffer (Tensor α [innerDim]) len)
    (hring : ring.newest (convWidth - 1) h = SelectiveMambaBlockSpec.windowOfHistory convWidth history) :
    let block := m.runListAux h0 history xs
    let run := (m.kernelRunner (m.convKernel.ringRunner h)).decode ((h0, ring), []) xs
    run.2 = block.2 ∧ run.1.1 = block.1.1 ∧
      run.1.2.newest (convWidth - 1) h = SelectiveMambaBlockSpec.windowOfHistory convWidth block.1.2 := by
  apply selectiveMamba_decode_ring <;> assumption

end

/-! ## Causality/MambaLanguageModelStreaming -/

section

variable {α : Type} [Scalar α] {vocabSize dModel : Nat}

example (layer : MambaLayer α dModel) (eps : α) (hs : List (Tensor α [dModel])) :
    layer.apply eps hs = ((layer.runner eps).runList layer.emptyCache hs).2 := by
  apply MambaLayer.apply_eq_runList <;> assumption

example (eps : α) (layers : List (MambaLayer α dModel)) (hs : List (Tensor α [dModel])) :
    ((layersRunner eps layers).runList (emptyLayersCache layers) hs).2 =
      layers.foldl (fun hs layer => layer.apply eps hs) hs := by
  apply layersRunner_runList <;> assumption

namespace MambaLanguageModelSpec

end MambaLanguageModelSpec

example (m : MambaLanguageModelSpec α vocabSize dModel) (ids : List (Fin vocabSize)) :
    m.logits ids = (m.runner.runList m.emptyCache ids).2 := by
  apply mambaLanguageModel_logits_eq_runList <;> assumption

example (m : MambaLanguageModelSpec α vocabSize dModel)
    (ids later : List (Fin vocabSize)) :
    (m.runner.decode (m.runner.runList m.emptyCache ids) later).2 = m.logits (ids ++ later) := by
  apply mambaLanguageModel_prefill_decode <;> assumption

example (m : MambaLanguageModelSpec α vocabSize dModel)
    (choose : Nat → Tensor α [vocabSize] → Fin vocabSize) (prompt : List (Fin vocabSize)) (last : Fin vocabSize) (n : Nat) :
    m.runner.generate choose (m.runner.runList m.emptyCache prompt).1 last n =
      Runner.regenerate m.logits choose (prompt ++ [last]) n := by
  apply mambaLanguageModel_generate <;> assumption

end

end Scanproof
