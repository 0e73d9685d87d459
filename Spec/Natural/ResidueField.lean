/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.PrimeField
public import Spec.Natural.Expression

/-!
# Runs over residues are values of rational expressions

The values of residues are computed in the field of the residues modulo `p`. A program without `exp`, `log`, `max` and
`softplus` is a rational expression in its inputs. Its run over residues returns the value of that expression.
So two programs that are different rational expressions return equal residues at few random points.

## Main definitions

* `Residue.Is x a`: the residue modulo `p` of the number `x` is `a`.
* `Expression.toRational`: the rational expression that an expression is; none if it has other operations.

## Main results

* `Residue.is_add`, `Residue.is_neg`, `Residue.is_mul`, `Residue.is_div`, `Residue.is_natCast`: the values of residues are
  computed in the field.
* `Natural.residue_eq_eval`: a run over residues returns the value of the expression of the program.
* `Natural.countP_residues_agree_draws_le`: two programs whose expressions have different values at one point return equal
  residues at all of `N` drawn points with at most the probability that the degrees bound.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

namespace Residue

variable {π : Primes}

/-- The residue modulo `p` of the number `x` is `a`. -/
def Is (x : Residue) (a : Fin π.p) : Prop := x.value = some a.val

variable (h : IsPrime π.p) {x y : Residue} {a b : Fin π.p}

/-- The value of a sum is the sum in `Fin`, which is that in the field. -/
theorem is_add (hx : x.Is a) (hy : y.Is b) :
    (add π x y).Is (a + b) := by
  simp only [Is, add, both] at *
  rw [hx, hy]
  rfl

/-- The value of a negation is the negation in `Fin`, which is that in the field. -/
theorem is_neg (hx : x.Is a) :
    (neg π x).Is (-a) := by
  simp only [Is, neg] at *
  rw [hx, Option.map_some, Nat.mod_eq_of_lt a.isLt]
  rfl

/-- The value of a product is the product in `Fin`, which is that in the field. -/
theorem is_mul (hx : x.Is a) (hy : y.Is b) :
    (mul π x y).Is (a * b) := by
  have value : (mul π x y).value = both (fun a b => a * b % π.p) x.value y.value := by
    rw [mul, pureIf]
    split <;> rfl
  simp only [Is] at *
  rw [value, hx, hy]
  rfl

/-- The value of a quotient is the product with the inverse in the field, where the divisor is not zero. -/
theorem is_div (hx : x.Is a) (hy : y.Is b) (hb : b.val ≠ 0) :
    letI := primeField h
    (div π x y).Is (a * b⁻¹) := by
  have value : (div π x y).value = both (fun a b => a * b % π.p) x.value (inverse π.p y.value) := by
    simp only [div, pureIf]
    split <;> split <;> rfl
  have inverted : inverse π.p (some b.val) = some (PrimeField.inv b).val := by
    rw [inverse, if_neg (by rw [Nat.mod_eq_of_lt b.isLt]; exact hb), PrimeField.inv, if_neg hb]
  simp only [Is] at *
  rw [value, hx, hy, inverted]
  rfl

/-- The value of a natural number is that number in the field. -/
theorem is_natCast (n : Nat) : (natCast π n).Is (π := π) ⟨n % π.p, Nat.mod_lt _ (by have := h.two_le; omega)⟩ := rfl

end Residue

/-! ## Expressions -/

variable {p m : Nat}

/-- The rational expression over the residues modulo `p` that an expression is; none if it has other operations. -/
def Expression.toRational (h : 0 < p) : Expression (Fin m) → Option (RationalExpr (Fin p) m)
  | var k => some (.var k)
  | zero => some (.const ⟨0 % p, Nat.mod_lt _ h⟩)
  | one => some (.const ⟨1 % p, Nat.mod_lt _ h⟩)
  | add x y => (x.toRational h).bind fun e => (y.toRational h).map fun f => .add e f
  | mul x y => (x.toRational h).bind fun e => (y.toRational h).map fun f => .mul e f
  | neg x => (x.toRational h).map .neg
  | div x y => (x.toRational h).bind fun e => (y.toRational h).map fun f => .div e f
  | natCast n => some (.const ⟨n % p, Nat.mod_lt _ h⟩)
  | exp _ => none
  | log _ => none
  | max _ _ => none
  | softplus _ => none

variable {π : Primes} (h : IsPrime π.p)

private theorem eval_is {x : Expression (Fin m)} {e : RationalExpr (Fin π.p) m}
    (he : x.toRational (Nat.lt_of_lt_of_le Nat.two_pos h.two_le) = some e) {env : Fin m → Residue} {v : Fin m → Fin π.p}
    (hv : ∀ k, (env k).Is (v k)) {a : Fin π.p} :
    letI := primeField h
    e.eval v = some a → letI := residueScalar π; (x.eval env).Is a := by
  intro ha
  induction x generalizing e a with
  | var k =>
    cases he
    cases ha
    exact hv k
  | zero =>
    cases he
    cases ha
    rfl
  | one =>
    cases he
    cases ha
    rfl
  | natCast n =>
    cases he
    cases ha
    rfl
  | add x y hx hy =>
    simp only [Expression.toRational, Option.bind_eq_some_iff, Option.map_eq_some_iff] at he
    obtain ⟨e, hex, f, hey, rfl⟩ := he
    simp only [RationalExpr.eval, Option.bind_eq_some_iff, Option.map_eq_some_iff] at ha
    obtain ⟨b, hb, c, hc, rfl⟩ := ha
    exact Residue.is_add (hx hex hb) (hy hey hc)
  | mul x y hx hy =>
    simp only [Expression.toRational, Option.bind_eq_some_iff, Option.map_eq_some_iff] at he
    obtain ⟨e, hex, f, hey, rfl⟩ := he
    simp only [RationalExpr.eval, Option.bind_eq_some_iff, Option.map_eq_some_iff] at ha
    obtain ⟨b, hb, c, hc, rfl⟩ := ha
    exact Residue.is_mul (hx hex hb) (hy hey hc)
  | neg x hx =>
    simp only [Expression.toRational, Option.map_eq_some_iff] at he
    obtain ⟨e, hex, rfl⟩ := he
    simp only [RationalExpr.eval, Option.map_eq_some_iff] at ha
    obtain ⟨b, hb, rfl⟩ := ha
    exact Residue.is_neg (hx hex hb)
  | div x y hx hy =>
    simp only [Expression.toRational, Option.bind_eq_some_iff, Option.map_eq_some_iff] at he
    obtain ⟨e, hex, f, hey, rfl⟩ := he
    simp only [RationalExpr.eval, Option.bind_eq_some_iff] at ha
    obtain ⟨b, hb, c, hc, ha⟩ := ha
    split at ha
    · cases ha
    · rename_i nonzero
      cases ha
      refine Residue.is_div h (hx hex hb) (hy hey hc) fun zero => nonzero (Fin.ext ?_)
      rw [zero]
      exact (Nat.zero_mod π.p).symm
  | exp => cases he
  | log => cases he
  | max => cases he
  | softplus => cases he

/--
A natural program that is a rational expression, run over residues, returns the value of the expression at the residues of its
inputs, where the expression has one.
-/
theorem Natural.residue_eq_eval {program : (α : Type) → [Scalar α] → (Fin m → α) → α} (natural : Natural program)
    {e : RationalExpr (Fin π.p) m}
    (he : (program (Expression (Fin m)) .var).toRational (Nat.lt_of_lt_of_le Nat.two_pos h.two_le) = some e)
    {x : Fin m → Residue} {v : Fin m → Fin π.p} (hx : ∀ k, (x k).Is (v k)) {a : Fin π.p}
    (ha : letI := primeField h; e.eval v = some a) :
    letI := residueScalar π
    (program Residue x).value = some a.val := by
  letI := residueScalar π
  rw [natural.eq_eval x]
  exact eval_is h he hx ha

/--
Two natural programs are rational expressions that have different values at one point. They are run over residues at `N` points,
drawn from the distinct residues `S`. Then at no more than a fraction `(e.degree f / S.length) ^ N` of the choices of points do the
expressions have values and the runs return equal residues at every point.
-/
theorem Natural.countP_residues_agree_draws_le {program program' : (α : Type) → [Scalar α] → (Fin m → α) → α}
    (natural : Natural program) (natural' : Natural program') {e f : RationalExpr (Fin π.p) m}
    (he : (program (Expression (Fin m)) .var).toRational (Nat.lt_of_lt_of_le Nat.two_pos h.two_le) = some e)
    (hf : (program' (Expression (Fin m)) .var).toRational (Nat.lt_of_lt_of_le Nat.two_pos h.two_le) = some f)
    (x : (Fin m → Fin π.p) → Fin m → Residue) (hx : ∀ v k, (x v k).Is (v k)) {S : List (Fin π.p)} (hS : S.Nodup)
    {v : Fin m → Fin π.p} {a b : Fin π.p} (N : Nat) :
    letI := primeField h
    letI := residueScalar π
    e.eval v = some a → f.eval v = some b → a ≠ b →
    (choices (choices S m) N).countP (fun points => decide (∀ k, (e.eval (points k)).isSome ∧ (f.eval (points k)).isSome ∧
        (program Residue (x (points k))).value = (program' Residue (x (points k))).value)) * S.length ^ N ≤
      e.degree f ^ N * (S.length ^ m) ^ N := by
  letI := primeField h
  letI := residueScalar π
  intro ha hb hab
  refine Nat.le_trans (Nat.mul_le_mul_right _ (List.countP_mono_left fun points _ agree => ?_))
    (RationalExpr.countP_agree_draws_le hS e f ha hb hab N)
  refine decide_eq_true fun k => ?_
  obtain ⟨one, two, same⟩ := of_decide_eq_true agree k
  obtain ⟨c, hc⟩ := Option.isSome_iff_exists.1 one
  obtain ⟨d, hd⟩ := Option.isSome_iff_exists.1 two
  rw [natural.residue_eq_eval h he (hx (points k)) hc, natural'.residue_eq_eval h hf (hx (points k)) hd] at same
  have equal : c = d := Fin.ext (Option.some.inj same)
  simp [RationalExpr.agree, hc, hd, equal]

end Scanproof
