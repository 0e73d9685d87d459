/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

/-!
# Scalars

The operations that the list runners need of a number, as a class *without laws*. One runner then serves three
purposes: theorems hold for every scalar type (so also for floating point, where addition is not associative),
`Float` runs it as numeric oracle, and `Rat` runs it exactly.

## Main definitions

* `Scalar`: the operations.
* `Scalar.sigmoid`, `Scalar.silu`, `Scalar.abs`, `Scalar.min`: functions that are built from them.
* `instScalarFloat`: IEEE 754 binary64.
* `exactScalar`: `Rat` with polynomial surrogates in place of `exp` and `log`.
* `LawfulScalar`: the laws that let diagonal transitions be combined. Theorems that need more name it (`Spec.RingScalar`).
-/

@[expose] public section

namespace Scanproof

/--
The operations that a runner needs of a number. No algebraic law is assumed.

There is no comparison, because an expression or a residue cannot answer one. The runners need comparisons only for `max`
and `softplus`, which are operations of their own.
-/
class Scalar (α : Type) extends Zero α, One α, Add α, Mul α, Neg α, Div α where
  /-- The number `n`. -/
  natCast : Nat → α
  /-- The exponential function. -/
  exp : α → α
  /-- The natural logarithm. -/
  log : α → α
  /-- The greater of two numbers. -/
  max : α → α → α
  /-- The softplus `log (1 + exp x)`. An instance may return `x` itself above 20, as PyTorch and the Mamba kernels do. -/
  softplus : α → α

namespace Scalar

variable {α : Type} [Scalar α]

/-- The logistic function `1 / (1 + exp (-x))`. -/
def sigmoid (x : α) : α := 1 / (1 + exp (-x))

/-- The sigmoid linear unit `x * sigmoid x` (Elfwing, Uchibe and Doya 2018). -/
def silu (x : α) : α := x * sigmoid x

/-- The absolute value. -/
def abs (x : α) : α := max x (-x)

/-- The smaller of two numbers. -/
def min (x y : α) : α := -max (-x) (-y)

end Scalar

/-! ## Binary64

Each operation has a name of its own, so that the interpreter of Lean's WebAssembly build, which cannot take the
address of a core function, runs the instance too. -/

namespace FloatScalar

/-- Sum of two binary64 numbers. -/
@[noinline] def add (x y : Float) : Float := x + y
/-- Product of two binary64 numbers. -/
@[noinline] def mul (x y : Float) : Float := x * y
/-- Negation of a binary64 number. -/
@[noinline] def neg (x : Float) : Float := -x
/-- Quotient of two binary64 numbers. -/
@[noinline] def div (x y : Float) : Float := x / y
/-- The binary64 number nearest to `n`. -/
@[noinline] def natCast (n : Nat) : Float := Float.ofNat n
/-- The exponential function of the platform's C library. -/
@[noinline] def exp (x : Float) : Float := Float.exp x
/-- The natural logarithm of the platform's C library. -/
@[noinline] def log (x : Float) : Float := Float.log x
/-- Whether `x < y`; false when either is NaN. -/
@[noinline] def lt (x y : Float) : Bool := x < y
/-- The greater of two binary64 numbers; `x` when either is NaN. -/
@[noinline] def max (x y : Float) : Float := if lt x y then y else x

/--
`log (1 + x)` without the loss of digits that the direct formula has for small `x`: with `u = 1 + x` rounded, it is
`log u * (x / (u - 1))`, and `x` itself where `u = 1`. (Goldberg 1991, Theorem 4.)
-/
@[noinline] def log1p (x : Float) : Float :=
  let u := add 1.0 x
  if lt u 1.0 || lt 1.0 u then mul (log u) (div x (add u (neg 1.0))) else x

/--
The softplus `log (1 + exp x)`, with the threshold of PyTorch and of the Mamba kernels: above 20 it is `x` itself.
Without the threshold the value there is larger by less than `2.1e-9`.
-/
@[noinline] def softplus (x : Float) : Float := if lt 20.0 x then x else log1p (exp x)

end FloatScalar

/-- IEEE 754 binary64, with `exp` and `log` of the platform's C library. -/
instance instScalarFloat : Scalar Float where
  zero := 0.0
  one := 1.0
  add := FloatScalar.add
  mul := FloatScalar.mul
  neg := FloatScalar.neg
  div := FloatScalar.div
  natCast := FloatScalar.natCast
  exp := FloatScalar.exp
  log := FloatScalar.log
  max := FloatScalar.max
  softplus := FloatScalar.softplus

/-! ## Exact arithmetic -/

namespace ExactScalar

/-- Sum of two rationals. -/
@[noinline] def add (x y : Rat) : Rat := x + y
/-- Product of two rationals. -/
@[noinline] def mul (x y : Rat) : Rat := x * y
/-- Negation of a rational. -/
@[noinline] def neg (x : Rat) : Rat := -x
/-- Quotient of two rationals; division by zero gives zero. -/
@[noinline] def div (x y : Rat) : Rat := x / y
/-- The rational `n`. -/
@[noinline] def natCast (n : Nat) : Rat := n
/-- The surrogate `1 + x + x²` of the exponential function, positive everywhere. -/
@[noinline] def exp (x : Rat) : Rat := 1 + x + x * x
/-- The surrogate `x² - x` of the logarithm, zero at 1. -/
@[noinline] def log (x : Rat) : Rat := x * x + -x
/-- Whether `x < y`. -/
@[noinline] def lt (x y : Rat) : Bool := x < y
/-- The greater of two rationals. -/
@[noinline] def max (x y : Rat) : Rat := if lt x y then y else x
/-- The softplus `log (1 + exp x)` of these surrogates; above 20 it is `x` itself. -/
@[noinline] def softplus (x : Rat) : Rat := if lt 20 x then x else log (1 + exp x)

end ExactScalar

/--
Exact arithmetic over the rationals. `exp` and `log` are *surrogates* (integer polynomials), so that a run of a whole
model stays exact and two programs that should be the same can be compared without rounding. Not an instance: open it
with `attribute [local instance] exactScalar` where it is meant.
-/
@[reducible] def exactScalar : Scalar Rat where
  zero := 0
  one := 1
  add := ExactScalar.add
  mul := ExactScalar.mul
  neg := ExactScalar.neg
  div := ExactScalar.div
  natCast := ExactScalar.natCast
  exp := ExactScalar.exp
  log := ExactScalar.log
  max := ExactScalar.max
  softplus := ExactScalar.softplus

/-! ## Laws -/

/-- The laws of arithmetic that let diagonal transitions be combined. -/
class LawfulScalar (α : Type) [Scalar α] : Prop where
  /-- Addition is associative. -/
  add_assoc : ∀ x y z : α, x + y + z = x + (y + z)
  /-- Multiplication is associative. -/
  mul_assoc : ∀ x y z : α, x * y * z = x * (y * z)
  /-- Multiplication distributes over addition from the left. -/
  mul_add : ∀ x y z : α, x * (y + z) = x * y + x * z

/-- Rational arithmetic is lawful. -/
theorem lawfulScalar_exact : @LawfulScalar Rat exactScalar :=
  letI := exactScalar
  { add_assoc := Rat.add_assoc
    mul_assoc := Rat.mul_assoc
    mul_add := Rat.mul_add }

end Scanproof
