/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.FinSum

/-!
# Vector-Jacobian products

## Main definitions

* `vecMul v J`: the row vector `v` times the matrix `J`. With the Jacobian of a function, it is the gradient that the
  cotangent `v` leaves.

## Main results

* `vecMul_eq_zero`: it is zero at `i` where every term is.
* `vecMul_sub_vecMul`: two cotangents that differ in entry `k` only differ in gradient by that difference times `J k i`.
* `finSum_eq_zero`, `finSum_single`, `finSum_sub`: sums of zeros, of one term, of differences.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind (Semiring Ring)

section Semiring

variable {α : Type} [Semiring α] {n : Nat}

/-- A sum of zeros is zero. -/
theorem finSum_eq_zero {f : Fin n → α} (h : ∀ k, f k = 0) : finSum f = 0 :=
  (finSum_congr h).trans (sumOver_zero _)

/-- A sum whose values away from `k` are zero is its value at `k`. -/
theorem finSum_single {f : Fin n → α} (k : Fin n) (h : ∀ j, j ≠ k → f j = 0) : finSum f = f k := by
  induction n with
  | zero => exact k.elim0
  | succ n ih =>
    rw [finSum_succ]
    apply Fin.cases (motive := fun i => i = k → _) _ _ k rfl
    · rintro rfl
      rw [finSum_eq_zero fun j => h j.succ (Fin.succ_ne_zero j), Semiring.add_zero]
    · rintro i rfl
      rw [h 0 fun e => Fin.succ_ne_zero i e.symm, Semiring.add_comm, Semiring.add_zero]
      exact ih i fun j hj => h j.succ fun e => hj (Fin.succ_inj.1 e)

/-- The row vector `v` times the matrix `J`: entry `i` is the sum of `v k * J k i` over `k`. -/
def vecMul {ι : Type} (v : Fin n → α) (J : Fin n → ι → α) (i : ι) : α := finSum fun k => v k * J k i

/-- The product is zero at `i` where, of each term, the entry of the vector or of the matrix is zero. -/
theorem vecMul_eq_zero {ι : Type} {v : Fin n → α} {J : Fin n → ι → α} {i : ι} (h : ∀ k, v k = 0 ∨ J k i = 0) :
    vecMul v J i = 0 := by
  refine finSum_eq_zero fun k => (h k).elim (fun hv => ?_) fun hJ => ?_
  · rw [hv, Semiring.zero_mul]
  · rw [hJ, Semiring.mul_zero]

end Semiring

section Ring

variable {α : Type} [Ring α] {n : Nat}

/-- The sum of `f - g` is the difference of the sums. -/
theorem finSum_sub (f g : Fin n → α) : (finSum fun k => f k - g k) = finSum f - finSum g :=
  sumOver_sub _ f g

/-- Two vectors that differ in entry `k` only have products that differ by that difference times `J k i`. -/
theorem vecMul_sub_vecMul {ι : Type} {v w : Fin n → α} (J : Fin n → ι → α) {k : Fin n} (i : ι)
    (h : ∀ j, j ≠ k → v j = w j) : vecMul v J i - vecMul w J i = (v k - w k) * J k i := by
  rw [vecMul, vecMul, ← finSum_sub]
  have cell (a b c : α) : a * c - b * c = (a - b) * c := by grind
  simp only [cell]
  exact finSum_single k fun j hj => by
    rw [h j hj, Lean.Grind.AddCommGroup.sub_self, Semiring.zero_mul]

end Ring

end Scanproof
