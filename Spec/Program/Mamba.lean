/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Program.Stages

/-!
# Mamba and Mamba-2 as stages

The mixers as PyTorch runs them, stage after stage: Mamba with a causal convolution and a sequential scan, Mamba-2 with the same
convolution and a scan in chunks. Both are causal at every length, for every width of the convolution and every size of chunks,
whether or not it divides the length.

## Main definitions

* `mambaStages`, `mamba2Stages`: the stages.

## Main results

* `mambaProgram_causal`, `mamba2Program_causal`: the outputs of the last stage are causal.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- The stages of a Mamba mixer with up to `width` channels in a stage and a convolution of `taps` positions. -/
def mambaStages (width taps : Nat) : List Stage :=
  [ .input,
    .project width [0],        -- 1: input projection
    .project width [0],        -- 2: gate
    .padLeft (taps - 1) 1,
    .taps taps 1 3,            -- 4: convolution
    .pointwise [4],            -- 5: its activation
    .project width [5],        -- 6: Δ, B and C
    .project width [5, 6],     -- 7: decays and inputs of the states
    .scan width 7,             -- 8: the states
    .project width [8, 6],     -- 9: C times the state
    .pointwise [9, 5, 2],      -- 10: skip and gate
    .project width [10] ]      -- 11: output projection

/-- The stages of a Mamba-2 mixer, computed in chunks of `size`. -/
def mamba2Stages (width taps size : Nat) : List Stage :=
  [ .input,
    .project width [0],        -- 1: input projection, gate and Δ included
    .padLeft (taps - 1) 1,
    .taps taps 1 2,            -- 3: convolution
    .project width [3, 1],     -- 4: activations of x, B, C and Δ
    .chunk size 4,
    .withinChunk width 5,      -- 6: cumulative sums of the logarithms of decays
    .project width [5, 6],     -- 7: what the chunk's products need
    .withinChunk width 7,      -- 8: the masked product within the chunk
    .chunkState width size 7,  -- 9: the state that the chunk adds
    .passState width 9,        -- 10: the state before the chunk
    .join width 7 10,          -- 11: C times it
    .pointwise [8, 11],
    .flatten size 12,
    .project width [13, 4, 1], -- 14: skip, gate and norm
    .project width [14] ]      -- 15: output projection

/-- The kinds of Mamba's stages. -/
theorem stageKinds_mamba (width taps : Nat) :
    stageKinds (mambaStages width taps) =
      some [.time 0, .time 0, .time 0, .time (taps - 1), .time 0, .time 0, .time 0, .time 0, .time 0, .time 0, .time 0, .time 0] := by
  simp [mambaStages, stageKinds, stageKindsFrom, Stage.kind, meetAll, Kind.meet]

/-- The kinds of Mamba-2's stages. -/
theorem stageKinds_mamba2 (width taps size : Nat) :
    stageKinds (mamba2Stages width taps size) =
      some [.time 0, .time 0, .time (taps - 1), .time 0, .time 0, .chunked size, .chunked size, .chunked size, .chunked size,
        .chunkEnd size, .chunkStart size, .chunked size, .chunked size, .time 0, .time 0, .time 0] := by
  simp [mamba2Stages, stageKinds, stageKindsFrom, Stage.kind, meetAll, Kind.meet]

/--
Mamba, as its stages run, is causal at every length: for every width and number of taps, every operation of every stage, every
type of scalars.
-/
theorem mambaProgram_causal {α τ : Type} (width taps outputs : Nat) (ops : Nat → Place → List α → α)
    (load : Option τ → Nat → Place → α) :
    Causal ((stageProgram (mambaStages width taps) ops).runList load (fun _ i => i.row) (stageOutputs 11 outputs)) :=
  stageProgram_causal (stageKinds_mamba width taps) rfl outputs ops load

/--
Mamba-2, as its chunked stages run, is causal at every length: for every size of chunks, whether or not it divides the length,
every width and number of taps, every operation of every stage, every type of scalars.
-/
theorem mamba2Program_causal {α τ : Type} (width taps size outputs : Nat) (ops : Nat → Place → List α → α)
    (load : Option τ → Nat → Place → α) :
    Causal ((stageProgram (mamba2Stages width taps size) ops).runList load (fun _ i => i.row) (stageOutputs 15 outputs)) :=
  stageProgram_causal (stageKinds_mamba2 width taps size) rfl outputs ops load

/-- A convolution padded on both sides fails the check: it may look ahead. -/
theorem stageKinds_centred (pad taps : Nat) (h : pad + 1 < taps) :
    stageKinds [.input, .padLeft pad 0, .taps taps 1 1] = none := by
  have ahead : ¬taps - 1 ≤ pad := by omega
  simp [stageKinds, stageKindsFrom, Stage.kind, ahead]

end Scanproof
