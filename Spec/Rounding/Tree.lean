/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Rounding.Model
public import Spec.Scan.Tree

/-!
# Rounding in scans of any association

A scan `h' = a * h + b` may be evaluated one token after another, in chunks, by recursive doubling, by up- and down-sweeps: always by
some binary tree, whose nodes combine neighbours by `(a₁, b₁), (a₂, b₂) ↦ (a₂ * a₁, a₂ * b₁ + b₂)`. The bound here holds for every
tree at once, so it does not ask how an implementation does it. The initial state is a leaf, `(0, h₀)`.

For a sequence of transitions, let `m` be its scan on absolute values, and `g` the same scan with decays `w * |a|`, `w = 1 + u`. A tree
of `n + 1` leaves lies within

    wⁿ * g - m + η * (4 * ((n + 1) * (M + 1) - 1) * p)

of the exact result, where `M` is the sum of all `|b|` and `p` the product of all `w² * max 1 |a|`, provided that `8 * w² * η * (n + 1)² ≤ 1`.
Without underflow (`η = 0`) the last term and the condition vanish.

## Main definitions

* `Rounding.Evaluates`: the transitions that a tree may evaluate to.
* `absoluteScan`, `leafProduct`, `leafSum`: what the bound is made of.

## Main results

* `Rounding.tree_error`: the bound, for any tree.

## References

* N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd edition, SIAM 2002, chapters 3 and 4.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind Std

attribute [local instance] Semiring.natCast

variable {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

/-- One after the other, exactly: the transition `later` after `earlier`. -/
def affineAfter (later earlier : R × R) : R × R := (later.1 * earlier.1, later.1 * earlier.2 + later.2)

/-- The transitions that a tree may evaluate to when every operation rounds, fused multiply-adds included. -/
inductive Rounding.Evaluates (r : Rounding R) : Tree (R × R) → R × R → Prop where
  /-- A leaf is known exactly. -/
  | leaf (t : R × R) : r.Evaluates (.leaf t) t
  /-- A node combines what its two sides evaluate to. -/
  | node {earlier later : Tree (R × R)} {first second result : R × R} (h₁ : r.Evaluates earlier first)
      (h₂ : r.Evaluates later second) (ha : r.Rounds (second.1 * first.1) result.1)
      (hb : r.Affine second.1 first.2 second.2 result.2) : r.Evaluates (.node earlier later) result

/-- The same, seen as what a transition does to a state. -/
def affineApply (t : R × R) (h : R) : R := t.1 * h + t.2

/-- The scan on absolute values, every decay enlarged by `c`: `g' = c * |a| * g + |b|`, from zero. -/
def absoluteScan (c : R) (ts : List (R × R)) : R :=
  ts.foldl (fun g t => c * magnitude t.1 * g + magnitude t.2) 0

/-- The product of all `w² * max 1 |a|`. -/
def leafProduct (w : R) (ts : List (R × R)) : R :=
  ts.foldl (fun p t => p * (w * w * (if 1 ≤ magnitude t.1 then magnitude t.1 else 1))) 1

/-- The sum of all `|b|`. -/
def leafSum (ts : List (R × R)) : R := ts.foldl (fun s t => s + magnitude t.2) 0

/-- How far any evaluation of a scan by a tree over `ts` can lie from the exact result. -/
def Rounding.treeBound (r : Rounding R) (ts : List (R × R)) : R :=
  r.w ^ (ts.length - 1) * absoluteScan r.w ts - absoluteScan 1 ts +
    r.η * (4 * ((ts.length : R) * (leafSum ts + 1) - 1) * leafProduct r.w ts)

/-! ## What the bound is made of, along a tree -/

/-- What the bound of a tree is made of, found along the tree. -/
private structure Parts (R : Type) where
  n : R
  P : R
  A : R
  B : R
  G : R
  p : R
  M : R

private def parts (w : R) : Tree (R × R) → Parts R
  | .leaf t =>
    { n := 0, P := 1, A := magnitude t.1, B := magnitude t.2, G := magnitude t.2, p := w * w * (if 1 ≤ magnitude t.1 then magnitude t.1 else 1), M := magnitude t.2 }
  | .node earlier later =>
    let e := parts w earlier
    let l := parts w later
    { n := e.n + l.n + 1, P := w * (e.P * l.P), A := l.A * e.A, B := l.A * e.B + l.B, G := w * (l.P * l.A) * e.G + l.G,
      p := e.p * l.p, M := e.M + l.M }

private structure Parts.Sound (w : R) (b : Parts R) : Prop where
  n : 0 ≤ b.n
  P : 1 ≤ b.P
  A : 0 ≤ b.A
  B : 0 ≤ b.B
  G : 0 ≤ b.G
  M : 0 ≤ b.M
  wP : w * b.P ≤ b.p
  wPA : w * w * (b.P * b.P * b.A) ≤ b.p
  wPG : w * w * (b.P * b.G) ≤ b.p * b.M

private theorem parts_leaf_sound {w : R} (hw : 1 ≤ w) (t : R × R) : (parts w (.leaf t)).Sound w := by
  have hw0 := nonneg_of_one_le hw
  have hww := one_le_mul hw hw
  have hww0 := nonneg_of_one_le hww
  have ha := magnitude_nonneg t.1
  have hb := magnitude_nonneg t.2
  have hone : 1 ≤ (if 1 ≤ magnitude t.1 then magnitude t.1 else 1) := by split <;> grind
  have hmax : magnitude t.1 ≤ (if 1 ≤ magnitude t.1 then magnitude t.1 else 1) := by split <;> grind
  have h1 := mul_le_mul_of_nonneg hww0 (le_refl _) zero_le_one hone
  have h2 := mul_le_mul_of_nonneg hww0 (le_refl _) ha hmax
  have h4 := OrderedRing.mul_nonneg hw0 (show 0 ≤ w - 1 by grind)
  constructor <;> simp only [parts]
  · grind
  · grind
  · exact ha
  · exact hb
  · exact hb
  · exact hb
  · grind
  · grind
  · have := OrderedRing.mul_nonneg (show 0 ≤ w * w * (if 1 ≤ magnitude t.1 then magnitude t.1 else 1) - w * w by grind) hb
    grind

private theorem parts_node_sound {w : R} (hw : 1 ≤ w) {e l : Tree (R × R)} (he : (parts w e).Sound w)
    (hl : (parts w l).Sound w) : (parts w (.node e l)).Sound w := by
  have hw0 := nonneg_of_one_le hw
  have hPe := nonneg_of_one_le he.P
  have hPl := nonneg_of_one_le hl.P
  have hwPe : 0 ≤ w * (parts w e).P := OrderedRing.mul_nonneg hw0 hPe
  have hwPl : 0 ≤ w * (parts w l).P := OrderedRing.mul_nonneg hw0 hPl
  constructor <;> simp only [parts]
  · have := he.n
    have := hl.n
    have := zero_le_one (R := R)
    grind
  · exact one_le_mul hw (one_le_mul he.P hl.P)
  · exact OrderedRing.mul_nonneg hl.A he.A
  · have := OrderedRing.mul_nonneg hl.A he.B
    have := hl.B
    grind
  · have := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 (OrderedRing.mul_nonneg hPl hl.A)) he.G
    have := hl.G
    grind
  · have := he.M
    have := hl.M
    grind
  · have h := mul_le_mul_of_nonneg hwPe he.wP hwPl hl.wP
    have h' := mul_le_mul_of_nonneg (OrderedRing.mul_nonneg hPe hPl) (le_refl _) hw0
      (show w ≤ w * w by have := OrderedRing.mul_nonneg hw0 (show 0 ≤ w - 1 by grind); grind)
    grind
  · have h := mul_le_mul_of_nonneg
      (OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 hw0) (OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hPe hPe) he.A))
      he.wPA
      (OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 hw0) (OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hPl hPl) hl.A))
      hl.wPA
    grind
  · have h1 := mul_le_mul_of_nonneg
      (OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 hw0) (OrderedRing.mul_nonneg hPe he.G)) he.wPG
      (OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 hw0) (OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hPl hPl) hl.A))
      hl.wPA
    have h2 := mul_le_mul_of_nonneg hwPe he.wP
      (OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 hw0) (OrderedRing.mul_nonneg hPl hl.G)) hl.wPG
    grind

private theorem parts_sound {w : R} (hw : 1 ≤ w) : (tree : Tree (R × R)) → (parts w tree).Sound w
  | .leaf t => parts_leaf_sound hw t
  | .node _ _ => parts_node_sound hw (parts_sound hw _) (parts_sound hw _)

/-! ## One node -/

omit [DecidableLE R] in
private theorem Parts.Sound.facts {w : R} (hw : 1 ≤ w) {b : Parts R} (h : b.Sound w) :
    1 ≤ b.p ∧ w ≤ b.p ∧ w * (b.P * b.A) ≤ b.p ∧ w * w * (b.P * b.A) ≤ b.p := by
  have hw0 := nonneg_of_one_le hw
  have hP0 := nonneg_of_one_le h.P
  have hPA := OrderedRing.mul_nonneg hP0 h.A
  have h1 := OrderedRing.mul_nonneg hw0 (show 0 ≤ b.P - 1 by have := h.P; grind)
  have h2 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 hw0)
    (OrderedRing.mul_nonneg hPA (show 0 ≤ b.P - 1 by have := h.P; grind))
  have h3 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 hPA) (show 0 ≤ w - 1 by grind)
  have := h.wP
  have := h.wPA
  refine ⟨?_, ?_, ?_, ?_⟩ <;> grind

omit [DecidableLE R] in
private theorem decay_node {w η : R} (hw : 1 ≤ w) (hη : 0 ≤ η) {e l : Parts R} (he : e.Sound w) (hl : l.Sound w)
    (hc : 8 * (w * w * η) * ((e.n + 1) * (l.n + 1)) ≤ 1) :
    w * ((l.P * l.A + η * (2 * l.n * l.p)) * (e.P * e.A + η * (2 * e.n * e.p))) + η ≤
      w * (e.P * l.P) * (l.A * e.A) + η * (2 * (e.n + l.n + 1) * (e.p * l.p)) := by
  obtain ⟨he1, _, heA, _⟩ := he.facts hw
  obtain ⟨hl1, _, hlA, _⟩ := hl.facts hw
  have hw0 := nonneg_of_one_le hw
  have hp := one_le_mul he1 hl1
  have hη1 := OrderedRing.mul_nonneg hw0 hη
  have hη2 := OrderedRing.mul_nonneg hη1 (show 0 ≤ w - 1 by grind)
  have hn := OrderedRing.mul_nonneg he.n hl.n
  have c1 := OrderedRing.mul_nonneg hη1 hn
  have c2 := OrderedRing.mul_nonneg hη2 hn
  have c3 := OrderedRing.mul_nonneg hη1 he.n
  have c4 := OrderedRing.mul_nonneg hη1 hl.n
  have c5 := OrderedRing.mul_nonneg hη2 he.n
  have c6 := OrderedRing.mul_nonneg hη2 hl.n
  have hc' : 0 ≤ 1 - 4 * (w * η) * (e.n * l.n) := by grind
  have f1 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hη (OrderedRing.mul_nonneg he.n (nonneg_of_one_le he1)))
    (show 0 ≤ l.p - w * (l.P * l.A) by grind)
  have f2 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hη (OrderedRing.mul_nonneg hl.n (nonneg_of_one_le hl1)))
    (show 0 ≤ e.p - w * (e.P * e.A) by grind)
  have f3 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hη (nonneg_of_one_le hp)) hc'
  have f4 := OrderedRing.mul_nonneg hη (show 0 ≤ e.p * l.p - 1 by grind)
  have key : w * (e.P * l.P) * (l.A * e.A) + η * (2 * (e.n + l.n + 1) * (e.p * l.p)) -
      (w * ((l.P * l.A + η * (2 * l.n * l.p)) * (e.P * e.A + η * (2 * e.n * e.p))) + η) =
      2 * (η * (e.n * e.p) * (l.p - w * (l.P * l.A))) + 2 * (η * (l.n * l.p) * (e.p - w * (e.P * e.A))) +
        η * (e.p * l.p) * (1 - 4 * (w * η) * (e.n * l.n)) + η * (e.p * l.p - 1) := by
    grind
  grind

omit [DecidableLE R] in
private theorem input_node {w η : R} (hw : 1 ≤ w) (hη : 0 ≤ η) {e l : Parts R} (he : e.Sound w) (hl : l.Sound w)
    (hc : 8 * (w * w * η) * ((e.n + 1) * (l.n + 1)) ≤ 1) :
    w * (w * ((l.P * l.A + η * (2 * l.n * l.p)) * (e.P * e.G + η * (4 * ((e.n + 1) * (e.M + 1) - 1) * e.p))) + η +
        (l.P * l.G + η * (4 * ((l.n + 1) * (l.M + 1) - 1) * l.p))) + η ≤
      w * (e.P * l.P) * (w * (l.P * l.A) * e.G + l.G) +
        η * (4 * ((e.n + l.n + 1 + 1) * (e.M + l.M + 1) - 1) * (e.p * l.p)) := by
  obtain ⟨he1, hew, _, _⟩ := he.facts hw
  obtain ⟨hl1, hlw, _, hlA⟩ := hl.facts hw
  have hw0 := nonneg_of_one_le hw
  have hep := nonneg_of_one_le he1
  have hlp := nonneg_of_one_le hl1
  have hp := one_le_mul he1 hl1
  have hp0 := nonneg_of_one_le hp
  have hP := OrderedRing.mul_nonneg (nonneg_of_one_le he.P) (nonneg_of_one_le hl.P)
  have hkM (b : Parts R) (hb : b.Sound w) : 0 ≤ (b.n + 1) * (b.M + 1) - 1 := by
    have := OrderedRing.mul_nonneg hb.n hb.M
    have := hb.n
    have := hb.M
    grind
  have hβe := hkM e he
  have hβl := hkM l hl
  have m1 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 hw0)
    (OrderedRing.mul_nonneg hP (OrderedRing.mul_nonneg hl.A he.G))) (show 0 ≤ l.P - 1 by have := hl.P; grind)
  have m2 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 (OrderedRing.mul_nonneg (nonneg_of_one_le hl.P) hl.G))
    (show 0 ≤ e.P - 1 by have := he.P; grind)
  have f1 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hη (OrderedRing.mul_nonneg hβe hep))
    (show 0 ≤ l.p - w * w * (l.P * l.A) by grind)
  have f2 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hη (OrderedRing.mul_nonneg hl.n hlp))
    (show 0 ≤ e.p * e.M - w * w * (e.P * e.G) by have := he.wPG; grind)
  have hM1 : 0 ≤ e.M + 1 := by
    have := he.M
    have := zero_le_one (R := R)
    grind
  have hwwη := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 hw0) hη
  have g1 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hwwη (show 0 ≤ e.n + 1 by have := he.n; have := zero_le_one (R := R); grind)) hM1
  have g2 := OrderedRing.mul_nonneg hM1 (show 0 ≤ 1 - 8 * (w * w * η) * ((e.n + 1) * (l.n + 1)) by grind)
  have g3 := OrderedRing.mul_nonneg hwwη hl.n
  have hc' : 0 ≤ e.M + 1 - 8 * (w * w * η) * l.n * ((e.n + 1) * (e.M + 1) - 1) := by grind
  have f3 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hη hp0) hc'
  have f4 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hη (OrderedRing.mul_nonneg hβl hlp)) (show 0 ≤ e.p - w by grind)
  have f5 := OrderedRing.mul_nonneg hη (show 0 ≤ e.p * l.p - w by
    have := OrderedRing.mul_nonneg hep (show 0 ≤ l.p - 1 by grind)
    grind)
  have f6 := OrderedRing.mul_nonneg hη (show 0 ≤ e.p * l.p - 1 by grind)
  have hn1 : 0 ≤ e.n + 1 := by
    have := he.n
    have := zero_le_one (R := R)
    grind
  have hrest : 0 ≤ 4 * ((e.n + 1) * l.M) + (2 * l.n + 3) * e.M + 1 := by
    have := OrderedRing.mul_nonneg hn1 hl.M
    have := OrderedRing.mul_nonneg hl.n he.M
    have := he.M
    have := zero_le_one (R := R)
    grind
  have f7 := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hη hp0) hrest
  have key : w * (e.P * l.P) * (w * (l.P * l.A) * e.G + l.G) +
        η * (4 * ((e.n + l.n + 1 + 1) * (e.M + l.M + 1) - 1) * (e.p * l.p)) -
      (w * (w * ((l.P * l.A + η * (2 * l.n * l.p)) * (e.P * e.G + η * (4 * ((e.n + 1) * (e.M + 1) - 1) * e.p))) + η +
        (l.P * l.G + η * (4 * ((l.n + 1) * (l.M + 1) - 1) * l.p))) + η) =
      w * w * (e.P * l.P * (l.A * e.G)) * (l.P - 1) + w * (l.P * l.G) * (e.P - 1) +
        4 * (η * (((e.n + 1) * (e.M + 1) - 1) * e.p) * (l.p - w * w * (l.P * l.A))) +
        2 * (η * (l.n * l.p) * (e.p * e.M - w * w * (e.P * e.G))) +
        η * (e.p * l.p) * (e.M + 1 - 8 * (w * w * η) * l.n * ((e.n + 1) * (e.M + 1) - 1)) +
        4 * (η * (((l.n + 1) * (l.M + 1) - 1) * l.p) * (e.p - w)) + η * (e.p * l.p - w) + η * (e.p * l.p - 1) +
        η * (e.p * l.p) * (4 * ((e.n + 1) * l.M) + (2 * l.n + 3) * e.M + 1) := by
    grind
  grind

/-! ## All nodes -/

private def nodes : Tree (R × R) → Nat
  | .leaf _ => 0
  | .node e l => nodes e + nodes l + 1

omit [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
private theorem length_toList : (tree : Tree (R × R)) → tree.toList.length = nodes tree + 1
  | .leaf _ => rfl
  | .node e l => by
    rw [Tree.toList, List.length_append, length_toList e, length_toList l, nodes]
    omega

omit [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
private theorem parts_n (w : R) : (tree : Tree (R × R)) → (parts w tree).n = (nodes tree : R)
  | .leaf _ => by simp only [parts, nodes]; exact Semiring.natCast_zero.symm
  | .node e l => by
    simp only [parts, nodes, parts_n w e, parts_n w l, Semiring.natCast_add, Semiring.natCast_one]

omit [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
private theorem parts_P (w : R) : (tree : Tree (R × R)) → (parts w tree).P = w ^ nodes tree
  | .leaf _ => by simp only [parts, nodes, Semiring.pow_zero]
  | .node e l => by
    simp only [parts, nodes, parts_P w e, parts_P w l, Semiring.pow_succ, Semiring.pow_add]
    grind

omit [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
private theorem parts_scan (w g : R) : (tree : Tree (R × R)) →
    tree.toList.foldl (fun g t => w * magnitude t.1 * g + magnitude t.2) g =
      w * ((parts w tree).P * (parts w tree).A) * g + (parts w tree).G
  | .leaf t => by simp only [parts, Tree.toList, List.foldl_cons, List.foldl_nil]; grind
  | .node e l => by
    simp only [parts, Tree.toList, List.foldl_append, parts_scan w _ e, parts_scan w _ l]
    grind

omit [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
private theorem parts_absolute (w g : R) : (tree : Tree (R × R)) →
    tree.toList.foldl (fun g t => 1 * magnitude t.1 * g + magnitude t.2) g = (parts w tree).A * g + (parts w tree).B
  | .leaf t => by simp only [parts, Tree.toList, List.foldl_cons, List.foldl_nil]; grind
  | .node e l => by
    simp only [parts, Tree.toList, List.foldl_append, parts_absolute w _ e, parts_absolute w _ l]
    grind

omit [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
private theorem parts_product (w p : R) : (tree : Tree (R × R)) →
    tree.toList.foldl (fun p t => p * (w * w * (if 1 ≤ magnitude t.1 then magnitude t.1 else 1))) p =
      p * (parts w tree).p
  | .leaf t => by simp only [parts, Tree.toList, List.foldl_cons, List.foldl_nil]
  | .node e l => by
    simp only [parts, Tree.toList, List.foldl_append, parts_product w _ e, parts_product w _ l]
    grind

omit [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
private theorem parts_sum (w s : R) : (tree : Tree (R × R)) →
    tree.toList.foldl (fun s t => s + magnitude t.2) s = s + (parts w tree).M
  | .leaf t => by simp only [parts, Tree.toList, List.foldl_cons, List.foldl_nil]
  | .node e l => by
    simp only [parts, Tree.toList, List.foldl_append, parts_sum w _ e, parts_sum w _ l]
    grind

private theorem evaluates_within (r : Rounding R) {tree : Tree (R × R)} {result : R × R} (h : r.Evaluates tree result)
    {N : R} (hN : (parts r.w tree).n + 1 ≤ N) (hη : 8 * (r.w * r.w * r.η) * (N * N) ≤ 1) :
    Within result.1 (tree.combine affineAfter).1 (parts r.w tree).A
        ((parts r.w tree).P * (parts r.w tree).A + r.η * (2 * (parts r.w tree).n * (parts r.w tree).p)) ∧
      Within result.2 (tree.combine affineAfter).2 (parts r.w tree).B
        ((parts r.w tree).P * (parts r.w tree).G +
          r.η * (4 * (((parts r.w tree).n + 1) * ((parts r.w tree).M + 1) - 1) * (parts r.w tree).p)) := by
  have hw := r.one_le_w
  induction h with
  | leaf t =>
    have hb := OrderedRing.mul_nonneg r.η_nonneg (OrderedRing.mul_nonneg (magnitude_nonneg t.2)
      (nonneg_of_one_le ((parts_leaf_sound hw t).facts hw).1))
    constructor
    · exact (Within.exact t.1).mono (by simp only [parts]; grind)
    · refine (Within.exact t.2).mono ?_
      simp only [parts] at hb ⊢
      grind
  | @node earlier later first second result h₁ h₂ ha hb ih₁ ih₂ =>
    have he := parts_sound hw earlier
    have hl := parts_sound hw later
    have hn₁ := he.n
    have hn₂ := hl.n
    have hone := zero_le_one (R := R)
    simp only [parts] at hN
    obtain ⟨ha₁, hb₁⟩ := ih₁ (by grind)
    obtain ⟨ha₂, hb₂⟩ := ih₂ (by grind)
    have hw0 := nonneg_of_one_le hw
    have hc : 8 * (r.w * r.w * r.η) * (((parts r.w earlier).n + 1) * ((parts r.w later).n + 1)) ≤ 1 := by
      have hwwη := OrderedRing.mul_nonneg (OrderedRing.mul_nonneg hw0 hw0) r.η_nonneg
      have h := mul_le_mul_of_nonneg (show 0 ≤ (parts r.w earlier).n + 1 by grind)
        (show (parts r.w earlier).n + 1 ≤ N by grind) (show 0 ≤ (parts r.w later).n + 1 by grind)
        (show (parts r.w later).n + 1 ≤ N by grind)
      have h' := OrderedRing.mul_le_mul_of_nonneg_left h hwwη
      grind
    constructor
    · refine ((ha₂.mul ha₁).round r ha).mono ?_
      exact decay_node hw r.η_nonneg he hl hc
    · refine (r.affine_error ha₂ hb₁ hb₂ hb).mono ?_
      exact input_node hw r.η_nonneg he hl hc

/--
However a scan is associated, what it evaluates to lies within `treeBound` of the exact result, which depends on the transitions alone and
not on the tree. The condition says that underflow is rare for so many tokens; it is void for `η = 0`.
-/
theorem Rounding.tree_error (r : Rounding R) {tree : Tree (R × R)} {result : R × R} (h : r.Evaluates tree result)
    (hη : 8 * (r.w * r.w * r.η) * ((tree.toList.length : R) * tree.toList.length) ≤ 1) :
    magnitude (result.2 - (tree.combine affineAfter).2) ≤ r.treeBound tree.toList := by
  have hlength : (tree.toList.length : R) = (parts r.w tree).n + 1 := by
    rw [length_toList, parts_n, Semiring.natCast_add, Semiring.natCast_one]
  have herror := (evaluates_within r h (by rw [← hlength]; exact le_refl _) hη).2.error
  have hG : absoluteScan r.w tree.toList = (parts r.w tree).G := by
    rw [absoluteScan, parts_scan]
    grind
  have hB : absoluteScan 1 tree.toList = (parts r.w tree).B := by
    rw [absoluteScan, parts_absolute r.w]
    grind
  have hp : leafProduct r.w tree.toList = (parts r.w tree).p := by
    rw [leafProduct, parts_product]
    grind
  have hM : leafSum tree.toList = (parts r.w tree).M := by
    rw [leafSum, parts_sum r.w]
    grind
  have hP : r.w ^ (tree.toList.length - 1) = (parts r.w tree).P := by
    rw [length_toList, Nat.add_sub_cancel, parts_P]
  unfold treeBound
  rw [hG, hB, hp, hM, hP, hlength]
  grind

end Scanproof
