/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.Models.MambaLanguageModel

/-!
# Causality of a whole language model

A worked example: a model of embeddings, norms, residual connections, blocks and a head is causal because its parts are. Nothing
about the parts is looked into; each line of the proof is a lemma on `Causal`.

## Main results

* `MambaLayer.causal`: a residual layer is causal.
* `mambaLanguageModel_causal`: a model of any number of layers is causal.
* `mambaLanguageModel_logits_append_prefix`: the same in the words of the other models.
* `twoLayerMamba_causal`: the model of two layers, written out.
-/

@[expose] public section

namespace Scanproof

variable {α : Type} [Scalar α] {vocabSize dModel : Nat}

/-- A residual layer of norm and selective Mamba block is causal. -/
theorem MambaLayer.causal (layer : MambaLayer α dModel) (eps : α) : Causal (layer.apply eps) :=
  ((layer.block.runner.causal _).comp (Causal.map (rmsNorm eps layer.normWeight))).residual Vec.add

/-- A Mamba language model of any number of layers is causal, from token ids to logits. -/
theorem mambaLanguageModel_causal (m : MambaLanguageModelSpec α vocabSize dModel) : Causal m.logits := by
  have layers : Causal fun hs => (m.layers.map fun layer => layer.apply m.eps).foldl (fun hidden layer => layer hidden) hs := by
    apply Causal.stack
    intro layer hmem
    obtain ⟨parameters, _, rfl⟩ := List.mem_map.mp hmem
    exact parameters.causal m.eps
  simp only [List.foldl_map] at layers
  exact (Causal.map _).comp (layers.comp (Causal.map m.embedding.get))

/-- The logits of a prefix `xs` do not change when token ids `ys` are appended. -/
theorem mambaLanguageModel_logits_append_prefix (m : MambaLanguageModelSpec α vocabSize dModel)
    (xs ys : List (Fin vocabSize)) : (m.logits (xs ++ ys)).take xs.length = m.logits xs :=
  (mambaLanguageModel_causal m).take_append xs ys

/--
The model of two layers, written out: embed, add the first block of the norm, add the second block of the norm, norm, head.
-/
theorem twoLayerMamba_causal (embedding head : Tensor α [vocabSize, dModel]) (first second : MambaLayer α dModel)
    (normWeight : Tensor α [dModel]) (eps : α) :
    Causal fun ids : List (Fin vocabSize) =>
      let h₀ := ids.map embedding.get
      let h₁ := first.apply eps h₀
      let h₂ := second.apply eps h₁
      h₂.map fun h => head.matVec (rmsNorm eps normWeight h) :=
  (Causal.map _).comp ((second.causal eps).comp ((first.causal eps).comp (Causal.map embedding.get)))

end Scanproof
