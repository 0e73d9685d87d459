/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Rounding.Abs

/-!
# The model of rounding

An arithmetic whose operations return the exact result with a relative error of at most `u`, plus an absolute error of at most
`η`. It is a hypothesis, stated as a structure, of every theorem on rounding; no axiom says that a machine meets it. Each operation
may round in a way of its own, so that fused, reordered and vectorised code is covered too.

`Within x' x X Y` says at once how large the exact value `x` can be (`X`), and how far the computed value `x'` can lie from it
(`Y - X`). Sums and products of computed numbers have the sums and products of their bounds; rounding multiplies `Y` by `1 + u` and adds `η`.
So the bound of a whole computation is the same computation, made with bounds.

## Main definitions

* `Rounding`: a unit roundoff and an underflow unit.
* `Rounding.Rounds x y`: the number `y` is an admissible result where the exact one is `x`.
* `Rounding.Affine a h b y`: the number `y` is an admissible result of `a * h + b`, rounded twice, or once as a fused multiply-add.
* `Within`: an exact value, a computed value, and bounds.

## Main results

* `Within.add`, `Within.mul`, `Within.round`: how bounds go through operations.
* `Rounding.affine_error`: one affine step of inexact numbers, in either form.

## References

* N. J. Higham, *Accuracy and Stability of Numerical Algorithms*, 2nd edition, SIAM 2002, sections 2.2 and 3.3.
-/

@[expose] public section

namespace Scanproof

open Lean.Grind Std

/-- What is assumed of an arithmetic. -/
structure Rounding (R : Type) [CommRing R] [LE R] where
  /-- The unit roundoff: the greatest relative error of one operation. -/
  u : R
  /-- The underflow unit: what is added to that error where the result underflows. -/
  η : R
  /-- The unit roundoff is not negative. -/
  u_nonneg : 0 ≤ u
  /-- The underflow unit is not negative. -/
  η_nonneg : 0 ≤ η

variable {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

namespace Rounding

/-- The number `y` is an admissible result of an operation whose exact result is `x`. -/
def Rounds (r : Rounding R) (x y : R) : Prop := magnitude (y - x) ≤ r.u * magnitude x + r.η

/--
The number `y` is an admissible result of `a * h + b`: the product and the sum rounded one after the other, or both at once, as a
fused multiply-add does.
-/
def Affine (r : Rounding R) (a h b y : R) : Prop :=
  (∃ p, r.Rounds (a * h) p ∧ r.Rounds (p + b) y) ∨ r.Rounds (a * h + b) y

/-- The factor by which one operation can enlarge a bound. -/
def w (r : Rounding R) : R := 1 + r.u

/-- An exact result is admissible. -/
theorem rounds_self (r : Rounding R) (x : R) : r.Rounds x x := by
  have h := OrderedRing.mul_nonneg r.u_nonneg (magnitude_nonneg x)
  have h0 : magnitude (x - x) = 0 := by
    rw [show x - x = 0 by grind]
    exact magnitude_of_nonneg (by grind)
  have := r.η_nonneg
  unfold Rounds
  grind

omit [DecidableLE R] in
/-- Enlarging a bound does not make it smaller. -/
theorem one_le_w (r : Rounding R) : 1 ≤ r.w := by
  have := r.u_nonneg
  unfold w
  grind

end Rounding

/--
The exact value `x` is at most `X` in magnitude, and the computed value `x'` at most `Y - X` away from it; so `Y` bounds the computed one.
-/
structure Within (x' x X Y : R) : Prop where
  /-- How large the exact value can be. -/
  size : magnitude x ≤ X
  /-- How far the computed value can lie from it. -/
  error : magnitude (x' - x) ≤ Y - X

namespace Within

variable {x' x X Y y' y V Z : R}

/-- A number that is known exactly. -/
theorem exact (x : R) : Within x x (magnitude x) (magnitude x) where
  size := le_refl _
  error := by
    rw [show x - x = 0 by grind, magnitude_of_nonneg (le_refl _)]
    grind

/-- A number that is known with an error of at most `e`. -/
theorem inexact {e : R} (h : magnitude (x' - x) ≤ e) : Within x' x (magnitude x) (magnitude x + e) where
  size := le_refl _
  error := by grind

/-- A bound may be enlarged. -/
theorem mono (h : Within x' x X Y) {Y' : R} (hY : Y ≤ Y') : Within x' x X Y' where
  size := h.size
  error := by
    have := h.error
    grind

/-- Bounds are not negative. -/
theorem nonneg (h : Within x' x X Y) : 0 ≤ X := by
  have := h.size
  have := magnitude_nonneg x
  grind

/-- The bound of the computed value is at least that of the exact one. -/
theorem le (h : Within x' x X Y) : X ≤ Y := by
  have := h.error
  have := magnitude_nonneg (x' - x)
  grind

/-- How large the computed value can be. -/
theorem computed (h : Within x' x X Y) : magnitude x' ≤ Y := by
  have h1 := magnitude_add_le x (x' - x)
  rw [show x + (x' - x) = x' by grind] at h1
  have := h.size
  have := h.error
  grind

/-- The bounds of a sum. -/
theorem add (hx : Within x' x X Y) (hy : Within y' y V Z) : Within (x' + y') (x + y) (X + V) (Y + Z) where
  size := by
    have := magnitude_add_le x y
    have := hx.size
    have := hy.size
    grind
  error := by
    have h := magnitude_add_le (x' - x) (y' - y)
    rw [show x' - x + (y' - y) = x' + y' - (x + y) by grind] at h
    have := hx.error
    have := hy.error
    grind

/-- The bounds of a product. -/
theorem mul (hx : Within x' x X Y) (hy : Within y' y V Z) : Within (x' * y') (x * y) (X * V) (Y * Z) where
  size := by
    rw [magnitude_mul]
    exact mul_le_mul_of_nonneg (magnitude_nonneg x) hx.size (magnitude_nonneg y) hy.size
  error := by
    have h := magnitude_add_le (x' * (y' - y)) ((x' - x) * y)
    rw [show x' * (y' - y) + (x' - x) * y = x' * y' - x * y by grind, magnitude_mul, magnitude_mul] at h
    have h1 := mul_le_mul_of_nonneg (magnitude_nonneg x') hx.computed (magnitude_nonneg (y' - y)) hy.error
    have h2 := mul_le_mul_of_nonneg (magnitude_nonneg (x' - x)) hx.error (magnitude_nonneg y) hy.size
    grind

/-- The bounds of a rounded value. -/
theorem round (r : Rounding R) (hx : Within x' x X Y) {z : R} (hz : r.Rounds x' z) : Within z x X (r.w * Y + r.η) where
  size := hx.size
  error := by
    have h := magnitude_add_le (z - x') (x' - x)
    rw [show z - x' + (x' - x) = z - x by grind] at h
    have h1 := mul_le_mul_of_nonneg r.u_nonneg (le_refl r.u) (magnitude_nonneg x') hx.computed
    have h2 := hx.error
    unfold Rounding.Rounds at hz
    unfold Rounding.w
    grind

end Within

/--
One affine step of inexact numbers, its product and sum rounded separately or at once: the bound of the computed `a * h + b` is
`w * (w * (A * H) + η + B) + η`, with `A`, `H` and `B` those of the computed numbers.
-/
theorem Rounding.affine_error (r : Rounding R) {a' a A A' h' h H H' b' b B B' y : R} (ha : Within a' a A A')
    (hh : Within h' h H H') (hb : Within b' b B B') (hy : r.Affine a' h' b' y) :
    Within y (a * h + b) (A * H + B) (r.w * (r.w * (A' * H') + r.η + B') + r.η) := by
  rcases hy with ⟨p, hp, hy⟩ | hy
  · exact (((ha.mul hh).round r hp).add hb).round r hy
  · refine (((ha.mul hh).add hb).round r hy).mono ?_
    have hA : 0 ≤ A' * H' :=
      OrderedRing.mul_nonneg (by have := ha.nonneg; have := ha.le; grind) (by have := hh.nonneg; have := hh.le; grind)
    have h1 := mul_le_mul_of_nonneg hA (le_refl _) r.u_nonneg (le_refl r.u)
    have h2 : A' * H' + B' ≤ r.w * (A' * H') + r.η + B' := by
      have := r.η_nonneg
      have := OrderedRing.mul_nonneg r.u_nonneg hA
      unfold Rounding.w
      grind
    have h3 := OrderedRing.mul_le_mul_of_nonneg_left h2 (show 0 ≤ r.w by have := r.one_le_w; grind)
    grind

end Scanproof
