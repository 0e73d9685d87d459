/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.FinSum

/-!
# Unit lower triangular systems

`y r + (sum over m ≤ s < r of M r s * y s) = b r` for the times `r ≥ m`: the system `(I + tril(M, -1)) y = b` over a
ring. Forward substitution solves it, and nothing else does.

## Main definitions

* `forwardSubstitution`: the solution.

## Main results

* `forwardSubstitution_solves`: it solves the system.
* `triangular_unique`: two solutions are equal.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

variable {R : Type} [Ring R] (m : Nat) (M : Nat → Nat → R) (b : Nat → R)

/-- The first `n` entries of the solution, each from the ones before it. -/
def forwardTable : Nat → Nat → R
  | 0, _ => 0
  | n + 1, i => if i = n then b n - sumRange m n fun s => M n s * forwardTable n s else forwardTable n i

/-- The solution of the system, by forward substitution from time `m`. -/
def forwardSubstitution (r : Nat) : R := forwardTable m M b (r + 1) r

private theorem forwardTable_eq {i n : Nat} (h : i < n) : forwardTable m M b n i = forwardSubstitution m M b i := by
  induction n with
  | zero => exact absurd h (Nat.not_lt_zero i)
  | succ n ih =>
    by_cases hi : i = n
    · rw [hi, forwardSubstitution]
    · rw [forwardTable, if_neg hi, ih (by omega)]

/-- Forward substitution solves the system. -/
theorem forwardSubstitution_solves (r : Nat) :
    (forwardSubstitution m M b r + sumRange m r fun s => M r s * forwardSubstitution m M b s) = b r := by
  have past : (sumRange m r fun s => M r s * forwardTable m M b r s) =
      sumRange m r fun s => M r s * forwardSubstitution m M b s :=
    sumRange_congr fun s _ hs => by rw [forwardTable_eq m M b hs]
  have now : forwardSubstitution m M b r = b r - sumRange m r fun s => M r s * forwardTable m M b r s := by
    rw [forwardSubstitution, forwardTable, if_pos rfl]
  rw [now, past]
  grind

variable {m M b}

/-- Two solutions of the first equations agree there. -/
theorem triangular_unique {n : Nat} {y z : Nat → R}
    (hy : ∀ r, m ≤ r → r < n → (y r + sumRange m r fun s => M r s * y s) = b r)
    (hz : ∀ r, m ≤ r → r < n → (z r + sumRange m r fun s => M r s * z s) = b r) (r : Nat) (hm : m ≤ r) (hn : r < n) :
    y r = z r := by
  induction r using Nat.strongRecOn with
  | ind r ih =>
    have past : (sumRange m r fun s => M r s * y s) = sumRange m r fun s => M r s * z s :=
      sumRange_congr fun s hs hsr => by rw [ih s hsr hs (by omega)]
    have h := (hy r hm hn).trans (hz r hm hn).symm
    rw [past] at h
    generalize (sumRange m r fun s => M r s * z s) = c at h
    calc
      y r = (y r + c) - c := by grind
      _ = (z r + c) - c := by rw [h]
      _ = z r := by grind

end Scanproof
