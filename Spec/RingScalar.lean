/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scalar
public import Spec.Tensor
public import Spec.FinSum

/-!
# Scalars with the laws of a commutative ring

`Scalar` has no laws, and prefix causality needs none. That a parallel form computes the same *numbers* as a recurrence
does need laws: exact arithmetic. The classes here say which, and turn such a scalar into a semiring or ring of Lean's
library, so that theorems about rings apply to runners. Nothing is assumed of division, `exp`, `log`, `max` and `softplus`.

## Main definitions

* `SemiringScalar`: addition and multiplication are those of a semiring.
* `CommSemiringScalar`: and multiplication is commutative.
* `CommRingScalar`: negation is that of a commutative ring.

## Main results

* `commRingScalar_exact`: rational arithmetic has all these laws.
* `sum_eq_finSum`, `dot_eq_finSum`: the left folds of runners are finite sums.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

/-- Addition and multiplication are those of a semiring; multiplication need not be commutative. -/
class SemiringScalar (α : Type) [Scalar α] : Prop extends LawfulScalar α where
  /-- Zero is neutral for addition. -/
  add_zero : ∀ x : α, x + 0 = x
  /-- Addition is commutative. -/
  add_comm : ∀ x y : α, x + y = y + x
  /-- One is neutral for multiplication, on the right. -/
  mul_one : ∀ x : α, x * 1 = x
  /-- One is neutral for multiplication, on the left. -/
  one_mul : ∀ x : α, 1 * x = x
  /-- Zero absorbs, on the right. -/
  mul_zero : ∀ x : α, x * 0 = 0
  /-- Zero absorbs, on the left. -/
  zero_mul : ∀ x : α, 0 * x = 0
  /-- Multiplication distributes over addition from the right. -/
  add_mul : ∀ x y z : α, (x + y) * z = x * z + y * z

/-- Addition and multiplication are those of a commutative semiring. -/
class CommSemiringScalar (α : Type) [Scalar α] : Prop extends LawfulScalar α where
  /-- Zero is neutral for addition. -/
  add_zero : ∀ x : α, x + 0 = x
  /-- Addition is commutative. -/
  add_comm : ∀ x y : α, x + y = y + x
  /-- One is neutral for multiplication. -/
  mul_one : ∀ x : α, x * 1 = x
  /-- Multiplication is commutative. -/
  mul_comm : ∀ x y : α, x * y = y * x
  /-- Zero absorbs. -/
  mul_zero : ∀ x : α, x * 0 = 0

/-- Negation is that of a commutative ring. -/
class CommRingScalar (α : Type) [Scalar α] : Prop extends CommSemiringScalar α where
  /-- A number and its negation add to zero. -/
  neg_add_cancel : ∀ x : α, -x + x = 0

/-- Rational arithmetic has the laws of a commutative ring. -/
theorem commRingScalar_exact : @CommRingScalar Rat exactScalar :=
  letI := exactScalar
  { lawfulScalar_exact with
    add_zero := Rat.add_zero
    add_comm := Rat.add_comm
    mul_one := Rat.mul_one
    mul_comm := Rat.mul_comm
    mul_zero := Rat.mul_zero
    neg_add_cancel := Rat.neg_add_cancel }

variable {α : Type} [Scalar α]

/-- The number `n` as a sum of ones. -/
def Scalar.ofNat : Nat → α
  | 0 => 0
  | 1 => 1
  | n + 2 => ofNat (n + 1) + 1

/-- The number `n` as a sum of ones, negated if `n` is negative. -/
def Scalar.ofInt : Int → α
  | .ofNat n => ofNat n
  | .negSucc n => -ofNat (n + 1)

/-- A scalar with the laws of a semiring is one. -/
instance (priority := low) SemiringScalar.toSemiring [SemiringScalar α] : Semiring α where
  natCast := ⟨Scalar.ofNat⟩
  ofNat n := ⟨Scalar.ofNat n⟩
  nsmul := ⟨fun n x => Scalar.ofNat n * x⟩
  npow := ⟨fun x n => n.rec 1 fun _ p => p * x⟩
  add_zero := SemiringScalar.add_zero
  add_comm := SemiringScalar.add_comm
  add_assoc := LawfulScalar.add_assoc
  mul_assoc := LawfulScalar.mul_assoc
  mul_one := SemiringScalar.mul_one
  one_mul := SemiringScalar.one_mul
  left_distrib := LawfulScalar.mul_add
  right_distrib := SemiringScalar.add_mul
  zero_mul := SemiringScalar.zero_mul
  mul_zero := SemiringScalar.mul_zero
  pow_zero _ := by rfl
  pow_succ _ _ := by rfl
  ofNat_succ n := by
    cases n with
    | zero => exact ((SemiringScalar.add_comm _ _).trans (SemiringScalar.add_zero _)).symm
    | succ n => rfl

/-- With a commutative multiplication, the laws on one side give those on the other. -/
instance (priority := low) CommSemiringScalar.toSemiringScalar [CommSemiringScalar α] : SemiringScalar α where
  add_zero := CommSemiringScalar.add_zero
  add_comm := CommSemiringScalar.add_comm
  mul_one := CommSemiringScalar.mul_one
  one_mul x := (CommSemiringScalar.mul_comm _ x).trans (CommSemiringScalar.mul_one x)
  mul_zero := CommSemiringScalar.mul_zero
  zero_mul x := (CommSemiringScalar.mul_comm _ x).trans (CommSemiringScalar.mul_zero x)
  add_mul x y z := by
    rw [CommSemiringScalar.mul_comm (x + y), LawfulScalar.mul_add, CommSemiringScalar.mul_comm z,
      CommSemiringScalar.mul_comm z]

/-- Its multiplication is commutative. -/
instance (priority := low) CommSemiringScalar.toCommSemiring [CommSemiringScalar α] : CommSemiring α where
  mul_comm := CommSemiringScalar.mul_comm

private theorem add_neg_cancel [CommRingScalar α] (x : α) : x + -x = 0 :=
  (CommSemiringScalar.add_comm _ _).trans (CommRingScalar.neg_add_cancel x)

private theorem eq_neg [CommRingScalar α] {x y : α} (h : y + x = 0) : y = -x :=
  calc
    y = y + (x + -x) := by rw [add_neg_cancel, CommSemiringScalar.add_zero]
    _ = -x := by
      rw [← LawfulScalar.add_assoc, h, CommSemiringScalar.add_comm, CommSemiringScalar.add_zero]

private theorem neg_neg [CommRingScalar α] (x : α) : - -x = x := (eq_neg (add_neg_cancel x)).symm

private theorem neg_mul [CommRingScalar α] (x y : α) : -x * y = -(x * y) :=
  eq_neg (by
    rw [CommSemiringScalar.mul_comm (-x), CommSemiringScalar.mul_comm x, ← LawfulScalar.mul_add,
      CommRingScalar.neg_add_cancel, CommSemiringScalar.mul_zero])

private theorem ofInt_neg [CommRingScalar α] : ∀ n : Int, (Scalar.ofInt (-n) : α) = -Scalar.ofInt n
  | .ofNat 0 => eq_neg (CommSemiringScalar.add_zero _)
  | .ofNat (_ + 1) => rfl
  | .negSucc _ => (neg_neg _).symm

/-- A scalar with the laws of a commutative ring is one. -/
instance (priority := low) CommRingScalar.toRing [CommRingScalar α] : Ring α where
  toSemiring := SemiringScalar.toSemiring
  sub x y := x + -y
  intCast := ⟨Scalar.ofInt⟩
  zsmul := ⟨fun n x => Scalar.ofInt n * x⟩
  neg_add_cancel := CommRingScalar.neg_add_cancel
  sub_eq_add_neg _ _ := by rfl
  neg_zsmul n x := by exact (congrArg (· * x) (ofInt_neg n)).trans (neg_mul _ _)
  zsmul_natCast_eq_nsmul _ _ := by rfl
  intCast_ofNat _ := by rfl
  intCast_neg := by exact ofInt_neg

/-- Its multiplication is commutative. -/
instance (priority := low) CommRingScalar.toCommRing [CommRingScalar α] : CommRing α where
  mul_comm := CommSemiringScalar.mul_comm

variable [SemiringScalar α] {n : Nat}

omit [SemiringScalar α] in
private theorem sumFrom_succ (f : Fin (n + 1) → α) (acc : α) (r : Nat) (h : r ≤ n) :
    sumFrom f acc r (Nat.le_succ_of_le h) = sumFrom (fun i => f i.succ) acc r h := by
  induction r generalizing acc with
  | zero => rfl
  | succ r ih =>
    rw [sumFrom, sumFrom, ih _ (by omega)]
    congr 3
    apply Fin.ext
    simp only [Fin.succ]
    omega

private theorem sumFrom_eq (f : Fin n → α) (acc : α) : sumFrom f acc n (Nat.le_refl n) = acc + finSum f := by
  induction n generalizing acc with
  | zero => rw [finSum_zero]; exact (SemiringScalar.add_zero acc).symm
  | succ n ih =>
    rw [sumFrom, sumFrom_succ _ _ _ (Nat.le_refl n), ih, finSum_succ, LawfulScalar.add_assoc]
    congr 3
    exact Fin.ext (Nat.sub_self (n + 1))

/-- The left fold of a runner is the finite sum. -/
theorem sum_eq_finSum (f : Fin n → α) : sum f = finSum f :=
  (sumFrom_eq f 0).trans ((SemiringScalar.add_comm _ _).trans (SemiringScalar.add_zero _))

/-- The dot product of a runner is the finite sum of products. -/
theorem dot_eq_finSum (v w : Vec α n) : v.dot w = finSum fun i => v.get i * w.get i := sum_eq_finSum _

end Scanproof
