/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.Tensor

/-!
# Linear attention with decay

The family `h' = a ⊙ h + k vᵀ`, `o = h'ᵀ q`: a state of shape (keys, values), a decay for each of its entries, a write
of one outer product and a read for each token. Its members differ in how the decay depends on the entry:

| member | decay of entry `(i, j)` | key and value |
| --- | --- | --- |
| retention (RetNet) | `γ`, the same at every token | `k`, `v` |
| Mamba-2, mLSTM, simple gating | one number for each token | `k`, `v`; mLSTM: its input gate times `k` |
| gated linear attention (GLA) | `a i`, one for each key channel | `k`, `v` |
| RG-LRU, HGRN | `a j`, one for each value channel | one key channel, `k = q = 1`; `v` is the gated input |

The numerator of mLSTM is the member above; its normaliser is one too, with the single value 1. Normalisers, output
gates and scales act on each output by itself.

## Main definitions

* `LinearAttentionToken`: decay, query, key and value of one token.
* `linearAttentionStep`, `linearAttentionRunner`, `linearAttention`: one token, the state machine, a list of tokens.
* `LinearAttentionToken.ofScalar`, `retentionToken`, `glaToken`, `rgLruToken`, `mlstmToken`, `mlstmNormalizerToken`:
  the members.

## Main results

* `linearAttentionStep_state` and one such theorem for each member: the published update, entry by entry.
* `linearAttention_causal`, `linearAttention_append`: causality and streaming, without any law of arithmetic.

## References

* Y. Sun et al., *Retentive Network: A Successor to Transformer for Large Language Models*, 2023, equations 5 and 6.
* S. Yang et al., *Gated Linear Attention Transformers with Hardware-Efficient Training*, ICML 2024, equation 3.
* S. De et al., *Griffin: Mixing Gated Linear Recurrences with Local Attention for Efficient Language Models*, 2024,
  section 2.4.
* M. Beck et al., *xLSTM: Extended Long Short-Term Memory*, NeurIPS 2024, section 2.3.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} {keyDim valueDim : Nat}

/-- What one token brings. -/
structure LinearAttentionToken (α : Type) (keyDim valueDim : Nat) where
  /-- The factor of each state entry, shape (keys, values). -/
  decay : Tensor α [keyDim, valueDim]
  /-- How the state is read. -/
  q : Tensor α [keyDim]
  /-- Where the value is written. -/
  k : Tensor α [keyDim]
  /-- What is written. -/
  v : Tensor α [valueDim]

/-! ## The members of the family -/

/-- One decay for the whole state: Mamba-2, simple gating. -/
def LinearAttentionToken.ofScalar (a : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    LinearAttentionToken α keyDim valueDim :=
  ⟨Vec.ofFn fun _ => Vec.ofFn fun _ => a, q, k, v⟩

/-- Retention: the decay `γ` of the head, the same at every token. -/
def retentionToken (γ : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    LinearAttentionToken α keyDim valueDim :=
  .ofScalar γ q k v

/-- Gated linear attention: one decay for each key channel. -/
def glaToken (a q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) : LinearAttentionToken α keyDim valueDim :=
  ⟨Vec.ofFn fun i => Vec.ofFn fun _ => a.get i, q, k, v⟩

/-- The real-gated linear recurrent unit: one decay for each channel, and no reading: the output is the state. -/
def rgLruToken [Scalar α] (a u : Tensor α [valueDim]) : LinearAttentionToken α 1 valueDim :=
  ⟨Vec.ofFn fun _ => a, Vec.ofFn fun _ => 1, Vec.ofFn fun _ => 1, u⟩

/-- The matrix memory of mLSTM, whose reading is the numerator of its output: forget gate `f`, input gate `i`. -/
def mlstmToken [Scalar α] (f i : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    LinearAttentionToken α keyDim valueDim :=
  .ofScalar f q (k.map fun x => i * x) v

/-- The normaliser of mLSTM, whose reading stands in the denominator of its output. -/
def mlstmNormalizerToken [Scalar α] (f i : α) (q k : Tensor α [keyDim]) : LinearAttentionToken α keyDim 1 :=
  mlstmToken f i q k (Vec.ofFn fun _ => 1)

/-! ## The state machine -/

variable [Scalar α]

/-- One token: the next state, and the output `h'ᵀ q`. -/
def linearAttentionStep (state : Tensor α [keyDim, valueDim]) (t : LinearAttentionToken α keyDim valueDim) :
    Tensor α [keyDim, valueDim] × Tensor α [valueDim] :=
  let next : Tensor α [keyDim, valueDim] := Vec.ofFn fun i => Vec.ofFn fun j =>
    (t.decay.get i).get j * (state.get i).get j + t.k.get i * t.v.get j
  (next, Vec.ofFn fun j => sum fun i => t.q.get i * (next.get i).get j)

/-- Linear attention as a state machine. -/
def linearAttentionRunner (α : Type) [Scalar α] (keyDim valueDim : Nat) :
    Runner (Tensor α [keyDim, valueDim]) (LinearAttentionToken α keyDim valueDim) (Tensor α [valueDim]) where
  step := linearAttentionStep

/-- A list of tokens from the state `h0`: the final state and the outputs. -/
def linearAttention (h0 : Tensor α [keyDim, valueDim]) (ts : List (LinearAttentionToken α keyDim valueDim)) :
    Tensor α [keyDim, valueDim] × List (Tensor α [valueDim]) :=
  (linearAttentionRunner α keyDim valueDim).runList h0 ts

/-- Linear attention is causal, from any state. -/
theorem linearAttention_causal (h0 : Tensor α [keyDim, valueDim]) : Causal fun ts => (linearAttention h0 ts).2 :=
  Runner.causal _ h0

/-- Running `xs ++ ys` is running `ys` from the state after `xs`. -/
theorem linearAttention_append (h0 : Tensor α [keyDim, valueDim])
    (xs ys : List (LinearAttentionToken α keyDim valueDim)) :
    linearAttention h0 (xs ++ ys) =
      ((linearAttention (linearAttention h0 xs).1 ys).1,
        (linearAttention h0 xs).2 ++ (linearAttention (linearAttention h0 xs).1 ys).2) :=
  Runner.runList_append _ h0 xs ys

/-! ## The published updates, entry by entry -/

variable (state : Tensor α [keyDim, valueDim]) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) (i : Fin keyDim)
  (j : Fin valueDim)

/-- The state after one token: `a ⊙ h + k vᵀ`. -/
theorem linearAttentionStep_state (t : LinearAttentionToken α keyDim valueDim) :
    ((linearAttentionStep state t).1.get i).get j =
      (t.decay.get i).get j * (state.get i).get j + t.k.get i * t.v.get j := by
  simp only [linearAttentionStep, Vec.get_ofFn]

/-- The output of one token, read from the state after it. -/
theorem linearAttentionStep_output (t : LinearAttentionToken α keyDim valueDim) :
    (linearAttentionStep state t).2.get j =
      sum fun i => t.q.get i * ((linearAttentionStep state t).1.get i).get j := by
  simp only [linearAttentionStep, Vec.get_ofFn]

/-- One decay for each token: `a h + k vᵀ`. -/
theorem ofScalar_state (a : α) :
    ((linearAttentionStep state (.ofScalar a q k v)).1.get i).get j = a * (state.get i).get j + k.get i * v.get j := by
  refine (linearAttentionStep_state state i j _).trans ?_
  simp only [LinearAttentionToken.ofScalar, Vec.get_ofFn]

/-- Retention: `γ h + k vᵀ`. -/
theorem retention_state (γ : α) :
    ((linearAttentionStep state (retentionToken γ q k v)).1.get i).get j =
      γ * (state.get i).get j + k.get i * v.get j :=
  ofScalar_state state q k v i j γ

/-- Gated linear attention: `diag(a) h + k vᵀ`. -/
theorem gla_state (a : Tensor α [keyDim]) :
    ((linearAttentionStep state (glaToken a q k v)).1.get i).get j =
      a.get i * (state.get i).get j + k.get i * v.get j := by
  refine (linearAttentionStep_state state i j _).trans ?_
  simp only [glaToken, Vec.get_ofFn]

/-- The real-gated linear recurrent unit: `a ⊙ h + u`; the factor one is the key. -/
theorem rgLru_state (state : Tensor α [1, valueDim]) (a u : Tensor α [valueDim]) :
    ((linearAttentionStep state (rgLruToken a u)).1.get 0).get j = a.get j * (state.get 0).get j + 1 * u.get j := by
  refine (linearAttentionStep_state state 0 j _).trans ?_
  simp only [rgLruToken, Vec.get_ofFn]

/-- The matrix memory of mLSTM: `f C + (i k) vᵀ`. -/
theorem mlstm_state (f g : α) :
    ((linearAttentionStep state (mlstmToken f g q k v)).1.get i).get j =
      f * (state.get i).get j + g * k.get i * v.get j := by
  refine (ofScalar_state state q _ v i j f).trans ?_
  rw [Vec.get_map]

/-- The normaliser of mLSTM: `f n + i k`; the factor one is the value. -/
theorem mlstmNormalizer_state (state : Tensor α [keyDim, 1]) (f g : α) :
    ((linearAttentionStep state (mlstmNormalizerToken f g q k)).1.get i).get 0 =
      f * (state.get i).get 0 + g * k.get i * 1 := by
  refine (mlstm_state state q k _ i 0 f g).trans ?_
  rw [Vec.get_ofFn]

end Scanproof
