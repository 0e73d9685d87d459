/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.GatedNorm
public import Spec.Models.ComplexDiagonal
public import Spec.Scan.GeneralizedDelta
public import Spec.Scan.MinGru
public import Spec.Scan.Mlstm
public import Spec.Scan.Rwkv6

/-!
# Causality of the recurrent families

Instances of the lemmas on runners, under names to cite. No law of arithmetic is assumed: they hold in floating point.

## Main results

* `complexDiagonal_append_outputs_prefix`, `minGru_append_outputs_prefix`, `gla_append_outputs_prefix`,
  `rgLru_append_outputs_prefix`, `gatedDelta_append_outputs_prefix`, `generalizedDelta_append_outputs_prefix`,
  `comba_append_outputs_prefix`, `gatedNorm_append_outputs_prefix`, `rwkv6_append_outputs_prefix`,
  `mlstm_append_outputs_prefix`, `stabilisedMlstm_append_outputs_prefix`,
  `preactivatedMlstm_append_outputs_prefix`: appending future tokens cannot change past outputs.
-/

@[expose] public section

namespace Scanproof

variable {α : Type} [Scalar α]

/-- S5 and the linear recurrent unit: appending future tokens `ys` cannot change the outputs for `xs`. -/
theorem complexDiagonal_append_outputs_prefix [Polar α] {inputDim stateDim outputDim : Nat}
    (m : ComplexDiagonalSpec α inputDim stateDim outputDim) (h0 : Tensor (Complex α) [stateDim])
    (xs ys : List (ComplexDiagonalToken α inputDim stateDim)) :
    List.take xs.length (m.runList h0 (xs ++ ys)).2 = (m.runList h0 xs).2 :=
  m.runner.take_outputs_append h0 xs ys

/-- minGRU: appending future tokens `ys` cannot change the outputs for `xs`. -/
theorem minGru_append_outputs_prefix {n : Nat} (h0 : Tensor α [n]) (xs ys : List (MinGruToken α n)) :
    List.take xs.length (minGru h0 (xs ++ ys)).2 = (minGru h0 xs).2 :=
  Runner.take_outputs_append _ h0 xs ys

variable {keyDim valueDim : Nat}

private theorem linearAttention_map {κ : Type} (token : κ → LinearAttentionToken α keyDim valueDim)
    (h0 : Tensor α [keyDim, valueDim]) (xs ys : List κ) :
    List.take xs.length (linearAttention h0 ((xs ++ ys).map token)).2 = (linearAttention h0 (xs.map token)).2 := by
  have h := Runner.take_outputs_append (linearAttentionRunner α keyDim valueDim) h0 (xs.map token) (ys.map token)
  rw [← List.map_append, List.length_map] at h
  exact h

/--
Gated linear attention, its tokens given by decay, query, key and value: appending future tokens `ys` cannot change the outputs
for `xs`.
-/
theorem gla_append_outputs_prefix (h0 : Tensor α [keyDim, valueDim])
    (xs ys : List (Tensor α [keyDim] × Tensor α [keyDim] × Tensor α [keyDim] × Tensor α [valueDim])) :
    List.take xs.length (linearAttention h0 ((xs ++ ys).map fun (a, q, k, v) => glaToken a q k v)).2 =
      (linearAttention h0 (xs.map fun (a, q, k, v) => glaToken a q k v)).2 :=
  linearAttention_map _ h0 xs ys

/--
The real-gated linear recurrent unit, its tokens given by decay and gated input: appending future tokens `ys` cannot change the
outputs for `xs`.
-/
theorem rgLru_append_outputs_prefix (h0 : Tensor α [1, valueDim]) (xs ys : List (Tensor α [valueDim] × Tensor α [valueDim])) :
    List.take xs.length (linearAttention h0 ((xs ++ ys).map fun (a, u) => rgLruToken a u)).2 =
      (linearAttention h0 (xs.map fun (a, u) => rgLruToken a u)).2 :=
  linearAttention_map _ h0 xs ys

/--
Gated DeltaNet, its tokens given by decay, fraction, query, key and value: appending future tokens `ys` cannot change the
outputs for `xs`.
-/
theorem gatedDelta_append_outputs_prefix (h0 : Tensor α [valueDim, keyDim])
    (xs ys : List (α × α × Tensor α [keyDim] × Tensor α [keyDim] × Tensor α [valueDim])) :
    List.take xs.length (deltaRule h0 ((xs ++ ys).map fun (a, β, q, k, v) => gatedDeltaToken a β q k v)).2 =
      (deltaRule h0 (xs.map fun (a, β, q, k, v) => gatedDeltaToken a β q k v)).2 := by
  have h := Runner.take_outputs_append (deltaRunner α keyDim valueDim) h0
    (xs.map fun (a, β, q, k, v) => gatedDeltaToken a β q k v) (ys.map fun (a, β, q, k, v) => gatedDeltaToken a β q k v)
  rw [← List.map_append, List.length_map] at h
  exact h

/-- The generalised delta rule, such as RWKV-7: appending future tokens `ys` cannot change the outputs for `xs`. -/
theorem generalizedDelta_append_outputs_prefix (h0 : Tensor α [valueDim, keyDim])
    (xs ys : List (GeneralizedDeltaToken α keyDim valueDim)) :
    List.take xs.length (generalizedDeltaRule h0 (xs ++ ys)).2 = (generalizedDeltaRule h0 xs).2 :=
  Runner.take_outputs_append _ h0 xs ys

/-- Comba: appending future tokens `ys` cannot change the outputs for `xs`. -/
theorem comba_append_outputs_prefix (h0 : Tensor α [valueDim, keyDim]) (xs ys : List (CombaToken α keyDim valueDim)) :
    List.take xs.length (comba h0 (xs ++ ys)).2 = (comba h0 xs).2 :=
  Runner.take_outputs_append _ h0 xs ys

/-- A gated norm: appending future tokens `ys` cannot change the outputs for `xs`. -/
theorem gatedNorm_append_outputs_prefix {n : Nat} (m : GatedNorm α n) (xs ys : List (Tensor α [n] × Tensor α [n])) :
    List.take xs.length (gatedNorm m (xs ++ ys)) = gatedNorm m xs :=
  m.runner.take_outputs_append () xs ys

/-- RWKV-6: appending future tokens `ys` cannot change the outputs for `xs`. -/
theorem rwkv6_append_outputs_prefix (u : Tensor α [keyDim]) (h0 : Tensor α [keyDim, valueDim])
    (xs ys : List (Rwkv6Token α keyDim valueDim)) :
    List.take xs.length (rwkv6 u h0 (xs ++ ys)).2 = (rwkv6 u h0 xs).2 :=
  Runner.take_outputs_append _ h0 xs ys

/-- mLSTM: appending future tokens `ys` cannot change the outputs for `xs`. -/
theorem mlstm_append_outputs_prefix (s : MlstmState α keyDim valueDim) (xs ys : List (MlstmToken α keyDim valueDim)) :
    List.take xs.length (mlstm s (xs ++ ys)).2 = (mlstm s xs).2 :=
  Runner.take_outputs_append _ s xs ys

/-- The stabilised mLSTM: appending future tokens `ys` cannot change the outputs for `xs`. -/
theorem stabilisedMlstm_append_outputs_prefix (s : MlstmState α keyDim valueDim × α)
    (xs ys : List (MlstmLogToken α keyDim valueDim)) :
    List.take xs.length (stabilisedMlstm s (xs ++ ys)).2 = (stabilisedMlstm s xs).2 :=
  Runner.take_outputs_append _ s xs ys

/-- mLSTM of gates before their activations: appending future tokens `ys` cannot change the outputs for `xs`. -/
theorem preactivatedMlstm_append_outputs_prefix (s : MlstmState α keyDim valueDim × α)
    (xs ys : List (MlstmGateToken α keyDim valueDim)) :
    List.take xs.length (preactivatedMlstm s (xs ++ ys)).2 = (preactivatedMlstm s xs).2 :=
  Runner.take_outputs_append _ s xs ys

end Scanproof
