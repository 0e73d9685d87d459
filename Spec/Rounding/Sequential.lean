/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Rounding.Tree

/-!
# Rounding in the sequential scan

The recurrence `h' = a * h + b`, one token after another, with an error bound that is computed alongside: it uses the state itself
where the bound for any tree can only use the scan of absolute values, so it is tighter where terms cancel.

## Main definitions

* `Rounding.Run`: the states that a sequential run may end in.
* `Rounding.stepError`, `Rounding.runningError`: the error after one token, and after all of them.

## Main results

* `Rounding.step_error`: one token.
* `Rounding.sequential_error`: all tokens.
* `Rounding.Run.evaluates`: a sequential run is the evaluation of a tree, so `Rounding.tree_error` holds of it too.
* `geometric_error`, `Rounding.sequential_error_closed`: the closed form, for decays that stay below one.

## References

* N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd edition, SIAM 2002, section 3.3.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind Std

variable {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

/-- The states that a sequential run from a state over transitions may end in when every operation rounds. -/
inductive Rounding.Run (r : Rounding R) : R → List (R × R) → R → Prop where
  /-- No token: the state stays. -/
  | nil (h : R) : r.Run h [] h
  /-- One step, then the rest. -/
  | cons {t : R × R} {ts : List (R × R)} {h h' result : R} (step : r.Affine t.1 h t.2 h') (rest : r.Run h' ts result) :
      r.Run h (t :: ts) result

/-- The error after a token with transition `t`, when the state before it was `h` with an error of at most `e`. -/
def Rounding.stepError (r : Rounding R) (t : R × R) (h e : R) : R :=
  r.w * (r.w * (magnitude t.1 * (magnitude h + e)) + r.η + magnitude t.2) + r.η -
    (magnitude t.1 * magnitude h + magnitude t.2)

/-- The error after all tokens, computed alongside the exact states. -/
def Rounding.runningError (r : Rounding R) (h e : R) : List (R × R) → R
  | [] => e
  | t :: ts => r.runningError (affineApply t h) (r.stepError t h e) ts

/-- One token: if the state is known to `e`, the next one is known to `stepError`. -/
theorem Rounding.step_error (r : Rounding R) {t : R × R} {h h' e y : R} (he : magnitude (h' - h) ≤ e)
    (hy : r.Affine t.1 h' t.2 y) : magnitude (y - affineApply t h) ≤ r.stepError t h e :=
  (r.affine_error (Within.exact t.1) (Within.inexact he) (Within.exact t.2) hy).error

/-- However each operation of a sequential run rounds, it ends within `runningError` of the exact run. -/
theorem Rounding.sequential_error (r : Rounding R) {h h' e result : R} {ts : List (R × R)}
    (he : magnitude (h' - h) ≤ e) (hrun : r.Run h' ts result) :
    magnitude (result - ts.foldl (fun h t => affineApply t h) h) ≤ r.runningError h e ts := by
  induction ts generalizing h h' e with
  | nil =>
    cases hrun
    exact he
  | cons t ts ih =>
    cases hrun with
    | cons step rest => exact ih (r.step_error he step) rest

/-! ## As a tree -/

/-- The tree of a sequential evaluation: each token is combined with all before it. -/
def sequentialTree (first : Tree (R × R)) (ts : List (R × R)) : Tree (R × R) :=
  ts.foldl (fun tree t => .node tree (.leaf t)) first

omit [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R] in
/-- The leaves of the sequential tree are the tokens in order. -/
theorem toList_sequentialTree (first : Tree (R × R)) (ts : List (R × R)) :
    (sequentialTree first ts).toList = first.toList ++ ts := by
  induction ts generalizing first with
  | nil => exact (List.append_nil _).symm
  | cons t ts ih =>
    have h := ih (.node first (.leaf t))
    simp only [Tree.toList, List.append_assoc, List.singleton_append] at h
    exact h

/-- What a sequential run from `h` ends in is what the sequential tree may evaluate to, its first leaf being `(0, h)`. -/
theorem Rounding.Run.evaluates {r : Rounding R} {h result : R} {ts : List (R × R)} (hrun : r.Run h ts result) :
    ∃ a, r.Evaluates (sequentialTree (.leaf (0, h)) ts) (a, result) := by
  suffices ∀ (first : Tree (R × R)) (a h : R), r.Evaluates first (a, h) → r.Run h ts result →
      ∃ a, r.Evaluates (sequentialTree first ts) (a, result) from this _ 0 h (.leaf (0, h)) hrun
  clear hrun h
  intro first a h hfirst hrun
  induction ts generalizing first a h with
  | nil =>
    cases hrun
    exact ⟨a, hfirst⟩
  | cons t ts ih =>
    cases hrun with
    | @cons _ _ _ h' _ step rest =>
      exact ih (.node first (.leaf t)) (t.1 * a) h'
        (.node hfirst (.leaf t) (r.rounds_self _) step) rest

/-! ## Closed form -/

omit [DecidableLE R] in
/-- A quantity that is enlarged by a factor `A` and an increment `d`, at most, stays below `d / (1 - A)` if it starts there. -/
theorem geometric_error {A d e e' : R} (hA : 0 ≤ A) (hA1 : A ≤ 1) (he : (1 - A) * e ≤ d) (h : e' ≤ A * e + d) :
    (1 - A) * e' ≤ d := by
  have h1 := OrderedRing.mul_le_mul_of_nonneg_left h (show 0 ≤ 1 - A by grind)
  have h2 := OrderedRing.mul_le_mul_of_nonneg_left he hA
  grind

/--
The closed form: if decays are at most `A`, inputs at most `B` and states at most `H`, and `w² * A ≤ 1`, then the running error times
`1 - w² * A` never exceeds `(w² - 1) * A * H + (w - 1) * B + (w + 1) * η`, however long the sequence is.
-/
theorem Rounding.sequential_error_closed (r : Rounding R) {A B H h e : R} {ts : List (R × R)}
    (hA : r.w * r.w * A ≤ 1) (hts : ∀ t ∈ ts, magnitude t.1 ≤ A ∧ magnitude t.2 ≤ B)
    (hH : ∀ k, magnitude ((ts.take k).foldl (fun h t => affineApply t h) h) ≤ H) (he0 : 0 ≤ e)
    (he : (1 - r.w * r.w * A) * e ≤ (r.w * r.w - 1) * (A * H) + (r.w - 1) * B + (r.w + 1) * r.η) :
    (1 - r.w * r.w * A) * r.runningError h e ts ≤ (r.w * r.w - 1) * (A * H) + (r.w - 1) * B + (r.w + 1) * r.η := by
  have hw := r.one_le_w
  have hw0 := nonneg_of_one_le hw
  have hww0 := OrderedRing.mul_nonneg hw0 hw0
  induction ts generalizing h e with
  | nil => exact he
  | cons t ts ih =>
    obtain ⟨htA, htB⟩ := hts t List.mem_cons_self
    have hh : magnitude h ≤ H := hH 0
    have ha0 := magnitude_nonneg t.1
    have hA0 : 0 ≤ A := by grind
    have hahe := mul_le_mul_of_nonneg ha0 htA he0 (le_refl e)
    have hah := mul_le_mul_of_nonneg ha0 htA (magnitude_nonneg h) hh
    have h1 := OrderedRing.mul_le_mul_of_nonneg_left hahe hww0
    have h2 := OrderedRing.mul_le_mul_of_nonneg_left hah (show 0 ≤ r.w * r.w - 1 by
      have := one_le_mul hw hw
      grind)
    have h3 := OrderedRing.mul_le_mul_of_nonneg_left htB (show 0 ≤ r.w - 1 by grind)
    have hnext : r.stepError t h e ≤
        r.w * r.w * A * e + ((r.w * r.w - 1) * (A * H) + (r.w - 1) * B + (r.w + 1) * r.η) := by
      unfold stepError
      grind
    have hnonneg : 0 ≤ r.stepError t h e := by
      have hahe0 := OrderedRing.mul_nonneg hww0 (OrderedRing.mul_nonneg ha0 he0)
      have hah0 := OrderedRing.mul_nonneg (show 0 ≤ r.w * r.w - 1 by
        have := one_le_mul hw hw
        grind) (OrderedRing.mul_nonneg ha0 (magnitude_nonneg h))
      have hb0 := OrderedRing.mul_nonneg (show 0 ≤ r.w - 1 by grind) (magnitude_nonneg t.2)
      have hη0 := OrderedRing.mul_nonneg (show 0 ≤ r.w + 1 by have := zero_le_one (R := R); grind) r.η_nonneg
      unfold stepError
      grind
    exact ih (fun later hmem => hts later (List.mem_cons_of_mem _ hmem)) (fun k => hH (k + 1)) hnonneg
      (geometric_error (OrderedRing.mul_nonneg hww0 hA0) hA he hnext)

end Scanproof
