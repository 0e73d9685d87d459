/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.Scan.Diagonal
public import Spec.SeqIdx

/-!
# The scan of Mamba-2

What `mamba_chunk_scan_combined` computes, one batch row, as a list runner. For each head `h` with `G` groups of `r` heads, so that
head `h` reads the group `g = h / r` (`repeat_interleave`):

    dt[h]      = clamp (softplus (dt[h] + dtBias[h])) dtMin dtMax           each part optional
    h'[h,p,n]  = exp (dt[h] * A[h]) * h[h,p,n] + (dt[h] * B[g,n]) * x[h,p]
    y[h,p]     = ((sum over n of C[g,n] * h'[h,p,n]) + x[h,p] * D[h,p]) * silu z[h,p]     D and z optional

The single step is the state update that decoding uses. With `seq_idx`, the state is zero before each token whose index is not that of
the token before; before the first token that index is 0, so an initial state is read only by tokens of index 0.

## Main definitions

* `SsdParams`, `SsdToken`: parameters and options; what one token brings.
* `SsdParams.step`, `SsdParams.runner`: the update of the state, and the state machine.
* `ssdScan`: the final state and the outputs.
* `ssdScanSeqIdx`: the same for packed rows.

## Main results

* `ssdScan_causal`, `ssdScanSeqIdx_causal`: outputs do not depend on later tokens.
* `ssdScan_append`, `ssdScanSeqIdx_append`: prefill, then more tokens from the cached state, is one pass.
* `ssdScan_concat`: a last token is one step.
* `ssdScanSeqIdx_zero`: without packing, indices do nothing.
* `ssdScanSeqIdx_packed`: each example of a packed row has the outputs that it has alone.

No law of arithmetic is assumed: all of this holds in floating point.

## References

* T. Dao, A. Gu, *Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured State Space Duality*, ICML
  2024.
* `mamba_ssm.ops.triton.ssd_combined.mamba_chunk_scan_combined`, `ssd_chunk_scan_combined_ref` and
  `mamba_ssm.ops.triton.selective_state_update` of the package mamba-ssm, version 2.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} {groups headsPerGroup headDim stateDim : Nat}

/-- The group whose `B` and `C` a head reads: `headsPerGroup` neighbouring heads share one. -/
def headGroup (h : Fin (groups * headsPerGroup)) : Fin groups :=
  ⟨h.val / headsPerGroup, Nat.div_lt_of_lt_mul (Nat.mul_comm groups headsPerGroup ▸ h.isLt)⟩

/-- `x`, but at least `lo` and at most `hi` where they are given. A NaN stays one. -/
def Scalar.clamp [Scalar α] (lo hi : Option α) (x : α) : α :=
  let raised := match lo with
    | none => x
    | some lo => if Scalar.lt x lo then lo else x
  match hi with
  | none => raised
  | some hi => if Scalar.lt hi raised then hi else raised

/-- Parameters and options of the scan; there are `groups * headsPerGroup` heads. -/
structure SsdParams (α : Type) (groups headsPerGroup headDim : Nat) where
  /-- The continuous-time decay rate of each head, negative in a stable model. -/
  A : Tensor α [groups * headsPerGroup]
  /-- The weight with which a channel passes by the state, if any (see `skipPerHead`). -/
  D : Option (Tensor α [groups * headsPerGroup, headDim])
  /-- What is added to each head's time step, if anything (`dt_bias`). -/
  dtBias : Option (Tensor α [groups * headsPerGroup])
  /-- Whether the softplus is applied to the time step, after the bias (`dt_softplus`). -/
  dtSoftplus : Bool
  /-- The least time step, if any; the kernel's default `dt_limit` of `(0, inf)` is `some 0` here, and `none` below. -/
  dtMin : Option α
  /-- The greatest time step, if any. -/
  dtMax : Option α

/-- What one token brings. -/
structure SsdToken (α : Type) (groups headsPerGroup headDim stateDim : Nat) where
  /-- The input of each head's channels. -/
  x : Tensor α [groups * headsPerGroup, headDim]
  /-- The time step of each head, before bias, softplus and limits. -/
  dt : Tensor α [groups * headsPerGroup]
  /-- How the token is written to the state, for each group. -/
  B : Tensor α [groups, stateDim]
  /-- How the state is read, for each group. -/
  C : Tensor α [groups, stateDim]
  /-- The gate of each channel before the SiLU, if any. -/
  z : Option (Tensor α [groups * headsPerGroup, headDim])

/-- A skip weight for each head alone, as weights for its channels. -/
def skipPerHead (D : Tensor α [groups * headsPerGroup]) : Tensor α [groups * headsPerGroup, headDim] :=
  Vec.ofFn fun h => Vec.ofFn fun _ => D.get h

/-- The state with all entries zero. -/
def ssdZeroState [Scalar α] : Tensor α [groups * headsPerGroup, headDim, stateDim] :=
  Vec.ofFn fun _ => Vec.ofFn fun _ => Vec.ofFn fun _ => 0

namespace SsdParams

variable [Scalar α] (m : SsdParams α groups headsPerGroup headDim)

/-- The time step of head `h` from what the token brings: bias, softplus, limits. -/
def timeStep (h : Fin (groups * headsPerGroup)) (dt : α) : α :=
  let biased := match m.dtBias with
    | none => dt
    | some bias => dt + bias.get h
  Scalar.clamp m.dtMin m.dtMax (if m.dtSoftplus then Scalar.softplus biased else biased)

/-- The output of a channel from what was read of the state: skip and gate. -/
def finish (token : SsdToken α groups headsPerGroup headDim stateDim) (h : Fin (groups * headsPerGroup)) (p : Fin headDim)
    (y : α) : α :=
  let skipped := match m.D with
    | none => y
    | some D => y + (token.x.get h).get p * (D.get h).get p
  match token.z with
  | none => skipped
  | some z => skipped * Scalar.silu ((z.get h).get p)

/-- One token: the next state and the output. -/
def step (state : Tensor α [groups * headsPerGroup, headDim, stateDim])
    (token : SsdToken α groups headsPerGroup headDim stateDim) :
    Tensor α [groups * headsPerGroup, headDim, stateDim] × Tensor α [groups * headsPerGroup, headDim] :=
  let next : Tensor α [groups * headsPerGroup, headDim, stateDim] := Vec.ofFn fun h =>
    let dt := m.timeStep h (token.dt.get h)
    let decay := Scalar.exp (dt * m.A.get h)
    let dtB := (token.B.get (headGroup h)).map fun b => dt * b
    Vec.ofFn fun p =>
      let x := (token.x.get h).get p
      DiagonalTransition.apply ⟨Vec.ofFn fun _ => decay, dtB.map fun b => b * x⟩ ((state.get h).get p)
  (next, Vec.ofFn fun h => Vec.ofFn fun p =>
    m.finish token h p ((token.C.get (headGroup h)).dot ((next.get h).get p)))

/-- The scan as a state machine. -/
def runner : Runner (Tensor α [groups * headsPerGroup, headDim, stateDim])
    (SsdToken α groups headsPerGroup headDim stateDim) (Tensor α [groups * headsPerGroup, headDim]) where
  step := m.step

end SsdParams

variable [Scalar α] (m : SsdParams α groups headsPerGroup headDim)

/-- The scan from the initial state `h0`: the final state and the outputs. -/
def ssdScan (h0 : Tensor α [groups * headsPerGroup, headDim, stateDim])
    (xs : List (SsdToken α groups headsPerGroup headDim stateDim)) :
    Tensor α [groups * headsPerGroup, headDim, stateDim] × List (Tensor α [groups * headsPerGroup, headDim]) :=
  m.runner.runList h0 xs

/--
The scan of a packed row, each token with its `seq_idx`, from a state and the index of the token before (0 before the first one): the
final state with the last index, and the outputs.
-/
def ssdScanSeqIdx (state : Tensor α [groups * headsPerGroup, headDim, stateDim] × Int)
    (xs : List (Int × SsdToken α groups headsPerGroup headDim stateDim)) :
    (Tensor α [groups * headsPerGroup, headDim, stateDim] × Int) × List (Tensor α [groups * headsPerGroup, headDim]) :=
  (m.runner.withSeqIdx ssdZeroState).runList state xs

/-- The scan is causal, from any state. -/
theorem ssdScan_causal (h0 : Tensor α [groups * headsPerGroup, headDim, stateDim]) : Causal fun xs => (ssdScan m h0 xs).2 :=
  m.runner.causal h0

/-- Prefill `xs`, then `ys` from the state that was reached: one pass over `xs ++ ys`. -/
theorem ssdScan_append (h0 : Tensor α [groups * headsPerGroup, headDim, stateDim])
    (xs ys : List (SsdToken α groups headsPerGroup headDim stateDim)) :
    ssdScan m h0 (xs ++ ys) =
      ((ssdScan m (ssdScan m h0 xs).1 ys).1, (ssdScan m h0 xs).2 ++ (ssdScan m (ssdScan m h0 xs).1 ys).2) :=
  m.runner.runList_append h0 xs ys

/-- A last token is one step of the state update from the state that was reached. -/
theorem ssdScan_concat (h0 : Tensor α [groups * headsPerGroup, headDim, stateDim])
    (xs : List (SsdToken α groups headsPerGroup headDim stateDim)) (x : SsdToken α groups headsPerGroup headDim stateDim) :
    ssdScan m h0 (xs ++ [x]) =
      ((m.step (ssdScan m h0 xs).1 x).1, (ssdScan m h0 xs).2 ++ [(m.step (ssdScan m h0 xs).1 x).2]) :=
  ssdScan_append m h0 xs [x]

/-- The scan of packed rows is causal, from any state. -/
theorem ssdScanSeqIdx_causal (state : Tensor α [groups * headsPerGroup, headDim, stateDim] × Int) :
    Causal fun xs => (ssdScanSeqIdx m state xs).2 :=
  Runner.causal _ state

/-- Prefill `xs`, then `ys` from the state and index that were reached: one pass over `xs ++ ys`. -/
theorem ssdScanSeqIdx_append (state : Tensor α [groups * headsPerGroup, headDim, stateDim] × Int)
    (xs ys : List (Int × SsdToken α groups headsPerGroup headDim stateDim)) :
    ssdScanSeqIdx m state (xs ++ ys) =
      ((ssdScanSeqIdx m (ssdScanSeqIdx m state xs).1 ys).1,
        (ssdScanSeqIdx m state xs).2 ++ (ssdScanSeqIdx m (ssdScanSeqIdx m state xs).1 ys).2) :=
  Runner.runList_append _ state xs ys

/-- If all tokens carry index 0, the scan is the one without indices. -/
theorem ssdScanSeqIdx_zero (h0 : Tensor α [groups * headsPerGroup, headDim, stateDim])
    (xs : List (SsdToken α groups headsPerGroup headDim stateDim)) :
    ssdScanSeqIdx m (h0, 0) (xs.map fun x => (0, x)) = (((ssdScan m h0 xs).1, 0), (ssdScan m h0 xs).2) :=
  m.runner.withSeqIdx_const ssdZeroState h0 0 xs

/-- Where the index changes, the tokens that follow are run from the zero state: neither outputs nor final state depend on the past. -/
theorem ssdScanSeqIdx_reset (state : Tensor α [groups * headsPerGroup, headDim, stateDim] × Int)
    (x : Int × SsdToken α groups headsPerGroup headDim stateDim)
    (xs : List (Int × SsdToken α groups headsPerGroup headDim stateDim)) (h : x.1 ≠ state.2) :
    ssdScanSeqIdx m state (x :: xs) = ssdScanSeqIdx m (ssdZeroState, x.1) (x :: xs) :=
  m.runner.withSeqIdx_change ssdZeroState state.1 state.2 x xs h

/--
Packed examples are independent: those of index 0 at the start continue from the initial state `h0` (there may be none), and every later
example has the outputs that it has alone, from the zero state and without indices. No later example is empty, and neighbours have
different indices.
-/
theorem ssdScanSeqIdx_packed (h0 : Tensor α [groups * headsPerGroup, headDim, stateDim])
    (xs : List (SsdToken α groups headsPerGroup headDim stateDim))
    (later : List (Int × List (SsdToken α groups headsPerGroup headDim stateDim))) (hne : ∀ e ∈ later, e.2 ≠ [])
    (hidx : NeighboursDiffer (0 :: later.map Prod.fst)) :
    (ssdScanSeqIdx m (h0, 0) (packSeqIdx ((0, xs) :: later))).2 =
      (ssdScan m h0 xs).2 ++ later.flatMap fun e => (ssdScan m ssdZeroState e.2).2 :=
  m.runner.withSeqIdx_packed ssdZeroState h0 0 xs later hne hidx

end Scanproof
