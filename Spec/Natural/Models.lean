/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Models.DiagonalS4
public import Spec.Models.Mamba2Block
public import Spec.Models.MambaBlock
public import Spec.Models.MambaLanguageModel
public import Spec.Models.SelectiveMambaKernels
public import Spec.Natural.Kernels

/-!
# Models on images

For each model, a homomorphism of scalars maps a run to the run on the images of parameters, state and tokens. No law of
arithmetic is assumed of either scalar.

## Main definitions

* `DiagonalS4Spec.map`, `MambaBlockSpec.map`, `SelectiveMambaBlockSpec.map`, `MambaCheckpoint.map`, `Mamba2BlockSpec.map`,
  `MambaLayer.map`, `MambaLanguageModelSpec.map`: the image of each parameter.

## Main results

* `diagonalS4_map`, `compactMamba_map`, `selectiveMamba_map`, `selectiveMamba_runKernels_map`, `mambaCheckpoint_map`, `mamba2_map`,
  `mamba2_runKernels_map`, `mambaLanguageModel_map`: the run on images is the image of the run.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α β : Type} {inputDim innerDim stateDim outputDim convWidth dtRank : Nat}

/-- The image of the parameters. -/
def DiagonalS4Spec.map (f : α → β) (m : DiagonalS4Spec α inputDim stateDim outputDim) :
    DiagonalS4Spec β inputDim stateDim outputDim where
  inProj := m.inProj.map (Vec.map f)
  a := m.a.map f
  outProj := m.outProj.map (Vec.map f)
  skip := m.skip.map (Vec.map f)

/-- The image of the parameters. -/
def MambaBlockSpec.map (f : α → β) (m : MambaBlockSpec α inputDim stateDim outputDim) :
    MambaBlockSpec β inputDim stateDim outputDim where
  inProj := m.inProj.map (Vec.map f)
  gateProj := m.gateProj.map (Vec.map f)
  a := m.a.map f
  b := m.b.map f
  c := m.c.map f
  d := m.d.map f
  outProj := m.outProj.map (Vec.map f)

/-- The image of the parameters. -/
def SelectiveMambaBlockSpec.map (f : α → β)
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth) :
    SelectiveMambaBlockSpec β inputDim innerDim stateDim outputDim convWidth where
  dtRank := m.dtRank
  inProj := m.inProj.map (Vec.map f)
  inBias := m.inBias.map f
  gateProj := m.gateProj.map (Vec.map f)
  gateBias := m.gateBias.map f
  convWeight := m.convWeight.map (Vec.map f)
  convBias := m.convBias.map f
  dtDown := m.dtDown.map (Vec.map f)
  dtUp := m.dtUp.map (Vec.map f)
  dtBias := m.dtBias.map f
  bProj := m.bProj.map (Vec.map f)
  cProj := m.cProj.map (Vec.map f)
  A := m.A.map (Vec.map f)
  D := m.D.map f
  outProj := m.outProj.map (Vec.map f)
  outBias := m.outBias.map f

/-- The image of the tensors of a checkpoint. -/
def MambaCheckpoint.map (f : α → β) (p : MambaCheckpoint α inputDim innerDim stateDim outputDim convWidth dtRank) :
    MambaCheckpoint β inputDim innerDim stateDim outputDim convWidth dtRank where
  inProjWeight := p.inProjWeight.map (Vec.map f)
  inProjBias := p.inProjBias.map f
  convWeight := p.convWeight.map (Vec.map f)
  convBias := p.convBias.map f
  xProjWeight := p.xProjWeight.map (Vec.map f)
  dtProjWeight := p.dtProjWeight.map (Vec.map f)
  dtProjBias := p.dtProjBias.map f
  A_log := p.A_log.map (Vec.map f)
  D := p.D.map f
  outProjWeight := p.outProjWeight.map (Vec.map f)
  outProjBias := p.outProjBias.map f

/-- The image of the parameters of a layer. -/
def MambaLayer.map {dModel : Nat} (f : α → β) (layer : MambaLayer α dModel) : MambaLayer β dModel where
  innerDim := layer.innerDim
  stateDim := layer.stateDim
  convWidth := layer.convWidth
  normWeight := layer.normWeight.map f
  block := layer.block.map f

/-- The image of the parameters of a model. -/
def MambaLanguageModelSpec.map {vocabSize dModel : Nat} (f : α → β) (m : MambaLanguageModelSpec α vocabSize dModel) :
    MambaLanguageModelSpec β vocabSize dModel where
  embedding := m.embedding.map (Vec.map f)
  layers := m.layers.map (MambaLayer.map f)
  normWeight := m.normWeight.map f
  head := m.head.map (Vec.map f)
  eps := f m.eps

/-- The image of the parameters. -/
def Mamba2BlockSpec.map {heads groups headDim : Nat} (f : α → β)
    (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth) :
    Mamba2BlockSpec β inputDim heads groups headDim stateDim outputDim convWidth where
  groups_dvd := m.groups_dvd
  inProj := m.inProj.map (Vec.map f)
  inBias := m.inBias.map f
  convWeight := m.convWeight.map (Vec.map f)
  convBias := m.convBias.map f
  dtBias := m.dtBias.map f
  aLog := m.aLog.map f
  D := m.D.map f
  dtMin := m.dtMin.map f
  dtMax := m.dtMax.map f
  normWeight := m.normWeight.map f
  eps := f m.eps
  outProj := m.outProj.map (Vec.map f)
  outBias := m.outBias.map f

/-- The entry of a mapped history. -/
theorem entryAt_map {γ δ : Type} (g : γ → δ) (default : γ) (history : List γ) (k : Nat) :
    entryAt (g default) (history.map g) k = g (entryAt default history k) := by
  induction history generalizing k with
  | nil => rfl
  | cons x xs ih => cases k <;> simp only [List.map_cons, entryAt, ih]

/-- The newest entries of a mapped history. -/
theorem newest_map {γ δ : Type} (g : γ → δ) (k : Nat) (history : List γ) :
    newest k (history.map g) = (newest k history).map g := by
  simp only [newest_eq_take, List.map_take]

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β)

/-- Diagonal S4 on images is the image of the run. -/
theorem diagonalS4_map (m : DiagonalS4Spec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs : List (Tensor α [inputDim])) :
    (m.map f).runList (h0.map f) (xs.map (Vec.map f)) = ((m.runList h0 xs).1.map f, (m.runList h0 xs).2.map (Vec.map f)) :=
  Runner.runList_map
    (fun h x => by
      simp only [DiagonalS4Spec.runner, DiagonalS4Spec.step, DiagonalS4Spec.map, DiagonalTransition.apply, f.matVec_map,
        f.mul_map, f.add_map])
    h0 xs

/-- The compact Mamba block on images is the image of the run. -/
theorem compactMamba_map (m : MambaBlockSpec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs : List (Tensor α [inputDim])) :
    (m.map f).runList (h0.map f) (xs.map (Vec.map f)) = ((m.runList h0 xs).1.map f, (m.runList h0 xs).2.map (Vec.map f)) := by
  refine Runner.runList_map (fun h x => ?_) h0 xs
  have gate (v : Vec α stateDim) : (v.map f).map Scalar.sigmoid = (v.map Scalar.sigmoid).map f :=
    Vec.map_comm (fun x => (f.map_sigmoid x).symm) v
  simp only [MambaBlockSpec.runner, MambaBlockSpec.step, MambaBlockSpec.map, DiagonalTransition.apply, f.matVec_map, f.mul_map,
    f.add_map, gate]

/-! ## Mamba -/

private theorem map_silu_comm {n : Nat} (v : Vec α n) : (v.map f).map Scalar.silu = (v.map Scalar.silu).map f :=
  Vec.map_comm (fun x => (f.map_silu x).symm) v

/-- One token of the selective Mamba block, on images, is the image of the step. -/
theorem selectiveMamba_step_map (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (x : Tensor α [inputDim]) :
    (m.map f).step (h.map (Vec.map f), history.map (Vec.map f)) (x.map f) =
      (((m.step (h, history) x).1.1.map (Vec.map f), (m.step (h, history) x).1.2.map (Vec.map f)),
        (m.step (h, history) x).2.map f) := by
  have window (current : Tensor α [innerDim]) :
      SelectiveMambaBlockSpec.window convWidth (current.map f) (history.map (Vec.map f)) =
        (SelectiveMambaBlockSpec.window convWidth current history).map (Vec.map f) := by
    have zero : (Vec.ofFn fun _ => 0 : Tensor β [innerDim]) = (Vec.ofFn fun _ => 0 : Tensor α [innerDim]).map f := by
      simp only [Vec.map_ofFn, f.map_zero]
    refine Vec.ext fun k => ?_
    rw [SelectiveMambaBlockSpec.window, zero, ← List.map_cons]
    simp only [SelectiveMambaBlockSpec.window, Vec.get_map, Vec.get_ofFn, entryAt_map]
  have conv (w : Tensor α [convWidth, innerDim]) : (m.map f).conv (w.map (Vec.map f)) = (m.conv w).map f := by
    simp [SelectiveMambaBlockSpec.conv, SelectiveMambaBlockSpec.map, Vec.map_ofFn]
  have softplus (v : Vec α innerDim) : (v.map f).map Scalar.softplus = (v.map Scalar.softplus).map f :=
    Vec.map_comm (fun x => (f.map_softplus x).symm) v
  have transition (dt v : Tensor α [innerDim]) (B : Tensor α [stateDim]) (i : Fin innerDim) :
      (m.map f).transition (dt.map f) (v.map f) (B.map f) i = (m.transition dt v B i).map f := by
    simp [SelectiveMambaBlockSpec.transition, SelectiveMambaBlockSpec.map, DiagonalTransition.map, Vec.map_map]
  have input (x : Tensor α [inputDim]) :
      ((m.map f).inProj.matVec (x.map f)).add (m.map f).inBias = ((m.inProj.matVec x).add m.inBias).map f := by
    simp only [SelectiveMambaBlockSpec.map, f.matVec_map, f.add_map]
  have gate (x : Tensor α [inputDim]) :
      ((m.map f).gateProj.matVec (x.map f)).add (m.map f).gateBias = ((m.gateProj.matVec x).add m.gateBias).map f := by
    simp only [SelectiveMambaBlockSpec.map, f.matVec_map, f.add_map]
  have dt (v : Tensor α [innerDim]) :
      (((m.map f).dtUp.matVec ((m.map f).dtDown.matVec (v.map f))).add (m.map f).dtBias).map Scalar.softplus =
        (((m.dtUp.matVec (m.dtDown.matVec v)).add m.dtBias).map Scalar.softplus).map f := by
    simp only [SelectiveMambaBlockSpec.map, f.matVec_map, f.add_map, softplus]
  have B (v : Tensor α [innerDim]) : (m.map f).bProj.matVec (v.map f) = (m.bProj.matVec v).map f := f.matVec_map _ v
  have C (v : Tensor α [innerDim]) : (m.map f).cProj.matVec (v.map f) = (m.cProj.matVec v).map f := f.matVec_map _ v
  have read (C row : Vec α stateDim) (v z : α) (i : Fin innerDim) :
      ((C.map f).dot (row.map f) + (m.map f).D.get i * f v) * Scalar.silu (f z) =
        f ((C.dot row + m.D.get i * v) * Scalar.silu z) := by
    simp [SelectiveMambaBlockSpec.map]
  have output (y : Fin innerDim → α) :
      ((m.map f).outProj.matVec (Vec.ofFn fun i => f (y i))).add (m.map f).outBias =
        ((m.outProj.matVec (Vec.ofFn y)).add m.outBias).map f := by
    simp only [← Vec.map_ofFn, SelectiveMambaBlockSpec.map, f.matVec_map, f.add_map]
  simp only [SelectiveMambaBlockSpec.step, input, gate, window, conv, map_silu_comm f, dt, B, C, transition, Vec.get_map,
    DiagonalTransition.apply_map f, Vec.get_ofFn, read, output, ← List.map_cons, newest_map, Vec.map_ofFn]

/-- The selective Mamba block on images, from a state and a history, is the image of the run. -/
theorem selectiveMamba_map (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (xs : List (Tensor α [inputDim])) :
    (m.map f).runListAux (h0.map (Vec.map f)) (history.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((m.runListAux h0 history xs).1.1.map (Vec.map f), (m.runListAux h0 history xs).1.2.map (Vec.map f)),
        (m.runListAux h0 history xs).2.map (Vec.map f)) :=
  Runner.runList_map (r := m.runner) (r' := (m.map f).runner) (s := fun s => (s.1.map (Vec.map f), s.2.map (Vec.map f)))
    (fun s x => selectiveMamba_step_map f m s.1 s.2 x) (h0, history) xs

namespace SelectiveMambaBlockSpec

variable (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)

/-- What the image of a token puts into the convolution. -/
theorem convInput_map (x : Tensor α [inputDim]) : (m.map f).convInput (x.map f) = (m.convInput x).map f := by
  simp only [convInput, map, f.matVec_map, f.add_map]

/-- What the image of a token and of the output of the convolution put into the scan. -/
theorem scanToken_map (x : Tensor α [inputDim]) (v : Tensor α [innerDim]) :
    (m.map f).scanToken (x.map f) (v.map f) = (m.scanToken x v).map f := by
  simp only [scanToken, map, SelectiveScanToken.map, f.matVec_map, f.add_map, Vec.map_ofFn, Option.map_some]

/-- What the block makes of the image of the output of the scan. -/
theorem project_map (y : Tensor α [innerDim]) : (m.map f).project (y.map f) = (m.project y).map f := by
  simp only [project, map, f.matVec_map, f.add_map]

/-- One token through the kernels, on images, is the image of the step, if that holds of the step of the convolution. -/
theorem step_kernelRunner_map {κ κ' : Type} (k : κ → κ') {conv : Runner κ (Tensor α [innerDim]) (Tensor α [innerDim])}
    {conv' : Runner κ' (Tensor β [innerDim]) (Tensor β [innerDim])}
    (hconv : ∀ s x, conv'.step (k s) (x.map f) = (k (conv.step s x).1, (conv.step s x).2.map f))
    (state : Tensor α [innerDim, stateDim] × κ) (x : Tensor α [inputDim]) :
    ((m.map f).kernelRunner conv').step (state.1.map (Vec.map f), k state.2) (x.map f) =
      let next := (m.kernelRunner conv).step state x
      ((next.1.1.map (Vec.map f), k next.1.2), next.2.map f) := by
  have scanKernel : (m.map f).scanKernel = m.scanKernel.map f := rfl
  simp only [kernelRunner, convInput_map f, hconv, scanKernel, scanToken_map f, selectiveStateUpdate_map f, project_map f]

end SelectiveMambaBlockSpec

/-- The selective Mamba block on images, kernel after kernel, is the image of the run. -/
theorem selectiveMamba_runKernels_map (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (window : Tensor α [convWidth - 1, innerDim]) (xs : List (Tensor α [inputDim])) :
    (m.map f).runKernels (h0.map (Vec.map f)) (window.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((m.runKernels h0 window xs).1.1.map (Vec.map f), (m.runKernels h0 window xs).1.2.map (Vec.map f)),
        (m.runKernels h0 window xs).2.map (Vec.map f)) := by
  rw [m.runKernels_eq_runList, (m.map f).runKernels_eq_runList]
  exact Runner.runList_map (r := m.kernelRunner m.convKernel.runner)
    (s := fun s => (s.1.map (Vec.map f), s.2.map (Vec.map f)))
    (m.step_kernelRunner_map f (Vec.map (Vec.map f)) (causalConv1dUpdate_map f m.convKernel)) (h0, window) xs

/-- The block that the image of a checkpoint means is the image of the block. -/
theorem MambaCheckpoint.toSpec_map (p : MambaCheckpoint α inputDim innerDim stateDim outputDim convWidth dtRank) :
    (p.map f).toSpec = p.toSpec.map f := by
  simp only [toSpec, map, SelectiveMambaBlockSpec.map, rows, entries, Vec.map_map, Vec.map_ofFn, Vec.get_map, f.map_neg,
    f.map_exp]

/-- The block of a checkpoint on images, from a state and a history, is the image of the run. -/
theorem mambaCheckpoint_map (p : MambaCheckpoint α inputDim innerDim stateDim outputDim convWidth dtRank)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (xs : List (Tensor α [inputDim])) :
    (p.map f).toSpec.runListAux (h0.map (Vec.map f)) (history.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((p.toSpec.runListAux h0 history xs).1.1.map (Vec.map f), (p.toSpec.runListAux h0 history xs).1.2.map (Vec.map f)),
        (p.toSpec.runListAux h0 history xs).2.map (Vec.map f)) := by
  rw [p.toSpec_map f]
  exact selectiveMamba_map f p.toSpec h0 history xs

/-- A residual layer over the images of a sequence is the image of the layer over the sequence. -/
theorem MambaLayer.apply_map {dModel : Nat} (layer : MambaLayer α dModel) (eps : α) (hs : List (Tensor α [dModel])) :
    (layer.map f).apply (f eps) (hs.map (Vec.map f)) = (layer.apply eps hs).map (Vec.map f) := by
  have norm : (hs.map (Vec.map f)).map (rmsNorm (f eps) (layer.normWeight.map f)) =
      (hs.map (rmsNorm eps layer.normWeight)).map (Vec.map f) := by
    simp only [List.map_map, Function.comp_def, rmsNorm_map f]
  have block := congrArg Prod.snd (selectiveMamba_map f layer.block (zeroMatrix α layer.innerDim layer.stateDim) []
    (hs.map (rmsNorm eps layer.normWeight)))
  rw [f.zeroMatrix_map, ← norm] at block
  refine (congrArg (List.zipWith Vec.add (hs.map (Vec.map f))) block).trans ?_
  rw [List.zipWith_map, apply, List.map_zipWith]
  simp only [f.add_map]
  rfl

/-- The logits of the image of a Mamba language model are the images of the logits. -/
theorem mambaLanguageModel_map {vocabSize dModel : Nat} (m : MambaLanguageModelSpec α vocabSize dModel)
    (ids : List (Fin vocabSize)) : (m.map f).logits ids = (m.logits ids).map (Vec.map f) := by
  have layers (ls : List (MambaLayer α dModel)) (hs : List (Tensor α [dModel])) :
      (ls.map (MambaLayer.map f)).foldl (fun hs layer => layer.apply (f m.eps) hs) (hs.map (Vec.map f)) =
        (ls.foldl (fun hs layer => layer.apply m.eps hs) hs).map (Vec.map f) := by
    induction ls generalizing hs with
    | nil => rfl
    | cons layer ls ih => rw [List.map_cons, List.foldl_cons, layer.apply_map f m.eps hs, ih, List.foldl_cons]
  have embedded : ids.map (m.embedding.map (Vec.map f)).get = (ids.map m.embedding.get).map (Vec.map f) := by
    rw [List.map_map]
    exact List.map_congr_left fun id _ => Vec.get_map ..
  simp only [MambaLanguageModelSpec.logits, MambaLanguageModelSpec.map]
  rw [embedded, layers]
  simp only [List.map_map, Function.comp_def, rmsNorm_map f, f.matVec_map]

/-! ## Mamba-2 -/

/-- The Mamba-2 block on images, token after token, is the image of the run. -/
theorem mamba2_map {heads groups headDim : Nat}
    (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth)
    (h0 : Tensor α [heads, headDim, stateDim])
    (window : Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim]) (xs : List (Tensor α [inputDim])) :
    (m.map f).runList (h0.map (Vec.map (Vec.map f))) (window.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((m.runList h0 window xs).1.1.map (Vec.map (Vec.map f)), (m.runList h0 window xs).1.2.map (Vec.map f)),
        (m.runList h0 window xs).2.map (Vec.map f)) := by
  have convKernel : (m.map f).convKernel = m.convKernel.map f := by
    simp only [Mamba2BlockSpec.convKernel, Mamba2BlockSpec.map, CausalConv1d.ofOldestFirst, CausalConv1d.map, Option.map,
      Vec.map_map, Vec.map_ofFn, Vec.get_map]
  have scanKernel : (m.map f).scanKernel = m.scanKernel.map f := by
    simp only [Mamba2BlockSpec.scanKernel, Mamba2BlockSpec.map, SsdScan.map, Option.map_some, ssdSkipPerHead, Vec.map_map,
      Vec.map_ofFn, Vec.get_map, f.map_neg, f.map_exp]
  have projected (x : Tensor α [inputDim]) : (m.map f).projected (x.map f) = (m.projected x).map f := by
    simp only [Mamba2BlockSpec.projected, Mamba2BlockSpec.map, f.matVec_map, f.add_map]
  have convInput (x : Tensor α [inputDim]) : (m.map f).convInput (x.map f) = (m.convInput x).map f := by
    simp only [Mamba2BlockSpec.convInput, projected, Vec.slice_map]
  have scanToken (x : Tensor α [inputDim]) (v : Tensor α [mamba2ConvDim heads groups headDim stateDim]) :
      (m.map f).scanToken (x.map f) (v.map f) = (m.scanToken x v).map f := by
    simp only [Mamba2BlockSpec.scanToken, SsdScanToken.map, projected, Vec.slice_map, Vec.toRows_map, Option.map_none]
  have finish (x : Tensor α [inputDim]) (y : Tensor α [heads, headDim]) :
      (m.map f).finish (x.map f) (y.map (Vec.map f)) = (m.finish x y).map f := by
    simp only [Mamba2BlockSpec.finish, Mamba2BlockSpec.gate, projected, Vec.slice_map, map_silu_comm f, Vec.ofRows_map, f.mul_map]
    simp only [Mamba2BlockSpec.map, groupedRmsNorm_map f, f.matVec_map, f.add_map]
  refine Runner.runList_map (r := m.runner) (s := fun s => (s.1.map (Vec.map (Vec.map f)), s.2.map (Vec.map f)))
    (fun s x => ?_) (h0, window) xs
  simp only [Mamba2BlockSpec.runner, convKernel, convInput, causalConv1dUpdate_map f, scanKernel, scanToken, ssdStateUpdate_map f,
    finish]

/-- The Mamba-2 block on images, kernel after kernel, is the image of the run. -/
theorem mamba2_runKernels_map {heads groups headDim : Nat}
    (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth)
    (h0 : Tensor α [heads, headDim, stateDim])
    (window : Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim]) (xs : List (Tensor α [inputDim])) :
    (m.map f).runKernels (h0.map (Vec.map (Vec.map f))) (window.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((m.runKernels h0 window xs).1.1.map (Vec.map (Vec.map f)), (m.runKernels h0 window xs).1.2.map (Vec.map f)),
        (m.runKernels h0 window xs).2.map (Vec.map f)) := by
  simp only [← mamba2_runList_eq_kernels, mamba2_map f]

end Scanproof
