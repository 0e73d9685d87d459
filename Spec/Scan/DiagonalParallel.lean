/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Affine
public import Spec.Scan.Blelloch
public import Spec.Scan.Chunked
public import Spec.Scan.HillisSteele
public import Spec.Scan.OddEven
public import Spec.Scan.Workers

/-!
# The diagonal selective scan in parallel

Every parallel form gives the states of the sequential scan at *every* position. That takes the three laws of
`LawfulScalar`, and those of a semiring where an identity or the zero state comes in.

## Main results

* `diagonalSelectiveScan_parallel`: any parallel prefix of the transitions, applied to the initial state.
* `diagonalSelectiveScan_hillisSteele`, `diagonalSelectiveScan_oddEven`, `diagonalSelectiveScan_blelloch`: the named ones.
* `diagonalSelectiveScan_chunked`: scans in chunks of any length.
* `diagonalSelectiveScan_workers`: scans split over workers.
* `diagonalSelectiveScan_addends`: from the zero state, the states are the addends of the combined transitions.
* `inclusiveScan_after`: a combined transition is the running product of the decays, and the state from zero.

## References

* G. E. Blelloch, *Prefix Sums and Their Applications*, CMU-CS-90-190, 1990, section 1.4.1.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} [Scalar α] {stateDim : Nat} (h0 : Tensor α [stateDim]) (ts : List (DiagonalTransition α stateDim))

/-- The diagonal selective scan is the sequential scan of the action of diagonal transitions. -/
theorem diagonalSelectiveScan_eq_scanStates : diagonalSelectiveScan h0 ts = scanStates DiagonalTransition.apply h0 ts := rfl

/-- Any parallel prefix of the transitions, applied to the initial state, gives the states of the sequential scan. -/
theorem diagonalSelectiveScan_parallel [LawfulScalar α] {ys : List (DiagonalTransition α stateDim)}
    (h : IsPrefixScan DiagonalTransition.after ts ys) : ys.map (fun t => t.apply h0) = diagonalSelectiveScan h0 ts :=
  h.map_act DiagonalTransition.apply DiagonalTransition.apply_after h0

/-- The scan of Hillis and Steele gives the states of the sequential scan. -/
theorem diagonalSelectiveScan_hillisSteele [LawfulScalar α] :
    (hillisSteele DiagonalTransition.after ts).map (fun t => t.apply h0) = diagonalSelectiveScan h0 ts :=
  diagonalSelectiveScan_parallel h0 ts (isPrefixScan_hillisSteele _ ts)

/-- The odd-even scan gives the states of the sequential scan. -/
theorem diagonalSelectiveScan_oddEven [LawfulScalar α] :
    (oddEvenScan DiagonalTransition.after ts).map (fun t => t.apply h0) = diagonalSelectiveScan h0 ts :=
  diagonalSelectiveScan_parallel h0 ts (isPrefixScan_oddEvenScan _ ts)

/-- The scan of Blelloch gives the states of the sequential scan, whatever is appended as padding. -/
theorem diagonalSelectiveScan_blelloch [SemiringScalar α] (padding : List (DiagonalTransition α stateDim)) :
    ((blellochInclusive DiagonalTransition.after DiagonalTransition.identity (ts ++ padding)).take ts.length).map
        (fun t => t.apply h0) =
      diagonalSelectiveScan h0 ts :=
  take_blellochInclusive_append _ _ _ DiagonalTransition.apply_after diagonalTransition_monoid.act_e h0 ts padding

/--
Scanning in chunks of length `c`, by any parallel prefix within them, and carrying the state from chunk to chunk, gives the
states of the sequential scan, whether or not `c` divides the number of transitions.
-/
theorem diagonalSelectiveScan_chunked [LawfulScalar α]
    (scan : List (DiagonalTransition α stateDim) → List (DiagonalTransition α stateDim))
    (hscan : ∀ ts, IsPrefixScan DiagonalTransition.after ts (scan ts)) (c : Nat) :
    chunkedScan scan DiagonalTransition.apply c h0 ts = diagonalSelectiveScan h0 ts :=
  chunkedScan_eq_scanStates _ _ DiagonalTransition.apply_after scan hscan c h0 ts

/--
Splitting the transitions over workers, each scanning its piece from the identity, and scanning the totals in their turn,
gives the states of the sequential scan, for pieces of any lengths.
-/
theorem diagonalSelectiveScan_workers [SemiringScalar α]
    (scan : List (DiagonalTransition α stateDim) → List (DiagonalTransition α stateDim))
    (hscan : ∀ ts, IsPrefixScan DiagonalTransition.after ts (scan ts))
    (pieces : List (List (DiagonalTransition α stateDim))) :
    workersScan scan DiagonalTransition.identity DiagonalTransition.apply h0 pieces =
      diagonalSelectiveScan h0 pieces.flatten :=
  workersScan_eq_scanStates _ _ _ DiagonalTransition.apply_after diagonalTransition_monoid.act_e scan hscan h0 pieces

section Zero

variable [SemiringScalar α]

private theorem apply_zero (t : DiagonalTransition α stateDim) : t.apply (Vec.ofFn fun _ => 0) = t.b := by
  apply Vec.ext
  intro i
  simp only [DiagonalTransition.apply, Vec.mul, Vec.add, Vec.get_zipWith, Vec.get_ofFn, SemiringScalar.mul_zero]
  exact (SemiringScalar.add_comm _ _).trans (SemiringScalar.add_zero _)

/-- From the zero state, the states are the addends of the combined transitions, whichever parallel prefix combined them. -/
theorem diagonalSelectiveScan_addends {ys : List (DiagonalTransition α stateDim)}
    (h : IsPrefixScan DiagonalTransition.after ts ys) :
    ys.map (fun t => t.b) = diagonalSelectiveScan (Vec.ofFn fun _ => 0) ts := by
  rw [← diagonalSelectiveScan_parallel _ ts h]
  exact List.map_congr_left fun t _ => (apply_zero t).symm

/--
The combined transition up to each position consists of the running product of the decays and the state reached from zero.
So a chunked scan may scan every chunk from the zero state, and add what the running products make of the state that
enters it.
-/
theorem inclusiveScan_after :
    inclusiveScan DiagonalTransition.after ts =
      List.zipWith DiagonalTransition.mk (inclusiveScan Vec.mul (ts.map fun t => t.a))
        (diagonalSelectiveScan (Vec.ofFn fun _ => 0) ts) := by
  rw [← diagonalSelectiveScan_addends ts (isPrefixScan_inclusiveScan _ ts),
    ← map_inclusiveScan (fun t => t.a) DiagonalTransition.after Vec.mul fun _ _ => rfl, List.zipWith_map,
    List.zipWith_self]
  exact (List.map_id _).symm

end Zero

end Scanproof
