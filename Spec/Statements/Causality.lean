/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causality.CompactMamba
public import Spec.Causality.CuSeqlens
public import Spec.Causality.DiagonalS4
public import Spec.Causality.KernelPadding
public import Spec.Causality.MambaLanguageModel
public import Spec.Causality.Packing
public import Spec.Causality.Padding
public import Spec.Causality.SelectiveMamba
public import Spec.Causality.Sharp

/-!
# Models and causality, restated

Each public theorem of `Spec.Models` and `Spec.Causality`, word for word.
Who weakens one breaks the build here, and finds in one place what the library says.
-/

namespace Scanproof

/-! ## Models/MambaCheckpoint -/

section

variable {α : Type} [Scalar α] {inputDim innerDim stateDim outputDim convWidth dtRank : Nat}

example {m n : Nat} (M : Tensor α [m, n]) (start k : Nat) (h : start + k ≤ m) (x : Tensor α [n]) :
    Tensor.matVec (rows M start k h) x = entries (Tensor.matVec M x) start k h := by
  apply MambaCheckpoint.matVec_rows <;> assumption

variable (p : MambaCheckpoint α inputDim innerDim stateDim outputDim convWidth dtRank)

example (x : Tensor α [inputDim]) :
    p.toSpec.inProj.matVec x = entries (p.inProjWeight.matVec x) 0 innerDim (by omega) := by
  apply MambaCheckpoint.matVec_inProj <;> assumption

example (x : Tensor α [inputDim]) :
    p.toSpec.gateProj.matVec x = entries (p.inProjWeight.matVec x) innerDim innerDim (by omega) := by
  apply MambaCheckpoint.matVec_gateProj <;> assumption

example (v : Tensor α [innerDim]) :
    p.toSpec.dtDown.matVec v = entries (p.xProjWeight.matVec v) 0 dtRank (by omega) := by
  apply MambaCheckpoint.matVec_dtDown <;> assumption

example (v : Tensor α [innerDim]) :
    p.toSpec.bProj.matVec v = entries (p.xProjWeight.matVec v) dtRank stateDim (by omega) := by
  apply MambaCheckpoint.matVec_bProj <;> assumption

example (v : Tensor α [innerDim]) :
    p.toSpec.cProj.matVec v = entries (p.xProjWeight.matVec v) (dtRank + stateDim) stateDim (by omega) := by
  apply MambaCheckpoint.matVec_cProj <;> assumption

example (i : Fin innerDim) (k : Fin convWidth) :
    (p.toSpec.convWeight.get i).get k = (p.convWeight.get i).get k.rev := by
  apply MambaCheckpoint.get_convWeight <;> assumption

example (i : Fin innerDim) (n : Fin stateDim) :
    (p.toSpec.A.get i).get n = -Scalar.exp ((p.A_log.get i).get n) := by
  apply MambaCheckpoint.get_A <;> assumption

end

/-! ## Causality/DiagonalS4 -/

section

variable {α : Type} [Scalar α] {inputDim stateDim outputDim : Nat}

example (m : DiagonalS4Spec α inputDim stateDim outputDim)
    (h0 : Tensor α [stateDim]) (xs ys : List (Tensor α [inputDim])) :
    List.take xs.length (m.runList h0 (xs ++ ys)).2 = (m.runList h0 xs).2 := by
  apply diagonalS4_runList_append_outputs_prefix <;> assumption

example (m : DiagonalS4Spec α inputDim stateDim outputDim)
    (h0 : Tensor α [stateDim]) {xs ys : List (Tensor α [inputDim])} {k : Nat} (h : xs.take k = ys.take k) :
    (m.runList h0 xs).2.take k = (m.runList h0 ys).2.take k := by
  apply diagonalS4_runList_outputs_congr <;> assumption

example (m : DiagonalS4Spec α inputDim stateDim outputDim)
    (h0 : Tensor α [stateDim]) (xs ys : List (Tensor α [inputDim])) :
    (m.runList h0 (xs ++ ys)).1 = (m.runList (m.runList h0 xs).1 ys).1 := by
  apply diagonalS4_runList_append_state <;> assumption

example (m : DiagonalS4Spec α inputDim stateDim outputDim)
    (h0 : Tensor α [stateDim]) (xs : List (Tensor α [inputDim])) : (m.runList h0 xs).2.length = xs.length := by
  apply diagonalS4_runList_outputs_length <;> assumption

end

/-! ## Causality/CompactMamba -/

section

variable {α : Type} [Scalar α] {inputDim stateDim outputDim : Nat}

example (m : MambaBlockSpec α inputDim stateDim outputDim)
    (h0 : Tensor α [stateDim]) (xs ys : List (Tensor α [inputDim])) :
    List.take xs.length (m.runList h0 (xs ++ ys)).2 = (m.runList h0 xs).2 := by
  apply compactMamba_runList_append_outputs_prefix <;> assumption

example (m : MambaBlockSpec α inputDim stateDim outputDim)
    (h0 : Tensor α [stateDim]) {xs ys : List (Tensor α [inputDim])} {k : Nat} (h : xs.take k = ys.take k) :
    (m.runList h0 xs).2.take k = (m.runList h0 ys).2.take k := by
  apply compactMamba_runList_outputs_congr <;> assumption

example (m : MambaBlockSpec α inputDim stateDim outputDim)
    (h0 : Tensor α [stateDim]) (xs ys : List (Tensor α [inputDim])) :
    (m.runList h0 (xs ++ ys)).1 = (m.runList (m.runList h0 xs).1 ys).1 := by
  apply compactMamba_runList_append_state <;> assumption

example (m : MambaBlockSpec α inputDim stateDim outputDim)
    (h0 : Tensor α [stateDim]) (xs : List (Tensor α [inputDim])) : (m.runList h0 xs).2.length = xs.length := by
  apply compactMamba_runList_outputs_length <;> assumption

end

/-! ## Causality/SelectiveMamba -/

section

variable {α : Type} [Scalar α] {inputDim innerDim stateDim outputDim convWidth : Nat}

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (xs ys : List (Tensor α [inputDim])) :
    List.take xs.length (m.runListAux h0 history (xs ++ ys)).2 = (m.runListAux h0 history xs).2 := by
  apply selectiveMamba_runListAux_append_outputs_prefix <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (xs ys : List (Tensor α [inputDim])) :
    List.take xs.length (m.runList h0 (xs ++ ys)).2 = (m.runList h0 xs).2 := by
  apply selectiveMamba_runList_append_outputs_prefix <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    {xs ys : List (Tensor α [inputDim])} {k : Nat} (h : xs.take k = ys.take k) :
    (m.runListAux h0 history xs).2.take k = (m.runListAux h0 history ys).2.take k := by
  apply selectiveMamba_runListAux_outputs_congr <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) {xs ys : List (Tensor α [inputDim])} {k : Nat}
    (h : xs.take k = ys.take k) :
    (m.runList h0 xs).2.take k = (m.runList h0 ys).2.take k := by
  apply selectiveMamba_runList_outputs_congr <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (xs ys : List (Tensor α [inputDim])) :
    (m.runListAux h0 history (xs ++ ys)).1 =
      (m.runListAux (m.runListAux h0 history xs).1.1 (m.runListAux h0 history xs).1.2 ys).1 := by
  apply selectiveMamba_runListAux_append_state <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (xs ys : List (Tensor α [inputDim])) :
    (m.runList h0 (xs ++ ys)).1 = (m.runListAux (m.runList h0 xs).1.1 (m.runList h0 xs).1.2 ys).1 := by
  apply selectiveMamba_runList_append_state <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (xs : List (Tensor α [inputDim])) : (m.runListAux h0 history xs).2.length = xs.length := by
  apply selectiveMamba_runListAux_outputs_length <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (xs : List (Tensor α [inputDim])) :
    (m.runList h0 xs).2.length = xs.length := by
  apply selectiveMamba_runList_outputs_length <;> assumption

example {β : Type} (k : Nat) (xs : List β) : newest k xs = xs.take k := by
  apply newest_eq_take <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) {history history' : List (Tensor α [innerDim])}
    (h : history.take (convWidth - 1) = history'.take (convWidth - 1)) (xs : List (Tensor α [inputDim])) :
    (m.runListAux h0 history xs).2 = (m.runListAux h0 history' xs).2 := by
  apply selectiveMamba_runListAux_history_congr <;> assumption

end

/-! ## Causality/Sharp -/

section

example :
    ∃ (_ : Scalar Int) (m : DiagonalS4Spec Int 1 1 1) (h0 : Tensor Int [1]) (xs ys ys' : List (Tensor Int [1])),
      List.take (xs.length + 1) (m.runList h0 (xs ++ ys)).2 ≠ List.take (xs.length + 1) (m.runList h0 (xs ++ ys')).2 := by
  apply diagonalS4_prefix_boundary_sharp <;> assumption

example :
    ∃ (_ : Scalar Int) (m : MambaBlockSpec Int 1 1 1) (h0 : Tensor Int [1]) (xs ys ys' : List (Tensor Int [1])),
      List.take (xs.length + 1) (m.runList h0 (xs ++ ys)).2 ≠ List.take (xs.length + 1) (m.runList h0 (xs ++ ys')).2 := by
  apply compactMamba_prefix_boundary_sharp <;> assumption

example :
    ∃ (_ : Scalar Int) (m : SelectiveMambaBlockSpec Int 1 1 1 1 1) (h0 : Tensor Int [1, 1])
      (xs ys ys' : List (Tensor Int [1])),
      List.take (xs.length + 1) (m.runList h0 (xs ++ ys)).2 ≠ List.take (xs.length + 1) (m.runList h0 (xs ++ ys')).2 := by
  apply selectiveMamba_prefix_boundary_sharp <;> assumption

end

/-! ## Causality/MambaLanguageModel -/

section

variable {α : Type} [Scalar α] {vocabSize dModel : Nat}

example (layer : MambaLayer α dModel) (eps : α) : Causal (layer.apply eps) := by
  apply MambaLayer.causal <;> assumption

example (m : MambaLanguageModelSpec α vocabSize dModel) : Causal m.logits := by
  apply mambaLanguageModel_causal <;> assumption

example (m : MambaLanguageModelSpec α vocabSize dModel)
    (xs ys : List (Fin vocabSize)) : (m.logits (xs ++ ys)).take xs.length = m.logits xs := by
  apply mambaLanguageModel_logits_append_prefix <;> assumption

example (embedding head : Tensor α [vocabSize, dModel]) (first second : MambaLayer α dModel)
    (normWeight : Tensor α [dModel]) (eps : α) :
    Causal fun ids : List (Fin vocabSize) =>
      let h₀ := ids.map embedding.get
      let h₁ := first.apply eps h₀
      let h₂ := second.apply eps h₁
      h₂.map fun h => head.matVec (rmsNorm eps normWeight h) := by
  apply twoLayerMamba_causal <;> assumption

end

/-! ## Causality/Padding -/

section

variable {σ ι ο : Type}

example (r : Runner σ ι ο) (s : σ) (pads : List ι) :
    (∀ xs, (r.runList s (pads ++ xs)).2.drop pads.length = (r.runList s xs).2) ↔
      r.Indistinguishable (r.runList s pads).1 s := by
  apply Runner.outputs_after_padding_iff <;> assumption

example (r : Runner σ ι ο) (s : σ) {pads : List ι} (h : ∀ pad ∈ pads, (r.step s pad).1 = s) :
    (r.runList s pads).1 = s := by
  apply Runner.state_after_padding <;> assumption

example (r : Runner σ ι ο) (s : σ) {pads : List ι} (h : ∀ pad ∈ pads, (r.step s pad).1 = s)
    (xs : List ι) : (r.runList s (pads ++ xs)).2.drop pads.length = (r.runList s xs).2 := by
  apply Runner.outputs_after_padding <;> assumption

example (r : Runner σ ι ο) (s : σ) (xs : List (Option ι)) :
    (r.masked.runList s xs).1 = (r.runList s (xs.filterMap id)).1 := by
  apply Runner.masked_state <;> assumption

example (r : Runner σ ι ο) (s : σ) (xs : List (Option ι)) :
    (r.masked.runList s xs).2.filterMap id = (r.runList s (xs.filterMap id)).2 := by
  apply Runner.masked_outputs <;> assumption

end

/-! ## Causality/Packing -/

section

variable {σ ι ο : Type}

example (r : Runner σ ι ο) (s0 s : σ) (x : ι) (xs : List ι) :
    (r.resetting s0).runList s (flagFirst (x :: xs)) = r.runList s0 (x :: xs) := by
  apply Runner.resetting_flagFirst <;> assumption

example (r : Runner σ ι ο) (s0 s : σ) (examples : List (List ι)) :
    ((r.resetting s0).runList s (pack examples)).2 = examples.flatMap fun xs => (r.runList s0 xs).2 := by
  apply Runner.packed_outputs <;> assumption

example (r : Runner σ ι ο) (s0 s : σ) (before : List (List ι)) (xs : List ι)
    (after : List (List ι)) :
    ((((r.resetting s0).runList s (pack (before ++ xs :: after))).2.drop before.flatten.length).take xs.length) =
      (r.runList s0 xs).2 := by
  apply Runner.packed_outputs_alone <;> assumption

example (r : Runner σ ι ο) (s0 : σ) :
    (∀ (before : List (List ι)) (xs : List ι),
        (r.runList s0 (before.flatten ++ xs)).2.drop before.flatten.length = (r.runList s0 xs).2) ↔
      ∀ before : List (List ι), r.Indistinguishable (r.runList s0 before.flatten).1 s0 := by
  apply Runner.packed_outputs_iff <;> assumption

end

/-! ## Causality/KernelPadding -/

section

variable {α : Type} [Scalar α]

variable {channels groups stateDim heads headDim width : Nat}

example (c : CausalConv1d α channels width) (pads : Nat) (xs : List (Tensor α [channels])) :
    (causalConv1d c (CausalConv1d.zeroState α channels width) (List.replicate pads (zeros α channels) ++ xs)).2.drop pads =
      (causalConv1d c (CausalConv1d.zeroState α channels width) xs).2 := by
  apply causalConv1d_padding <;> assumption

example [CommSemiringScalar α] (p : SelectiveScan α channels groups stateDim)
    {t : SelectiveScanToken α channels groups stateDim} (h : t.u = zeros α channels) :
    (selectiveStateUpdate p (zeroMatrix α channels stateDim) t).1 = zeroMatrix α channels stateDim := by
  apply selectiveStateUpdate_zero <;> assumption

example [CommSemiringScalar α] (p : SelectiveScan α channels groups stateDim)
    {pads : List (SelectiveScanToken α channels groups stateDim)} (h : ∀ pad ∈ pads, pad.u = zeros α channels)
    (ts : List (SelectiveScanToken α channels groups stateDim)) :
    (selectiveScan p (zeroMatrix α channels stateDim) (pads ++ ts)).2.drop pads.length =
      (selectiveScan p (zeroMatrix α channels stateDim) ts).2 := by
  apply selectiveScan_padding <;> assumption

example [CommSemiringScalar α] (m : SsdScan α heads groups headDim)
    {t : SsdScanToken α heads groups headDim stateDim} (h : t.x = zeroMatrix α heads headDim) :
    (ssdStateUpdate m ssdZeroState t).1 = ssdZeroState := by
  apply ssdStateUpdate_zero <;> assumption

example [CommSemiringScalar α] (m : SsdScan α heads groups headDim)
    {pads : List (SsdScanToken α heads groups headDim stateDim)} (h : ∀ pad ∈ pads, pad.x = zeroMatrix α heads headDim)
    (ts : List (SsdScanToken α heads groups headDim stateDim)) :
    (ssdScan m ssdZeroState (pads ++ ts)).2.drop pads.length = (ssdScan m ssdZeroState ts).2 := by
  apply ssdScan_padding <;> assumption

variable {inputDim innerDim stateDim outputDim convWidth : Nat}

example [CommSemiringScalar α]
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) (pads xs : List (Tensor α [inputDim])) :
    (m.maskedRunner.runList (zeroMatrix α innerDim stateDim, CausalConv1d.zeroState α innerDim convWidth)
        (pads.map (fun pad => (false, pad)) ++ xs.map fun x => (true, x))).2.drop pads.length =
      (m.runList (zeroMatrix α innerDim stateDim) xs).2 := by
  apply selectiveMamba_leftPadding <;> assumption

example :
    ∃ (_ : Scalar Int) (m : SelectiveMambaBlockSpec Int 1 1 1 1 2) (pads xs : List (Tensor Int [1])),
      (∀ pad ∈ pads, pad = zeros Int 1) ∧
        (m.runList (zeroMatrix Int 1 1) (pads ++ xs)).2.drop pads.length ≠ (m.runList (zeroMatrix Int 1 1) xs).2 := by
  apply selectiveMamba_unmasked_padding_differs <;> assumption

end

/-! ## Causality/CuSeqlens -/

section

variable {σ ι ο : Type}

example (start : Nat) (ls : List Nat) : (cuSeqlens start ls).length = ls.length + 1 := by
  apply length_cuSeqlens <;> assumption

example (ls : List Nat) (xs : List ι) : (segments ls xs).length = ls.length := by
  apply length_segments <;> assumption

example (ls : List Nat) (xs : List ι) (i : Nat) (h : i < ls.length) :
    (segments ls xs)[i]'(by rw [length_segments]; exact h) =
      (xs.drop ((cuSeqlens 0 ls)[i]'(by rw [length_cuSeqlens]; omega))).take
        ((cuSeqlens 0 ls)[i + 1]'(by rw [length_cuSeqlens]; omega) -
          (cuSeqlens 0 ls)[i]'(by rw [length_cuSeqlens]; omega)) := by
  apply getElem_segments <;> assumption

namespace Runner

variable (r : Runner σ ι ο) (s0 : σ)

example (s : σ) (j : Int) (ts : List (Int × ι)) :
    (r.withSeqIdx s0).runList (s, j) ts =
      ((((r.resetting s0).runList s (changeFlags j ts)).1, lastIdx j ts), ((r.resetting s0).runList s (changeFlags j ts)).2) := by
  apply withSeqIdx_eq_resetting <;> assumption

example (s : σ) (j first : Int) (hj : j < first) (ls : List Nat) (xs : List ι) (h : ls.sum = xs.length) :
    ((r.withSeqIdx s0).runList (s, j) ((seqIdxOfLengths first ls).zip xs)).2 =
      (segments ls xs).flatMap fun e => (r.runList s0 e).2 := by
  apply withSeqIdx_segments <;> assumption

example (s : σ) (j first : Int) (hj : j < first) (ls : List Nat) (xs : List ι) (h : ls.sum = xs.length) :
    ((r.resetting s0).runList s (changeFlags j ((seqIdxOfLengths first ls).zip xs))).2 =
      (segments ls xs).flatMap fun e => (r.runList s0 e).2 := by
  apply resetting_segments <;> assumption

end Runner

end

end Scanproof
