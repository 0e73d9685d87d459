/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.Kernels.Groups
public import Spec.Scan.Diagonal
public import Spec.Kernels.SeqIdx

/-!
# The scan of Mamba-2

What `mamba_chunk_scan_combined` computes, one row of a batch, with all its options. For head `h`, its group `g`,
channel `p` and state entry `n`:

    dt[h]      = dt[h] + dtBias[h]                                    then softplus, then limits, if asked for
    h'[h,p,n]  = exp (dt[h] * A[h]) * h[h,p,n] + (dt[h] * B[g,n]) * x[h,p]
    y[h,p]     = (sum over n of C[g,n] * h'[h,p,n]) + D[h,p] * x[h,p]     then times silu z[h,p], if there is a gate

A missing `dtBias`, `D` or `z` leaves its term or factor out. With `seq_idx`, the state is zero before each token
whose index is not that of the token before; before the first token that index is 0, so only tokens of index 0 read an
initial state. An index must not come back after another one: within a chunk, fused kernels compare indices, not neighbours, and
read from the earlier stretch of the same index. They also order the operations differently; in exact arithmetic that is the
same (`Spec.Kernels.SsdRecurrence`). `cu_seqlens` is not covered. The decoding kernel `selective_state_update` has no limits of the
step size: it is `ssdStateUpdate` where the limits do not bind, and only there does decoding continue a prefill.

## Main definitions

* `SsdScan`: the arguments that do not change from token to token; `SsdScanToken`: those that do.
* `ssdStateUpdate`: one token, as in decoding.
* `ssdScan`: a list of tokens, from a given state; `ssdScanSeqIdx`: those of a packed row.

## Main results

* `ssdStateUpdate_state`, `ssdStateUpdate_output`: the formulas above, entry by entry.
* `ssdScan_state_channel`, `ssdScan_outputs_channel`: each channel is a diagonal scan of its own and a read-out.
* `ssdScan_causal`, `ssdScanSeqIdx_causal`: outputs do not depend on later tokens.
* `ssdScan_append`, `ssdScanSeqIdx_append`: prefill, then more tokens from the cached state, is one pass.
* `ssdScan_concat`: a last token is one state update.
* `ssdScanSeqIdx_zero`: without packing, indices do nothing.
* `ssdScanSeqIdx_reset`, `ssdScanSeqIdx_packed`: each example of a packed row has the outputs that it has alone.

No law of arithmetic is assumed: all of this holds in floating point, in the order of operations above.

## References

* T. Dao, A. Gu, *Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured State Space
  Duality*, ICML 2024.
* The package mamba-ssm, version 2: `ssd_chunk_scan_combined_ref` and `selective_state_update_ref` define the kernels
  in PyTorch; limits, initial states and `seq_idx` are those of the Triton kernels behind `mamba_chunk_scan_combined`.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} {heads groups headDim stateDim : Nat}

/-- `x`, but at least `lo` and at most `hi` where they are given. Here a NaN stays one. -/
def Scalar.clamp [Scalar α] (lo hi : Option α) (x : α) : α :=
  let raised := lo.elim x fun lo => max x lo
  hi.elim raised fun hi => min raised hi

/-- The arguments of Mamba-2's scan that are the same for every token. -/
structure SsdScan (α : Type) (heads groups headDim : Nat) where
  /-- The groups divide the heads evenly. -/
  groups_dvd : groups ∣ heads
  /-- The continuous-time decay rate of each head. -/
  A : Tensor α [heads]
  /-- The weight with which a channel passes by the state, shape (heads, channels); none: it does not. One weight for
  each head is `ssdSkipPerHead`. -/
  D : Option (Tensor α [heads, headDim]) := none
  /-- Added to `dt` before the softplus. -/
  dtBias : Option (Tensor α [heads]) := none
  /-- Whether the step sizes pass through the softplus. -/
  dtSoftplus : Bool := false
  /-- The least step size; none: no limit. The kernels' default `dt_limit = (0, inf)` is `some 0` here, none below. -/
  dtMin : Option α
  /-- The greatest step size; none: no limit. -/
  dtMax : Option α := none

/-- The arguments of Mamba-2's scan that belong to one token. -/
structure SsdScanToken (α : Type) (heads groups headDim stateDim : Nat) where
  /-- The input, shape (heads, channels). -/
  x : Tensor α [heads, headDim]
  /-- The step sizes, before bias, softplus and limits. -/
  dt : Tensor α [heads]
  /-- How the input enters the state, shape (groups, state). -/
  B : Tensor α [groups, stateDim]
  /-- How the state is read, shape (groups, state). -/
  C : Tensor α [groups, stateDim]
  /-- The gate, before the SiLU; none: the output is not gated. -/
  z : Option (Tensor α [heads, headDim]) := none

/-- One skip weight for each head, as weights of its channels. -/
def ssdSkipPerHead (D : Tensor α [heads]) : Tensor α [heads, headDim] := Vec.ofFn fun h => Vec.ofFn fun _ => D.get h

/-- The state with all entries zero. -/
def ssdZeroState [Scalar α] : Tensor α [heads, headDim, stateDim] :=
  Vec.ofFn fun _ => zeroMatrix α headDim stateDim

variable [Scalar α] (m : SsdScan α heads groups headDim)

namespace SsdScan

/-- The step size of head `h` that a token's `dt` means: plus the bias, through the softplus, within the limits. -/
def stepSize (dt : Tensor α [heads]) (h : Fin heads) : α :=
  let biased := m.dtBias.elim (dt.get h) fun bias => dt.get h + bias.get h
  Scalar.clamp m.dtMin m.dtMax (if m.dtSoftplus then Scalar.softplus biased else biased)

/--
The transition of channel `p` of head `h`: decay `exp (dt A)`, the same for all state entries, and input `(dt B) x`.
-/
def transition (t : SsdScanToken α heads groups headDim stateDim) (h : Fin heads) (p : Fin headDim) :
    DiagonalTransition α stateDim :=
  let dt := m.stepSize t.dt h
  let decay := Scalar.exp (dt * m.A.get h)
  let x := (t.x.get h).get p
  ⟨Vec.ofFn fun _ => decay, (t.B.get (groupOf m.groups_dvd h)).map fun b => (dt * b) * x⟩

/-- The output of a channel from what was read of its state: skip, then gate. -/
def finish (t : SsdScanToken α heads groups headDim stateDim) (h : Fin heads) (p : Fin headDim) (read : α) : α :=
  let skipped := m.D.elim read fun D => read + (D.get h).get p * (t.x.get h).get p
  t.z.elim skipped fun z => skipped * Scalar.silu ((z.get h).get p)

/-- The output of channel `p` of head `h`, whose state after the token is `row`. -/
def readOut (t : SsdScanToken α heads groups headDim stateDim) (h : Fin heads) (p : Fin headDim)
    (row : Tensor α [stateDim]) : α :=
  m.finish t h p ((t.C.get (groupOf m.groups_dvd h)).dot row)

end SsdScan

/--
Mamba-2's state update: one token, from the state of shape (heads, channels, state) to the next state and the output.
-/
def ssdStateUpdate (state : Tensor α [heads, headDim, stateDim]) (t : SsdScanToken α heads groups headDim stateDim) :
    Tensor α [heads, headDim, stateDim] × Tensor α [heads, headDim] :=
  let next : Tensor α [heads, headDim, stateDim] :=
    Vec.ofFn fun h => Vec.ofFn fun p => (m.transition t h p).apply ((state.get h).get p)
  (next, Vec.ofFn fun h => Vec.ofFn fun p => m.readOut t h p ((next.get h).get p))

/-- The scan as a state machine. -/
def SsdScan.runner :
    Runner (Tensor α [heads, headDim, stateDim]) (SsdScanToken α heads groups headDim stateDim)
      (Tensor α [heads, headDim]) where
  step := ssdStateUpdate m

/--
`mamba_chunk_scan_combined` without `seq_idx`: all tokens, from the initial state `h0`; the final state and the
outputs.
-/
def ssdScan (h0 : Tensor α [heads, headDim, stateDim]) (ts : List (SsdScanToken α heads groups headDim stateDim)) :
    Tensor α [heads, headDim, stateDim] × List (Tensor α [heads, headDim]) :=
  m.runner.runList h0 ts

/--
`mamba_chunk_scan_combined` of a packed row, each token with its `seq_idx`, from a state and the index of the token
before: the final state with the last index, and the outputs. Before the first token of a row the kernels take that
index to be 0.
-/
def ssdScanSeqIdx (state : Tensor α [heads, headDim, stateDim] × Int)
    (ts : List (Int × SsdScanToken α heads groups headDim stateDim)) :
    (Tensor α [heads, headDim, stateDim] × Int) × List (Tensor α [heads, headDim]) :=
  (m.runner.withSeqIdx ssdZeroState).runList state ts

/-! ## The formulas, entry by entry -/

/-- The state after one token. -/
theorem ssdStateUpdate_state (state : Tensor α [heads, headDim, stateDim])
    (t : SsdScanToken α heads groups headDim stateDim) (h : Fin heads) (p : Fin headDim) (n : Fin stateDim) :
    (((ssdStateUpdate m state t).1.get h).get p).get n =
      Scalar.exp (m.stepSize t.dt h * m.A.get h) * ((state.get h).get p).get n +
        (m.stepSize t.dt h * (t.B.get (groupOf m.groups_dvd h)).get n) * (t.x.get h).get p := by
  simp only [ssdStateUpdate, SsdScan.transition, DiagonalTransition.apply, Vec.mul, Vec.add, Vec.get_ofFn,
    Vec.get_zipWith, Vec.get_map]

/-- The output of one token, read from the state after it. -/
theorem ssdStateUpdate_output (state : Tensor α [heads, headDim, stateDim])
    (t : SsdScanToken α heads groups headDim stateDim) (h : Fin heads) (p : Fin headDim) :
    ((ssdStateUpdate m state t).2.get h).get p =
      let read := (t.C.get (groupOf m.groups_dvd h)).dot (((ssdStateUpdate m state t).1.get h).get p)
      let skipped := m.D.elim read fun D => read + (D.get h).get p * (t.x.get h).get p
      t.z.elim skipped fun z => skipped * Scalar.silu ((z.get h).get p) := by
  simp only [ssdStateUpdate, SsdScan.readOut, SsdScan.finish, Vec.get_ofFn]

/--
The final state of a channel is that of its own diagonal transitions, so what is proved of any form of the diagonal
scan holds of it.
-/
theorem ssdScan_state_channel (h0 : Tensor α [heads, headDim, stateDim])
    (ts : List (SsdScanToken α heads groups headDim stateDim)) (h : Fin heads) (p : Fin headDim) :
    ((ssdScan m h0 ts).1.get h).get p =
      runDiagonalTransitions ((h0.get h).get p) (ts.map fun t => m.transition t h p) := by
  induction ts generalizing h0 with
  | nil => rfl
  | cons t ts ih =>
    simp only [ssdScan, SsdScan.runner, runDiagonalTransitions, diagonalScanRunner, Runner.runList_cons,
      List.map_cons] at ih ⊢
    rw [ih]
    simp only [ssdStateUpdate, Vec.get_ofFn]

/-- The outputs of a channel are read from the states of the diagonal scan of its own transitions. -/
theorem ssdScan_outputs_channel (h0 : Tensor α [heads, headDim, stateDim])
    (ts : List (SsdScanToken α heads groups headDim stateDim)) (h : Fin heads) (p : Fin headDim) :
    (ssdScan m h0 ts).2.map (fun y => (y.get h).get p) =
      List.zipWith (fun t row => m.readOut t h p row) ts
        (diagonalSelectiveScan ((h0.get h).get p) (ts.map fun t => m.transition t h p)) := by
  induction ts generalizing h0 with
  | nil => rfl
  | cons t ts ih =>
    simp only [ssdScan, SsdScan.runner, diagonalSelectiveScan, diagonalScanRunner, Runner.runList_cons, List.map_cons,
      List.zipWith_cons_cons] at ih ⊢
    rw [ih]
    simp only [ssdStateUpdate, Vec.get_ofFn]

/-! ## Causality, streaming, packing -/

/-- The scan is causal, from any state. -/
theorem ssdScan_causal (h0 : Tensor α [heads, headDim, stateDim]) : Causal fun xs => (ssdScan m h0 xs).2 :=
  m.runner.causal h0

/-- Prefill `xs`, then `ys` from the state that was reached: one pass over `xs ++ ys`. -/
theorem ssdScan_append (h0 : Tensor α [heads, headDim, stateDim])
    (xs ys : List (SsdScanToken α heads groups headDim stateDim)) :
    ssdScan m h0 (xs ++ ys) =
      ((ssdScan m (ssdScan m h0 xs).1 ys).1, (ssdScan m h0 xs).2 ++ (ssdScan m (ssdScan m h0 xs).1 ys).2) :=
  m.runner.runList_append h0 xs ys

/-- A last token is one step of the state update from the state that was reached. -/
theorem ssdScan_concat (h0 : Tensor α [heads, headDim, stateDim])
    (xs : List (SsdScanToken α heads groups headDim stateDim)) (x : SsdScanToken α heads groups headDim stateDim) :
    ssdScan m h0 (xs ++ [x]) =
      ((ssdStateUpdate m (ssdScan m h0 xs).1 x).1,
        (ssdScan m h0 xs).2 ++ [(ssdStateUpdate m (ssdScan m h0 xs).1 x).2]) :=
  ssdScan_append m h0 xs [x]

/-- The scan of packed rows is causal, from any state. -/
theorem ssdScanSeqIdx_causal (state : Tensor α [heads, headDim, stateDim] × Int) :
    Causal fun xs => (ssdScanSeqIdx m state xs).2 :=
  Runner.causal _ state

/-- Prefill `xs`, then `ys` from the state and index that were reached: one pass over `xs ++ ys`. -/
theorem ssdScanSeqIdx_append (state : Tensor α [heads, headDim, stateDim] × Int)
    (xs ys : List (Int × SsdScanToken α heads groups headDim stateDim)) :
    ssdScanSeqIdx m state (xs ++ ys) =
      ((ssdScanSeqIdx m (ssdScanSeqIdx m state xs).1 ys).1,
        (ssdScanSeqIdx m state xs).2 ++ (ssdScanSeqIdx m (ssdScanSeqIdx m state xs).1 ys).2) :=
  Runner.runList_append _ state xs ys

/-- If all tokens carry index 0, the scan is the one without indices. -/
theorem ssdScanSeqIdx_zero (h0 : Tensor α [heads, headDim, stateDim])
    (xs : List (SsdScanToken α heads groups headDim stateDim)) :
    ssdScanSeqIdx m (h0, 0) (xs.map fun x => (0, x)) = (((ssdScan m h0 xs).1, 0), (ssdScan m h0 xs).2) :=
  m.runner.withSeqIdx_const ssdZeroState h0 0 xs

/--
Where the index changes, the tokens that follow are run from the zero state: neither outputs nor final state depend on
the past.
-/
theorem ssdScanSeqIdx_reset (state : Tensor α [heads, headDim, stateDim] × Int)
    (x : Int × SsdScanToken α heads groups headDim stateDim)
    (xs : List (Int × SsdScanToken α heads groups headDim stateDim)) (h : x.1 ≠ state.2) :
    ssdScanSeqIdx m state (x :: xs) = ssdScanSeqIdx m (ssdZeroState, x.1) (x :: xs) :=
  m.runner.withSeqIdx_change ssdZeroState state.1 state.2 x xs h

/--
Packed examples are independent: those of index 0 at the start continue from the initial state `h0` (there may be
none), and every later example has the outputs that it has alone, from the zero state and without indices. No later
example is empty, and neighbours have different indices.
-/
theorem ssdScanSeqIdx_packed (h0 : Tensor α [heads, headDim, stateDim])
    (xs : List (SsdScanToken α heads groups headDim stateDim))
    (later : List (Int × List (SsdScanToken α heads groups headDim stateDim))) (hne : ∀ e ∈ later, e.2 ≠ [])
    (hidx : NeighboursDiffer (0 :: later.map Prod.fst)) :
    (ssdScanSeqIdx m (h0, 0) (packSeqIdx ((0, xs) :: later))).2 =
      (ssdScan m h0 xs).2 ++ later.flatMap fun e => (ssdScan m ssdZeroState e.2).2 :=
  m.runner.withSeqIdx_packed ssdZeroState h0 0 xs later hne hidx

end Scanproof
