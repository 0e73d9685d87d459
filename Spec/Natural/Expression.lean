/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Natural.Hom

/-!
# Programs as expressions

The free scalar: expressions over variables, whose operations build larger expressions. A runner that is run on variables
returns, for each output, the expression that it computes. Evaluation is a homomorphism, so this expression evaluates to the
output of the run on values, over every scalar: binary64, rationals, residues.

So two programs that return equal expressions are equal over every scalar. And a program that is natural, as every runner of the
library is, is known by one run, that on variables.

## Main definitions

* `Expression`: expressions over variables, and their scalar `instScalarExpression`.
* `Expression.eval`, `Expression.evalHom`: the value of an expression, and that evaluation is a homomorphism.
* `Natural`: a program, for every scalar, that commutes with every homomorphism.
* `instScalarProd`, `Scalar.Hom.fst`, `Scalar.Hom.snd`: pairs of scalars, and their projections.

## Main results

* `Natural.eq_eval`: the value of a natural program is that of its expression.
* `Natural.eq_of_expression_eq`: natural programs with equal expressions are equal over every scalar.
* `Expression.natural_eval`: evaluating an expression is a natural program.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- Expressions in the operations of a scalar, over variables in `ι`. -/
inductive Expression (ι : Type) where
  /-- A variable. -/
  | var (i : ι)
  /-- Zero. -/
  | zero
  /-- One. -/
  | one
  /-- A sum. -/
  | add (x y : Expression ι)
  /-- A product. -/
  | mul (x y : Expression ι)
  /-- A negation. -/
  | neg (x : Expression ι)
  /-- A quotient. -/
  | div (x y : Expression ι)
  /-- A natural number. -/
  | natCast (n : Nat)
  /-- The exponential function of an expression. -/
  | exp (x : Expression ι)
  /-- The logarithm of an expression. -/
  | log (x : Expression ι)
  /-- The greater of two expressions. -/
  | max (x y : Expression ι)
  /-- The softplus of an expression. -/
  | softplus (x : Expression ι)

/-- The operations on expressions build larger expressions. -/
instance instScalarExpression {ι : Type} : Scalar (Expression ι) where
  zero := .zero
  one := .one
  add := .add
  mul := .mul
  neg := .neg
  div := .div
  natCast := .natCast
  exp := .exp
  log := .log
  max := .max
  softplus := .softplus

variable {ι α : Type} [Scalar α]

/-- The value of an expression, if each variable `i` has the value `env i`. -/
def Expression.eval (env : ι → α) : Expression ι → α
  | var i => env i
  | zero => 0
  | one => 1
  | add x y => x.eval env + y.eval env
  | mul x y => x.eval env * y.eval env
  | neg x => -x.eval env
  | div x y => x.eval env / y.eval env
  | natCast n => Scalar.natCast n
  | exp x => Scalar.exp (x.eval env)
  | log x => Scalar.log (x.eval env)
  | max x y => Scalar.max (x.eval env) (y.eval env)
  | softplus x => Scalar.softplus (x.eval env)

/-- Evaluation is a homomorphism: a run on expressions evaluates to the run on values. -/
def Expression.evalHom (env : ι → α) : Scalar.Hom (Expression ι) α where
  toFun := eval env
  map_zero := rfl
  map_one := rfl
  map_add _ _ := rfl
  map_mul _ _ := rfl
  map_neg _ := rfl
  map_div _ _ := rfl
  map_natCast _ := rfl
  map_exp _ := rfl
  map_log _ := rfl
  map_max _ _ := rfl
  map_softplus _ := rfl

/-- A homomorphism maps the value of an expression to its value under the images of the variables. -/
theorem Expression.map_eval {β : Type} [Scalar β] (f : Scalar.Hom α β) (env : ι → α) (e : Expression ι) :
    f (e.eval env) = e.eval fun i => f (env i) := by
  induction e with
  | var i => rfl
  | zero => exact f.map_zero
  | one => exact f.map_one
  | add x y hx hy => rw [eval, f.map_add, hx, hy, ← eval]
  | mul x y hx hy => rw [eval, f.map_mul, hx, hy, ← eval]
  | neg x hx => rw [eval, f.map_neg, hx, ← eval]
  | div x y hx hy => rw [eval, f.map_div, hx, hy, ← eval]
  | natCast n => exact f.map_natCast n
  | exp x hx => rw [eval, f.map_exp, hx, ← eval]
  | log x hx => rw [eval, f.map_log, hx, ← eval]
  | max x y hx hy => rw [eval, f.map_max, hx, hy, ← eval]
  | softplus x hx => rw [eval, f.map_softplus, hx, ← eval]

/--
A program computes, over every scalar, a number from inputs in `ι`. It is natural if every homomorphism maps its value to its
value on the images of the inputs.
-/
def Natural (program : (α : Type) → [Scalar α] → (ι → α) → α) : Prop :=
  ∀ (α β : Type) [Scalar α] [Scalar β] (f : Scalar.Hom α β) (x : ι → α), f (program α x) = program β fun i => f (x i)

/-- Evaluating an expression is a natural program. -/
theorem Expression.natural_eval (e : Expression ι) : Natural fun _ [_] env => e.eval env :=
  fun _ _ _ _ f env => e.map_eval f env

/-- The value of a natural program is that of the expression which it returns for variables. -/
theorem Natural.eq_eval {program : (α : Type) → [Scalar α] → (ι → α) → α} (h : Natural program) (x : ι → α) :
    program α x = (program (Expression ι) .var).eval x :=
  (h (Expression ι) α (Expression.evalHom x) .var).symm

/-- Two natural programs that return the same expression for variables are equal over every scalar. -/
theorem Natural.eq_of_expression_eq {program program' : (α : Type) → [Scalar α] → (ι → α) → α} (h : Natural program)
    (h' : Natural program') (same : program (Expression ι) .var = program' (Expression ι) .var) (x : ι → α) :
    program α x = program' α x := by
  rw [h.eq_eval, h'.eq_eval, same]

/-! ## Pairs of scalars -/

/-- Pairs of scalars, each operation part by part. -/
instance instScalarProd {β : Type} [Scalar β] : Scalar (α × β) where
  zero := (0, 0)
  one := (1, 1)
  add x y := (x.1 + y.1, x.2 + y.2)
  mul x y := (x.1 * y.1, x.2 * y.2)
  neg x := (-x.1, -x.2)
  div x y := (x.1 / y.1, x.2 / y.2)
  natCast n := (Scalar.natCast n, Scalar.natCast n)
  exp x := (Scalar.exp x.1, Scalar.exp x.2)
  log x := (Scalar.log x.1, Scalar.log x.2)
  max x y := (Scalar.max x.1 y.1, Scalar.max x.2 y.2)
  softplus x := (Scalar.softplus x.1, Scalar.softplus x.2)

/-- The first part of a pair is a homomorphism: a run on pairs contains the run on the first parts. -/
def Scalar.Hom.fst (α β : Type) [Scalar α] [Scalar β] : Scalar.Hom (α × β) α where
  toFun := Prod.fst
  map_zero := rfl
  map_one := rfl
  map_add _ _ := rfl
  map_mul _ _ := rfl
  map_neg _ := rfl
  map_div _ _ := rfl
  map_natCast _ := rfl
  map_exp _ := rfl
  map_log _ := rfl
  map_max _ _ := rfl
  map_softplus _ := rfl

/-- The second part of a pair is a homomorphism: a run on pairs contains the run on the second parts. -/
def Scalar.Hom.snd (α β : Type) [Scalar α] [Scalar β] : Scalar.Hom (α × β) β where
  toFun := Prod.snd
  map_zero := rfl
  map_one := rfl
  map_add _ _ := rfl
  map_mul _ _ := rfl
  map_neg _ := rfl
  map_div _ _ := rfl
  map_natCast _ := rfl
  map_exp _ := rfl
  map_log _ := rfl
  map_max _ _ := rfl
  map_softplus _ := rfl

end Scanproof
