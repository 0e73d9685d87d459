/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scalar

/-!
# Residues as scalars

A number as residues modulo two primes `p` and `q`, where `q` divides `p - 1` and `w` has order `q` modulo `p`. Nothing
rounds. The residue modulo `p` is the value. The residue modulo `q` stands for the number in an exponent: `exp x` is `w^x`,
so `exp (x + y) = exp x * exp y` holds exactly. A binary64 number runs beside them and answers the comparisons, so a run over
residues takes the branches of the run over floats.

A residue may be lost: a quotient by zero has none. The exponential of a number has no residue modulo `q` of its own, nor has
a logarithm a residue of either kind. There a pseudo-random function of the value stands, of which no law is used.

The logarithm keeps one law. A number may carry a law `(rest, factor)`, which says that its exponential is
`w^rest * factor`. So `exp (log x) = x`, also within sums, and the softplus is the logarithm of `1 + exp x`. The law of half a
number has the root of the factor, so `exp (log x / 2)` is the square root of `x`. Half of the residues have no root, so the root
is a pseudo-random residue, and its square is another residue than `x`. That of `1 / x` is the reciprocal of that of `x`.

## Main definitions

* `Primes`: the primes `p` and `q`, and `w`.
* `Residue`: a number.
* `mix`: the pseudo-random functions.
* `residueScalar`: the arithmetic. `Residue.sqrt` is a square root beside it.

## Main results

* `powMod_eq`: the powers are right.
* `Residue.exp_add_value`: the law of the exponential function, for the values.
* `Residue.exp_half_log_value`, `Residue.exp_neg_half_log_value`: half a logarithm is that of the root.

## References

* M. Wu et al., *Mirage: A Multi-Level Superoptimizer for Tensor Programs*, OSDI 2025: exponents modulo a second prime.
-/

@[expose] public section

namespace Scanproof

/-- Two primes and a number. -/
structure Primes where
  /-- Values are residues modulo this prime. -/
  p : Nat
  /-- Exponents are residues modulo this prime, which divides `p - 1`. -/
  q : Nat
  /-- The exponential of one, a number of order `q` modulo `p`. -/
  w : Nat

/-- A number as residues, with a float beside them. -/
structure Residue where
  /-- The number in the run of floats. -/
  float : Float
  /-- The residue modulo `p`; none: it is lost. -/
  value : Option Nat
  /-- The residue modulo `q`; none: it is lost. -/
  exponent : Option Nat
  /-- A residue `rest` modulo `q` and a residue `factor` modulo `p`, so that the exponential is `w^rest * factor`; none: it
  is the power whose exponent is `exponent`. -/
  law : Option (Nat × Nat)

/-! ## Powers and pseudo-random functions -/

/-- `base ^ exponent` modulo `m`, by repeated squares. -/
def powMod (m base exponent : Nat) : Nat :=
  if exponent = 0 then 1 % m
  else
    let half := powMod m (base * base % m) (exponent / 2)
    if exponent % 2 = 1 then base * half % m else half
termination_by exponent

/-- It is the power modulo `m`. -/
theorem powMod_eq (m base exponent : Nat) : powMod m base exponent = base ^ exponent % m := by
  induction exponent using Nat.strongRecOn generalizing base with
  | ind exponent ih =>
    rw [powMod]
    split
    · rename_i h
      rw [h, Nat.pow_zero]
    · rename_i h
      have square : (base * base % m) ^ (exponent / 2) % m = base ^ (2 * (exponent / 2)) % m := by
        rw [← Nat.pow_mod, Nat.pow_mul, Nat.pow_two]
      rw [ih _ (by omega), square]
      split
      · rw [Nat.mul_mod_mod, ← Nat.pow_succ', show (2 * (exponent / 2)).succ = exponent by omega]
      · rw [show 2 * (exponent / 2) = exponent by omega]

/-- The FNV-1a hash of the characters of a name, each below 256. -/
def fnv1a (name : String) : UInt64 :=
  name.toList.foldl (fun hash c => (hash ^^^ UInt64.ofNat c.toNat) * 0x100000001b3) 0xcbf29ce484222325

/-- The number that the generator SplitMix64 makes of a state. -/
def splitMix (state : UInt64) : UInt64 :=
  let z := (state ^^^ (state >>> 30)) * 0xbf58476d1ce4e5b9
  let z := (z ^^^ (z >>> 27)) * 0x94d049bb133111eb
  z ^^^ (z >>> 31)

/-- Stir a number `rounds` times, with the numbers that the generator makes after a state. -/
def stir (state v : UInt64) : (rounds : Nat) → UInt64
  | 0 => v &&& 0x3fffffffffffffff
  | rounds + 1 =>
    let state := state + 0x9e3779b97f4a7c15
    let word := splitMix state ||| 1
    let v := (v + word) * word
    stir state (v ^^^ (v >>> 29)) rounds

/-- A pseudo-random residue modulo `prime` of a value, another one for each name and prime. -/
def mix (name : String) (prime v : Nat) : Nat :=
  (stir (fnv1a (name ++ " " ++ toString prime)) (UInt64.ofNat v) 4).toNat % prime

/-- A pseudo-random root modulo a prime. That of an inverse is the inverse of the root. That of zero is zero, and that of one is one. -/
def root (prime v : Nat) : Nat :=
  let inverse := powMod prime v (prime - 2)
  if v % prime ≤ 1 then v % prime
  else if v ≤ inverse then mix "sqrt" prime v
  else powMod prime (mix "sqrt" prime inverse) (prime - 2)

#guard mix "exp" 1000003 0 = 434288
#guard mix "exp" 1000003 5 = 260217
#guard mix "log" 7 123456789 = 4
#guard mix "sqrt" 2147483647 2147483646 = 83432998

/-! ## Arithmetic -/

namespace Residue

variable (π : Primes)

/-- A number whose exponential is the power with its own exponent: an input, or a constant. -/
def pure (float : Float) (value exponent : Option Nat) : Residue := ⟨float, value, exponent, exponent.map fun e => (e, 1)⟩

/-- Whether the law says no more than the exponent. -/
def isPure (x : Residue) : Bool :=
  match x.exponent, x.law with
  | some e, some (rest, factor) => rest == e && factor == 1
  | _, _ => false

/-- What a function of two residues makes of them; none if one is lost. -/
def both (f : Nat → Nat → Nat) : Option Nat → Option Nat → Option Nat
  | some x, some y => some (f x y)
  | _, _ => none

/-- The inverse modulo a prime; none for zero. -/
def inverse (prime : Nat) : Option Nat → Option Nat
  | some x => if x % prime = 0 then none else some (powMod prime x (prime - 2))
  | none => none

/-- The number with these residues, which is pure if two others are. -/
def pureIf (isPure : Bool) (float : Float) (value exponent : Option Nat) : Residue :=
  if isPure then pure float value exponent else ⟨float, value, exponent, none⟩

/-- The number `n`. -/
@[noinline] def natCast (n : Nat) : Residue := pure (FloatScalar.natCast n) (some (n % π.p)) (some (n % π.q))

/-- The sum. Exponents add and factors multiply. -/
@[noinline] def add (x y : Residue) : Residue where
  float := FloatScalar.add x.float y.float
  value := both (fun a b => (a + b) % π.p) x.value y.value
  exponent := both (fun a b => (a + b) % π.q) x.exponent y.exponent
  law :=
    match x.law, y.law with
    | some (rest, factor), some (rest', factor') => some ((rest + rest') % π.q, factor * factor' % π.p)
    | _, _ => none

/-- The negation. The factor is inverted. -/
@[noinline] def neg (x : Residue) : Residue where
  float := FloatScalar.neg x.float
  value := x.value.map fun a => (π.p - a % π.p) % π.p
  exponent := x.exponent.map fun a => (π.q - a % π.q) % π.q
  law :=
    match x.law with
    | some (rest, factor) => (inverse π.p (some factor)).map fun factor => ((π.q - rest % π.q) % π.q, factor)
    | none => none

/-- The product. -/
@[noinline] def mul (x y : Residue) : Residue :=
  pureIf (x.isPure && y.isPure) (FloatScalar.mul x.float y.float) (both (fun a b => a * b % π.p) x.value y.value)
    (both (fun a b => a * b % π.q) x.exponent y.exponent)

/-- Whether the residues are those of the constant two. -/
def isTwo (x : Residue) : Bool := x.isPure && x.value == some (2 % π.p) && x.exponent == some (2 % π.q)

/-- The law of half a number: half of its rest, and the root of its factor. -/
def halfLaw (x : Residue) : Option (Nat × Nat) :=
  match x.law, inverse π.q (some (2 % π.q)) with
  | some (rest, factor), some half => some (rest * half % π.q, root π.p factor)
  | _, _ => none

/-- The quotient. A residue of it is lost where that of the divisor is zero. A quotient by two keeps a law. -/
@[noinline] def div (x y : Residue) : Residue :=
  let quotient := pureIf (x.isPure && y.isPure) (FloatScalar.div x.float y.float)
    (both (fun a b => a * b % π.p) x.value (inverse π.p y.value))
    (both (fun a b => a * b % π.q) x.exponent (inverse π.q y.exponent))
  if isTwo π y then { quotient with law := halfLaw π x } else quotient

/-- The value of the exponential function. -/
def expValue (x : Residue) : Option Nat :=
  match x.law, x.exponent with
  | some (rest, factor), _ => some (powMod π.p π.w rest * factor % π.p)
  | none, some e => some (powMod π.p π.w e)
  | none, none => none

/-- The exponential function. Its own exponent is pseudo-random. -/
@[noinline] def exp (x : Residue) : Residue :=
  let value := expValue π x
  pure (FloatScalar.exp x.float) value (value.map fun v => mix "exp" π.q v)

/-- The logarithm: pseudo-random, except that its exponential is the number. -/
@[noinline] def log (x : Residue) : Residue where
  float := FloatScalar.log x.float
  value := x.value.map fun v => mix "log" π.p v
  exponent := x.value.map fun v => mix "log" π.q v
  law := x.value.map fun v => (0, v)

/-- The square root of a binary64 number. -/
@[noinline] def floatSqrt (x : Float) : Float := x.sqrt

/-- A pseudo-random function in place of the square root. -/
@[noinline] def sqrt (x : Residue) : Residue :=
  pure (floatSqrt x.float) (x.value.map (root π.p)) (x.value.map fun v => mix "sqrt" π.q v)

/-- The softplus `log (1 + exp x)`; where the float is above 20, `x` itself. -/
@[noinline] def softplus (x : Residue) : Residue :=
  let residues := if FloatScalar.lt 20.0 x.float then x else log π (add π (natCast π 1) (exp π x))
  { residues with float := FloatScalar.softplus x.float }

/-- The number that is greater in the run of floats. -/
@[noinline] def max (x y : Residue) : Residue := if FloatScalar.lt x.float y.float then y else x

end Residue

/-- Arithmetic on residues. Not an instance, because it depends on the primes. -/
@[reducible] def residueScalar (π : Primes) : Scalar Residue where
  zero := { Residue.natCast π 0 with float := 0.0 }
  one := { Residue.natCast π 1 with float := 1.0 }
  add := Residue.add π
  mul := Residue.mul π
  neg := Residue.neg π
  div := Residue.div π
  natCast := Residue.natCast π
  exp := Residue.exp π
  log := Residue.log π
  max := Residue.max
  softplus := Residue.softplus π

/-! ## The law of the exponential function -/

namespace Residue

private theorem pow_mod_of_order {π : Primes} (order : π.w ^ π.q % π.p = 1 % π.p) (e : Nat) :
    π.w ^ (e % π.q) % π.p = π.w ^ e % π.p := by
  have split : π.w ^ e = (π.w ^ π.q) ^ (e / π.q) * π.w ^ (e % π.q) := by
    rw [← Nat.pow_mul, ← Nat.pow_add, Nat.div_add_mod]
  rw [split, Nat.mul_mod ((π.w ^ π.q) ^ (e / π.q)), Nat.pow_mod (π.w ^ π.q), order, ← Nat.pow_mod, Nat.one_pow,
    ← Nat.mul_mod, Nat.one_mul]

/--
The exponential of a sum is the product of the exponentials, in values, if `w ^ q = 1` modulo `p`: for numbers that have a law,
so for inputs and constants, logarithms, and their sums.
-/
theorem exp_add_value {π : Primes} (order : π.w ^ π.q % π.p = 1 % π.p) {x y : Residue} (hx : x.law.isSome)
    (hy : y.law.isSome) : (exp π (add π x y)).value = (mul π (exp π x) (exp π y)).value := by
  obtain ⟨⟨r, f⟩, hx⟩ := Option.isSome_iff_exists.1 hx
  obtain ⟨⟨s, g⟩, hy⟩ := Option.isSome_iff_exists.1 hy
  have value : (mul π (exp π x) (exp π y)).value = both (fun a b => a * b % π.p) (exp π x).value (exp π y).value := by
    rw [mul, pureIf]
    split <;> rfl
  rw [value]
  simp only [exp, pure, expValue, add, hx, hy, both, powMod_eq, Option.some.injEq]
  rw [pow_mod_of_order order, Nat.pow_add]
  simp only [Nat.mul_mod_mod, Nat.mod_mul_mod]
  congr 1
  rw [Nat.mul_assoc, Nat.mul_assoc, Nat.mul_left_comm (π.w ^ s)]

/-! ## The law of the square root -/

private theorem root_mod (prime v : Nat) : root prime v % prime = root prime v := by
  simp only [root]
  split
  · exact Nat.mod_mod _ _
  · split
    · exact Nat.mod_mod _ _
    · rw [powMod_eq, Nat.mod_mod]

private theorem isTwo_natCast (π : Primes) : isTwo π (natCast π 2) = true := by
  simp [isTwo, isPure, natCast, pure]

private theorem law_half (π : Primes) (odd : 2 < π.q) (x : Residue) :
    (div π x (natCast π 2)).law = match x.law with
      | some (rest, factor) => some (rest * powMod π.q 2 (π.q - 2) % π.q, root π.p factor)
      | none => none := by
  have two : 2 % π.q = 2 := Nat.mod_eq_of_lt odd
  simp only [div, isTwo_natCast, if_true, halfLaw, inverse, two]
  cases x.law <;> simp

/-- The exponential of half a logarithm is the square root, in values. -/
theorem exp_half_log_value {π : Primes} (odd : 2 < π.q) (x : Residue) :
    (exp π (div π (log π x) (natCast π 2))).value = (sqrt π x).value := by
  cases hx : x.value with
  | none => 
    have law : (div π (log π x) (natCast π 2)).law = none := by rw [law_half π odd]; simp [log, hx]
    have exponent : (div π (log π x) (natCast π 2)).exponent = none := by
      simp only [div, isTwo_natCast, if_true, pureIf, log, hx, Option.map_none, both]
      split <;> rfl
    simp [exp, pure, expValue, law, exponent, sqrt, hx]
  | some v =>
    have law : (div π (log π x) (natCast π 2)).law = some (0, root π.p v) := by rw [law_half π odd]; simp [log, hx]
    simp only [exp, pure, expValue, law, sqrt, hx, Option.map_some, powMod_eq, Nat.pow_zero, Nat.mod_mul_mod, Nat.one_mul, root_mod]

/--
The exponential of minus half a logarithm is the reciprocal of the square root, in values, where the root is not zero. Norms take
their reciprocal roots so.
-/
theorem exp_neg_half_log_value {π : Primes} (odd : 2 < π.q) {x : Residue} {v : Nat} (hx : x.value = some v)
    (root_ne : root π.p v ≠ 0) :
    (exp π (neg π (div π (log π x) (natCast π 2)))).value = (div π (natCast π 1) (sqrt π x)).value := by
  have law : (div π (log π x) (natCast π 2)).law = some (0, root π.p v) := by rw [law_half π odd]; simp [log, hx]
  have inverted : inverse π.p (some (root π.p v)) = some (powMod π.p (root π.p v) (π.p - 2)) := by
    simp [inverse, root_mod, root_ne]
  have value : (div π (natCast π 1) (sqrt π x)).value =
      both (fun a b => a * b % π.p) (natCast π 1).value (inverse π.p (sqrt π x).value) := by
    simp only [div, pureIf]
    split <;> split <;> rfl
  have negated : (neg π (div π (log π x) (natCast π 2))).law = some (0, powMod π.p (root π.p v) (π.p - 2)) := by
    simp [neg, law, inverted]
  have one : (natCast π 1).value = some (1 % π.p) := rfl
  rw [value]
  simp only [exp, pure, expValue, negated, sqrt, hx, Option.map_some, inverted, both, one, powMod_eq, Nat.pow_zero]

end Residue

end Scanproof
