/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causality.KernelPadding
public import Spec.Causality.MambaLanguageModelStreaming
public import Spec.Causality.Packing
public import Spec.Kernels.CausalConv1dCache
public import Spec.Natural.Models

/-!
# Runs on caches, with masks and with resets, on images

The runners that decode from a cache, that mask padding or that start anew at flags: a homomorphism of scalars maps a run to the
run on images.

## Main definitions

* `RingBuffer.map`, `layersCache.map`: the image of a ring buffer and of the caches of some layers.

## Main results

* `Runner.resetting_map`: runs that start anew at flagged tokens.
* `causalConv1d_shift_map`, `causalConv1d_ring_map`: the convolution on a longer window and on a ring buffer.
* `selectiveMamba_ring_map`, `selectiveMamba_masked_map`: the selective Mamba block on a ring buffer, and with a mask.
* `mambaLanguageModel_runner_map`: the Mamba language model, from the caches of its layers.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- Runs that start anew at flagged tokens, on images, if the state at a start is mapped to that at a start. -/
theorem Runner.resetting_map {σ σ' ι ι' ο ο' : Type} {r : Runner σ ι ο} {r' : Runner σ' ι' ο'} {s : σ → σ'} {i : ι → ι'}
    {o : ο → ο'} {s0 : σ} {s0' : σ'} (hstart : s s0 = s0')
    (hstep : ∀ h x, r'.step (s h) (i x) = (s (r.step h x).1, o (r.step h x).2)) (h : σ) (xs : List (Bool × ι)) :
    (r'.resetting s0').runList (s h) (xs.map fun x => (x.1, i x.2)) =
      (s ((r.resetting s0).runList h xs).1, ((r.resetting s0).runList h xs).2.map o) := by
  refine runList_map (fun h x => ?_) h xs
  simp only [resetting, ← hstart]
  split <;> simp only [hstep]

/-- The image of each slot. -/
def RingBuffer.map {γ δ : Type} {len : Nat} (g : γ → δ) (ring : RingBuffer γ len) : RingBuffer δ len :=
  ⟨ring.slots.map g, ring.count⟩

/-- Writing an image into the image of a ring. -/
theorem RingBuffer.push_map {γ δ : Type} {len : Nat} (g : γ → δ) (ring : RingBuffer γ len) (x : γ) :
    (ring.map g).push (g x) = (ring.push x).map g := by
  have slots (i : Nat) : (ring.slots.map g).set i (g x) = (ring.slots.set i x).map g :=
    Vec.ext fun j => by
      rw [Vec.get_set, Vec.get_map, Vec.get_map, Vec.get_set]
      split <;> rfl
  simp only [push, map, slots]

/-- The tokens written last into the image of a ring. -/
theorem RingBuffer.newest_map {γ δ : Type} {len : Nat} (g : γ → δ) (ring : RingBuffer γ len) (n : Nat) (h : n ≤ len) :
    (ring.map g).newest n h = (ring.newest n h).map g := by
  simp only [newest, map, Vec.map_ofFn, Vec.get_map]

variable {α β : Type} [Scalar α] [Scalar β] (f : Scalar.Hom α β)

section

variable {channels width len : Nat} (c : CausalConv1d α channels width) (h : width - 1 ≤ len)

/-- The causal convolution on a longer window of images is the image of the run. -/
theorem causalConv1d_shift_map (state : Tensor α [len, channels]) (xs : List (Tensor α [channels])) :
    ((c.map f).shiftRunner h).runList (state.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((c.shiftRunner h).runList state xs).1.map (Vec.map f), ((c.shiftRunner h).runList state xs).2.map (Vec.map f)) :=
  Runner.runList_map (fun s x => by simp only [CausalConv1d.shiftRunner, Vec.shiftIn_map, c.output_map f]) state xs

private theorem step_ringRunner_map (ring : RingBuffer (Tensor α [channels]) len) (x : Tensor α [channels]) :
    ((c.map f).ringRunner h).step (ring.map (Vec.map f)) (x.map f) =
      (((c.ringRunner h).step ring x).1.map (Vec.map f), ((c.ringRunner h).step ring x).2.map f) := by
  simp only [CausalConv1d.ringRunner, RingBuffer.push_map, RingBuffer.newest_map, Vec.shiftIn_map, c.output_map f]

/-- The causal convolution on a ring of images is the image of the run. -/
theorem causalConv1d_ring_map (ring : RingBuffer (Tensor α [channels]) len) (xs : List (Tensor α [channels])) :
    ((c.map f).ringRunner h).runList (ring.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((c.ringRunner h).runList ring xs).1.map (Vec.map f), ((c.ringRunner h).runList ring xs).2.map (Vec.map f)) :=
  Runner.runList_map (step_ringRunner_map f c h) ring xs

end

section

variable {inputDim innerDim stateDim outputDim convWidth len : Nat}
  (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)

/-- The selective Mamba block on a ring of images is the image of the run. -/
theorem selectiveMamba_ring_map (h : convWidth - 1 ≤ len)
    (cache : Tensor α [innerDim, stateDim] × RingBuffer (Tensor α [innerDim]) len) (xs : List (Tensor α [inputDim])) :
    ((m.map f).kernelRunner ((m.map f).convKernel.ringRunner h)).runList (cache.1.map (Vec.map f), cache.2.map (Vec.map f))
        (xs.map (Vec.map f)) =
      let run := (m.kernelRunner (m.convKernel.ringRunner h)).runList cache xs
      ((run.1.1.map (Vec.map f), run.1.2.map (Vec.map f)), run.2.map (Vec.map f)) :=
  Runner.runList_map (r := m.kernelRunner (m.convKernel.ringRunner h))
    (s := fun s => (s.1.map (Vec.map f), s.2.map (Vec.map f)))
    (m.step_kernelRunner_map f (RingBuffer.map (Vec.map f)) (step_ringRunner_map f m.convKernel h)) cache xs

/-- The selective Mamba block with a mask, on images, is the image of the run. -/
theorem selectiveMamba_masked_map (state : Tensor α [innerDim, stateDim] × Tensor α [convWidth - 1, innerDim])
    (xs : List (Bool × Tensor α [inputDim])) :
    (m.map f).maskedRunner.runList (state.1.map (Vec.map f), state.2.map (Vec.map f)) (xs.map fun x => (x.1, x.2.map f)) =
      let run := m.maskedRunner.runList state xs
      ((run.1.1.map (Vec.map f), run.1.2.map (Vec.map f)), run.2.map (Vec.map f)) := by
  refine Runner.runList_map (r := m.maskedRunner) (s := fun s => (s.1.map (Vec.map f), s.2.map (Vec.map f)))
    (fun s x => ?_) state xs
  have convKernel : (m.map f).convKernel = m.convKernel.map f := rfl
  have scanKernel : (m.map f).scanKernel = m.scanKernel.map f := rfl
  have masked (v : Tensor α [innerDim]) :
      (if x.1 then v.map f else zeros β innerDim) = Vec.map f (if x.1 then v else zeros α innerDim) := by
    split
    · rfl
    · exact f.zeros_map.symm
  simp only [SelectiveMambaBlockSpec.maskedRunner, convKernel, scanKernel, m.convInput_map f, masked, causalConv1dUpdate_map f,
    m.scanToken_map f, selectiveStateUpdate_map f, m.project_map f]

end

section

variable {vocabSize dModel : Nat}

/-- The image of the cache of each layer. -/
def layersCache.map : (layers : List (MambaLayer α dModel)) → layersCache layers → layersCache (layers.map (MambaLayer.map f))
  | [], _ => ()
  | _ :: layers, cache => ((cache.1.1.map (Vec.map f), cache.1.2.map (Vec.map f)), layersCache.map layers cache.2)

/-- The image of the empty caches is the empty caches. -/
theorem emptyLayersCache_map (layers : List (MambaLayer α dModel)) :
    layersCache.map f layers (emptyLayersCache layers) = emptyLayersCache (layers.map (MambaLayer.map f)) := by
  induction layers with
  | nil => rfl
  | cons layer layers ih => exact Prod.ext (Prod.ext f.zeroMatrix_map rfl) ih

private theorem step_layersRunner_map (eps : α) (layers : List (MambaLayer α dModel)) (cache : layersCache layers)
    (x : Tensor α [dModel]) :
    (layersRunner (f eps) (layers.map (MambaLayer.map f))).step (layersCache.map f layers cache) (x.map f) =
      (layersCache.map f layers ((layersRunner eps layers).step cache x).1, ((layersRunner eps layers).step cache x).2.map f) := by
  induction layers generalizing x with
  | nil => rfl
  | cons layer layers ih =>
    have first : ((layer.map f).runner (f eps)).step (cache.1.1.map (Vec.map f), cache.1.2.map (Vec.map f)) (x.map f) =
        let next := (layer.runner eps).step cache.1 x
        ((next.1.1.map (Vec.map f), next.1.2.map (Vec.map f)), next.2.map f) := by
      have block := selectiveMamba_step_map f layer.block cache.1.1 cache.1.2 (rmsNorm eps layer.normWeight x)
      rw [← rmsNorm_map f] at block
      simp only [MambaLayer.runner, MambaLayer.map, block, f.add_map]
    change (let next := ((layer.map f).runner (f eps)).step (cache.1.1.map (Vec.map f), cache.1.2.map (Vec.map f)) (x.map f)
      let rest := (layersRunner (f eps) (layers.map (MambaLayer.map f))).step (layersCache.map f layers cache.2) next.2
      ((next.1, rest.1), rest.2)) = _
    rw [first]
    simp only [ih]
    rfl

/-- The Mamba language model on images, token after token from the caches of its layers, is the image of the run. -/
theorem mambaLanguageModel_runner_map (m : MambaLanguageModelSpec α vocabSize dModel) (cache : m.Cache)
    (ids : List (Fin vocabSize)) :
    (m.map f).runner.runList (layersCache.map f m.layers cache) ids =
      (layersCache.map f m.layers (m.runner.runList cache ids).1, (m.runner.runList cache ids).2.map (Vec.map f)) := by
  have step (s : m.Cache) (id : Fin vocabSize) :
      (m.map f).runner.step (layersCache.map f m.layers s) id =
        (layersCache.map f m.layers (m.runner.step s id).1, (m.runner.step s id).2.map f) := by
    have embedded : (m.embedding.map (Vec.map f)).get id = (m.embedding.get id).map f := Vec.get_map ..
    change (fun next => (next.1, Tensor.matVec (m.head.map (Vec.map f)) (rmsNorm (f m.eps) (m.normWeight.map f) next.2)))
      ((layersRunner (f m.eps) (m.layers.map (MambaLayer.map f))).step (layersCache.map f m.layers s)
        ((m.embedding.map (Vec.map f)).get id)) = _
    simp only [embedded, step_layersRunner_map f, rmsNorm_map f, f.matVec_map]
    rfl
  simpa only [List.map_id] using Runner.runList_map (r := m.runner) (i := id) step cache ids

end

end Scanproof
