/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.VecMul
public import Spec.Matrix

/-!
# Matrices, restated

Each public theorem of `Spec.Matrix` and `Spec.Certificate.VecMul`, word for word. Who weakens one breaks the build here, and finds in one place
what the library says.
-/

namespace Scanproof

open Lean.Grind

/-! ## Matrix -/

section

variable {R : Type} {k l m n : Nat}

example [Add R] (v w : Vec R n) (i : Fin n) : (v + w).get i = v.get i + w.get i := by
  apply Vec.get_add <;> assumption

example [Zero R] (i : Fin n) : (0 : Vec R n).get i = 0 := by
  apply Vec.get_zero <;> assumption

example [Semiring R] (u v w : Vec R n) : u + v + w = u + (v + w) := by
  apply Vec.add_assoc <;> assumption

example [Semiring R] (v : Vec R n) : 0 + v = v := by
  apply Vec.zero_add <;> assumption

example [Semiring R] (v w : Vec R n) : v + w = w + v := by
  apply Vec.add_comm <;> assumption

example [Semiring R] (v : Vec R n) : v + 0 = v := by
  apply Vec.add_zero <;> assumption

example [Semiring R] (l m : Nat) (v : Nat → Vec R n) (i : Fin n) :
    (Vec.sumRange l m v).get i = sumRange l m fun s => (v s).get i := by
  apply Vec.get_sumRange <;> assumption

example [Semiring R] (m : Nat) (v : Nat → Vec R n) : Vec.sumRange m m v = 0 := by
  apply Vec.sumRange_self <;> assumption

example [Semiring R] {l m : Nat} (h : l ≤ m) (v : Nat → Vec R n) :
    Vec.sumRange l (m + 1) v = Vec.sumRange l m v + v m := by
  apply Vec.sumRange_succ <;> assumption

example [Semiring R] {l k m : Nat} (hlk : l ≤ k) (hkm : k ≤ m) (v : Nat → Vec R n) :
    Vec.sumRange l m v = Vec.sumRange l k v + Vec.sumRange k m v := by
  apply Vec.sumRange_split <;> assumption

example [Semiring R] {l m : Nat} {v w : Nat → Vec R n} (h : ∀ s, l ≤ s → s < m → v s = w s) :
    Vec.sumRange l m v = Vec.sumRange l m w := by
  apply Vec.sumRange_congr <;> assumption

example [Semiring R] {l m : Nat} {v : Nat → Vec R n} (h : ∀ s, l ≤ s → s < m → v s = 0) :
    Vec.sumRange l m v = 0 := by
  apply Vec.sumRange_zero <;> assumption

example [Semiring R] (m : Nat) (v : Nat → Vec R n) :
    Vec.sumRange 0 m v = Vec.sumRange 0 m fun s => v (m - 1 - s) := by
  apply Vec.sumRange_reverse <;> assumption

variable [Semiring R]

example (M : Matrix R m n) (x : Vec R n) (i : Fin m) :
    (M.mulVec x).get i = finSum fun j => (M.get i).get j * x.get j := by
  apply Matrix.get_mulVec <;> assumption

example (M : Matrix R l m) (N : Matrix R m n) (i : Fin l) (j : Fin n) :
    ((M.mul N).get i).get j = finSum fun k => (M.get i).get k * (N.get k).get j := by
  apply Matrix.get_mul <;> assumption

example (i j : Fin n) : ((Matrix.one : Matrix R n n).get i).get j = if i = j then 1 else 0 := by
  apply Matrix.get_one <;> assumption

example (M : Matrix R m n) (x y : Vec R n) : M.mulVec (x + y) = M.mulVec x + M.mulVec y := by
  apply Matrix.mulVec_add <;> assumption

example (M : Matrix R m n) : M.mulVec 0 = 0 := by
  apply Matrix.mulVec_zero <;> assumption

example (M : Matrix R m n) (s t : Nat) (v : Nat → Vec R n) :
    M.mulVec (Vec.sumRange s t v) = Vec.sumRange s t fun r => M.mulVec (v r) := by
  apply Matrix.mulVec_sumRange <;> assumption

example (x : Vec R n) : (0 : Matrix R m n).mulVec x = 0 := by
  apply Matrix.zero_mulVec <;> assumption

example (M : Matrix R l m) (N : Matrix R m n) (x : Vec R n) : (M.mul N).mulVec x = M.mulVec (N.mulVec x) := by
  apply Matrix.mul_mulVec <;> assumption

example (x : Vec R n) : Matrix.one.mulVec x = x := by
  apply Matrix.one_mulVec <;> assumption

example (d x : Vec R n) (i : Fin n) : ((Matrix.diagonal d).mulVec x).get i = d.get i * x.get i := by
  apply Matrix.get_mulVec_diagonal <;> assumption

example (d x : Vec R n) (k : Nat) (i : Fin n) :
    (((Matrix.diagonal d).pow k).mulVec x).get i = d.get i ^ k * x.get i := by
  apply Matrix.get_mulVec_pow_diagonal <;> assumption

example (d : Vec R m) (M : Matrix R m n) (k : Nat) (i : Fin m) (j : Fin n) :
    ((((Matrix.diagonal d).pow k).mul M).get i).get j = d.get i ^ k * (M.get i).get j := by
  apply Matrix.get_mul_pow_diagonal <;> assumption

example (M : Matrix R k l) (N : Matrix R l m) (P : Matrix R m n) : (M.mul N).mul P = M.mul (N.mul P) := by
  apply Matrix.mul_assoc <;> assumption

example (M : Matrix R m n) : Matrix.one.mul M = M := by
  apply Matrix.one_mul <;> assumption

example (M : Matrix R m n) : M.mul Matrix.one = M := by
  apply Matrix.mul_one <;> assumption

end

/-! ## Certificate/VecMul -/

section

variable {α : Type} [Semiring α] {n : Nat}

example {f : Fin n → α} (h : ∀ k, f k = 0) : finSum f = 0 := by
  apply finSum_eq_zero <;> assumption

example {f : Fin n → α} (k : Fin n) (h : ∀ j, j ≠ k → f j = 0) : finSum f = f k := by
  apply finSum_single <;> assumption

example {ι : Type} {v : Fin n → α} {J : Fin n → ι → α} {i : ι} (h : ∀ k, v k = 0 ∨ J k i = 0) :
    vecMul v J i = 0 := by
  apply vecMul_eq_zero <;> assumption

end

section

variable {α : Type} [Ring α] {n : Nat}

example (f g : Fin n → α) : (finSum fun k => f k - g k) = finSum f - finSum g := by
  apply finSum_sub <;> assumption

example {ι : Type} {v w : Fin n → α} (J : Fin n → ι → α) {k : Fin n} (i : ι)
    (h : ∀ j, j ≠ k → v j = w j) : vecMul v J i - vecMul w J i = (v k - w k) * J k i := by
  apply vecMul_sub_vecMul <;> assumption

end

end Scanproof
