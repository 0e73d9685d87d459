/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Natural.ResidueField

/-!
# The statements about the field of residues

Each public theorem of `Spec.Certificate.PrimeField` and `Spec.Natural.ResidueField` once more, in full; and a prime.
-/

namespace Scanproof

open Lean.Grind

example : IsPrime 7 where
  two_le := by decide
  eq_one_or_self d hd :=
    (by decide : ∀ d, d < 8 → d ∣ 7 → d = 1 ∨ d = 7) d (Nat.lt_succ_of_le (Nat.le_of_dvd (by decide) hd)) hd

example : ¬ IsPrime 9 := fun h => by have := h.eq_one_or_self 3 (by decide); omega

example {p a b : Nat} (h : IsPrime p) (hab : p ∣ a * b) : p ∣ a ∨ p ∣ b := h.dvd_or_dvd hab

example {p a : Nat} (h : IsPrime p) (ha : a % p ≠ 0) : a ^ (p - 1) % p = 1 := h.pow_pred_mod ha

noncomputable example {p : Nat} (h : IsPrime p) : Field (Fin p) := primeField h

example {p : Nat} (h : IsPrime p) {a : Fin p} (ha : a.val ≠ 0) :
    letI := primeField h
    (a⁻¹).val = powMod p a.val (p - 2) :=
  primeField_inv_val h ha

variable {π : Primes} (h : IsPrime π.p) {x y : Residue} {a b : Fin π.p}

example : x.Is a ↔ x.value = some a.val := Iff.rfl

example (hx : x.Is a) (hy : y.Is b) : (Residue.add π x y).Is (a + b) := Residue.is_add hx hy

example (hx : x.Is a) : (Residue.neg π x).Is (-a) := Residue.is_neg hx

example (hx : x.Is a) (hy : y.Is b) : (Residue.mul π x y).Is (a * b) := Residue.is_mul hx hy

example (hx : x.Is a) (hy : y.Is b) (hb : b.val ≠ 0) :
    letI := primeField h
    (Residue.div π x y).Is (a * b⁻¹) :=
  Residue.is_div h hx hy hb

example (n : Nat) : (Residue.natCast π n).Is (π := π) ⟨n % π.p, Nat.mod_lt _ (by have := h.two_le; omega)⟩ :=
  Residue.is_natCast h n

variable {m : Nat} {program program' : (α : Type) → [Scalar α] → (Fin m → α) → α} (natural : Natural program)
  {e f : RationalExpr (Fin π.p) m}
  (he : (program (Expression (Fin m)) .var).toRational (Nat.lt_of_lt_of_le Nat.two_pos h.two_le) = some e)

include natural he in
example {x : Fin m → Residue} {v : Fin m → Fin π.p} (hx : ∀ k, (x k).Is (v k)) {a : Fin π.p}
    (ha : letI := primeField h; e.eval v = some a) :
    letI := residueScalar π
    (program Residue x).value = some a.val :=
  natural.residue_eq_eval h he hx ha

include natural he in
example (natural' : Natural program')
    (hf : (program' (Expression (Fin m)) .var).toRational (Nat.lt_of_lt_of_le Nat.two_pos h.two_le) = some f)
    (x : (Fin m → Fin π.p) → Fin m → Residue) (hx : ∀ v k, (x v k).Is (v k)) {S : List (Fin π.p)} (hS : S.Nodup)
    {v : Fin m → Fin π.p} {a b : Fin π.p} (N : Nat) :
    letI := primeField h
    letI := residueScalar π
    e.eval v = some a → f.eval v = some b → a ≠ b →
    (choices (choices S m) N).countP (fun points => decide (∀ k, (e.eval (points k)).isSome ∧ (f.eval (points k)).isSome ∧
        (program Residue (x (points k))).value = (program' Residue (x (points k))).value)) * S.length ^ N ≤
      e.degree f ^ N * (S.length ^ m) ^ N :=
  natural.countP_residues_agree_draws_le h natural' he hf x hx hS N

end Scanproof
