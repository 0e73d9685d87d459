/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causality.Padding
public import Spec.Kernels.SsdScan
public import Spec.Models.SelectiveMambaKernels
public import Spec.RingScalar

/-!
# Left padding of kernels and of the selective Mamba block

What implementations do at padded positions: they set the input of the convolution to zero, and the input of the scan as well. From zero states
that is enough; to set only the tokens to zero is not, if the block has biases.

## Main definitions

* `SelectiveMambaBlockSpec.maskedRunner`: the block with a mask, which sets both inputs to zero.

## Main results

* `causalConv1d_padding`: the convolution forgets zeros. No law of arithmetic is assumed.
* `selectiveScan_padding`, `ssdScan_padding`: a scan from the zero state stays there while its input is zero.
* `selectiveMamba_leftPadding`: with a mask on the left, the real tokens come out of the block as if alone.
* `selectiveMamba_unmasked_padding_differs`: without the mask they do not, even if the padding tokens are zero.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} [Scalar α]

section Kernels

variable {channels groups stateDim heads headDim width : Nat}

private theorem shiftIn_zeroState {k : Nat} (h : k ≤ width - 1 + 1) :
    Vec.shiftIn (zeros α channels) (CausalConv1d.zeroState α channels width) h = Vec.ofFn fun _ => zeros α channels := by
  apply Vec.ext
  intro i
  simp only [Vec.shiftIn, CausalConv1d.zeroState, zeroMatrix, Vec.get_ofFn, zeros]
  split <;> rfl

/-- Zeros before the first input are what the convolution assumes anyway: inputs after them come out as if alone. -/
theorem causalConv1d_padding (c : CausalConv1d α channels width) (pads : Nat) (xs : List (Tensor α [channels])) :
    (causalConv1d c (CausalConv1d.zeroState α channels width) (List.replicate pads (zeros α channels) ++ xs)).2.drop pads =
      (causalConv1d c (CausalConv1d.zeroState α channels width) xs).2 := by
  have h := c.runner.outputs_after_padding (CausalConv1d.zeroState α channels width)
    (pads := List.replicate pads (zeros α channels)) (fun pad hmem => by
      rw [List.eq_of_mem_replicate hmem]
      exact shiftIn_zeroState (Nat.le_succ _)) xs
  rw [List.length_replicate] at h
  exact h

/-- Where the input is zero, a selective scan stays in the zero state. -/
theorem selectiveStateUpdate_zero [CommSemiringScalar α] (p : SelectiveScan α channels groups stateDim)
    {t : SelectiveScanToken α channels groups stateDim} (h : t.u = zeros α channels) :
    (selectiveStateUpdate p (zeroMatrix α channels stateDim) t).1 = zeroMatrix α channels stateDim := by
  apply Vec.ext
  intro i
  apply Vec.ext
  intro n
  rw [selectiveStateUpdate_state, h]
  simp only [zeroMatrix, zeros, Vec.get_ofFn, CommSemiringScalar.mul_zero, CommSemiringScalar.add_zero]

/-- A selective scan from the zero state gives tokens after zero inputs the outputs that they have alone. -/
theorem selectiveScan_padding [CommSemiringScalar α] (p : SelectiveScan α channels groups stateDim)
    {pads : List (SelectiveScanToken α channels groups stateDim)} (h : ∀ pad ∈ pads, pad.u = zeros α channels)
    (ts : List (SelectiveScanToken α channels groups stateDim)) :
    (selectiveScan p (zeroMatrix α channels stateDim) (pads ++ ts)).2.drop pads.length =
      (selectiveScan p (zeroMatrix α channels stateDim) ts).2 :=
  p.runner.outputs_after_padding _ (fun pad hmem => selectiveStateUpdate_zero p (h pad hmem)) ts

/-- Where the input is zero, Mamba-2's scan stays in the zero state. -/
theorem ssdStateUpdate_zero [CommSemiringScalar α] (m : SsdScan α heads groups headDim)
    {t : SsdScanToken α heads groups headDim stateDim} (h : t.x = zeroMatrix α heads headDim) :
    (ssdStateUpdate m ssdZeroState t).1 = ssdZeroState := by
  apply Vec.ext
  intro i
  apply Vec.ext
  intro p
  apply Vec.ext
  intro n
  rw [ssdStateUpdate_state, h]
  simp only [ssdZeroState, zeroMatrix, zeros, Vec.get_ofFn, CommSemiringScalar.mul_zero, CommSemiringScalar.add_zero]

/-- Mamba-2's scan from the zero state gives tokens after zero inputs the outputs that they have alone. -/
theorem ssdScan_padding [CommSemiringScalar α] (m : SsdScan α heads groups headDim)
    {pads : List (SsdScanToken α heads groups headDim stateDim)} (h : ∀ pad ∈ pads, pad.x = zeroMatrix α heads headDim)
    (ts : List (SsdScanToken α heads groups headDim stateDim)) :
    (ssdScan m ssdZeroState (pads ++ ts)).2.drop pads.length = (ssdScan m ssdZeroState ts).2 :=
  m.runner.outputs_after_padding _ (fun pad hmem => ssdStateUpdate_zero m (h pad hmem)) ts

end Kernels

variable {inputDim innerDim stateDim outputDim convWidth : Nat}

/-- The block with a mask: where the flag is false, the input of the convolution and that of the scan are zero. -/
def SelectiveMambaBlockSpec.maskedRunner (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) :
    Runner (Tensor α [innerDim, stateDim] × Tensor α [convWidth - 1, innerDim]) (Bool × Tensor α [inputDim])
      (Tensor α [outputDim]) where
  step state token :=
    let convolved := causalConv1dUpdate m.convKernel state.2 (if token.1 then m.convInput token.2 else zeros α innerDim)
    let v := if token.1 then convolved.2 else zeros α innerDim
    let scanned := selectiveStateUpdate m.scanKernel state.1 (m.scanToken token.2 v)
    ((scanned.1, convolved.1), m.project scanned.2)

/--
With a mask on the left, the real tokens `xs` come out of the selective Mamba block as if alone, whatever the padding tokens hold.
-/
theorem selectiveMamba_leftPadding [CommSemiringScalar α]
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) (pads xs : List (Tensor α [inputDim])) :
    (m.maskedRunner.runList (zeroMatrix α innerDim stateDim, CausalConv1d.zeroState α innerDim convWidth)
        (pads.map (fun pad => (false, pad)) ++ xs.map fun x => (true, x))).2.drop pads.length =
      (m.runList (zeroMatrix α innerDim stateDim) xs).2 := by
  have hreal (s : Tensor α [innerDim, stateDim] × Tensor α [convWidth - 1, innerDim]) (xs : List (Tensor α [inputDim])) :
      m.maskedRunner.runList s (xs.map fun x => (true, x)) = (m.kernelRunner m.convKernel.runner).runList s xs := by
    induction xs generalizing s with
    | nil => rfl
    | cons x xs ih =>
      rw [List.map_cons, Runner.runList_cons, Runner.runList_cons, ih]
      rfl
  have hpads := m.maskedRunner.outputs_after_padding
    (zeroMatrix α innerDim stateDim, CausalConv1d.zeroState α innerDim convWidth)
    (pads := pads.map fun pad => (false, pad)) (fun token hmem => by
      obtain ⟨pad, _, rfl⟩ := List.mem_map.mp hmem
      refine Prod.ext ?_ ?_
      · exact selectiveStateUpdate_zero m.scanKernel rfl
      · exact shiftIn_zeroState (Nat.le_succ _)) (xs.map fun x => (true, x))
  rw [List.length_map] at hpads
  rw [hpads, hreal, ← m.runKernels_eq_runList, selectiveMamba_runList_eq_kernels]

/-! ## The mask is needed -/

private local instance witness : Scalar Int where
  natCast n := n
  exp _ := 0
  log x := x
  max x y := if x < y then y else x
  softplus _ := 0

private def ones1 : Tensor Int [1] := Vec.ofFn fun _ => 1

private def ones11 : Tensor Int [1, 1] := Vec.ofFn fun _ => ones1

private def biased : SelectiveMambaBlockSpec Int 1 1 1 1 2 where
  dtRank := 1
  inProj := ones11
  inBias := ones1
  gateProj := ones11
  gateBias := ones1
  convWeight := Vec.ofFn fun _ => Vec.ofFn fun _ => 1
  convBias := ones1
  dtDown := ones11
  dtUp := ones11
  dtBias := ones1
  bProj := ones11
  cProj := ones11
  A := ones11
  D := ones1
  outProj := ones11
  outBias := ones1

/--
Without the mask, zero tokens on the left change the outputs of the real ones: the bias of the input projection makes the convolution see
something else than the zeros before a sequence that stands alone. The witness has integers for scalars and `exp _ = 0`.
-/
theorem selectiveMamba_unmasked_padding_differs :
    ∃ (_ : Scalar Int) (m : SelectiveMambaBlockSpec Int 1 1 1 1 2) (pads xs : List (Tensor Int [1])),
      (∀ pad ∈ pads, pad = zeros Int 1) ∧
        (m.runList (zeroMatrix Int 1 1) (pads ++ xs)).2.drop pads.length ≠ (m.runList (zeroMatrix Int 1 1) xs).2 :=
  ⟨witness, biased, [zeros Int 1], [ones1], fun _ hmem => List.mem_singleton.mp hmem, fun h =>
    absurd (congrArg (List.map fun y => y.get 0) h) (by decide)⟩

end Scanproof
