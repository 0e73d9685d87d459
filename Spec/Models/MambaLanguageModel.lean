/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.RmsNorm
public import Spec.Models.SelectiveMambaBlock

/-!
# Mamba language model

A whole model, from token ids to logits, as it is published: embeddings, residual layers of RMSNorm and selective Mamba block,
a last RMSNorm, and the output head:

    h₀ = embedding[id]
    hₗ₊₁ = hₗ + block (rmsNorm hₗ)          for each layer
    logits = head (rmsNorm hₙ)

## Main definitions

* `MambaLayer`, `MambaLanguageModelSpec`: the parameters.
* `MambaLanguageModelSpec.logits`: from a list of token ids to a list of logits.

## References

* A. Gu, T. Dao, *Mamba: Linear-Time Sequence Modeling with Selective State Spaces*, COLM 2024, section 3.4.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} [Scalar α] {dModel : Nat}

/-- A residual layer: a norm and a selective Mamba block, whose sizes may differ from layer to layer. -/
structure MambaLayer (α : Type) (dModel : Nat) where
  /-- Number of inner channels. -/
  innerDim : Nat
  /-- State entries per inner channel. -/
  stateDim : Nat
  /-- Width of the convolution. -/
  convWidth : Nat
  /-- The weight of the norm before the block. -/
  normWeight : Tensor α [dModel]
  /-- The block. -/
  block : SelectiveMambaBlockSpec α dModel innerDim stateDim dModel convWidth

/-- Parameters of a Mamba language model. -/
structure MambaLanguageModelSpec (α : Type) (vocabSize dModel : Nat) where
  /-- The vector of each token id. -/
  embedding : Tensor α [vocabSize, dModel]
  /-- The residual layers, in order. -/
  layers : List (MambaLayer α dModel)
  /-- The weight of the norm after the last layer. -/
  normWeight : Tensor α [dModel]
  /-- From the last hidden vector to the logits. -/
  head : Tensor α [vocabSize, dModel]
  /-- What the norms add to the mean square. -/
  eps : α

/-- One residual layer over a sequence: `h + block (rmsNorm h)`, the block from the zero state. -/
def MambaLayer.apply (layer : MambaLayer α dModel) (eps : α) (hs : List (Tensor α [dModel])) :
    List (Tensor α [dModel]) :=
  let zeroState := zeroMatrix α layer.innerDim layer.stateDim
  List.zipWith Vec.add hs (layer.block.runList zeroState (hs.map (rmsNorm eps layer.normWeight))).2

/-- The logits after each token id. -/
def MambaLanguageModelSpec.logits {vocabSize : Nat} (m : MambaLanguageModelSpec α vocabSize dModel)
    (ids : List (Fin vocabSize)) : List (Tensor α [vocabSize]) :=
  let hidden := m.layers.foldl (fun hs layer => layer.apply m.eps hs) (ids.map m.embedding.get)
  hidden.map fun h => m.head.matVec (rmsNorm m.eps m.normWeight h)

end Scanproof
