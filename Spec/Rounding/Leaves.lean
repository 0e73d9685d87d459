/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Rounding.Sequential

/-!
# Inexact coefficients, and soundness

An implementation scans the coefficients that it has: `a = exp (dt * A)` to some ulps of a rounded argument, `b` from rounded projections.
They move the exact result first, and rounding then moves what is computed from them. How accurate `exp` is enters here, as a number that is
assumed; no theorem says what it is.

## Main definitions

* `InexactTransition`: a transition, the one the implementation has, and how far they lie apart.
* `movedBy`: how far inexact transitions move the exact state.
* `Rounding.scanBound`: the bound of a scan with inexact transitions, in any association.

## Main results

* `leaf_error`: inexact transitions move the state by at most `movedBy`.
* `Rounding.treeBound_mono`: larger coefficients have a larger bound, so that a bound of them is enough to know.
* `Rounding.scan_error`: **soundness**. Whatever evaluates the recurrence on such coefficients, in whatever association, lies within
  `scanBound` of the exact state. So what lies outside does not evaluate the recurrence under the model.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind Std

attribute [local instance] Semiring.natCast

/-- A transition, the one that an implementation has in its place, and how far they lie apart. -/
structure InexactTransition (R : Type) [CommRing R] [LE R] [DecidableLE R] where
  /-- The transition that is meant. -/
  exact : R × R
  /-- The transition that the implementation has. -/
  given : R × R
  /-- How far apart their decays and inputs may lie. -/
  error : R × R
  /-- The decays lie no farther apart. -/
  decay_close : magnitude (given.1 - exact.1) ≤ error.1
  /-- The inputs lie no farther apart. -/
  input_close : magnitude (given.2 - exact.2) ≤ error.2

variable {R : Type} [CommRing R] [LE R] [DecidableLE R]

/-- How large the coefficients that the implementation has can be. -/
def InexactTransition.reach (t : InexactTransition R) : R × R :=
  (magnitude t.exact.1 + t.error.1, magnitude t.exact.2 + t.error.2)

/-- How far inexact transitions move the state `h` of the exact run, when it has been moved by `d` already. -/
def movedBy (h d : R) : List (InexactTransition R) → R
  | [] => d
  | t :: ts =>
    movedBy (affineApply t.exact h)
      ((magnitude t.exact.1 + t.error.1) * d + (t.error.1 * magnitude h + t.error.2)) ts

/-- The bound of a scan with inexact transitions: what rounding can do, and what the transitions do. -/
def Rounding.scanBound (r : Rounding R) (h0 : R) (ts : List (InexactTransition R)) : R :=
  r.treeBound ((0, h0) :: ts.map InexactTransition.reach) + movedBy h0 0 ts

variable [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

/-- Inexact transitions move the state by at most `movedBy`, in exact arithmetic. -/
theorem leaf_error {h h' d : R} (hd : magnitude (h' - h) ≤ d) (ts : List (InexactTransition R)) :
    magnitude (((ts.map InexactTransition.given).foldl (fun h t => affineApply t h) h') -
      ((ts.map InexactTransition.exact).foldl (fun h t => affineApply t h) h)) ≤ movedBy h d ts := by
  induction ts generalizing h h' d with
  | nil => exact hd
  | cons t ts ih =>
    refine ih (h := affineApply t.exact h) (h' := affineApply t.given h') ?_
    have hstep := ((Within.inexact t.decay_close).mul (Within.inexact hd)).add (Within.inexact t.input_close)
    have := hstep.error
    simp only [affineApply]
    grind

/-! ## Larger coefficients have a larger bound -/

/-- Both coefficients of the first transition are at most those of the second in magnitude. -/
def Dominated (s t : R × R) : Prop := magnitude s.1 ≤ magnitude t.1 ∧ magnitude s.2 ≤ magnitude t.2

/-- Transitions, position by position dominated. -/
inductive AllDominated : List (R × R) → List (R × R) → Prop where
  /-- No transitions. -/
  | nil : AllDominated [] []
  /-- One more. -/
  | cons {s t : R × R} {ss ts : List (R × R)} (head : Dominated s t) (tail : AllDominated ss ts) :
      AllDominated (s :: ss) (t :: ts)

omit [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
private theorem AllDominated.length_eq {ss ts : List (R × R)} (h : AllDominated ss ts) : ss.length = ts.length := by
  induction h with
  | nil => rfl
  | cons _ _ ih => simp only [List.length_cons, ih]

private theorem gap_mono {w : R} (hw : 1 ≤ w) {ss ts : List (R × R)} (h : AllDominated ss ts) {g m g' m' : R} (hm : 0 ≤ m)
    (hgm : m ≤ g) (hgg' : g ≤ g') (hgap : m' - m ≤ g' - g) (hm' : m ≤ m') :
    let G := ss.foldl (fun g t => w * magnitude t.1 * g + magnitude t.2) g
    let M := ss.foldl (fun g t => 1 * magnitude t.1 * g + magnitude t.2) m
    let G' := ts.foldl (fun g t => w * magnitude t.1 * g + magnitude t.2) g'
    let M' := ts.foldl (fun g t => 1 * magnitude t.1 * g + magnitude t.2) m'
    0 ≤ M ∧ M ≤ G ∧ G ≤ G' ∧ M' - M ≤ G' - G ∧ M ≤ M' := by
  induction h generalizing g m g' m' with
  | nil => exact ⟨hm, hgm, hgg', hgap, hm'⟩
  | @cons s t ss ts head tail ih =>
    have hw0 := nonneg_of_one_le hw
    have ha := magnitude_nonneg s.1
    have hb := magnitude_nonneg s.2
    have hα : 0 ≤ magnitude t.1 := magnitude_nonneg t.1
    obtain ⟨h1, h2⟩ := head
    have p1 := OrderedRing.mul_nonneg ha hm
    have p2 := OrderedRing.mul_nonneg ha (show 0 ≤ g - m by grind)
    have p3 := OrderedRing.mul_nonneg (show 0 ≤ w - 1 by grind) (OrderedRing.mul_nonneg ha (show 0 ≤ g by grind))
    have p4 := mul_le_mul_of_nonneg ha h1 (show 0 ≤ g by grind) hgg'
    have p5 := OrderedRing.mul_le_mul_of_nonneg_left p4 hw0
    have p6 := OrderedRing.mul_nonneg hα (show 0 ≤ g' - g - (m' - m) by grind)
    have p7 := OrderedRing.mul_nonneg (show 0 ≤ magnitude t.1 - magnitude s.1 by grind) (show 0 ≤ g - m by grind)
    have p8 := OrderedRing.mul_nonneg (show 0 ≤ w - 1 by grind)
      (show 0 ≤ magnitude t.1 * g' - magnitude s.1 * g by grind)
    have p9 := mul_le_mul_of_nonneg ha h1 hm hm'
    exact ih (by grind) (by grind) (by grind) (by grind) (by grind)

private theorem leafProduct_mono {w : R} {ss ts : List (R × R)} (h : AllDominated ss ts) {p p' : R}
    (hp0 : 0 ≤ p) (hp : p ≤ p') :
    let P := ss.foldl (fun p t => p * (w * w * (if 1 ≤ magnitude t.1 then magnitude t.1 else 1))) p
    let P' := ts.foldl (fun p t => p * (w * w * (if 1 ≤ magnitude t.1 then magnitude t.1 else 1))) p'
    0 ≤ P ∧ P ≤ P' := by
  induction h generalizing p p' with
  | nil => exact ⟨hp0, hp⟩
  | @cons s t ss ts head tail ih =>
    have hww : 0 ≤ w * w := by
      rcases IsLinearOrder.le_total 0 w with h | h
      · exact OrderedRing.mul_nonneg h h
      · have := OrderedRing.mul_nonneg (show 0 ≤ -w by grind) (show 0 ≤ -w by grind)
        grind
    have hone := zero_le_one (R := R)
    have hmax0 : 0 ≤ (if 1 ≤ magnitude s.1 then magnitude s.1 else 1) := by split <;> grind
    have hmax : (if 1 ≤ magnitude s.1 then magnitude s.1 else 1) ≤ (if 1 ≤ magnitude t.1 then magnitude t.1 else 1) := by
      have := head.1
      split <;> split <;> grind
    have h1 := OrderedRing.mul_le_mul_of_nonneg_left hmax hww
    have h2 := OrderedRing.mul_nonneg hww hmax0
    exact ih (OrderedRing.mul_nonneg hp0 h2) (mul_le_mul_of_nonneg hp0 hp h2 h1)

private theorem leafSum_mono {ss ts : List (R × R)} (h : AllDominated ss ts) {s s' : R} (hs0 : 0 ≤ s) (hs : s ≤ s') :
    let S := ss.foldl (fun s t => s + magnitude t.2) s
    let S' := ts.foldl (fun s t => s + magnitude t.2) s'
    0 ≤ S ∧ S ≤ S' := by
  induction h generalizing s s' with
  | nil => exact ⟨hs0, hs⟩
  | @cons t _ _ _ head _ ih =>
    have := magnitude_nonneg t.2
    have := head.2
    exact ih (by grind) (by grind)

/-- Larger coefficients have a larger bound. -/
theorem Rounding.treeBound_mono (r : Rounding R) {ss ts : List (R × R)} (h : AllDominated ss ts) (hne : ss ≠ []) :
    r.treeBound ss ≤ r.treeBound ts := by
  have hw := r.one_le_w
  have hone := zero_le_one (R := R)
  have hzero := le_refl (0 : R)
  obtain ⟨_, _, hG, hgap, _⟩ := gap_mono hw h hzero hzero hzero (by grind) hzero
  obtain ⟨hP0, hP⟩ := leafProduct_mono (w := r.w) h hone (le_refl 1)
  obtain ⟨hS0, hS⟩ := leafSum_mono h hzero hzero
  have hlen := h.length_eq
  have hpow := one_le_pow hw (ts.length - 1)
  have hL : (1 : R) ≤ (ts.length : R) := by
    obtain ⟨s, ss', rfl⟩ := List.exists_cons_of_ne_nil hne
    rw [← hlen, List.length_cons, Semiring.natCast_succ]
    have := natCast_nonneg (R := R) ss'.length
    grind
  unfold treeBound absoluteScan leafProduct leafSum
  rw [hlen]
  have h1 := OrderedRing.mul_nonneg (show 0 ≤ r.w ^ (ts.length - 1) - 1 by grind)
    (show 0 ≤ ts.foldl (fun g t => r.w * magnitude t.1 * g + magnitude t.2) 0 -
      ss.foldl (fun g t => r.w * magnitude t.1 * g + magnitude t.2) 0 by grind)
  have hL0 := nonneg_of_one_le hL
  have h2 := OrderedRing.mul_le_mul_of_nonneg_left (show ss.foldl (fun s t => s + magnitude t.2) 0 + 1 ≤
    ts.foldl (fun s t => s + magnitude t.2) 0 + 1 by grind) hL0
  have h3 : 0 ≤ (ts.length : R) * (ss.foldl (fun s t => s + magnitude t.2) 0 + 1) - 1 := by
    have := mul_le_mul_of_nonneg hone hL hone (show 1 ≤ ss.foldl (fun s t => s + magnitude t.2) 0 + 1 by grind)
    grind
  have h4 := mul_le_mul_of_nonneg h3 (show (ts.length : R) * (ss.foldl (fun s t => s + magnitude t.2) 0 + 1) - 1 ≤
    (ts.length : R) * (ts.foldl (fun s t => s + magnitude t.2) 0 + 1) - 1 by grind) hP0 hP
  have h5 := OrderedRing.mul_le_mul_of_nonneg_left h4 r.η_nonneg
  grind

/-! ## Soundness -/

omit [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
/-- What a tree of transitions does to a state is what they do one after the other. -/
theorem affineApply_combine (tree : Tree (R × R)) (h : R) :
    affineApply (tree.combine affineAfter) h = tree.toList.foldl (fun h t => affineApply t h) h := by
  refine Tree.act_combine affineAfter affineApply (fun later earlier s => ?_) tree h
  simp only [affineApply, affineAfter]
  grind

private theorem reach_dominates (ts : List (InexactTransition R)) :
    AllDominated (ts.map InexactTransition.given) (ts.map InexactTransition.reach) := by
  induction ts with
  | nil => exact .nil
  | cons t ts ih =>
    refine .cons ⟨?_, ?_⟩ ih
    · have := (Within.inexact t.decay_close).computed
      have := le_magnitude (magnitude t.exact.1 + t.error.1)
      simp only [InexactTransition.reach]
      grind
    · have := (Within.inexact t.input_close).computed
      have := le_magnitude (magnitude t.exact.2 + t.error.2)
      simp only [InexactTransition.reach]
      grind

/--
Soundness of the bound. Let a tree have the initial state `(0, h0)` as its first leaf and the transitions that an implementation has as the
others. Whatever it evaluates to, every operation rounding in a way of its own, lies within `scanBound` of the state that the exact transitions
lead to. The condition bounds underflow; it is void for `η = 0`.

So an output outside the bound was not computed by this recurrence, in any association, under this model of rounding.
-/
theorem Rounding.scan_error (r : Rounding R) (h0 : R) (ts : List (InexactTransition R)) {tree : Tree (R × R)} {result : R × R}
    (hleaves : tree.toList = (0, h0) :: ts.map InexactTransition.given) (h : r.Evaluates tree result)
    (hη : 8 * (r.w * r.w * r.η) * (((ts.length + 1 : Nat) : R) * ((ts.length + 1 : Nat) : R)) ≤ 1) :
    magnitude (result.2 - (ts.map InexactTransition.exact).foldl (fun h t => affineApply t h) h0) ≤ r.scanBound h0 ts := by
  have hlen : tree.toList.length = ts.length + 1 := by rw [hleaves, List.length_cons, List.length_map]
  have hrounding := r.tree_error h (by rw [hlen]; exact hη)
  have hcombine : (tree.combine affineAfter).2 = (ts.map InexactTransition.given).foldl (fun h t => affineApply t h) h0 := by
    have := affineApply_combine tree 0
    rw [hleaves, List.foldl_cons] at this
    have hstart : affineApply (0, h0) 0 = h0 := by simp only [affineApply]; grind
    rw [hstart] at this
    rw [← this]
    simp only [affineApply]
    grind
  have hdom : AllDominated tree.toList ((0, h0) :: ts.map InexactTransition.reach) := by
    rw [hleaves]
    exact .cons ⟨le_refl _, le_refl _⟩ (reach_dominates ts)
  have hmono := r.treeBound_mono hdom (by rw [hleaves]; exact List.cons_ne_nil _ _)
  have hzero : magnitude (h0 - h0) ≤ (0 : R) := by
    rw [show h0 - h0 = 0 by grind, magnitude_of_nonneg (le_refl _)]
    exact le_refl _
  have hmoved := leaf_error hzero ts
  have htriangle := magnitude_add_le (result.2 - (tree.combine affineAfter).2)
    ((tree.combine affineAfter).2 - (ts.map InexactTransition.exact).foldl (fun h t => affineApply t h) h0)
  rw [show result.2 - (tree.combine affineAfter).2 +
    ((tree.combine affineAfter).2 - (ts.map InexactTransition.exact).foldl (fun h t => affineApply t h) h0) =
    result.2 - (ts.map InexactTransition.exact).foldl (fun h t => affineApply t h) h0 by grind] at htriangle
  rw [← hcombine] at hmoved
  unfold scanBound
  grind

end Scanproof
