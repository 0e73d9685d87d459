/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.LinearAttention

/-!
# mLSTM

A matrix memory and a normaliser, both linear attention with the same gates, and their quotient as output:

    C' = f C + (i k) vᵀ      n' = f n + i k      o = (C'ᵀ q) / (max(|n' · q|, floor) + eps)

In the plain form `floor` is one, and `eps` is zero. In the stabilised form the gates come as logarithms, a running maximum `m`
keeps their exponentials from overflowing, and `floor` is `exp (-m)`: what the plain form has, divided by `exp m` throughout.
Implementations of the stabilised form add a small `eps`. In the plain form, it counts `exp m` times. That is the form whose gates
come before their activations.

## Main definitions

* `MlstmToken`, `mlstmStep`, `mlstmRunner`, `mlstm`: gates as numbers.
* `MlstmLogToken`, `stabilisedMlstmStep`, `stabilisedMlstmRunner`, `stabilisedMlstm`: gates as logarithms.
* `MlstmGateToken`, `preactivatedMlstmStep`, `preactivatedMlstmRunner`, `preactivatedMlstm`: gates before their activations.

## Main results

* `mlstm_memory`, `mlstm_normalizer`: memory and normaliser are linear attention, so their parallel forms are that one's.
* `mlstmStep_output`: the published output, entry by entry.

## References

* M. Beck et al., *xLSTM: Extended Long Short-Term Memory*, NeurIPS 2024, section 2.3 and appendix A.2.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} {keyDim valueDim : Nat}

/-- What one token brings, its gates as numbers. -/
structure MlstmToken (α : Type) (keyDim valueDim : Nat) where
  /-- The forget gate. -/
  f : α
  /-- The input gate. -/
  i : α
  /-- The least denominator: one in the plain form. -/
  floor : α
  /-- The number that is added to the denominator: zero in the plain form. -/
  eps : α
  /-- How the memory is read. -/
  q : Tensor α [keyDim]
  /-- Where the value is written. -/
  k : Tensor α [keyDim]
  /-- What is written. -/
  v : Tensor α [valueDim]

/-- The matrix memory and the normaliser. -/
structure MlstmState (α : Type) (keyDim valueDim : Nat) where
  /-- The memory, shape (keys, values). -/
  memory : Tensor α [keyDim, valueDim]
  /-- The normaliser, with a single value. -/
  normalizer : Tensor α [keyDim, 1]

variable [Scalar α]

/-- The token of linear attention that changes the memory. -/
def MlstmToken.toMemory (t : MlstmToken α keyDim valueDim) : LinearAttentionToken α keyDim valueDim :=
  mlstmToken t.f t.i t.q t.k t.v

/-- The token of linear attention that changes the normaliser. -/
def MlstmToken.toNormalizer (t : MlstmToken α keyDim valueDim) : LinearAttentionToken α keyDim 1 :=
  mlstmNormalizerToken t.f t.i t.q t.k

/-- One token: memory, normaliser, and the quotient of what they return for the query. -/
def mlstmStep (s : MlstmState α keyDim valueDim) (t : MlstmToken α keyDim valueDim) :
    MlstmState α keyDim valueDim × Tensor α [valueDim] :=
  let memory := linearAttentionStep s.memory t.toMemory
  let normalizer := linearAttentionStep s.normalizer t.toNormalizer
  let denominator := Scalar.max (Scalar.abs (normalizer.2.get 0)) t.floor + t.eps
  (⟨memory.1, normalizer.1⟩, memory.2.map fun x => x / denominator)

/-- mLSTM as a state machine. -/
def mlstmRunner (α : Type) [Scalar α] (keyDim valueDim : Nat) :
    Runner (MlstmState α keyDim valueDim) (MlstmToken α keyDim valueDim) (Tensor α [valueDim]) where
  step := mlstmStep

/-- A list of tokens from the state `s`: the final state and the outputs. -/
def mlstm (s : MlstmState α keyDim valueDim) (ts : List (MlstmToken α keyDim valueDim)) :
    MlstmState α keyDim valueDim × List (Tensor α [valueDim]) :=
  (mlstmRunner α keyDim valueDim).runList s ts

variable (s : MlstmState α keyDim valueDim)

/-- The memory is linear attention. -/
theorem mlstm_memory (ts : List (MlstmToken α keyDim valueDim)) :
    (mlstm s ts).1.memory = (linearAttention s.memory (ts.map MlstmToken.toMemory)).1 := by
  induction ts generalizing s with
  | nil => rfl
  | cons t ts ih => exact ih _

/-- The normaliser is linear attention. -/
theorem mlstm_normalizer (ts : List (MlstmToken α keyDim valueDim)) :
    (mlstm s ts).1.normalizer = (linearAttention s.normalizer (ts.map MlstmToken.toNormalizer)).1 := by
  induction ts generalizing s with
  | nil => rfl
  | cons t ts ih => exact ih _

/-- The output of one token: what the memory returns, over what the normaliser does or the floor, and `eps`. -/
theorem mlstmStep_output (t : MlstmToken α keyDim valueDim) (j : Fin valueDim) :
    (mlstmStep s t).2.get j =
      (linearAttentionStep s.memory t.toMemory).2.get j /
        (Scalar.max (Scalar.abs ((linearAttentionStep s.normalizer t.toNormalizer).2.get 0)) t.floor + t.eps) := by
  simp only [mlstmStep, Vec.get_map]

/-! ## The stabilised form -/

/-- What one token brings, its gates as logarithms. -/
structure MlstmLogToken (α : Type) (keyDim valueDim : Nat) where
  /-- The logarithm of the forget gate. -/
  logF : α
  /-- The logarithm of the input gate. -/
  logI : α
  /-- The number that is added to the denominator. -/
  eps : α
  /-- How the memory is read. -/
  q : Tensor α [keyDim]
  /-- Where the value is written. -/
  k : Tensor α [keyDim]
  /-- What is written. -/
  v : Tensor α [valueDim]

/-- The running maximum after a token. -/
def MlstmLogToken.maximum (m : α) (t : MlstmLogToken α keyDim valueDim) : α := Scalar.max (t.logF + m) t.logI

/-- The token with its gates divided by the exponential of the running maximum, which was `m` before it. -/
def MlstmLogToken.toToken (m : α) (t : MlstmLogToken α keyDim valueDim) : MlstmToken α keyDim valueDim :=
  let m' := t.maximum m
  ⟨Scalar.exp (t.logF + m + -m'), Scalar.exp (t.logI + -m'), Scalar.exp (-m'), t.eps, t.q, t.k, t.v⟩

/-- One token; the state holds the running maximum besides. -/
def stabilisedMlstmStep (s : MlstmState α keyDim valueDim × α) (t : MlstmLogToken α keyDim valueDim) :
    (MlstmState α keyDim valueDim × α) × Tensor α [valueDim] :=
  let next := mlstmStep s.1 (t.toToken s.2)
  ((next.1, t.maximum s.2), next.2)

/-- The stabilised mLSTM as a state machine. -/
def stabilisedMlstmRunner (α : Type) [Scalar α] (keyDim valueDim : Nat) :
    Runner (MlstmState α keyDim valueDim × α) (MlstmLogToken α keyDim valueDim) (Tensor α [valueDim]) where
  step := stabilisedMlstmStep

/-- A list of tokens from a state and its running maximum: the final ones and the outputs. -/
def stabilisedMlstm (s : MlstmState α keyDim valueDim × α) (ts : List (MlstmLogToken α keyDim valueDim)) :
    (MlstmState α keyDim valueDim × α) × List (Tensor α [valueDim]) :=
  (stabilisedMlstmRunner α keyDim valueDim).runList s ts

/-! ## Gates before their activations -/

/-- What one token brings, its gates before their activations. -/
structure MlstmGateToken (α : Type) (keyDim valueDim : Nat) where
  /-- The forget gate is the sigmoid of this. -/
  forget : α
  /-- The input gate is the exponential of this. -/
  input : α
  /-- The number that the stabilised form adds to its denominator. -/
  eps : α
  /-- How the memory is read. -/
  q : Tensor α [keyDim]
  /-- Where the value is written. -/
  k : Tensor α [keyDim]
  /-- What is written. -/
  v : Tensor α [valueDim]

/-- The token with the logarithms of its gates. -/
def MlstmGateToken.toLog (t : MlstmGateToken α keyDim valueDim) : MlstmLogToken α keyDim valueDim :=
  ⟨-Scalar.softplus (-t.forget), t.input, t.eps, t.q, t.k, t.v⟩

/-- The token of the plain form, if the running maximum was `m` before it: `eps` counts the exponential of the maximum. -/
def MlstmGateToken.toToken (m : α) (t : MlstmGateToken α keyDim valueDim) : MlstmToken α keyDim valueDim :=
  ⟨Scalar.sigmoid t.forget, Scalar.exp t.input, 1, t.eps * Scalar.exp (t.toLog.maximum m), t.q, t.k, t.v⟩

/-- One token; the state holds the running maximum besides. -/
def preactivatedMlstmStep (s : MlstmState α keyDim valueDim × α) (t : MlstmGateToken α keyDim valueDim) :
    (MlstmState α keyDim valueDim × α) × Tensor α [valueDim] :=
  let next := mlstmStep s.1 (t.toToken s.2)
  ((next.1, t.toLog.maximum s.2), next.2)

/-- mLSTM of gates before their activations, as a state machine. -/
def preactivatedMlstmRunner (α : Type) [Scalar α] (keyDim valueDim : Nat) :
    Runner (MlstmState α keyDim valueDim × α) (MlstmGateToken α keyDim valueDim) (Tensor α [valueDim]) where
  step := preactivatedMlstmStep

/-- A list of tokens from a state and its running maximum: the final ones and the outputs. -/
def preactivatedMlstm (s : MlstmState α keyDim valueDim × α) (ts : List (MlstmGateToken α keyDim valueDim)) :
    (MlstmState α keyDim valueDim × α) × List (Tensor α [valueDim]) :=
  (preactivatedMlstmRunner α keyDim valueDim).runList s ts

end Scanproof
