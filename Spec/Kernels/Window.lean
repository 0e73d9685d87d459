/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Tensor

/-!
# Windows on the past

What a convolution remembers, newest first: as a list of all that came (a history), and as a vector of fixed size (a
window), into which a token is shifted while the oldest falls out.

## Main definitions

* `entryAt`, `newest`: reading a history.
* `windowOf`: the window that a history fills, with a default before the start.
* `Vec.shiftIn`: a token, and then the newer entries of a window.
* `Vec.take`: the newest entries of a window.

## Main results

* `Vec.shiftIn_windowOf`: shifting a token into the window of a history is the window of the longer history.
* `windowOf_newest`: a window of size `n` sees only the `n` newest entries.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {β : Type}

/-- The entry at position `k`, or `default` past the end. -/
def entryAt (default : β) : List β → Nat → β
  | [], _ => default
  | x :: _, 0 => x
  | _ :: xs, k + 1 => entryAt default xs k

/-- The first `k` entries (`List.take`, in a form that every backend of Lean executes). -/
def newest : Nat → List β → List β
  | 0, _ => []
  | _ + 1, [] => []
  | k + 1, x :: xs => x :: newest k xs

/-- The window of size `n` that a newest-first `history` fills; what it lacks is `default`. -/
def windowOf (default : β) (n : Nat) (history : List β) : Vec β n := Vec.ofFn fun k => entryAt default history k.val

/-- The `m` newest of `x` and, after it, the entries of `w`. -/
def Vec.shiftIn {m n : Nat} (x : β) (w : Vec β n) (h : m ≤ n + 1) : Vec β m :=
  Vec.ofFn fun k => if hk : k.val = 0 then x else w.get ⟨k.val - 1, by omega⟩

/-- The first `m` entries. -/
def Vec.take {m n : Nat} (w : Vec β n) (h : m ≤ n) : Vec β m :=
  Vec.ofFn fun k => w.get ⟨k.val, Nat.lt_of_lt_of_le k.isLt h⟩

/-- `entryAt` is `List.getD`. -/
theorem entryAt_eq_getD (default : β) (xs : List β) (k : Nat) : entryAt default xs k = xs.getD k default := by
  induction xs generalizing k with
  | nil => rfl
  | cons x xs ih =>
    cases k with
    | zero => rfl
    | succ k => simp only [entryAt, ih, List.getD_cons_succ]

/-- `newest k` takes the first `k` entries. -/
theorem newest_eq_take (k : Nat) (xs : List β) : newest k xs = xs.take k := by
  induction k generalizing xs with
  | zero => rfl
  | succ k ih =>
    cases xs with
    | nil => rfl
    | cons x xs => simp only [newest, ih, List.take_succ_cons]

/-- The newest entries of the newest entries. -/
theorem newest_newest (m n : Nat) (xs : List β) : newest m (newest n xs) = newest (min m n) xs := by
  simp only [newest_eq_take, List.take_take]

/-- Among the `n` newest entries, those before position `n` are where they were. -/
theorem entryAt_newest (default : β) (n : Nat) (xs : List β) (k : Nat) (h : k < n) :
    entryAt default (newest n xs) k = entryAt default xs k := by
  induction n generalizing xs k with
  | zero => exact absurd h (Nat.not_lt_zero k)
  | succ n ih =>
    cases xs with
    | nil => rfl
    | cons x xs =>
      cases k with
      | zero => rfl
      | succ k => exact ih xs k (Nat.lt_of_succ_lt_succ h)

/-- A window of size `n` sees only the `n` newest entries, or more of them. -/
theorem windowOf_newest (default : β) {m n : Nat} (h : m ≤ n) (history : List β) :
    windowOf default m (newest n history) = windowOf default m history := by
  apply Vec.ext
  intro k
  simp only [windowOf, Vec.get_ofFn]
  exact entryAt_newest default n history k.val (Nat.lt_of_lt_of_le k.isLt h)

/-- The window of the empty history holds the default. -/
theorem windowOf_nil (default : β) (n : Nat) : windowOf default n [] = Vec.ofFn fun _ => default := rfl

/-- Shifting a token into the window of a history gives the window of the longer history. -/
theorem Vec.shiftIn_windowOf (default : β) {m n : Nat} (h : m ≤ n + 1) (x : β) (history : List β) :
    Vec.shiftIn x (windowOf default n history) h = windowOf default m (x :: history) := by
  apply Vec.ext
  intro k
  simp only [shiftIn, windowOf, Vec.get_ofFn]
  obtain ⟨k, hk⟩ := k
  cases k with
  | zero => rfl
  | succ k => rfl

/-- Shifting into a window and keeping fewer entries is shifting into fewer entries. -/
theorem Vec.take_shiftIn {l m n k : Nat} (x : β) (w : Vec β n) (hlk : l ≤ k) (hk : k ≤ n + 1) (hl : l ≤ m + 1)
    (hm : m ≤ n) : (Vec.shiftIn x w hk).take hlk = Vec.shiftIn x (w.take hm) hl := by
  apply Vec.ext
  intro k
  simp only [take, shiftIn, Vec.get_ofFn]

/-- The entries of a vector, in order. -/
def Vec.toList {n : Nat} (w : Vec β n) : List β := w.toArray.toList

/-- The entries of a vector as a history. -/
theorem entryAt_toList (default : β) {n : Nat} (w : Vec β n) (k : Nat) :
    entryAt default w.toList k = if h : k < n then w.get ⟨k, h⟩ else default := by
  have hlen : w.toList.length = n := (Array.length_toList ..).trans w.size_toArray
  rw [entryAt_eq_getD, List.getD_eq_getElem?_getD]
  split
  · rename_i h
    rw [List.getElem?_eq_getElem (by rwa [hlen])]
    rfl
  · rw [List.getElem?_eq_none (by omega), Option.getD_none]

/-- A window is the window of its own entries. -/
theorem windowOf_toList (default : β) {n : Nat} (w : Vec β n) : windowOf default n w.toList = w := by
  apply Vec.ext
  intro k
  simp only [windowOf, Vec.get_ofFn, entryAt_toList, k.isLt, ↓reduceDIte]

end Scanproof
