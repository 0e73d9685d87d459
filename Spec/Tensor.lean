/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scalar

/-!
# Tensors

Shape-indexed tensors whose entries are *stored*: an entry is computed once, when the tensor is made, and never again.
(A tensor that is a function of its index recomputes the whole past of a recurrence at every look-up.)

## Main definitions

* `Vec α n`: `n` entries in an array; `Vec.ofFn` makes one, `Vec.get` reads it.
* `Tensor α shape`: nested vectors; `Tensor α [m, n]` is `Vec (Vec α n) m`.
* `sum`, `Vec.dot`, `Tensor.matVec`: reductions, as left folds in index order from zero.

## Main results

* `Vec.get_ofFn`: reading what was made gives what was meant.
* `Vec.ext`: vectors with equal entries are equal.
-/

@[expose] public section

namespace Scanproof

/-- An array of exactly `n` entries. -/
structure Vec (α : Type) (n : Nat) where
  /-- The entries, in order. -/
  toArray : Array α
  /-- There are `n` of them. -/
  size_toArray : toArray.size = n

namespace Vec

variable {α β γ : Type} {n : Nat}

/-- The entry at index `i`. -/
def get (v : Vec α n) (i : Fin n) : α :=
  v.toArray[i.val]'(v.size_toArray.symm ▸ i.isLt)

/-- The vector of the first `k` values of `f`, computed in index order. -/
def ofFnUpTo (f : Fin n → α) : (k : Nat) → k ≤ n → Vec α k
  | 0, _ => ⟨#[], rfl⟩
  | k + 1, h =>
    let init := ofFnUpTo f k (Nat.le_of_succ_le h)
    ⟨init.toArray.push (f ⟨k, h⟩), by rw [Array.size_push, init.size_toArray]⟩

/-- The vector whose entry at `i` is `f i`; each is computed once. -/
def ofFn (f : Fin n → α) : Vec α n := ofFnUpTo f n (Nat.le_refl n)

private theorem get_ofFnUpTo (f : Fin n → α) (k : Nat) (h : k ≤ n) (i : Fin k) :
    (ofFnUpTo f k h).get i = f ⟨i.val, Nat.lt_of_lt_of_le i.isLt h⟩ := by
  induction k with
  | zero => exact i.elim0
  | succ k ih =>
    have size_init := (ofFnUpTo f k (Nat.le_of_succ_le h)).size_toArray
    by_cases hi : i.val < k
    · have := ih (Nat.le_of_succ_le h) ⟨i.val, hi⟩
      simp only [get] at this
      simp only [get, ofFnUpTo, Array.getElem_push, size_init, hi, ↓reduceDIte, this]
    · have hk : i.val = k := by omega
      simp only [get, ofFnUpTo, Array.getElem_push, size_init, hk, Nat.lt_irrefl, ↓reduceDIte]

/-- The entry at `i` of the vector made from `f` is `f i`. -/
@[simp] theorem get_ofFn (f : Fin n → α) (i : Fin n) : (ofFn f).get i = f i :=
  get_ofFnUpTo f n (Nat.le_refl n) i

/-- Vectors with equal entries are equal. -/
@[ext] theorem ext {v w : Vec α n} (h : ∀ i, v.get i = w.get i) : v = w := by
  obtain ⟨v, hv⟩ := v
  obtain ⟨w, hw⟩ := w
  congr
  exact Array.ext (hv.trans hw.symm) fun i hi _ => h ⟨i, hv ▸ hi⟩

/-- Apply `f` to every entry. -/
def map (f : α → β) (v : Vec α n) : Vec β n := ofFn fun i => f (v.get i)

/-- Combine the entries of two vectors, index by index. -/
def zipWith (f : α → β → γ) (v : Vec α n) (w : Vec β n) : Vec γ n := ofFn fun i => f (v.get i) (w.get i)

/-- The entry at `i` of a mapped vector. -/
@[simp] theorem get_map (f : α → β) (v : Vec α n) (i : Fin n) : (v.map f).get i = f (v.get i) :=
  get_ofFn _ i

/-- The entry at `i` of two combined vectors. -/
@[simp] theorem get_zipWith (f : α → β → γ) (v : Vec α n) (w : Vec β n) (i : Fin n) :
    (zipWith f v w).get i = f (v.get i) (w.get i) :=
  get_ofFn _ i

end Vec

/-- Tensors of a given shape, outermost dimension first: `Tensor α [m, n]` is a vector of `m` vectors of `n` entries. -/
@[reducible] def Tensor (α : Type) : List Nat → Type
  | [] => α
  | n :: shape => Vec (Tensor α shape) n

section Reductions

variable {α : Type} [Scalar α] {m n : Nat}

/-- `0 + f 0 + … + f (k - 1)`, added from the left. -/
def sumUpTo (f : Fin n → α) : (k : Nat) → k ≤ n → α
  | 0, _ => 0
  | k + 1, h => sumUpTo f k (Nat.le_of_succ_le h) + f ⟨k, h⟩

/-- `0 + f 0 + … + f (n - 1)`, added from the left. -/
def sum (f : Fin n → α) : α := sumUpTo f n (Nat.le_refl n)

/-- The sum of the products of corresponding entries, in index order from zero. -/
def Vec.dot (v w : Vec α n) : α := sum fun i => v.get i * w.get i

/-- The entrywise sum of two vectors. -/
def Vec.add (v w : Vec α n) : Vec α n := zipWith (· + ·) v w

/-- The entrywise product of two vectors. -/
def Vec.mul (v w : Vec α n) : Vec α n := zipWith (· * ·) v w

/-- The matrix `M`, shape (out, in), applied to the vector `x`. -/
def Tensor.matVec (M : Tensor α [m, n]) (x : Tensor α [n]) : Tensor α [m] := Vec.ofFn fun i => (M.get i).dot x

end Reductions

end Scanproof
