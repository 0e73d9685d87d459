/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

/-!
# Groups of channels

Kernels let neighbouring channels share their `B` and `C`: of `groups` groups, each serves `channels / groups` channels in
a row (`repeat_interleave`, or `repeat "b g n -> b (g h) n"`).

## Main definitions

* `groupOf`: the group that a channel reads.

## Main results

* `groupOf_one`: of one group, every channel reads it.
* `groupOf_self`: with a group for each channel, a channel reads its own.
-/

@[expose] public section

namespace Scanproof

/-- The group that channel `i` reads: `i / (channels / groups)`, rounded down. -/
def groupOf {channels groups : Nat} (h : groups ∣ channels) (i : Fin channels) : Fin groups :=
  ⟨i.val / (channels / groups), by
    obtain ⟨size, rfl⟩ := h
    have hi := i.isLt
    have hg : 0 < groups := Nat.pos_of_ne_zero fun h => by simp [h] at hi
    rw [Nat.mul_div_cancel_left size hg]
    exact Nat.div_lt_of_lt_mul (Nat.lt_of_lt_of_eq hi (Nat.mul_comm groups size))⟩

/-- The position of the group that channel `i` reads. -/
theorem val_groupOf {channels groups : Nat} (h : groups ∣ channels) (i : Fin channels) :
    (groupOf h i).val = i.val / (channels / groups) := rfl

/-- Of one group, every channel reads it. -/
theorem groupOf_one {channels : Nat} (h : 1 ∣ channels) (i : Fin channels) : groupOf h i = 0 :=
  Subsingleton.elim _ _

/-- With a group for each channel, a channel reads its own. -/
theorem groupOf_self {channels : Nat} (h : channels ∣ channels) (i : Fin channels) : groupOf h i = i := by
  have : 0 < channels := Nat.lt_of_le_of_lt (Nat.zero_le _) i.isLt
  apply Fin.ext
  rw [val_groupOf, Nat.div_self this, Nat.div_one]

end Scanproof
