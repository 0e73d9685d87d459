/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.CausalConv1d
public import Spec.Kernels.GatedNorm
public import Spec.Kernels.SelectiveScan
public import Spec.Kernels.SsdScan
public import Spec.Natural.Scan

/-!
# Kernels on images

For each kernel, a homomorphism of scalars maps a run to the run on the images of parameters, state and tokens. No law of
arithmetic is assumed of either scalar.

## Main definitions

* `SelectiveScan.map`, `SelectiveScanToken.map`, `CausalConv1d.map`, `SsdScan.map`, `SsdScanToken.map`, `GatedNorm.map`: the
  image of each entry.

## Main results

* `selectiveScan_map`, `causalConv1d_map`, `causalConv1dSeqIdx_map`, `ssdScan_map`, `ssdScanSeqIdx_map`, `gatedNorm_map`: the run
  on images is the image of the run.
* `rmsNorm_map`, `groupedRmsNorm_map`: the same for norms.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α β : Type}

/-! ## The selective scan -/

/-- The image of the parameters. -/
def SelectiveScan.map {channels groups stateDim : Nat} (f : α → β) (p : SelectiveScan α channels groups stateDim) :
    SelectiveScan β channels groups stateDim where
  groups_dvd := p.groups_dvd
  A := p.A.map (Vec.map f)
  D := p.D.map (Vec.map f)
  deltaBias := p.deltaBias.map (Vec.map f)
  deltaSoftplus := p.deltaSoftplus

/-- The image of the arguments of a token. -/
def SelectiveScanToken.map {channels groups stateDim : Nat} (f : α → β) (t : SelectiveScanToken α channels groups stateDim) :
    SelectiveScanToken β channels groups stateDim where
  u := t.u.map f
  delta := t.delta.map f
  B := t.B.map (Vec.map f)
  C := t.C.map (Vec.map f)
  z := t.z.map (Vec.map f)

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β) {channels groups stateDim : Nat}
  (p : SelectiveScan α channels groups stateDim)

/-- Step sizes from images are the images of the step sizes. -/
theorem SelectiveScan.stepSize_map (delta : Tensor α [channels]) :
    (p.map f).stepSize (delta.map f) = (p.stepSize delta).map f := by
  refine Vec.ext fun i => ?_
  cases hs : p.deltaSoftplus <;> cases hb : p.deltaBias <;> simp [stepSize, map, hs, hb, Vec.add]

/-- One token of the selective scan, on images, is the image of the step. -/
theorem selectiveStateUpdate_map (h : Tensor α [channels, stateDim]) (t : SelectiveScanToken α channels groups stateDim) :
    selectiveStateUpdate (p.map f) (h.map (Vec.map f)) (t.map f) =
      ((selectiveStateUpdate p h t).1.map (Vec.map f), (selectiveStateUpdate p h t).2.map f) := by
  have transition (i : Fin channels) :
      (p.map f).transition ((p.stepSize t.delta).map f) (t.map f) i = (p.transition (p.stepSize t.delta) t i).map f := by
    simp [SelectiveScan.transition, SelectiveScan.map, SelectiveScanToken.map, DiagonalTransition.map, Vec.map_map]
  have read (i : Fin channels) (row : Tensor α [stateDim]) :
      (p.map f).readOut (t.map f) i (row.map f) = f (p.readOut t i row) := by
    simp [SelectiveScan.readOut, SelectiveScan.map, SelectiveScanToken.map]
  have delta : (t.map f).delta = t.delta.map f := rfl
  simp only [selectiveStateUpdate, delta, p.stepSize_map f, transition, Vec.get_map, DiagonalTransition.apply_map f, Vec.get_ofFn,
    read, Vec.map_ofFn]

/-- The selective scan on images is the image of the scan. -/
theorem selectiveScan_map (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) :
    selectiveScan (p.map f) (h0.map (Vec.map f)) (ts.map (·.map f)) =
      ((selectiveScan p h0 ts).1.map (Vec.map f), (selectiveScan p h0 ts).2.map (Vec.map f)) :=
  Runner.runList_map (selectiveStateUpdate_map f p) h0 ts

end

/-! ## The causal convolution -/

/-- The image of taps and bias. -/
def CausalConv1d.map {channels width : Nat} (f : α → β) (c : CausalConv1d α channels width) : CausalConv1d β channels width where
  weight := c.weight.map (Vec.map f)
  bias := c.bias.map (Vec.map f)
  activation := c.activation

/-- Shifting an image into the image of a window is the image of shifting. -/
theorem Vec.shiftIn_map {m n : Nat} (f : α → β) (x : α) (w : Vec α n) (h : m ≤ n + 1) :
    Vec.shiftIn (f x) (w.map f) h = (Vec.shiftIn x w h).map f := by
  refine Vec.ext fun k => ?_
  simp only [shiftIn, get_map, get_ofFn]
  split <;> rfl

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β) {channels width : Nat} (c : CausalConv1d α channels width)

/-- The output for the image of a window is the image of the output. -/
theorem CausalConv1d.output_map (w : Tensor α [width, channels]) :
    (c.map f).output (w.map (Vec.map f)) = (c.output w).map f := by
  have activation (x : α) : c.activation.apply (f x) = f (c.activation.apply x) := by
    cases c.activation <;> simp [ConvActivation.apply]
  refine Vec.ext fun i => ?_
  simp only [output, map, Vec.get_map, ← activation]
  cases c.bias <;> simp [Vec.add]

/-- One token of the causal convolution, on images, is the image of the step. -/
theorem causalConv1dUpdate_map (state : Tensor α [width - 1, channels]) (x : Tensor α [channels]) :
    causalConv1dUpdate (c.map f) (state.map (Vec.map f)) (x.map f) =
      ((causalConv1dUpdate c state x).1.map (Vec.map f), (causalConv1dUpdate c state x).2.map f) := by
  simp only [causalConv1dUpdate, Vec.shiftIn_map, c.output_map f]

/-- The causal convolution of images is the image of the convolution. -/
theorem causalConv1d_map (state : Tensor α [width - 1, channels]) (xs : List (Tensor α [channels])) :
    causalConv1d (c.map f) (state.map (Vec.map f)) (xs.map (Vec.map f)) =
      ((causalConv1d c state xs).1.map (Vec.map f), (causalConv1d c state xs).2.map (Vec.map f)) :=
  Runner.runList_map (causalConv1dUpdate_map f c) state xs

/-- The causal convolution of a packed row of images is the image of the convolution. -/
theorem causalConv1dSeqIdx_map (state : Tensor α [width - 1, channels] × Int) (xs : List (Int × Tensor α [channels])) :
    causalConv1dSeqIdx (c.map f) (state.1.map (Vec.map f), state.2) (xs.map fun x => (x.1, x.2.map f)) =
      (((causalConv1dSeqIdx c state xs).1.1.map (Vec.map f), (causalConv1dSeqIdx c state xs).1.2),
        (causalConv1dSeqIdx c state xs).2.map (Vec.map f)) :=
  Runner.withSeqIdx_map f.zeroMatrix_map (causalConv1dUpdate_map f c) state xs

end

/-! ## The scan of Mamba-2 -/

/-- The image of the parameters. -/
def SsdScan.map {heads groups headDim : Nat} (f : α → β) (m : SsdScan α heads groups headDim) :
    SsdScan β heads groups headDim where
  groups_dvd := m.groups_dvd
  A := m.A.map f
  D := m.D.map (Vec.map (Vec.map f))
  dtBias := m.dtBias.map (Vec.map f)
  dtSoftplus := m.dtSoftplus
  dtMin := m.dtMin.map f
  dtMax := m.dtMax.map f

/-- The image of the arguments of a token. -/
def SsdScanToken.map {heads groups headDim stateDim : Nat} (f : α → β) (t : SsdScanToken α heads groups headDim stateDim) :
    SsdScanToken β heads groups headDim stateDim where
  x := t.x.map (Vec.map f)
  dt := t.dt.map f
  B := t.B.map (Vec.map f)
  C := t.C.map (Vec.map f)
  z := t.z.map (Vec.map (Vec.map f))

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β) {heads groups headDim stateDim : Nat} (m : SsdScan α heads groups headDim)

/-- One token of the scan of Mamba-2, on images, is the image of the step. -/
theorem ssdStateUpdate_map (h : Tensor α [heads, headDim, stateDim]) (t : SsdScanToken α heads groups headDim stateDim) :
    ssdStateUpdate (m.map f) (h.map (Vec.map (Vec.map f))) (t.map f) =
      ((ssdStateUpdate m h t).1.map (Vec.map (Vec.map f)), (ssdStateUpdate m h t).2.map (Vec.map f)) := by
  have stepSize (i : Fin heads) : (m.map f).stepSize (t.map f).dt i = f (m.stepSize t.dt i) := by
    simp [SsdScan.stepSize, Scalar.clamp, SsdScan.map, SsdScanToken.map]
  have transition (i : Fin heads) (p : Fin headDim) : (m.map f).transition (t.map f) i p = (m.transition t i p).map f := by
    simp only [SsdScan.transition, stepSize]
    simp [SsdScan.map, SsdScanToken.map, DiagonalTransition.map, Vec.map_map, Vec.map_ofFn]
  have read (i : Fin heads) (p : Fin headDim) (row : Tensor α [stateDim]) :
      (m.map f).readOut (t.map f) i p (row.map f) = f (m.readOut t i p row) := by
    simp [SsdScan.readOut, SsdScan.finish, SsdScan.map, SsdScanToken.map]
  simp only [ssdStateUpdate, transition, Vec.get_map, DiagonalTransition.apply_map f, Vec.get_ofFn, read, Vec.map_ofFn]

/-- The scan of Mamba-2 on images is the image of the scan. -/
theorem ssdScan_map (h0 : Tensor α [heads, headDim, stateDim]) (ts : List (SsdScanToken α heads groups headDim stateDim)) :
    ssdScan (m.map f) (h0.map (Vec.map (Vec.map f))) (ts.map (·.map f)) =
      ((ssdScan m h0 ts).1.map (Vec.map (Vec.map f)), (ssdScan m h0 ts).2.map (Vec.map (Vec.map f))) :=
  Runner.runList_map (ssdStateUpdate_map f m) h0 ts

/-- The scan of Mamba-2 of a packed row of images is the image of the scan. -/
theorem ssdScanSeqIdx_map (state : Tensor α [heads, headDim, stateDim] × Int)
    (ts : List (Int × SsdScanToken α heads groups headDim stateDim)) :
    ssdScanSeqIdx (m.map f) (state.1.map (Vec.map (Vec.map f)), state.2) (ts.map fun t => (t.1, t.2.map f)) =
      (((ssdScanSeqIdx m state ts).1.1.map (Vec.map (Vec.map f)), (ssdScanSeqIdx m state ts).1.2),
        (ssdScanSeqIdx m state ts).2.map (Vec.map (Vec.map f))) := by
  refine Runner.withSeqIdx_map ?_ (ssdStateUpdate_map f m) state ts
  simp only [ssdZeroState, Vec.map_ofFn, f.zeroMatrix_map]

end

/-! ## Norms -/

/-- The image of the parameters; `act` is the activation of the gate there. -/
def GatedNorm.map {n : Nat} (f : α → β) (act : β → β) (m : GatedNorm α n) : GatedNorm β n where
  groups := m.groups
  groups_dvd := m.groups_dvd
  eps := f m.eps
  weight := m.weight.map f
  bias := m.bias.map (Vec.map f)
  centred := m.centred
  act := act
  gateFirst := m.gateFirst

section

variable {m n : Nat} (f : α → β)

/-- A part of the image of a vector is the image of the part. -/
theorem Vec.slice_map (v : Vec α n) (offset length : Nat) (h : offset + length ≤ n) :
    (v.map f).slice offset length h = (v.slice offset length h).map f := by
  simp only [slice, map_ofFn, get_map]

/-- The rows of the image of a vector are the images of the rows. -/
theorem Vec.toRows_map (v : Vec α (m * n)) : (v.map f).toRows = v.toRows.map (Vec.map f) := by
  simp only [toRows, map_ofFn, get_map]

/-- The images of rows, one after the other, are the image of the rows, one after the other. -/
theorem Vec.ofRows_map (rows : Vec (Vec α n) m) : Vec.ofRows (rows.map (Vec.map f)) = (Vec.ofRows rows).map f := by
  simp only [ofRows, map_ofFn, get_map]

end

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β) {n groups : Nat}

/-- The root-mean-square norm of images is the image of the norm. -/
theorem rmsNorm_map (eps : α) (weight x : Tensor α [n]) :
    rmsNorm (f eps) (weight.map f) (x.map f) = (rmsNorm eps weight x).map f := by
  simp [rmsNorm, Vec.map_ofFn]

/-- The root-mean-square norm in groups, of images, is the image of the norm. -/
theorem groupedRmsNorm_map (h : groups ∣ n) (eps : α) (weight x : Tensor α [n]) :
    groupedRmsNorm h (f eps) (weight.map f) (x.map f) = (groupedRmsNorm h eps weight x).map f := by
  have rows {k : Nat} (v w : Vec (Vec α k) groups) :
      Vec.zipWith (rmsNorm (f eps)) (v.map (Vec.map f)) (w.map (Vec.map f)) =
        (Vec.zipWith (rmsNorm eps) v w).map (Vec.map f) :=
    Vec.ext fun i => by simp only [Vec.get_zipWith, Vec.get_map, rmsNorm_map f]
  simp only [groupedRmsNorm, Vec.slice_map, Vec.toRows_map, rows, Vec.ofRows_map]

/-- Taking off the mean of each group of images is the image of taking it off. -/
theorem groupedCentred_map (h : groups ∣ n) (x : Tensor α [n]) :
    groupedCentred h (x.map f) = (groupedCentred h x).map f := by
  have centred (rows : Vec (Vec α (n / groups)) groups) :
      ((rows.map (Vec.map f)).map fun row => row.map fun x => x + -(sum row.get / Scalar.natCast (n / groups))) =
        (rows.map fun row => row.map fun x => x + -(sum row.get / Scalar.natCast (n / groups))).map (Vec.map f) :=
    Vec.map_comm (fun row => Vec.ext fun i => by simp [funext (Vec.get_map f row)]) rows
  simp only [groupedCentred, Vec.slice_map, Vec.toRows_map, centred, Vec.ofRows_map]

/-- A gated norm of images is the image of the norm, if the activation there does to images what the activation here does. -/
theorem gatedNorm_map (m : GatedNorm α n) {act : β → β} (hact : ∀ x, act (f x) = f (m.act x))
    (ts : List (Tensor α [n] × Tensor α [n])) :
    gatedNorm (m.map f act) (ts.map fun t => (t.1.map f, t.2.map f)) = (gatedNorm m ts).map (Vec.map f) := by
  have norm (x : Tensor α [n]) : (m.map f act).norm (x.map f) = (m.norm x).map f := by
    simp only [GatedNorm.norm, GatedNorm.map]
    cases m.bias <;> cases m.centred <;> simp [groupedCentred_map f, groupedRmsNorm_map f, f.add_map]
  have apply (x z : Tensor α [n]) : (m.map f act).apply (x.map f) (z.map f) = (m.apply x z).map f := by
    have gate : (z.map f).map (m.map f act).act = (z.map m.act).map f := Vec.map_comm hact z
    simp only [GatedNorm.apply, gate, f.mul_map, norm]
    simp only [GatedNorm.map]
    split <;> rfl
  simp only [gatedNorm_eq_map, List.map_map]
  exact List.map_congr_left fun t _ => apply t.1 t.2

end

end Scanproof
