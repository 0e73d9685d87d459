/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Models.ComplexDiagonal
public import Spec.Scan.DiagonalParallel

/-!
# Complex diagonal state spaces by parallel prefixes

The state is a diagonal scan over complex scalars, so a parallel prefix of the transitions gives the same outputs.

## Main results

* `complexDiagonal_outputs_parallel`: by any parallel prefix, in exact arithmetic.
-/

@[expose] public section

namespace Scanproof

variable {α : Type} [Scalar α] [Polar α] {inputDim stateDim outputDim : Nat}
  (m : ComplexDiagonalSpec α inputDim stateDim outputDim) (h0 : Tensor (Complex α) [stateDim])
  (ts : List (ComplexDiagonalToken α inputDim stateDim))

/-- The outputs are read from any parallel prefix of the transitions, applied to the initial state. -/
theorem complexDiagonal_outputs_parallel [CommRingScalar α] {ys : List (DiagonalTransition (Complex α) stateDim)}
    (h : IsPrefixScan DiagonalTransition.after (ts.map m.transition) ys) :
    (m.runList h0 ts).2 = List.zipWith m.readOut ts (ys.map fun t => t.apply h0) := by
  rw [complexDiagonal_outputs, diagonalSelectiveScan_parallel h0 _ h]

end Scanproof
