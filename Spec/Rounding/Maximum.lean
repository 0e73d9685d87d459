/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Rounding.Abs

/-!
# The greater of two numbers that are off

Limits of step sizes, running maxima and absolute values take the greater of two numbers. Each may be off; how far the greater one is
off then follows from which of them can be the greater. A limit that is never reached adds nothing, however far off it is itself.

## Main definitions

* `greater x y`: the greater of two.

## Main results

* `greater_error`: the error of the greater of two is at most that of the greater one, or what that of the lesser one exceeds the gap by.
* `greater_error_of_gap`: across a gap that no error bridges it is the error of the greater one.
* `greater_error_attained`: the bound is attained.
-/

@[expose] public section

namespace Scanproof

open Lean.Grind Std

section

variable {R : Type} [LE R] [DecidableLE R]

/-- The greater of two numbers. -/
def greater (x y : R) : R := if x ≤ y then y else x

end

variable {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

/-- Where `x` is the greater one, computed as `a` up to `ε`, and `y` the lesser one, computed as `b` up to `δ`, the greater of `a` and `b`
lies within `max ε (δ - (x - y))` of that of `x` and `y`. -/
theorem greater_error {x y a b ε δ : R} (h : y ≤ x) (ha : magnitude (a - x) ≤ ε) (hb : magnitude (b - y) ≤ δ) :
    magnitude (greater a b - greater x y) ≤ greater ε (δ - (x - y)) := by
  rw [magnitude_le_iff] at *
  unfold greater
  split <;> split <;> split <;> grind

/-- Where the error of the lesser of two numbers does not reach the greater one, that is off as if there were no other. -/
theorem greater_error_of_gap {x y a b ε δ : R} (h : y ≤ x) (ha : magnitude (a - x) ≤ ε) (hb : magnitude (b - y) ≤ δ)
    (gap : δ ≤ x - y) : magnitude (greater a b - greater x y) ≤ ε := by
  rw [magnitude_le_iff] at *
  unfold greater
  split <;> split <;> grind

/-- Some `a` and `b` within their errors are off by as much as `greater_error` allows. -/
theorem greater_error_attained {x y ε δ : R} (h : y ≤ x) (hε : 0 ≤ ε) (hδ : 0 ≤ δ) :
    ∃ a b, magnitude (a - x) ≤ ε ∧ magnitude (b - y) ≤ δ ∧
      magnitude (greater a b - greater x y) = greater ε (δ - (x - y)) := by
  refine ⟨x + ε, y + δ, ?_, ?_, ?_⟩
  · rw [magnitude_le_iff]; grind
  · rw [magnitude_le_iff]; grind
  · unfold greater magnitude
    split <;> split <;> split <;> split <;> grind

end Scanproof
