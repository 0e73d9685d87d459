/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Models.SelectiveMambaBlock

/-!
# Mamba checkpoints

The parameters of a selective Mamba block as PyTorch checkpoints store them, and their exact translation to
`SelectiveMambaBlockSpec`: stacked projections are split, convolution taps are reversed (PyTorch stores the oldest
first), and `A = -exp A_log`.

## Main definitions

* `MambaCheckpoint`: the tensors of a checkpoint, under their usual names.
* `MambaCheckpoint.toSpec`: the block that they mean.

## Main results

* `MambaCheckpoint.matVec_inProj`, `MambaCheckpoint.matVec_gateProj`, `MambaCheckpoint.matVec_dtDown`,
  `MambaCheckpoint.matVec_bProj`, `MambaCheckpoint.matVec_cProj`: the split projections compute the rows of the stacked
  one.
* `MambaCheckpoint.get_convWeight`: tap `k`, newest first, is the stored tap `convWidth - 1 - k`.
* `MambaCheckpoint.get_A`: the decay rates are `-exp A_log`.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- The rows `start, …, start + k - 1` of a matrix. -/
def rows {α : Type} {m n : Nat} (M : Tensor α [m, n]) (start k : Nat) (h : start + k ≤ m) : Tensor α [k, n] :=
  Vec.ofFn fun i => M.get ⟨start + i.val, Nat.lt_of_lt_of_le (Nat.add_lt_add_left i.isLt start) h⟩

/-- The entries `start, …, start + k - 1` of a vector. -/
def entries {α : Type} {m : Nat} (v : Tensor α [m]) (start k : Nat) (h : start + k ≤ m) : Tensor α [k] :=
  Vec.ofFn fun i => v.get ⟨start + i.val, Nat.lt_of_lt_of_le (Nat.add_lt_add_left i.isLt start) h⟩

/-- The tensors of a Mamba block in a PyTorch checkpoint. A bias that the checkpoint lacks is zero. -/
structure MambaCheckpoint (α : Type) (inputDim innerDim stateDim outputDim convWidth dtRank : Nat) where
  /-- `in_proj.weight`: the rows of the inner channels, then those of the gate. -/
  inProjWeight : Tensor α [2 * innerDim, inputDim]
  /-- `in_proj.bias`. -/
  inProjBias : Tensor α [2 * innerDim]
  /-- `conv1d.weight` without its middle dimension: taps oldest first. -/
  convWeight : Tensor α [innerDim, convWidth]
  /-- `conv1d.bias`. -/
  convBias : Tensor α [innerDim]
  /-- `x_proj.weight`: the rows of the time step, of `B`, and of `C`. -/
  xProjWeight : Tensor α [dtRank + 2 * stateDim, innerDim]
  /-- `dt_proj.weight`. -/
  dtProjWeight : Tensor α [innerDim, dtRank]
  /-- `dt_proj.bias`. -/
  dtProjBias : Tensor α [innerDim]
  /-- `A_log`. -/
  A_log : Tensor α [innerDim, stateDim]
  /-- `D`. -/
  D : Tensor α [innerDim]
  /-- `out_proj.weight`. -/
  outProjWeight : Tensor α [outputDim, innerDim]
  /-- `out_proj.bias`. -/
  outProjBias : Tensor α [outputDim]

namespace MambaCheckpoint

variable {α : Type} [Scalar α] {inputDim innerDim stateDim outputDim convWidth dtRank : Nat}

/-- The block that a checkpoint means. -/
def toSpec (p : MambaCheckpoint α inputDim innerDim stateDim outputDim convWidth dtRank) :
    SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth where
  dtRank := dtRank
  inProj := rows p.inProjWeight 0 innerDim (by omega)
  inBias := entries p.inProjBias 0 innerDim (by omega)
  gateProj := rows p.inProjWeight innerDim innerDim (by omega)
  gateBias := entries p.inProjBias innerDim innerDim (by omega)
  convWeight := p.convWeight.map fun taps => Vec.ofFn fun k => taps.get k.rev
  convBias := p.convBias
  dtDown := rows p.xProjWeight 0 dtRank (by omega)
  dtUp := p.dtProjWeight
  dtBias := p.dtProjBias
  bProj := rows p.xProjWeight dtRank stateDim (by omega)
  cProj := rows p.xProjWeight (dtRank + stateDim) stateDim (by omega)
  A := p.A_log.map fun row => row.map fun x => -Scalar.exp x
  D := p.D
  outProj := p.outProjWeight
  outBias := p.outProjBias

/-- Applying some rows of a matrix gives those entries of applying the whole. -/
theorem matVec_rows {m n : Nat} (M : Tensor α [m, n]) (start k : Nat) (h : start + k ≤ m) (x : Tensor α [n]) :
    Tensor.matVec (rows M start k h) x = entries (Tensor.matVec M x) start k h := by
  apply Vec.ext
  intro i
  simp only [Tensor.matVec, rows, entries, Vec.get_ofFn]

variable (p : MambaCheckpoint α inputDim innerDim stateDim outputDim convWidth dtRank)

/-- `inProj` computes the first half of the stacked input projection. -/
theorem matVec_inProj (x : Tensor α [inputDim]) :
    p.toSpec.inProj.matVec x = entries (p.inProjWeight.matVec x) 0 innerDim (by omega) :=
  matVec_rows ..

/-- `gateProj` computes the second half of the stacked input projection. -/
theorem matVec_gateProj (x : Tensor α [inputDim]) :
    p.toSpec.gateProj.matVec x = entries (p.inProjWeight.matVec x) innerDim innerDim (by omega) :=
  matVec_rows ..

/-- `dtDown` computes the first `dtRank` entries of `x_proj`. -/
theorem matVec_dtDown (v : Tensor α [innerDim]) :
    p.toSpec.dtDown.matVec v = entries (p.xProjWeight.matVec v) 0 dtRank (by omega) :=
  matVec_rows ..

/-- `bProj` computes the entries of `x_proj` after the time step's. -/
theorem matVec_bProj (v : Tensor α [innerDim]) :
    p.toSpec.bProj.matVec v = entries (p.xProjWeight.matVec v) dtRank stateDim (by omega) :=
  matVec_rows ..

/-- `cProj` computes the last entries of `x_proj`. -/
theorem matVec_cProj (v : Tensor α [innerDim]) :
    p.toSpec.cProj.matVec v = entries (p.xProjWeight.matVec v) (dtRank + stateDim) stateDim (by omega) :=
  matVec_rows ..

/-- Tap `k`, counted from the newest token, is the stored tap `convWidth - 1 - k`. -/
theorem get_convWeight (i : Fin innerDim) (k : Fin convWidth) :
    (p.toSpec.convWeight.get i).get k = (p.convWeight.get i).get k.rev := by
  simp only [toSpec, Vec.get_map, Vec.get_ofFn]

/-- The decay rates are `-exp A_log`. -/
theorem get_A (i : Fin innerDim) (n : Fin stateDim) :
    (p.toSpec.A.get i).get n = -Scalar.exp ((p.A_log.get i).get n) := by
  simp only [toSpec, Vec.get_map]

end MambaCheckpoint

end Scanproof
