/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Rounding.Leaves
public import Spec.Scan.HillisSteele
public import Spec.Scan.OddEven

/-!
# Parallel scans in rounded arithmetic

A parallel prefix gives at every position the value of some tree, in whatever arithmetic. So the bound on the rounding of
every tree holds for every position of every parallel prefix.

## Main results

* `Rounding.prefixScan_error`: run with operations that round, any parallel prefix lies within `treeBound` of the exact states.
* `Rounding.hillisSteele_error`, `Rounding.oddEvenScan_error`: so do the named ones.

## References

* N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd edition, SIAM 2002, chapters 3 and 4.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind Std

attribute [local instance] Semiring.natCast

variable {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

/-- An operation that combines two transitions, every one of its results rounded. -/
def Rounding.Combines (r : Rounding R) (op : R × R → R × R → R × R) : Prop :=
  ∀ later earlier,
    r.Rounds (later.1 * earlier.1) (op later earlier).1 ∧ r.Affine later.1 earlier.2 later.2 (op later earlier).2

omit [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
/-- What a tree gives with such an operation is one of the values that it may evaluate to. -/
theorem Rounding.Combines.evaluates {r : Rounding R} {op : R × R → R × R → R × R} (h : r.Combines op) (tree : Tree (R × R)) :
    r.Evaluates tree (tree.combine op) := by
  induction tree with
  | leaf t => exact .leaf t
  | node earlier later ihe ihl => exact .node ihe ihl (h _ _).1 (h _ _).2

/--
The addends that any parallel prefix computes with operations that round lie within `treeBound` of the exact states from
zero, at every position. To start from another state, let `(0, h0)` be the first transition.
-/
theorem Rounding.prefixScan_error (r : Rounding R) {op : R × R → R × R → R × R} (hop : r.Combines op)
    {ts ys : List (R × R)} (h : IsPrefixScan op ts ys) (i : Nat) (hi : i < ys.length)
    (hη : 8 * (r.w * r.w * r.η) * (((i + 1 : Nat) : R) * ((i + 1 : Nat) : R)) ≤ 1) :
    magnitude (ys[i].2 - (ts.take (i + 1)).foldl (fun h t => affineApply t h) 0) ≤ r.treeBound (ts.take (i + 1)) := by
  obtain ⟨tree, htree, hy⟩ := h.getElem_eq i hi
  have hlength : tree.toList.length = i + 1 := by
    rw [h.length_eq] at hi
    rw [htree, List.length_take]
    omega
  have hexact : (tree.combine affineAfter).2 = tree.toList.foldl (fun h t => affineApply t h) 0 := by
    rw [← affineApply_combine, affineApply]
    grind
  rw [hy, ← htree, ← hexact]
  exact r.tree_error (hop.evaluates tree) (by rw [hlength]; exact hη)

/-- The bound for the scan of Hillis and Steele. -/
theorem Rounding.hillisSteele_error (r : Rounding R) {op : R × R → R × R → R × R} (hop : r.Combines op)
    (ts : List (R × R)) (i : Nat) (hi : i < (hillisSteele op ts).length)
    (hη : 8 * (r.w * r.w * r.η) * (((i + 1 : Nat) : R) * ((i + 1 : Nat) : R)) ≤ 1) :
    magnitude ((hillisSteele op ts)[i].2 - (ts.take (i + 1)).foldl (fun h t => affineApply t h) 0) ≤
      r.treeBound (ts.take (i + 1)) :=
  r.prefixScan_error hop (isPrefixScan_hillisSteele op ts) i hi hη

/-- The bound for the odd-even scan. -/
theorem Rounding.oddEvenScan_error (r : Rounding R) {op : R × R → R × R → R × R} (hop : r.Combines op)
    (ts : List (R × R)) (i : Nat) (hi : i < (oddEvenScan op ts).length)
    (hη : 8 * (r.w * r.w * r.η) * (((i + 1 : Nat) : R) * ((i + 1 : Nat) : R)) ≤ 1) :
    magnitude ((oddEvenScan op ts)[i].2 - (ts.take (i + 1)).foldl (fun h t => affineApply t h) 0) ≤
      r.treeBound (ts.take (i + 1)) :=
  r.prefixScan_error hop (isPrefixScan_oddEvenScan op ts) i hi hη

end Scanproof
