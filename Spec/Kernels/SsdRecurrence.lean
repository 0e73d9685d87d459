/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.SsdScan
public import Spec.RingScalar
public import Spec.Scan.Ssd
public import Spec.Sequence

/-!
# The scan of Mamba-2 is the recurrence of its matrix form

In exact arithmetic, each head of `ssdScan` is the recurrence `ssdOutput`, so kernels, masked matrix products and
chunked algorithms speak of one object. A change of `seq_idx` is a decay of zero.

## Main definitions

* `SsdScan.decays`, `SsdScan.writes`, `SsdScan.reads`, `ssdInputs`: the coefficients `a`, `b`, `c`, `x` of one head.

## Main results

* `ssdScan_state_eq_ssdState`, `ssdScan_output_eq_ssdOutput`: states and outputs of the scan.
* `ssdScan_outputs_eq_chunked`: the scan is Mamba-2's chunked algorithm, for every chunk length.
* `ssdScanSeqIdx_output_eq_ssdOutput`: outputs of a packed row.
* `ssdScan_segProd_decays`: the mask as the exponential of segment sums.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} [Scalar α] {heads groups headDim stateDim : Nat}

/-- The step sizes of head `h`, after bias, softplus and limits. -/
def SsdScan.stepSizes (m : SsdScan α heads groups headDim) (tok : Nat → SsdScanToken α heads groups headDim stateDim)
    (h : Fin heads) (t : Nat) : α :=
  m.stepSize (tok t).dt h

/-- The decays of head `h`: `a t = exp (dt t * A)`. -/
def SsdScan.decays (m : SsdScan α heads groups headDim) (tok : Nat → SsdScanToken α heads groups headDim stateDim)
    (h : Fin heads) (t : Nat) : α :=
  Scalar.exp (m.stepSizes tok h t * m.A.get h)

/-- The write vectors of head `h`: `b t = dt t * B t`. -/
def SsdScan.writes (m : SsdScan α heads groups headDim) (tok : Nat → SsdScanToken α heads groups headDim stateDim)
    (h : Fin heads) (t : Nat) (n : Fin stateDim) : α :=
  m.stepSizes tok h t * ((tok t).B.get (groupOf m.groups_dvd h)).get n

/-- The read vectors of head `h`: `C t`. -/
def SsdScan.reads (m : SsdScan α heads groups headDim) (tok : Nat → SsdScanToken α heads groups headDim stateDim)
    (h : Fin heads) (t : Nat) (n : Fin stateDim) : α :=
  ((tok t).C.get (groupOf m.groups_dvd h)).get n

/-- The inputs of head `h`. -/
def ssdInputs (tok : Nat → SsdScanToken α heads groups headDim stateDim) (h : Fin heads) (t : Nat)
    (p : Fin headDim) : α :=
  ((tok t).x.get h).get p

/-- One head of a state, as the recurrence indexes it. -/
def ssdHead (state : Tensor α [heads, headDim, stateDim]) (h : Fin heads) (p : Fin headDim)
    (n : Fin stateDim) : α :=
  ((state.get h).get p).get n

variable (m : SsdScan α heads groups headDim) (tok : Nat → SsdScanToken α heads groups headDim stateDim)

private theorem ssdHead_step (state : Tensor α [heads, headDim, stateDim]) (t : Nat)
    (h : Fin heads) (p : Fin headDim) (n : Fin stateDim) :
    ssdHead (ssdStateUpdate m state (tok t)).1 h p n =
      m.decays tok h t * ssdHead state h p n + m.writes tok h t n * ssdInputs tok h t p :=
  ssdStateUpdate_state m state (tok t) h p n

private theorem ssdOutput_step [CommSemiringScalar α] (state : Tensor α [heads, headDim, stateDim]) (t : Nat)
    (h : Fin heads) (p : Fin headDim) :
    ((ssdStateUpdate m state (tok t)).2.get h).get p =
      m.finish (tok t) h p (finSum fun n => m.reads tok h t n * ssdHead (ssdStateUpdate m state (tok t)).1 h p n) := by
  rw [ssdStateUpdate, Vec.get_ofFn, Vec.get_ofFn, SsdScan.readOut, dot_eq_finSum]
  rfl

/-- In exact arithmetic, the states of the scan are those of the recurrence, head by head. -/
theorem ssdScan_state_eq_ssdState [CommSemiringScalar α] (h0 : Tensor α [heads, headDim, stateDim]) (t : Nat)
    (h : Fin heads) (p : Fin headDim) (n : Fin stateDim) :
    ssdHead (ssdScan m h0 ((List.range t).map tok)).1 h p n =
      ssdState (m.decays tok h) (m.writes tok h) (ssdInputs tok h) (ssdHead h0 h) t p n := by
  change ssdHead (m.runner.stateAt h0 tok t) h p n = _
  induction t with
  | zero => rfl
  | succ t ih =>
    rw [Runner.stateAt_succ, ssdState_succ, ← ih]
    exact ssdHead_step m tok _ t h p n

/--
In exact arithmetic, the outputs of the scan are those of the recurrence, head by head, after skip and gate (which
change nothing where there are none).
-/
theorem ssdScan_output_eq_ssdOutput [CommSemiringScalar α] (h0 : Tensor α [heads, headDim, stateDim]) (T : Nat) :
    (ssdScan m h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun h => Vec.ofFn fun p =>
        m.finish (tok t) h p
          (ssdOutput (m.decays tok h) (m.writes tok h) (m.reads tok h) (ssdInputs tok h) (ssdHead h0 h) t p) := by
  rw [ssdScan, Runner.outputs_eq_map_outputAt]
  refine List.map_congr_left fun t _ => Vec.ext fun h => Vec.ext fun p => ?_
  rw [Vec.get_ofFn, Vec.get_ofFn, ssdOutput]
  simp only [← ssdScan_state_eq_ssdState]
  rw [ssdScan, ← Runner.stateAt, Runner.stateAt_succ]
  exact ssdOutput_step m tok _ t h p

/--
In exact arithmetic, the scan is Mamba-2's chunked algorithm, for every chunk length `L`, a ragged last chunk included: the masked product
within the chunk of `t`, and what the state passed to that chunk has become; then skip and gate.
-/
theorem ssdScan_outputs_eq_chunked [CommSemiringScalar α] (h0 : Tensor α [heads, headDim, stateDim]) (L T : Nat) :
    (ssdScan m h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun h => Vec.ofFn fun p =>
        m.finish (tok t) h p
          ((sumRange (t / L * L) (t + 1) fun s => segProd (m.decays tok h) (s + 1) (t + 1) *
              (finSum fun n => m.reads tok h t n * m.writes tok h s n) * ssdInputs tok h s p) +
            segProd (m.decays tok h) (t / L * L) (t + 1) *
              finSum fun n => m.reads tok h t n *
                ssdPassedState (m.decays tok h) (m.writes tok h) (ssdInputs tok h) (ssdHead h0 h) L (t / L) p n) := by
  rw [ssdScan_output_eq_ssdOutput]
  simp only [ssdOutput_eq_chunked _ _ _ _ _ L]

/--
The products of decays are the exponentials of segment sums that kernels compute, `exp (segsum (dt A))`, where the
exponential turns sums into products.
-/
theorem ssdScan_segProd_decays [CommSemiringScalar α] (zero : Scalar.exp (0 : α) = 1)
    (add : ∀ x y : α, Scalar.exp (x + y) = Scalar.exp x * Scalar.exp y) (h : Fin heads) {s t : Nat} (hst : s ≤ t) :
    segProd (m.decays tok h) s t = Scalar.exp (sumRange s t fun r => m.stepSizes tok h r * m.A.get h) :=
  (segProd_map Scalar.exp zero (fun x y => (add x y).trans (CommSemiringScalar.mul_comm _ _)) _ hst).symm

private theorem ssdHead_zero (h : Fin heads) (p : Fin headDim) (n : Fin stateDim) :
    ssdHead (ssdZeroState : Tensor α [heads, headDim, stateDim]) h p n = 0 := by
  simp only [ssdHead, ssdZeroState, zeroMatrix, zeros, Vec.get_ofFn]

private theorem ssdSeqIdx_stateAt [CommSemiringScalar α] (h0 : Tensor α [heads, headDim, stateDim]) (first : Int)
    (idx : Nat → Int) (t : Nat) :
    ((m.runner.withSeqIdx ssdZeroState).stateAt (h0, first) (fun t => (idx t, tok t)) t).2 = previousIdx first idx t ∧
      ∀ (h : Fin heads) (p : Fin headDim) (n : Fin stateDim),
        ssdHead ((m.runner.withSeqIdx ssdZeroState).stateAt (h0, first) (fun t => (idx t, tok t)) t).1 h p n =
          ssdState (resetDecay first idx (m.decays tok h)) (m.writes tok h) (ssdInputs tok h) (ssdHead h0 h) t p n := by
  induction t with
  | zero => exact ⟨rfl, fun _ _ _ => rfl⟩
  | succ t ih =>
    rw [Runner.stateAt_succ]
    refine ⟨rfl, fun h p n => ?_⟩
    rw [ssdState_succ, ← ih.2, resetDecay, ← ih.1]
    refine (ssdHead_step m tok _ t h p n).trans ?_
    by_cases same : idx t = ((m.runner.withSeqIdx ssdZeroState).stateAt (h0, first) (fun t => (idx t, tok t)) t).2
    · rw [if_pos same, if_pos same]
    · rw [if_neg same, if_neg same, ssdHead_zero, CommSemiringScalar.mul_zero, Lean.Grind.Semiring.zero_mul]

/--
In exact arithmetic, the outputs of a packed row are those of the recurrence whose decay is zero where the index
changes; `segProd_resetDecay` says what that does to the mask.
-/
theorem ssdScanSeqIdx_output_eq_ssdOutput [CommSemiringScalar α] (h0 : Tensor α [heads, headDim, stateDim])
    (first : Int) (idx : Nat → Int) (T : Nat) :
    (ssdScanSeqIdx m (h0, first) ((List.range T).map fun t => (idx t, tok t))).2 =
      (List.range T).map fun t => Vec.ofFn fun h => Vec.ofFn fun p =>
        m.finish (tok t) h p
          (ssdOutput (resetDecay first idx (m.decays tok h)) (m.writes tok h) (m.reads tok h) (ssdInputs tok h)
            (ssdHead h0 h) t p) := by
  rw [ssdScanSeqIdx, Runner.outputs_eq_map_outputAt]
  refine List.map_congr_left fun t _ => Vec.ext fun h => Vec.ext fun p => ?_
  rw [Vec.get_ofFn, Vec.get_ofFn, ssdOutput]
  simp only [← (ssdSeqIdx_stateAt m tok h0 first idx (t + 1)).2]
  rw [Runner.stateAt_succ]
  exact ssdOutput_step m tok _ t h p

end Scanproof
