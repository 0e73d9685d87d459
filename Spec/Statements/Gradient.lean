/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Rounding.Gradient

/-!
# Gradients of the diagonal scan, restated

Each public theorem about the adjoint of the diagonal scan, word for word. Who weakens one breaks the build here.
-/

namespace Scanproof

/-! ## Scan/Adjoint -/

section

variable {α : Type} [Scalar α] {n : Nat}

example (w : Tensor α [n]) (ts : List (DiagonalTransition α n)) (ws : List (Tensor α [n]))
    (h : ws.length = ts.length) : (diagonalScanVjp w ts ws).length = ts.length := by
  apply length_diagonalScanVjp <;> assumption

example (w : Tensor α [n]) (ts ts' : List (DiagonalTransition α n)) (ws ws' : List (Tensor α [n]))
    (h : ws.length = ts.length) :
    diagonalScanVjp w (ts ++ ts') (ws ++ ws') =
      diagonalScanVjp (diagonalScanPullback w ts' ws') ts ws ++ diagonalScanVjp w ts' ws' := by
  apply diagonalScanVjp_append <;> assumption

example (w : Tensor α [n]) (t t' : DiagonalTransition α n) (ts : List (DiagonalTransition α n))
    (ws : List (Tensor α [n])) : diagonalScanVjp w (t :: ts) ws = diagonalScanVjp w (t' :: ts) ws := by
  apply diagonalScanVjp_cons <;> assumption

section Laws

open Lean.Grind

variable [CommSemiringScalar α]

example (w : Tensor α [n]) (ts : List (DiagonalTransition α n)) (ws : List (Tensor α [n]))
    (h : ws.length = ts.length) :
    diagonalScanVjp w ts ws = (diagonalSelectiveScan w (adjointTransitions ts ws)).reverse := by
  apply diagonalScanVjp_eq_scan <;> assumption

example (w : Tensor α [n]) (t : DiagonalTransition α n) (ts : List (DiagonalTransition α n))
    (v : Tensor α [n]) (ws : List (Tensor α [n])) (h : ws.length = ts.length) :
    (diagonalScanVjp w (t :: ts) (v :: ws)).head? =
      some (runDiagonalTransitions w (adjointTransitions (t :: ts) (v :: ws))) := by
  apply diagonalScanVjp_head <;> assumption

example (w : Tensor α [n]) (t : DiagonalTransition α n) (ts : List (DiagonalTransition α n))
    (v : Tensor α [n]) (ws : List (Tensor α [n])) (h : ws.length = ts.length) :
    diagonalScanPullback w (t :: ts) (v :: ws) =
      t.a.mul (runDiagonalTransitions w (adjointTransitions (t :: ts) (v :: ws))) := by
  apply diagonalScanPullback_cons <;> assumption

example (h0 dh0 w : Tensor α [n]) (ts ds : List (DiagonalTransition α n)) (ws : List (Tensor α [n]))
    (hd : ds.length = ts.length) (hw : ws.length = ts.length) :
    pairing ws (diagonalSelectiveScan dh0 (tangentTransitions h0 ts ds)) +
        w.dot (runDiagonalTransitions dh0 (tangentTransitions h0 ts ds)) =
      pairing (diagonalScanVjp w ts ws) ((tangentTransitions h0 ts ds).map fun t => t.b) +
        (diagonalScanPullback w ts ws).dot dh0 := by
  apply diagonalScan_adjoint <;> assumption

example (h0 w : Tensor α [n]) (ts : List (DiagonalTransition α n)) (ws dbs : List (Tensor α [n]))
    (hw : ws.length = ts.length) (hb : dbs.length = ts.length) :
    let changes := tangentTransitions h0 ts (dbs.map fun db => ⟨Vec.ofFn fun _ => 0, db⟩)
    pairing ws (diagonalSelectiveScan (Vec.ofFn fun _ => 0) changes) +
        w.dot (runDiagonalTransitions (Vec.ofFn fun _ => 0) changes) =
      pairing (diagonalSelectiveScan w (adjointTransitions ts ws)).reverse dbs := by
  apply diagonalScan_vjp_inputs <;> assumption

example (h0 w : Tensor α [n]) (ts : List (DiagonalTransition α n)) (ws das : List (Tensor α [n]))
    (hw : ws.length = ts.length) (ha : das.length = ts.length) :
    let changes := tangentTransitions h0 ts (das.map fun da => ⟨da, Vec.ofFn fun _ => 0⟩)
    pairing ws (diagonalSelectiveScan (Vec.ofFn fun _ => 0) changes) +
        w.dot (runDiagonalTransitions (Vec.ofFn fun _ => 0) changes) =
      pairing (List.zipWith Vec.mul (diagonalSelectiveScan w (adjointTransitions ts ws)).reverse
        (h0 :: diagonalSelectiveScan h0 ts)) das := by
  apply diagonalScan_vjp_decays <;> assumption

example (h0 dh0 w : Tensor α [n]) (ts : List (DiagonalTransition α n)) (ws : List (Tensor α [n]))
    (hw : ws.length = ts.length) :
    let changes := tangentTransitions h0 ts (ts.map fun _ => ⟨Vec.ofFn fun _ => 0, Vec.ofFn fun _ => 0⟩)
    pairing ws (diagonalSelectiveScan dh0 changes) + w.dot (runDiagonalTransitions dh0 changes) =
      (diagonalScanPullback w ts ws).dot dh0 := by
  apply diagonalScan_vjp_state <;> assumption

example (ts : List (DiagonalTransition α n)) :
    diagonalScanVjp (Vec.ofFn fun _ => 0) ts (ts.map fun _ => Vec.ofFn fun _ => 0) = ts.map fun _ => Vec.ofFn fun _ => 0 := by
  apply diagonalScanVjp_zero <;> assumption

example (ε : α) (hε : ε * ε = 0) (h0 dh0 : Tensor α [n]) (ts ds : List (DiagonalTransition α n)) :
    diagonalSelectiveScan (moved ε h0 dh0) (List.zipWith (DiagonalTransition.moved ε) ts ds) =
      List.zipWith (moved ε) (diagonalSelectiveScan h0 ts) (diagonalSelectiveScan dh0 (tangentTransitions h0 ts ds)) := by
  apply diagonalScan_tangent <;> assumption

end Laws

end

/-! ## Rounding/Gradient -/

section

open Lean.Grind Std

attribute [local instance] Semiring.natCast

example {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R]
    [IsLinearOrder R] [OrderedRing R] (r : Rounding R) {g g' dg h h' dh y : R} (hg : magnitude (g' - g) ≤ dg)
    (hh : magnitude (h' - h) ≤ dh) (hy : r.Rounds (g' * h') y) :
    magnitude (y - g * h) ≤ r.w * ((magnitude g + dg) * (magnitude h + dh)) + r.η - magnitude g * magnitude h := by
  apply diagonalScan_vjp_decays_error <;> assumption

variable {α : Type} [Scalar α] {n : Nat} [CommRingScalar α] [LE α] [DecidableLE α] [LT α] [LawfulOrderLT α]
  [IsLinearOrder α] [OrderedRing α]

example (r : Rounding α) (w : Tensor α [n]) (t : DiagonalTransition α n)
    (ts : List (DiagonalTransition α n)) (v : Tensor α [n]) (ws : List (Tensor α [n])) (hw : ws.length = ts.length) (i : Fin n)
    (leaves : List (InexactTransition α))
    (hleaves : leaves.map InexactTransition.exact =
      (adjointTransitions (t :: ts) (v :: ws)).map (DiagonalTransition.entry i))
    {tree : Tree (α × α)} {result : α × α}
    (htree : tree.toList = (0, w.get i) :: leaves.map InexactTransition.given) (h : r.Evaluates tree result)
    (hη : 8 * (r.w * r.w * r.η) * (((leaves.length + 1 : Nat) : α) * ((leaves.length + 1 : Nat) : α)) ≤ 1) :
    ∃ g ∈ (diagonalScanVjp w (t :: ts) (v :: ws)).head?, magnitude (result.2 - g.get i) ≤ r.scanBound (w.get i) leaves := by
  apply diagonalScan_vjp_inputs_error <;> assumption

end

end Scanproof
