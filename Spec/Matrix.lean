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
* `Matrix.pow`, `Matrix.diagonal`: powers, and the matrix with a given diagonal.
* `Vec.sumRange`: sums of vectors over an interval of times.

## Main results

* `Matrix.mulVec_add`, `Matrix.mulVec_zero`, `Matrix.mulVec_sumRange`: a matrix acts linearly on vectors.
* `Matrix.mul_mulVec`: a product of matrices acts as one after the other.
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

/-- Sums of vectors may be exchanged. -/
theorem add_comm [Semiring R] (v w : Vec R n) : v + w = w + v := by
  apply Vec.ext
  intro i
  simp only [get_add, Semiring.add_comm]

/-- Zeros change nothing from the right. -/
theorem add_zero [Semiring R] (v : Vec R n) : v + 0 = v := by
  apply Vec.ext
  intro i
  simp only [get_add, get_zero]
  grind

/-- The sum of the vectors `v s` over the times `l ≤ s < m`. -/
def sumRange [Semiring R] (l m : Nat) (v : Nat → Vec R n) : Vec R n :=
  ofFn fun i => Scanproof.sumRange l m fun s => (v s).get i

/-- The entry of a sum of vectors. -/
theorem get_sumRange [Semiring R] (l m : Nat) (v : Nat → Vec R n) (i : Fin n) :
    (sumRange l m v).get i = Scanproof.sumRange l m fun s => (v s).get i := get_ofFn _ i

/-- The sum over the empty interval is zero. -/
theorem sumRange_self [Semiring R] (m : Nat) (v : Nat → Vec R n) : sumRange m m v = 0 := by
  apply Vec.ext
  intro i
  rw [get_sumRange, Scanproof.sumRange_self, get_zero]

/-- The term of the last time, on the right. -/
theorem sumRange_succ [Semiring R] {l m : Nat} (h : l ≤ m) (v : Nat → Vec R n) :
    sumRange l (m + 1) v = sumRange l m v + v m := by
  apply Vec.ext
  intro i
  rw [get_sumRange, Scanproof.sumRange_succ h, get_add, get_sumRange]

/-- An interval may be cut anywhere. -/
theorem sumRange_split [Semiring R] {l k m : Nat} (hlk : l ≤ k) (hkm : k ≤ m) (v : Nat → Vec R n) :
    sumRange l m v = sumRange l k v + sumRange k m v := by
  apply Vec.ext
  intro i
  rw [get_sumRange, Scanproof.sumRange_split hlk hkm, get_add, get_sumRange, get_sumRange]

/-- Sums with equal terms are equal. -/
theorem sumRange_congr [Semiring R] {l m : Nat} {v w : Nat → Vec R n} (h : ∀ s, l ≤ s → s < m → v s = w s) :
    sumRange l m v = sumRange l m w := by
  apply Vec.ext
  intro i
  rw [get_sumRange, get_sumRange]
  exact Scanproof.sumRange_congr fun s hl hm => by rw [h s hl hm]

/-- A sum of zeros is zero. -/
theorem sumRange_zero [Semiring R] {l m : Nat} {v : Nat → Vec R n} (h : ∀ s, l ≤ s → s < m → v s = 0) :
    sumRange l m v = 0 := by
  apply Vec.ext
  intro i
  rw [sumRange_congr h, get_sumRange, get_zero]
  exact sumOver_zero _

/-- The order of the terms may be reversed. -/
theorem sumRange_reverse [Semiring R] (m : Nat) (v : Nat → Vec R n) :
    sumRange 0 m v = sumRange 0 m fun s => v (m - 1 - s) := by
  apply Vec.ext
  intro i
  rw [get_sumRange, get_sumRange, Scanproof.sumRange_reverse]

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

/-- The power `M ^ k`. -/
def pow (M : Matrix R n n) : Nat → Matrix R n n
  | 0 => one
  | k + 1 => M.mul (M.pow k)

/-- The matrix with the entries of `d` on the diagonal and zeros elsewhere. -/
def diagonal (d : Vec R n) : Matrix R n n := Vec.ofFn fun i => Vec.ofFn fun j => if i = j then d.get i else 0

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

/-- A matrix takes a sum over an interval to the sum of what it takes the terms to. -/
theorem mulVec_sumRange (M : Matrix R m n) (s t : Nat) (v : Nat → Vec R n) :
    M.mulVec (Vec.sumRange s t v) = Vec.sumRange s t fun r => M.mulVec (v r) := by
  apply Vec.ext
  intro i
  simp only [get_mulVec, Vec.get_sumRange, finSum, sumRange, mul_sumOver]
  exact sumOver_comm _ _ _

/-- The matrix of zeros takes every vector to zeros. -/
theorem zero_mulVec (x : Vec R n) : (0 : Matrix R m n).mulVec x = 0 := by
  apply Vec.ext
  intro i
  simp only [get_mulVec, Vec.get_zero, Semiring.zero_mul]
  exact sumOver_zero _

/-- The product of two matrices acts as one after the other. -/
theorem mul_mulVec (M : Matrix R l m) (N : Matrix R m n) (x : Vec R n) : (M.mul N).mulVec x = M.mulVec (N.mulVec x) := by
  apply Vec.ext
  intro i
  simp only [get_mulVec, get_mul, finSum, mul_sumOver, sumOver_mul, Semiring.mul_assoc]
  exact sumOver_comm _ _ _

/-- The identity matrix changes no vector. -/
theorem one_mulVec (x : Vec R n) : one.mulVec x = x := by
  apply Vec.ext
  intro i
  simp only [get_mulVec, get_one, ite_mul, finSum_ite]

/-- A diagonal matrix acts entry by entry. -/
theorem get_mulVec_diagonal (d x : Vec R n) (i : Fin n) : ((diagonal d).mulVec x).get i = d.get i * x.get i := by
  have h : ∀ j : Fin n, (if i = j then d.get i else 0) * x.get j = if i = j then d.get j * x.get j else 0 := by
    intro j
    split
    · subst_vars
      rfl
    · grind
  simp only [get_mulVec, diagonal, Vec.get_ofFn, h, finSum_ite]

private theorem self_mul_pow (x : R) (k : Nat) : x * x ^ k = x ^ (k + 1) := by
  induction k with
  | zero => rw [Semiring.pow_succ, Semiring.pow_zero, Semiring.mul_one, Semiring.one_mul]
  | succ k ih => rw [Semiring.pow_succ, ← Semiring.mul_assoc, ih, ← Semiring.pow_succ]

/-- The powers of a diagonal matrix act by the powers of its entries. -/
theorem get_mulVec_pow_diagonal (d x : Vec R n) (k : Nat) (i : Fin n) :
    (((diagonal d).pow k).mulVec x).get i = d.get i ^ k * x.get i := by
  induction k generalizing x with
  | zero => rw [pow, one_mulVec, Semiring.pow_zero, Semiring.one_mul]
  | succ k ih =>
    rw [pow, mul_mulVec, get_mulVec_diagonal, ih, ← Semiring.mul_assoc, self_mul_pow]

/-- The powers of a diagonal matrix multiply each row by a power. -/
theorem get_mul_pow_diagonal (d : Vec R m) (M : Matrix R m n) (k : Nat) (i : Fin m) (j : Fin n) :
    ((((diagonal d).pow k).mul M).get i).get j = d.get i ^ k * (M.get i).get j := by
  have h := get_mulVec_pow_diagonal d (Vec.ofFn fun i => (M.get i).get j) k i
  rw [get_mulVec] at h
  simp only [Vec.get_ofFn] at h
  rw [get_mul, h]

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
