/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.CausalConv1dCache
public import Spec.Models.SelectiveMambaKernels

/-!
# Streaming of the selective Mamba block from a deployed cache

Deployed, the block prefills kernel after kernel, and decodes through the kernels' single steps from a cache: the scan state,
and the last `convWidth - 1` inputs of the convolution, in a ring buffer. All that is the block, to the bit.

## Main results

* `selectiveMamba_prefill_decode_ring`: prefill kernel after kernel and then decoding on a ring is one pass of the block.
* `selectiveMamba_prefill_pieces_decode_ring`: so is prefill in pieces and then decoding on a ring.
* `selectiveMamba_decode_ring`: decoding on a ring from the first token is the block.
-/

@[expose] public section

namespace Scanproof

variable {α : Type} [Scalar α] {inputDim innerDim stateDim outputDim convWidth len : Nat}

/-- A token on a cache with a ring is a token on the window that the ring holds. -/
theorem SelectiveMambaBlockSpec.step_kernelRunner_ring
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) (h : convWidth - 1 ≤ len)
    (cache : Tensor α [innerDim, stateDim] × RingBuffer (Tensor α [innerDim]) len) (x : Tensor α [inputDim]) :
    (m.kernelRunner m.convKernel.runner).step (cache.1, cache.2.newest (convWidth - 1) h) x =
      let next := (m.kernelRunner (m.convKernel.ringRunner h)).step cache x
      ((next.1.1, next.1.2.newest (convWidth - 1) h), next.2) := by
  simp only [kernelRunner, m.convKernel.step_ringRunner h]

/--
Prefill of `xs` kernel after kernel, a ring that holds the final convolution state, and decoding of `ys` on the ring: the
outputs are those of one pass of the block over `xs ++ ys`, the scan state is its final one, and the ring holds the window of
its final history.
-/
theorem selectiveMamba_prefill_decode_ring
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
  rw [SelectiveMambaBlockSpec.runKernels_eq_runList] at hand_over
  have hrun := Runner.prefill_decode_of_step (m.step_kernelRunner_ring h)
    (h0, SelectiveMambaBlockSpec.windowOfHistory convWidth history) (_, ring) xs ys (Prod.ext rfl hand_over)
  rw [← SelectiveMambaBlockSpec.runKernels_eq_runList, ← SelectiveMambaBlockSpec.runKernels_eq_runList,
    selectiveMamba_runListAux_eq_kernels m h0 history (xs ++ ys)] at hrun
  exact ⟨(congrArg Prod.snd hrun).symm, (congrArg (·.1.1) hrun).symm, (congrArg (·.1.2) hrun).symm⟩

/--
Prefill in pieces of any lengths, each kernel after kernel from the states after the one before, a ring that holds the final
convolution state, and decoding of `ys` on the ring: one pass of the block over all tokens, outputs and states alike.
-/
theorem selectiveMamba_prefill_pieces_decode_ring
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
  have hpieces := m.runKernels_flatten h0 (SelectiveMambaBlockSpec.windowOfHistory convWidth history) ps
  have hone := selectiveMamba_prefill_decode_ring m h h0 history ps.flatten ys ring (by rw [hpieces, hand_over])
  rw [hpieces] at hone
  exact hone

/--
Decoding on a ring is the selective Mamba block, from any ring that holds the window of the history: the same outputs, the
same scan state, and a ring that holds the window of the final history.
-/
theorem selectiveMamba_decode_ring
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) (h : convWidth - 1 ≤ len)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (xs : List (Tensor α [inputDim]))
    (ring : RingBuffer (Tensor α [innerDim]) len)
    (hring : ring.newest (convWidth - 1) h = SelectiveMambaBlockSpec.windowOfHistory convWidth history) :
    let block := m.runListAux h0 history xs
    let run := (m.kernelRunner (m.convKernel.ringRunner h)).decode ((h0, ring), []) xs
    run.2 = block.2 ∧ run.1.1 = block.1.1 ∧
      run.1.2.newest (convWidth - 1) h = SelectiveMambaBlockSpec.windowOfHistory convWidth block.1.2 := by
  exact selectiveMamba_prefill_decode_ring m h h0 history [] xs ring hring


end Scanproof
