/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.RingScalar

/-!
# Complex scalars

Pairs of a real and an imaginary part over any scalar: the state entries of S4, S5 and the linear recurrent unit, and of the
selective scan with complex `A`. They are a `Scalar` in their turn, so every runner and theorem over scalars holds of them.

## Main definitions

* `Polar`: cosine, sine and argument, which the exponential function and the logarithm of a complex number need.
* `Complex`: a real and an imaginary part.
* `instScalarComplex`: their arithmetic.

## Main results

* `Complex.commRingScalar`: if the parts have the laws of a commutative ring, so have the pairs.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- The functions of a number that link Cartesian and polar coordinates. No law is assumed. -/
class Polar (α : Type) where
  /-- The cosine. -/
  cos : α → α
  /-- The sine. -/
  sin : α → α
  /-- The angle of the point with these coordinates, first the imaginary part and then the real one (`atan2`). -/
  arg : α → α → α

namespace FloatScalar

/-- The cosine of the platform's C library. -/
@[noinline] def cos (x : Float) : Float := Float.cos x
/-- The sine of the platform's C library. -/
@[noinline] def sin (x : Float) : Float := Float.sin x
/-- The function `atan2` of the platform's C library. -/
@[noinline] def arg (y x : Float) : Float := Float.atan2 y x

end FloatScalar

/-- The functions of the platform's C library. -/
instance instPolarFloat : Polar Float where
  cos := FloatScalar.cos
  sin := FloatScalar.sin
  arg := FloatScalar.arg

/-- A complex number. -/
structure Complex (α : Type) where
  /-- The real part. -/
  re : α
  /-- The imaginary part. -/
  im : α

namespace Complex

variable {α : Type}

/-- Numbers with equal parts are equal. -/
@[ext] theorem ext {x y : Complex α} (re : x.re = y.re) (im : x.im = y.im) : x = y := by
  cases x
  cases y
  congr

variable [Scalar α]

/-- A real number as a complex one. -/
def ofReal (x : α) : Complex α := ⟨x, 0⟩

/-- A real number times a complex one, part by part. -/
def scale (r : α) (x : Complex α) : Complex α := ⟨r * x.re, r * x.im⟩

/-- The square of the absolute value. -/
def normSq (x : Complex α) : α := x.re * x.re + x.im * x.im

variable [Polar α]

/-- The exponential function. -/
def exp (x : Complex α) : Complex α := scale (Scalar.exp x.re) ⟨Polar.cos x.im, Polar.sin x.im⟩

/-- The principal branch of the logarithm. -/
def log (x : Complex α) : Complex α := ⟨Scalar.log x.normSq / Scalar.natCast 2, Polar.arg x.im x.re⟩

end Complex

/--
The arithmetic of complex numbers. Complex numbers have no order: `max` is that of the parts, and no runner over complex
numbers here asks for it.
-/
instance instScalarComplex {α : Type} [Scalar α] [Polar α] : Scalar (Complex α) where
  zero := ⟨0, 0⟩
  one := ⟨1, 0⟩
  add x y := ⟨x.re + y.re, x.im + y.im⟩
  mul x y := ⟨x.re * y.re + -(x.im * y.im), x.re * y.im + x.im * y.re⟩
  neg x := ⟨-x.re, -x.im⟩
  div x y := ⟨(x.re * y.re + x.im * y.im) / y.normSq, (x.im * y.re + -(x.re * y.im)) / y.normSq⟩
  natCast n := ⟨Scalar.natCast n, 0⟩
  exp := .exp
  log := .log
  max x y := ⟨Scalar.max x.re y.re, Scalar.max x.im y.im⟩
  softplus x := .log ⟨1 + x.exp.re, x.exp.im⟩

namespace Complex

variable {α : Type} [Scalar α] [Polar α] (x y : Complex α)

/-- The real part of zero. -/
@[simp] theorem zero_re : (0 : Complex α).re = 0 := rfl
/-- The imaginary part of zero. -/
@[simp] theorem zero_im : (0 : Complex α).im = 0 := rfl
/-- The real part of one. -/
@[simp] theorem one_re : (1 : Complex α).re = 1 := rfl
/-- The imaginary part of one. -/
@[simp] theorem one_im : (1 : Complex α).im = 0 := rfl
/-- The real part of a sum. -/
@[simp] theorem add_re : (x + y).re = x.re + y.re := rfl
/-- The imaginary part of a sum. -/
@[simp] theorem add_im : (x + y).im = x.im + y.im := rfl
/-- The real part of a product. -/
@[simp] theorem mul_re : (x * y).re = x.re * y.re + -(x.im * y.im) := rfl
/-- The imaginary part of a product. -/
@[simp] theorem mul_im : (x * y).im = x.re * y.im + x.im * y.re := rfl
/-- The real part of a negation. -/
@[simp] theorem neg_re : (-x).re = -x.re := rfl
/-- The imaginary part of a negation. -/
@[simp] theorem neg_im : (-x).im = -x.im := rfl

section

open Lean.Grind

variable {R : Type} [CommRing R] (a b c d e f : R)

private theorem add_assoc_part : a + b + c = a + (b + c) := by grind

private theorem add_comm_part : a + b = b + a := by grind

private theorem add_zero_part : a + 0 = a := by grind

private theorem neg_add_part : -a + a = 0 := by grind

private theorem mul_assoc_re :
    (a * c + -(b * d)) * e + -((a * d + b * c) * f) = a * (c * e + -(d * f)) + -(b * (c * f + d * e)) := by grind

private theorem mul_assoc_im :
    (a * c + -(b * d)) * f + (a * d + b * c) * e = a * (c * f + d * e) + b * (c * e + -(d * f)) := by grind

private theorem mul_add_re :
    a * (c + e) + -(b * (d + f)) = a * c + -(b * d) + (a * e + -(b * f)) := by grind

private theorem mul_add_im : a * (d + f) + b * (c + e) = a * d + b * c + (a * f + b * e) := by grind

private theorem mul_comm_re : a * c + -(b * d) = c * a + -(d * b) := by grind

private theorem mul_comm_im : a * d + b * c = c * b + d * a := by grind

private theorem mul_one_re : a * 1 + -(b * 0) = a := by grind

private theorem mul_one_im : a * 0 + b * 1 = b := by grind

private theorem mul_zero_re : a * 0 + -(b * 0) = 0 := by grind

private theorem mul_zero_im : a * 0 + b * 0 = 0 := by grind

end

/-- Complex numbers over a scalar with the laws of a commutative ring have them too. -/
instance commRingScalar [CommRingScalar α] : CommRingScalar (Complex α) where
  add_assoc _ _ _ := ext (add_assoc_part (R := α) ..) (add_assoc_part (R := α) ..)
  mul_assoc _ _ _ := ext (mul_assoc_re (R := α) ..) (mul_assoc_im (R := α) ..)
  mul_add _ _ _ := ext (mul_add_re (R := α) ..) (mul_add_im (R := α) ..)
  add_zero _ := ext (add_zero_part (R := α) ..) (add_zero_part (R := α) ..)
  add_comm _ _ := ext (add_comm_part (R := α) ..) (add_comm_part (R := α) ..)
  mul_one _ := ext (mul_one_re (R := α) ..) (mul_one_im (R := α) ..)
  mul_comm _ _ := ext (mul_comm_re (R := α) ..) (mul_comm_im (R := α) ..)
  mul_zero _ := ext (mul_zero_re (R := α) ..) (mul_zero_im (R := α) ..)
  neg_add_cancel _ := ext (neg_add_part (R := α) ..) (neg_add_part (R := α) ..)

end Complex

end Scanproof
