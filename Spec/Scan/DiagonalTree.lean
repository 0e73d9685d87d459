/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Diagonal
public import Spec.Scan.Tree

/-!
# Parallel forms of the diagonal selective scan

Diagonal affine transitions combine: `h ↦ a₂ ⊙ (a₁ ⊙ h + b₁) + b₂` is `h ↦ (a₂ ⊙ a₁) ⊙ h + (a₂ ⊙ b₁ + b₂)`. That takes
the three laws of `LawfulScalar`, which exact numbers have and floating-point ones have not; there a parallel scan computes
something else than the sequential one, and how far it can lie away is a matter of rounding.

## Main definitions

* `DiagonalTransition.after`: the combined transition.

## Main results

* `DiagonalTransition.apply_after`: the combined transition is one after the other.
* `runDiagonalTransitions_tree`: evaluation by any binary tree gives the sequential state.
* `runDiagonalTransitions_chunks`: so does evaluation in chunks of any lengths.

## References

* G. E. Blelloch, *Prefix Sums and Their Applications*, CMU-CS-90-190, 1990, section 1.4.1.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} [Scalar α] {stateDim : Nat}

/-- The transition that is `earlier`, and then `later`. -/
def DiagonalTransition.after (later earlier : DiagonalTransition α stateDim) : DiagonalTransition α stateDim :=
  ⟨later.a.mul earlier.a, (later.a.mul earlier.b).add later.b⟩

/-- Applying the combined transition is applying `earlier`, and then `later`. -/
theorem DiagonalTransition.apply_after [LawfulScalar α] (later earlier : DiagonalTransition α stateDim)
    (h : Tensor α [stateDim]) : (later.after earlier).apply h = later.apply (earlier.apply h) := by
  apply Vec.ext
  intro i
  simp only [apply, after, Vec.mul, Vec.add, Vec.get_zipWith, LawfulScalar.mul_add, LawfulScalar.mul_assoc,
    LawfulScalar.add_assoc]

/-- The sequential run applies the transitions in order. -/
theorem runDiagonalTransitions_eq_foldl (h0 : Tensor α [stateDim]) (ts : List (DiagonalTransition α stateDim)) :
    runDiagonalTransitions h0 ts = ts.foldl (fun h t => t.apply h) h0 := by
  induction ts generalizing h0 with
  | nil => rfl
  | cons t ts ih => exact ih (t.apply h0)

/--
Combining the transitions by any binary tree and applying the result gives the state of the sequential run, in lawful
arithmetic.
-/
theorem runDiagonalTransitions_tree [LawfulScalar α] (tree : Tree (DiagonalTransition α stateDim))
    (h0 : Tensor α [stateDim]) :
    (tree.combine DiagonalTransition.after).apply h0 = runDiagonalTransitions h0 tree.toList := by
  rw [runDiagonalTransitions_eq_foldl]
  exact Tree.act_combine _ _ DiagonalTransition.apply_after tree h0

/--
Combining each chunk by any binary tree and handing the state from chunk to chunk gives the state of the sequential run, for
chunks of any lengths, a ragged last one included, in lawful arithmetic.
-/
theorem runDiagonalTransitions_chunks [LawfulScalar α] (chunks : List (Tree (DiagonalTransition α stateDim)))
    (h0 : Tensor α [stateDim]) :
    chunks.foldl (fun h tree => (tree.combine DiagonalTransition.after).apply h) h0 =
      runDiagonalTransitions h0 (chunks.flatMap Tree.toList) := by
  rw [runDiagonalTransitions_eq_foldl]
  exact Tree.act_chunks _ _ DiagonalTransition.apply_after chunks h0

end Scanproof
