/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.LinearAttention

/-!
# RWKV-6

Linear attention with a decay for each key channel that depends on the token, read *before* the update, with a bonus `u` for the
current token:

    o[j]    = sum over i of r[i] * (h[i, j] + u[i] * (k[i] * v[j]))
    h'[i,j] = w[i] * h[i, j] + k[i] * v[j]

## Main definitions

* `Rwkv6Token`: receptance, key, value and decay of one token.
* `rwkv6Step`, `rwkv6Runner`, `rwkv6`: one token, the state machine, a list of tokens.

## Main results

* `rwkv6_state`: the state is that of gated linear attention, so its chunked form is that one's.
* `rwkv6Step_output`: the published output, entry by entry.

## References

* B. Peng et al., *Eagle and Finch: RWKV with Matrix-Valued States and Dynamic Recurrence*, COLM 2024, section 4.2.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} {keyDim valueDim : Nat}

/-- What one token brings. -/
structure Rwkv6Token (α : Type) (keyDim valueDim : Nat) where
  /-- The decay of each key channel, applied after the reading. -/
  w : Tensor α [keyDim]
  /-- How the state is read (the receptance). -/
  r : Tensor α [keyDim]
  /-- Where the value is written. -/
  k : Tensor α [keyDim]
  /-- What is written. -/
  v : Tensor α [valueDim]

/-- The token of gated linear attention that changes the state in the same way. -/
def Rwkv6Token.toGla (t : Rwkv6Token α keyDim valueDim) : LinearAttentionToken α keyDim valueDim := glaToken t.w t.r t.k t.v

variable [Scalar α]

/-- One token: the output is read from the state before it, with the bonus `u` for the token itself. -/
def rwkv6Step (u : Tensor α [keyDim]) (h : Tensor α [keyDim, valueDim]) (t : Rwkv6Token α keyDim valueDim) :
    Tensor α [keyDim, valueDim] × Tensor α [valueDim] :=
  ((linearAttentionStep h t.toGla).1,
    Vec.ofFn fun j => sum fun i => t.r.get i * ((h.get i).get j + u.get i * (t.k.get i * t.v.get j)))

/-- RWKV-6 as a state machine. -/
def rwkv6Runner (u : Tensor α [keyDim]) (valueDim : Nat) :
    Runner (Tensor α [keyDim, valueDim]) (Rwkv6Token α keyDim valueDim) (Tensor α [valueDim]) where
  step := rwkv6Step u

/-- A list of tokens from the state `h0`: the final state and the outputs. -/
def rwkv6 (u : Tensor α [keyDim]) (h0 : Tensor α [keyDim, valueDim]) (ts : List (Rwkv6Token α keyDim valueDim)) :
    Tensor α [keyDim, valueDim] × List (Tensor α [valueDim]) :=
  (rwkv6Runner u valueDim).runList h0 ts

variable (u : Tensor α [keyDim]) (h : Tensor α [keyDim, valueDim]) (t : Rwkv6Token α keyDim valueDim)

/-- The state after one token: `diag(w) h + k vᵀ`. -/
theorem rwkv6Step_state (i : Fin keyDim) (j : Fin valueDim) :
    ((rwkv6Step u h t).1.get i).get j = t.w.get i * (h.get i).get j + t.k.get i * t.v.get j :=
  gla_state h t.r t.k t.v i j t.w

/-- The output of one token, read from the state before it. -/
theorem rwkv6Step_output (j : Fin valueDim) :
    (rwkv6Step u h t).2.get j = sum fun i => t.r.get i * ((h.get i).get j + u.get i * (t.k.get i * t.v.get j)) := by
  simp only [rwkv6Step, Vec.get_ofFn]

/-- The state is that of gated linear attention over the same tokens. -/
theorem rwkv6_state (ts : List (Rwkv6Token α keyDim valueDim)) :
    (rwkv6 u h ts).1 = (linearAttention h (ts.map Rwkv6Token.toGla)).1 := by
  induction ts generalizing h with
  | nil => rfl
  | cons t ts ih => exact ih _

end Scanproof
