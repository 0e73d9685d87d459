/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causality.Streaming
public import Spec.Models.MambaLanguageModel

/-!
# Streaming of a whole language model

`MambaLanguageModelSpec.logits` goes layer after layer over the whole sequence, as in training. Deployed, the model goes token
after token through all layers, with a cache for each. That is the same function, to the bit: no law of arithmetic is used.

## Main definitions

* `MambaLanguageModelSpec.Cache`: a scan state and a convolution history for each layer.
* `MambaLanguageModelSpec.runner`: one token id through the whole model.

## Main results

* `mambaLanguageModel_logits_eq_runList`: token after token gives the logits of layer after layer.
* `mambaLanguageModel_prefill_decode`: prefill and then decoding from the cache gives the logits of one pass.
* `mambaLanguageModel_generate`: generation from the cache chooses the token ids of generation that computes all logits anew.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} [Scalar α] {vocabSize dModel : Nat}

/-- What a layer remembers: the scan state of its block, and the block's convolution history. -/
abbrev MambaLayer.Cache (layer : MambaLayer α dModel) : Type :=
  Tensor α [layer.innerDim, layer.stateDim] × List (Tensor α [layer.innerDim])

/-- What a layer remembers before the first token: the zero state, and nothing. -/
def MambaLayer.emptyCache (layer : MambaLayer α dModel) : layer.Cache := (zeroMatrix α layer.innerDim layer.stateDim, [])

/-- One token through a residual layer. -/
def MambaLayer.runner (layer : MambaLayer α dModel) (eps : α) :
    Runner layer.Cache (Tensor α [dModel]) (Tensor α [dModel]) where
  step cache h :=
    let next := layer.block.step cache (rmsNorm eps layer.normWeight h)
    (next.1, h.add next.2)

/-- Token after token through a residual layer, from the empty cache, is the layer over the whole sequence. -/
theorem MambaLayer.apply_eq_runList (layer : MambaLayer α dModel) (eps : α) (hs : List (Tensor α [dModel])) :
    layer.apply eps hs = ((layer.runner eps).runList layer.emptyCache hs).2 := by
  suffices h : ∀ cache : layer.Cache,
      List.zipWith Vec.add hs (layer.block.runner.runList cache (hs.map (rmsNorm eps layer.normWeight))).2 =
        ((layer.runner eps).runList cache hs).2 from h layer.emptyCache
  induction hs with
  | nil => intro _; rfl
  | cons h hs ih =>
    intro cache
    rw [List.map_cons, Runner.runList_cons, Runner.runList_cons, List.zipWith_cons_cons, ih]
    rfl

/-- A cache for each of some layers. -/
def layersCache : List (MambaLayer α dModel) → Type
  | [] => Unit
  | layer :: layers => layer.Cache × layersCache layers

/-- The empty cache of each of some layers. -/
def emptyLayersCache : (layers : List (MambaLayer α dModel)) → layersCache layers
  | [] => ()
  | layer :: layers => (layer.emptyCache, emptyLayersCache layers)

/-- One token through some layers, one after another. -/
def layersRunner (eps : α) :
    (layers : List (MambaLayer α dModel)) → Runner (layersCache layers) (Tensor α [dModel]) (Tensor α [dModel])
  | [] => ⟨fun cache h => (cache, h)⟩
  | layer :: layers => (layersRunner eps layers).comp (layer.runner eps)

/-- Token after token through some layers is layer after layer over the whole sequence. -/
theorem layersRunner_runList (eps : α) (layers : List (MambaLayer α dModel)) (hs : List (Tensor α [dModel])) :
    ((layersRunner eps layers).runList (emptyLayersCache layers) hs).2 =
      layers.foldl (fun hs layer => layer.apply eps hs) hs := by
  induction layers generalizing hs with
  | nil =>
    induction hs with
    | nil => rfl
    | cons h hs ih => exact congrArg (h :: ·) ih
  | cons layer layers ih =>
    rw [List.foldl_cons, ← ih, MambaLayer.apply_eq_runList]
    exact congrArg Prod.snd (Runner.runList_comp (layersRunner eps layers) (layer.runner eps) _ _ hs)

namespace MambaLanguageModelSpec

/-- What the model remembers: a scan state and a convolution history for each layer. -/
abbrev Cache (m : MambaLanguageModelSpec α vocabSize dModel) : Type := layersCache m.layers

/-- What the model remembers before the first token id. -/
def emptyCache (m : MambaLanguageModelSpec α vocabSize dModel) : m.Cache := emptyLayersCache m.layers

/-- One token id through the whole model: the caches of all layers, and the logits. -/
def runner (m : MambaLanguageModelSpec α vocabSize dModel) : Runner m.Cache (Fin vocabSize) (Tensor α [vocabSize]) where
  step cache id :=
    let next := (layersRunner m.eps m.layers).step cache (m.embedding.get id)
    (next.1, m.head.matVec (rmsNorm m.eps m.normWeight next.2))

end MambaLanguageModelSpec

/-- Token after token, from the empty cache, gives the logits of layer after layer. -/
theorem mambaLanguageModel_logits_eq_runList (m : MambaLanguageModelSpec α vocabSize dModel) (ids : List (Fin vocabSize)) :
    m.logits ids = (m.runner.runList m.emptyCache ids).2 := by
  rw [MambaLanguageModelSpec.logits, ← layersRunner_runList]
  suffices h : ∀ cache : m.Cache,
      ((layersRunner m.eps m.layers).runList cache (ids.map m.embedding.get)).2.map
          (fun h => m.head.matVec (rmsNorm m.eps m.normWeight h)) =
        (m.runner.runList cache ids).2 from h m.emptyCache
  induction ids with
  | nil => intro _; rfl
  | cons id ids ih =>
    intro cache
    rw [List.map_cons, Runner.runList_cons, Runner.runList_cons, List.map_cons, ih]
    rfl

/-- Prefill of `ids` and then decoding of `later`, token after token from the cache, gives the logits of one pass over both. -/
theorem mambaLanguageModel_prefill_decode (m : MambaLanguageModelSpec α vocabSize dModel)
    (ids later : List (Fin vocabSize)) :
    (m.runner.decode (m.runner.runList m.emptyCache ids) later).2 = m.logits (ids ++ later) := by
  rw [m.runner.prefill_decode, mambaLanguageModel_logits_eq_runList]

/--
After a prompt, generation from the cache chooses the same token ids as generation that computes, for each of them, the logits of
all token ids so far anew; `choose` turns logits into a token id.
-/
theorem mambaLanguageModel_generate (m : MambaLanguageModelSpec α vocabSize dModel)
    (choose : Nat → Tensor α [vocabSize] → Fin vocabSize) (prompt : List (Fin vocabSize)) (last : Fin vocabSize) (n : Nat) :
    m.runner.generate choose (m.runner.runList m.emptyCache prompt).1 last n =
      Runner.regenerate m.logits choose (prompt ++ [last]) n := by
  rw [m.runner.generate_eq_regenerate, ← funext (mambaLanguageModel_logits_eq_runList m)]

end Scanproof
