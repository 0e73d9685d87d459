/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.Groups
public import Spec.Scan.Diagonal

/-!
# The selective scan kernel

What `selective_scan_fn` and, for one token, `selective_state_update` compute, with all their options. For channel `i`,
state entry `n` and the group `g` of the channel:

    dt[i]    = delta[i] + deltaBias[i]                               then softplus, if asked for
    h'[i, n] = exp (dt[i] * A[i, n]) * h[i, n] + (dt[i] * B[g, n]) * u[i]
    y[i]     = (sum over n of C[g, n] * h'[i, n]) + D[i] * u[i]      then times silu z[i], if there is a gate

A missing `deltaBias`, `D` or `z` leaves its term or factor out. No law of arithmetic is assumed, so the order of operations
is part of the meaning; it is that of `SelectiveMambaBlockSpec`. Fused kernels may order the operations of a sum differently.

How the arguments of the ecosystem are read:

* `B` and `C` of shape (state, length) are one group. Constant ones of shape (channels, state) are a group for each channel,
  the same at every token.
* The state update with heads has channels (head, entry of head) in row-major order.
* Complex `A` is `Spec.Kernels.ComplexSelectiveScan`.

## Main definitions

* `SelectiveScan`: the arguments that do not change from token to token; `SelectiveScanToken`: those that do.
* `selectiveStateUpdate`: one token.
* `selectiveScan`: a list of tokens, from a given state.

## Main results

* `selectiveStateUpdate_state`, `selectiveStateUpdate_output`: the formulas above, entry by entry.
* `selectiveScan_state_channel`, `selectiveScan_outputs_channel`: each channel is a diagonal scan of its own and a read-out.
  So what is proved about any form of the diagonal scan holds of the kernel.

## References

* A. Gu, T. Dao, *Mamba: Linear-Time Sequence Modeling with Selective State Spaces*, COLM 2024, section 3.2 and algorithm 2.
* The package mamba-ssm: `selective_scan_ref` and `selective_state_update_ref` define the kernels in PyTorch.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- The arguments of a selective scan that are the same for every token. -/
structure SelectiveScan (α : Type) (channels groups stateDim : Nat) where
  /-- The groups divide the channels evenly. -/
  groups_dvd : groups ∣ channels
  /-- The continuous-time decay rates, shape (channels, state). -/
  A : Tensor α [channels, stateDim]
  /-- The weight with which a channel passes by the state; none: it does not. -/
  D : Option (Tensor α [channels]) := none
  /-- Added to `delta` before the softplus. -/
  deltaBias : Option (Tensor α [channels]) := none
  /-- Whether the step sizes pass through the softplus. -/
  deltaSoftplus : Bool := false

/-- The arguments of a selective scan that belong to one token. -/
structure SelectiveScanToken (α : Type) (channels groups stateDim : Nat) where
  /-- The input. -/
  u : Tensor α [channels]
  /-- The step sizes, before bias and softplus. -/
  delta : Tensor α [channels]
  /-- How the input enters the state, shape (groups, state). -/
  B : Tensor α [groups, stateDim]
  /-- How the state is read, shape (groups, state). -/
  C : Tensor α [groups, stateDim]
  /-- The gate, before the SiLU; none: the output is not gated. -/
  z : Option (Tensor α [channels]) := none

namespace SelectiveScan

variable {α : Type} [Scalar α] {channels groups stateDim : Nat}

/-- The step sizes that a token's `delta` means: plus the bias, through the softplus. -/
def stepSize (p : SelectiveScan α channels groups stateDim) (delta : Tensor α [channels]) : Tensor α [channels] :=
  let biased := p.deltaBias.elim delta fun bias => delta.add bias
  if p.deltaSoftplus then biased.map Scalar.softplus else biased

/-- The transition of channel `i` for the step sizes `dt`: decay `exp (dt A)`, input `(dt B) u`. -/
def transition (p : SelectiveScan α channels groups stateDim) (dt : Tensor α [channels])
    (t : SelectiveScanToken α channels groups stateDim) (i : Fin channels) : DiagonalTransition α stateDim :=
  let dtI := dt.get i
  let uI := t.u.get i
  ⟨(p.A.get i).map fun rate => Scalar.exp (dtI * rate), (t.B.get (groupOf p.groups_dvd i)).map fun b => (dtI * b) * uI⟩

/-- The output of channel `i`, whose state after the token is `h`. -/
def readOut (p : SelectiveScan α channels groups stateDim) (t : SelectiveScanToken α channels groups stateDim)
    (i : Fin channels) (h : Tensor α [stateDim]) : α :=
  let read := (t.C.get (groupOf p.groups_dvd i)).dot h
  let skipped := p.D.elim read fun D => read + D.get i * t.u.get i
  t.z.elim skipped fun z => skipped * Scalar.silu (z.get i)

end SelectiveScan

variable {α : Type} [Scalar α] {channels groups stateDim : Nat}

/-- `selective_state_update`: one token, from the state `h` of shape (channels, state) to the next state and the output. -/
def selectiveStateUpdate (p : SelectiveScan α channels groups stateDim) (h : Tensor α [channels, stateDim])
    (t : SelectiveScanToken α channels groups stateDim) : Tensor α [channels, stateDim] × Tensor α [channels] :=
  let dt := p.stepSize t.delta
  let h' : Tensor α [channels, stateDim] := Vec.ofFn fun i => (p.transition dt t i).apply (h.get i)
  (h', Vec.ofFn fun i => p.readOut t i (h'.get i))

/-- The selective scan as a state machine. -/
def SelectiveScan.runner (p : SelectiveScan α channels groups stateDim) :
    Runner (Tensor α [channels, stateDim]) (SelectiveScanToken α channels groups stateDim) (Tensor α [channels]) where
  step := selectiveStateUpdate p

/--
`selective_scan_fn`: all tokens, from the state `h0` of shape (channels, state); the final state (`last_state`) and the
outputs. The kernels of the ecosystem start from the zero state.
-/
def selectiveScan (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (ts : List (SelectiveScanToken α channels groups stateDim)) :
    Tensor α [channels, stateDim] × List (Tensor α [channels]) :=
  p.runner.runList h0 ts

/-! ## The formulas, entry by entry -/

/-- The step size of channel `i`. -/
theorem SelectiveScan.get_stepSize (p : SelectiveScan α channels groups stateDim) (delta : Tensor α [channels])
    (i : Fin channels) :
    (p.stepSize delta).get i =
      let biased := p.deltaBias.elim (delta.get i) fun bias => delta.get i + bias.get i
      if p.deltaSoftplus then Scalar.softplus biased else biased := by
  cases hs : p.deltaSoftplus <;> cases hb : p.deltaBias <;>
    simp only [stepSize, hs, hb, Option.elim, Vec.add, Vec.get_map, Vec.get_zipWith, Bool.false_eq_true, ↓reduceIte]

/-- The state after one token. -/
theorem selectiveStateUpdate_state (p : SelectiveScan α channels groups stateDim) (h : Tensor α [channels, stateDim])
    (t : SelectiveScanToken α channels groups stateDim) (i : Fin channels) (n : Fin stateDim) :
    ((selectiveStateUpdate p h t).1.get i).get n =
      Scalar.exp ((p.stepSize t.delta).get i * (p.A.get i).get n) * (h.get i).get n +
        ((p.stepSize t.delta).get i * (t.B.get (groupOf p.groups_dvd i)).get n) * t.u.get i := by
  simp only [selectiveStateUpdate, SelectiveScan.transition, DiagonalTransition.apply, Vec.mul, Vec.add, Vec.get_ofFn,
    Vec.get_zipWith, Vec.get_map]

/-- The output of one token, read from the state after it. -/
theorem selectiveStateUpdate_output (p : SelectiveScan α channels groups stateDim) (h : Tensor α [channels, stateDim])
    (t : SelectiveScanToken α channels groups stateDim) (i : Fin channels) :
    (selectiveStateUpdate p h t).2.get i =
      let read := (t.C.get (groupOf p.groups_dvd i)).dot ((selectiveStateUpdate p h t).1.get i)
      let skipped := p.D.elim read fun D => read + D.get i * t.u.get i
      t.z.elim skipped fun z => skipped * Scalar.silu (z.get i) := by
  simp only [selectiveStateUpdate, SelectiveScan.readOut, Vec.get_ofFn]

/-! ## Each channel is a diagonal scan -/

/-- The final state of channel `i` is that of the channel's own transitions. -/
theorem selectiveScan_state_channel (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels) :
    (selectiveScan p h0 ts).1.get i =
      runDiagonalTransitions (h0.get i) (ts.map fun t => p.transition (p.stepSize t.delta) t i) := by
  induction ts generalizing h0 with
  | nil => rfl
  | cons t ts ih =>
    simp only [selectiveScan, SelectiveScan.runner, runDiagonalTransitions, diagonalScanRunner, Runner.runList_cons,
      List.map_cons] at ih ⊢
    rw [ih]
    simp only [selectiveStateUpdate, Vec.get_ofFn]

/-- The outputs of channel `i` are read from the states of the diagonal scan of its own transitions. -/
theorem selectiveScan_outputs_channel (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (ts : List (SelectiveScanToken α channels groups stateDim)) (i : Fin channels) :
    (selectiveScan p h0 ts).2.map (fun y => y.get i) =
      List.zipWith (fun t h => p.readOut t i h) ts
        (diagonalSelectiveScan (h0.get i) (ts.map fun t => p.transition (p.stepSize t.delta) t i)) := by
  induction ts generalizing h0 with
  | nil => rfl
  | cons t ts ih =>
    simp only [selectiveScan, SelectiveScan.runner, diagonalSelectiveScan, diagonalScanRunner, Runner.runList_cons,
      List.map_cons, List.zipWith_cons_cons] at ih ⊢
    rw [ih]
    simp only [selectiveStateUpdate, Vec.get_ofFn]

end Scanproof
