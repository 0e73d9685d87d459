/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.Window

/-!
# Ring buffers

A window that is never moved: token number `t` is written over position `t mod len`, and the newest tokens are found by
counting backwards from there.

## Main definitions

* `RingBuffer`: the slots, and the number of tokens written so far.
* `RingBuffer.push`: overwrite the oldest slot.
* `RingBuffer.newest`: the newest tokens, as a window.
* `RingBuffer.ofWindow`: a buffer that holds a given window, with any count.

## Main results

* `RingBuffer.newest_push`: writing into the buffer is shifting into the window.
* `RingBuffer.newest_ofWindow`: a buffer made from a window holds it.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- `v` with `x` in place of the entry at `i`, which is written in place where `v` is not shared. -/
def Vec.set {β : Type} {n : Nat} (v : Vec β n) (i : Nat) (x : β) : Vec β n :=
  ⟨v.toArray.setIfInBounds i x, (Array.size_setIfInBounds ..).trans v.size_toArray⟩

/-- The entries after one is replaced. -/
theorem Vec.get_set {β : Type} {n : Nat} (v : Vec β n) (i : Nat) (x : β) (j : Fin n) :
    (v.set i x).get j = if i = j.val then x else v.get j := by
  simp only [get, set]
  rw [Array.getElem_setIfInBounds (by rw [v.size_toArray]; exact j.isLt)]

/-- `len` slots that are overwritten in turn. -/
structure RingBuffer (β : Type) (len : Nat) where
  /-- The slots. -/
  slots : Vec β len
  /-- The number of tokens written so far; the next one goes to slot `count mod len`. -/
  count : Nat

namespace RingBuffer

variable {β : Type} {len : Nat}

/-- Overwrite the oldest slot. -/
def push (ring : RingBuffer β len) (x : β) : RingBuffer β len := ⟨ring.slots.set (ring.count % len) x, ring.count + 1⟩

/-- The `n` tokens written last, newest first. -/
def newest (ring : RingBuffer β len) (n : Nat) (h : n ≤ len) : Vec β n :=
  Vec.ofFn fun k => ring.slots.get ⟨(ring.count + (len - (k.val + 1))) % len, Nat.mod_lt _ (by have := k.isLt; omega)⟩

/-- A buffer that holds the window `w` after `count` tokens; slots that it does not need hold `default`. -/
def ofWindow (default : β) (len count : Nat) {n : Nat} (w : Vec β n) : RingBuffer β len where
  slots := Vec.ofFn fun j =>
    let age := (count + (len - (j.val + 1))) % len
    if h : age < n then w.get ⟨age, h⟩ else default
  count := count

private theorem mod_ne {len k : Nat} (count : Nat) (h0 : 0 < k) (hk : k < len) :
    count % len ≠ (count + (len - k)) % len := by
  intro h
  have hsub := Nat.sub_mod_eq_zero_of_mod_eq h.symm
  rw [Nat.add_sub_cancel_left, Nat.mod_eq_of_lt (by omega)] at hsub
  omega

private theorem mod_mod {len k : Nat} (count : Nat) (hk : k < len) :
    (count + (len - ((count + (len - (k + 1))) % len + 1))) % len = k := by
  have hdiv := Nat.div_add_mod (count + (len - (k + 1))) len
  have hlt := Nat.mod_lt (count + (len - (k + 1))) (Nat.lt_of_le_of_lt (Nat.zero_le k) hk)
  have : count + (len - ((count + (len - (k + 1))) % len + 1)) =
      k + len * ((count + (len - (k + 1))) / len) := by omega
  rw [this, Nat.add_mul_mod_self_left, Nat.mod_eq_of_lt hk]

/-- Writing into the buffer is shifting into the window. -/
theorem newest_push (ring : RingBuffer β len) (x : β) (n : Nat) (h : n ≤ len) :
    (ring.push x).newest n h = Vec.shiftIn x (ring.newest n h) (Nat.le_succ n) := by
  apply Vec.ext
  intro k
  obtain ⟨k, hk⟩ := k
  simp only [newest, push, Vec.shiftIn, Vec.get_ofFn, Vec.get_set]
  cases k with
  | zero =>
    have : ring.count + 1 + (len - (0 + 1)) = ring.count + len := by omega
    simp only [this, Nat.add_mod_right, ↓reduceIte, ↓reduceDIte]
  | succ k =>
    have : ring.count + 1 + (len - (k + 1 + 1)) = ring.count + (len - (k + 1)) := by omega
    simp only [this, mod_ne ring.count (Nat.succ_pos k) (Nat.lt_of_lt_of_le hk h), ↓reduceIte, Nat.add_eq_zero_iff,
      Nat.one_ne_zero, and_false, ↓reduceDIte, Nat.add_sub_cancel]

/-- A buffer made from a window holds it, whatever the count. -/
theorem newest_ofWindow (default : β) (count : Nat) {n : Nat} (w : Vec β n) (h : n ≤ len) :
    (ofWindow default len count w).newest n h = w := by
  apply Vec.ext
  intro k
  simp only [newest, ofWindow, Vec.get_ofFn, mod_mod count (Nat.lt_of_lt_of_le k.isLt h), k.isLt, ↓reduceDIte]

end RingBuffer

end Scanproof
