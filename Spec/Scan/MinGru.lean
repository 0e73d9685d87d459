/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Diagonal

/-!
# minGRU

`h' = (1 - z) ⊙ h + z ⊙ c`, with a gate `z` and a candidate `c` that depend on the token alone: a diagonal scan.

## Main definitions

* `MinGruToken`: gate and candidate of one token; `MinGruToken.transition`: its transition.
* `minGru`: a list of tokens, whose outputs are the states.

## Main results

* `minGru_outputs`, `minGru_state`: it is the diagonal scan, so every form of that scan is a form of it.

## References

* L. Feng et al., *Were RNNs All We Needed?*, 2024, section 3.1.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- What one token brings. -/
structure MinGruToken (α : Type) (n : Nat) where
  /-- How much of each entry is replaced. -/
  z : Tensor α [n]
  /-- What it is replaced by. -/
  candidate : Tensor α [n]

variable {α : Type} [Scalar α] {n : Nat}

/-- The transition of a token: decay `1 - z`, input `z` times the candidate. -/
def MinGruToken.transition (t : MinGruToken α n) : DiagonalTransition α n :=
  ⟨t.z.map fun z => 1 + -z, t.z.mul t.candidate⟩

/-- minGRU as a state machine. -/
def minGruRunner (α : Type) [Scalar α] (n : Nat) : Runner (Tensor α [n]) (MinGruToken α n) (Tensor α [n]) where
  step h t := (diagonalScanRunner α n).step h t.transition

/-- A list of tokens from the state `h0`: the final state and the states after each token. -/
def minGru (h0 : Tensor α [n]) (ts : List (MinGruToken α n)) : Tensor α [n] × List (Tensor α [n]) :=
  (minGruRunner α n).runList h0 ts

/-- The final state is that of the diagonal scan. -/
theorem minGru_state (h0 : Tensor α [n]) (ts : List (MinGruToken α n)) :
    (minGru h0 ts).1 = runDiagonalTransitions h0 (ts.map MinGruToken.transition) := by
  induction ts generalizing h0 with
  | nil => rfl
  | cons t ts ih => exact ih _

/-- The outputs are the states of the diagonal scan. -/
theorem minGru_outputs (h0 : Tensor α [n]) (ts : List (MinGruToken α n)) :
    (minGru h0 ts).2 = diagonalSelectiveScan h0 (ts.map MinGruToken.transition) := by
  induction ts generalizing h0 with
  | nil => rfl
  | cons t ts ih => exact congrArg (List.cons _) (ih _)

end Scanproof
