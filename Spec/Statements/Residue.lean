/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Natural.Residue

/-!
# The statements about residues

Each public theorem of `Spec.ResidueScalar` once more, in full, so that one that says less than before does not build; and
what the parts of a number are.
-/

namespace Scanproof

example (m base exponent : Nat) : powMod m base exponent = base ^ exponent % m := powMod_eq m base exponent

example : splitMix 0x9e3779b97f4a7c15 = 0xe220a8397b1dcdaf := by decide

variable (π : Primes) (x y : Residue)

example (order : π.w ^ π.q % π.p = 1 % π.p) (hx : x.law.isSome) (hy : y.law.isSome) :
    (Residue.exp π (Residue.add π x y)).value = (Residue.mul π (Residue.exp π x) (Residue.exp π y)).value :=
  Residue.exp_add_value order hx hy

example :
    letI := residueScalar π
    (Residue.floatHom π).toFun = Residue.float := rfl

example (a b : Nat) (f : Float) (h : y.float = f) (hx : x.value = some a) (hy : y.value = some b) :
    (Residue.add π x y).value = some ((a + b) % π.p) ∧ (Residue.add π x y).float = x.float + f := by
  simp only [Residue.add, hx, hy, h]
  exact ⟨rfl, rfl⟩

example (odd : 2 < π.q) :
    (Residue.exp π (Residue.div π (Residue.log π x) (Residue.natCast π 2))).value = (Residue.sqrt π x).value :=
  Residue.exp_half_log_value odd x

example (odd : 2 < π.q) {v : Nat} (hx : x.value = some v) (root_ne : root π.p v ≠ 0) :
    (Residue.exp π (Residue.neg π (Residue.div π (Residue.log π x) (Residue.natCast π 2)))).value =
      (Residue.div π (Residue.natCast π 1) (Residue.sqrt π x)).value :=
  Residue.exp_neg_half_log_value odd hx root_ne

example (v : Nat) (hx : x.value = some v) : (Residue.exp π (Residue.log π x)).value = some (v % π.p) := by
  simp only [Residue.exp, Residue.log, Residue.pure, Residue.expValue, hx, Option.map_some, powMod_eq, Nat.pow_zero]
  rw [Nat.mod_mul_mod, Nat.one_mul]

end Scanproof
