/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.FinSum
public import Spec.Tensor

/-!
# Vectors and matrices over a semiring

Over any semiring of Lean's library, commutative or not.

## Main definitions

* `Matrix R m n`: matrices of shape (m, n); `Matrix.mulVec`, `Matrix.mul`, `Matrix.one` are their products and the identity.

## Main results

* `Matrix.mulVec_add`, `Matrix.mulVec_zero`: a matrix acts linearly on vectors.
* `Matrix.mulVec_mul`: a product of matrices acts as one after the other.
* `Matrix.mul_assoc`, `Matrix.one_mul`, `Matrix.mul_one`: square matrices are a monoid.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

variable {R : Type} {k l m n : Nat}

namespace Vec

/-- Vectors add entry by entry. -/
instance [Add R] : Add (Vec R n) := ⟨zipWith (· + ·)⟩

/-- The vector of zeros. -/
instance [Zero R] : Zero (Vec R n) := ⟨ofFn fun _ => 0⟩

/-- The entry of a sum. -/
@[simp] theorem get_add [Add R] (v w : Vec R n) (i : Fin n) : (v + w).get i = v.get i + w.get i := get_zipWith _ v w i

/-- The entry of the vector of zeros. -/
@[simp] theorem get_zero [Zero R] (i : Fin n) : (0 : Vec R n).get i = 0 := get_ofFn _ i

/-- Sums of vectors may be regrouped. -/
theorem add_assoc [Semiring R] (u v w : Vec R n) : u + v + w = u + (v + w) := by
  apply Vec.ext
  intro i
  simp only [get_add, Semiring.add_assoc]

/-- Zeros change nothing from the left. -/
theorem zero_add [Semiring R] (v : Vec R n) : 0 + v = v := by
  apply Vec.ext
  intro i
  simp only [get_add, get_zero]
  grind

/-- Zeros change nothing from the right. -/
theorem add_zero [Semiring R] (v : Vec R n) : v + 0 = v := by
  apply Vec.ext
  intro i
  simp only [get_add, get_zero]
  grind

end Vec

/-- Matrices of `m` rows and `n` columns, row by row. -/
abbrev Matrix (R : Type) (m n : Nat) := Vec (Vec R n) m

namespace Matrix

variable [Semiring R]

/-- The matrix applied to a vector. -/
def mulVec (M : Matrix R m n) (x : Vec R n) : Vec R m := Vec.ofFn fun i => finSum fun j => (M.get i).get j * x.get j

/-- The product of two matrices. -/
def mul (M : Matrix R l m) (N : Matrix R m n) : Matrix R l n :=
  Vec.ofFn fun i => Vec.ofFn fun j => finSum fun k => (M.get i).get k * (N.get k).get j

/-- The identity matrix. -/
def one : Matrix R n n := Vec.ofFn fun i => Vec.ofFn fun j => if i = j then 1 else 0

/-- The entry of a matrix applied to a vector. -/
theorem get_mulVec (M : Matrix R m n) (x : Vec R n) (i : Fin m) :
    (M.mulVec x).get i = finSum fun j => (M.get i).get j * x.get j := Vec.get_ofFn _ i

/-- The entry of a product of matrices. -/
theorem get_mul (M : Matrix R l m) (N : Matrix R m n) (i : Fin l) (j : Fin n) :
    ((M.mul N).get i).get j = finSum fun k => (M.get i).get k * (N.get k).get j := by
  simp only [mul, Vec.get_ofFn]

/-- The entry of the identity matrix. -/
theorem get_one (i j : Fin n) : ((one : Matrix R n n).get i).get j = if i = j then 1 else 0 := by
  simp only [one, Vec.get_ofFn]

private theorem ite_mul (p : Prop) [Decidable p] (x : R) : (if p then 1 else 0) * x = if p then x else 0 := by
  split <;> grind

private theorem mul_ite (p : Prop) [Decidable p] (x : R) : x * (if p then 1 else 0) = if p then x else 0 := by
  split <;> grind

private theorem finSum_ite (f : Fin n → R) (i : Fin n) : (finSum fun j => if i = j then f j else 0) = f i := by
  induction n with
  | zero => exact i.elim0
  | succ n ih =>
    rw [finSum_succ]
    cases i using Fin.cases with
    | zero =>
      have h : (finSum fun j : Fin n => if (0 : Fin (n + 1)) = j.succ then f j.succ else 0) = 0 := by
        simp only [(Fin.succ_ne_zero _).symm, ↓reduceIte]
        exact sumOver_zero _
      rw [h, if_pos rfl]
      grind
    | succ i =>
      simp only [Fin.succ_ne_zero, Fin.succ_inj, ↓reduceIte]
      rw [ih fun j => f j.succ]
      grind

/-- A matrix takes a sum to the sum of what it takes the terms to. -/
theorem mulVec_add (M : Matrix R m n) (x y : Vec R n) : M.mulVec (x + y) = M.mulVec x + M.mulVec y := by
  apply Vec.ext
  intro i
  simp only [get_mulVec, Vec.get_add, Semiring.left_distrib]
  exact sumOver_add _ _ _

/-- A matrix takes zeros to zeros. -/
theorem mulVec_zero (M : Matrix R m n) : M.mulVec 0 = 0 := by
  apply Vec.ext
  intro i
  simp only [get_mulVec, Vec.get_zero, Semiring.mul_zero]
  exact sumOver_zero _

/-- The product of two matrices acts as one after the other. -/
theorem mulVec_mul (M : Matrix R l m) (N : Matrix R m n) (x : Vec R n) : (M.mul N).mulVec x = M.mulVec (N.mulVec x) := by
  apply Vec.ext
  intro i
  simp only [get_mulVec, get_mul, finSum, mul_sumOver, sumOver_mul, Semiring.mul_assoc]
  exact sumOver_comm _ _ _

/-- The identity matrix changes no vector. -/
theorem mulVec_one (x : Vec R n) : one.mulVec x = x := by
  apply Vec.ext
  intro i
  simp only [get_mulVec, get_one, ite_mul, finSum_ite]

/-- Products of matrices may be regrouped. -/
theorem mul_assoc (M : Matrix R k l) (N : Matrix R l m) (P : Matrix R m n) : (M.mul N).mul P = M.mul (N.mul P) := by
  apply Vec.ext
  intro i
  apply Vec.ext
  intro j
  simp only [get_mul, finSum, mul_sumOver, sumOver_mul, Semiring.mul_assoc]
  exact sumOver_comm _ _ _

/-- The identity matrix changes nothing from the left. -/
theorem one_mul (M : Matrix R m n) : one.mul M = M := by
  apply Vec.ext
  intro i
  apply Vec.ext
  intro j
  simp only [get_mul, get_one, ite_mul, finSum_ite]

/-- The identity matrix changes nothing from the right. -/
theorem mul_one (M : Matrix R m n) : M.mul one = M := by
  apply Vec.ext
  intro i
  apply Vec.ext
  intro j
  simp only [get_mul, get_one, eq_comm (b := j), mul_ite, finSum_ite]

end Matrix

end Scanproof
