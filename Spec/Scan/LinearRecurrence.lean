/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.FinSum

/-!
# The linear recurrence and its masked sum

One entry of the state of every model here obeys `h' = a h + b`, with coefficients that may differ at every time.
Unrolled, each `b s` reaches time `t` multiplied by the decays after it: the segment product from its source `s` to
its destination `t`. Over any semiring, commutative or not.

## Main definitions

* `linearState a b h0 t`: the state after the times `0, …, t - 1`.

## Main results

* `linearState_from`: the state at `t` from the one at any earlier `m`, as a sum over what was added in between.
* `linearState_eq_sum`: the same from the start.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

variable {R : Type} [Semiring R]

/-- The state of `h' = a h + b` after the times `0, …, t - 1`, from `h0`. -/
def linearState (a b : Nat → R) (h0 : R) : Nat → R
  | 0 => h0
  | t + 1 => a t * linearState a b h0 t + b t

/--
From the state at `m`: it is multiplied by all decays since, and what is added at `s` by the decays after `s`.
-/
theorem linearState_from (a b : Nat → R) (h0 : R) {m t : Nat} (h : m ≤ t) :
    linearState a b h0 t =
      segProd a m t * linearState a b h0 m + sumRange m t fun s => segProd a (s + 1) t * b s := by
  obtain ⟨d, rfl⟩ := Nat.exists_eq_add_of_le h
  induction d with
  | zero => rw [Nat.add_zero, segProd_self, sumRange_self]; grind
  | succ d ih =>
    have later : (sumRange m (m + d) fun s => segProd a (s + 1) (m + d + 1) * b s) =
        a (m + d) * sumRange m (m + d) fun s => segProd a (s + 1) (m + d) * b s := by
      rw [sumRange, sumRange, mul_sumOver]
      refine sumRange_congr fun s _ hs => ?_
      rw [segProd_succ a (by omega)]
      grind
    rw [← Nat.add_assoc, linearState, ih (by omega), segProd_succ a (by omega), sumRange_succ (by omega),
      later, segProd_self]
    grind

/-- From the initial state. -/
theorem linearState_eq_sum (a b : Nat → R) (h0 : R) (t : Nat) :
    linearState a b h0 t = segProd a 0 t * h0 + sumRange 0 t fun s => segProd a (s + 1) t * b s :=
  linearState_from a b h0 (Nat.zero_le t)

end Scanproof
