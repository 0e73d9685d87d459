/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.SchwartzZippel

/-!
# Rational expressions at random points

Two programs made of sums, products, negations and quotients are two rational expressions in what they read. If they have
different values at one point, they agree at few random points, so a few random points tell them apart. The residues modulo
a prime are such a field, and nothing rounds there.

## Main definitions

* `RationalExpr α m`: an expression in `m` variables with constants in the field `α`.
* `RationalExpr.eval`: its value at a point; none if it divides by zero there.
* `RationalExpr.degrees`: bounds on the degrees of a numerator and a denominator, by the rules for sums, products and
  quotients of fractions that are never reduced.

## Main results

* `RationalExpr.countP_agree_le`: expressions that have different values at one point agree at no more than a fraction
  `D / S.length` of the points with entries in `S`, where `D` bounds the degree of the difference of the two fractions.
* `RationalExpr.countP_agree_draws_le`: they agree at all of `N` independent points with at most the `N`-th power of that.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

/-- An expression in `m` variables, made of constants and variables by arithmetic. -/
inductive RationalExpr (α : Type) (m : Nat) where
  /-- A constant. -/
  | const (a : α)
  /-- A variable. -/
  | var (k : Fin m)
  /-- A sum. -/
  | add (e f : RationalExpr α m)
  /-- A negation. -/
  | neg (e : RationalExpr α m)
  /-- A product. -/
  | mul (e f : RationalExpr α m)
  /-- A quotient. -/
  | div (e f : RationalExpr α m)

namespace RationalExpr

variable {α : Type} {m : Nat}

/-- Bounds on the degrees of a numerator and of a denominator. -/
def degrees : RationalExpr α m → Nat × Nat
  | const _ => (0, 0)
  | var _ => (1, 0)
  | add e f => (max (e.degrees.1 + f.degrees.2) (f.degrees.1 + e.degrees.2), e.degrees.2 + f.degrees.2)
  | neg e => e.degrees
  | mul e f => (e.degrees.1 + f.degrees.1, e.degrees.2 + f.degrees.2)
  | div e f => (e.degrees.1 + f.degrees.2, e.degrees.2 + f.degrees.1)

/-- A bound on the degree of the numerator of the difference of two expressions. -/
def degree (e f : RationalExpr α m) : Nat := max (e.degrees.1 + f.degrees.2) (f.degrees.1 + e.degrees.2)

variable [Field α]

/-- The value at a point; none if a divisor is zero there. -/
def eval [DecidableEq α] : RationalExpr α m → (Fin m → α) → Option α
  | const a, _ => some a
  | var k, v => some (v k)
  | add e f, v => (e.eval v).bind fun a => (f.eval v).map fun b => a + b
  | neg e, v => (e.eval v).map fun a => -a
  | mul e f, v => (e.eval v).bind fun a => (f.eval v).map fun b => a * b
  | div e f, v => (e.eval v).bind fun a => (f.eval v).bind fun b => if b = 0 then none else some (a / b)

/-- The numerator and the denominator of the value, by the same rules as `degrees`. -/
private def fraction : RationalExpr α m → (Fin m → α) → α × α
  | const a, _ => (a, 1)
  | var k, v => (v k, 1)
  | add e f, v =>
    ((e.fraction v).1 * (f.fraction v).2 + (f.fraction v).1 * (e.fraction v).2, (e.fraction v).2 * (f.fraction v).2)
  | neg e, v => (-1 * (e.fraction v).1, (e.fraction v).2)
  | mul e f, v => ((e.fraction v).1 * (f.fraction v).1, (e.fraction v).2 * (f.fraction v).2)
  | div e f, v => ((e.fraction v).1 * (f.fraction v).2, (e.fraction v).2 * (f.fraction v).1)

private theorem isPolynomial (e : RationalExpr α m) :
    IsPolynomial e.degrees.1 (fun v => (e.fraction v).1) ∧ IsPolynomial e.degrees.2 fun v => (e.fraction v).2 := by
  induction e with
  | const a => exact ⟨.const a, .const 1⟩
  | var k => exact ⟨.var k, .const 1⟩
  | add e f he hf =>
    exact ⟨.add ((he.1.mul hf.2).mono (Nat.le_max_left _ _)) ((hf.1.mul he.2).mono (Nat.le_max_right _ _)),
      he.2.mul hf.2⟩
  | neg e he => exact ⟨((IsPolynomial.const (-1)).mul he.1).mono (Nat.le_of_eq (Nat.zero_add _)), he.2⟩
  | mul e f he hf => exact ⟨he.1.mul hf.1, he.2.mul hf.2⟩
  | div e f he hf => exact ⟨he.1.mul hf.2, he.2.mul hf.1⟩

private theorem domain (a b : α) (h : a * b = 0) : a = 0 ∨ b = 0 := by
  by_cases ha : a = 0
  · exact Or.inl ha
  · have := Field.mul_inv_cancel ha
    exact Or.inr (by grind)

private theorem add_fraction {a b p q r s : α} (h : p = a * q) (h' : r = b * s) :
    p * s + r * q = (a + b) * (q * s) := by grind

private theorem mul_fraction {a b p q r s : α} (h : p = a * q) (h' : r = b * s) : p * r = a * b * (q * s) := by grind

private theorem div_fraction {a b p q r s : α} (hb : b ≠ 0) (h : p = a * q) (h' : r = b * s) :
    p * s = a / b * (q * r) := by
  have := Field.mul_inv_cancel hb
  rw [Field.div_eq_mul_inv]
  generalize b⁻¹ = c at *
  grind

variable [DecidableEq α]

private theorem fraction_eq {e : RationalExpr α m} {v : Fin m → α} {a : α} (h : e.eval v = some a) :
    (e.fraction v).2 ≠ 0 ∧ (e.fraction v).1 = a * (e.fraction v).2 := by
  have one : (1 : α) ≠ 0 := Ne.symm Field.zero_ne_one
  have nonzero {a b : α} (ha : a ≠ 0) (hb : b ≠ 0) : a * b ≠ 0 := fun h => (domain a b h).elim ha hb
  induction e generalizing a with
  | const b =>
    cases h
    exact ⟨one, (Semiring.mul_one _).symm⟩
  | var k =>
    cases h
    exact ⟨one, (Semiring.mul_one _).symm⟩
  | add e f he hf =>
    simp only [eval, Option.bind_eq_some_iff, Option.map_eq_some_iff] at h
    obtain ⟨b, hb, c, hc, rfl⟩ := h
    exact ⟨nonzero (he hb).1 (hf hc).1, add_fraction (he hb).2 (hf hc).2⟩
  | neg e he =>
    simp only [eval, Option.map_eq_some_iff] at h
    obtain ⟨b, hb, rfl⟩ := h
    refine ⟨(he hb).1, ?_⟩
    have := (he hb).2
    simp only [fraction]
    grind
  | mul e f he hf =>
    simp only [eval, Option.bind_eq_some_iff, Option.map_eq_some_iff] at h
    obtain ⟨b, hb, c, hc, rfl⟩ := h
    exact ⟨nonzero (he hb).1 (hf hc).1, mul_fraction (he hb).2 (hf hc).2⟩
  | div e f he hf =>
    simp only [eval, Option.bind_eq_some_iff] at h
    obtain ⟨b, hb, c, hc, h⟩ := h
    split at h
    · cases h
    · rename_i hc0
      cases h
      refine ⟨nonzero (he hb).1 ?_, div_fraction hc0 (he hb).2 (hf hc).2⟩
      rw [(hf hc).2]
      exact nonzero hc0 (hf hc).1

/-- Both expressions have a value at the point `v`, and the values are equal. -/
def agree (e f : RationalExpr α m) (v : Fin m → α) : Bool := (e.eval v).isSome && decide (e.eval v = f.eval v)

/--
Two expressions have different values at one point, which may have any entries. Then at no more than `e.degree f` in
`S.length` of the points with entries in `S` do both have a value, and the same.
-/
theorem countP_agree_le {S : List α} (hS : S.Nodup) (e f : RationalExpr α m) {v : Fin m → α} {a b : α}
    (he : e.eval v = some a) (hf : f.eval v = some b) (hab : a ≠ b) :
    (choices S m).countP (e.agree f) * S.length ≤ e.degree f * S.length ^ m := by
  have hpq : IsPolynomial (e.degree f) fun v =>
      (e.fraction v).1 * (f.fraction v).2 + (-1) * ((f.fraction v).1 * (e.fraction v).2) :=
    .add ((e.isPolynomial.1.mul f.isPolynomial.2).mono (Nat.le_max_left _ _))
      (((IsPolynomial.const (-1)).mul (f.isPolynomial.1.mul e.isPolynomial.2)).mono
        (Nat.le_trans (Nat.le_of_eq (Nat.zero_add _)) (Nat.le_max_right _ _)))
  refine Nat.le_trans (Nat.mul_le_mul_right _ (List.countP_mono_left fun w _ hw => ?_))
    (hpq.countP_eq_zero_le domain hS (v := v) fun zero => hab ?_)
  · simp only [agree, Bool.and_eq_true, Option.isSome_iff_exists, decide_eq_true_iff] at hw
    obtain ⟨⟨c, hc⟩, same⟩ := hw
    have one := (fraction_eq hc).2
    have two := (fraction_eq (same.symm.trans hc)).2
    refine decide_eq_true_iff.2 ?_
    rw [one, two]
    grind
  · obtain ⟨hq, hp⟩ := fraction_eq he
    obtain ⟨hs, hr⟩ := fraction_eq hf
    have factors : (a - b) * ((e.fraction v).2 * (f.fraction v).2) = 0 := by
      rw [hp, hr] at zero
      rw [← zero]
      grind
    refine AddCommGroup.sub_eq_zero_iff.1 ((domain _ _ factors).resolve_right fun h => ?_)
    exact (domain _ _ h).elim hq hs

/--
Two expressions have different values at one point. Then at no more than a fraction `(e.degree f / S.length) ^ N` of the
choices of `N` points with entries in `S` do they have the same value at every one of them.
-/
theorem countP_agree_draws_le {S : List α} (hS : S.Nodup) (e f : RationalExpr α m) {v : Fin m → α} {a b : α}
    (he : e.eval v = some a) (hf : f.eval v = some b) (hab : a ≠ b) (N : Nat) :
    (choices (choices S m) N).countP (fun points => decide (∀ k, e.agree f (points k) = true)) * S.length ^ N ≤
      e.degree f ^ N * (S.length ^ m) ^ N := by
  rw [countP_choices_forall, ← Nat.mul_pow, ← Nat.mul_pow]
  exact Nat.pow_le_pow_left (countP_agree_le hS e f he hf hab) N

end RationalExpr

end Scanproof
