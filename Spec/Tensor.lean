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
* `zeros`, `zeroMatrix`: tensors of zeros.

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

/-- The array `acc`, then the last `r` values of `f`, computed in index order. -/
def pushFrom (f : Fin n → α) (acc : Array α) : (r : Nat) → r ≤ n → Array α
  | 0, _ => acc
  | r + 1, h => pushFrom f (acc.push (f ⟨n - (r + 1), by omega⟩)) r (by omega)

/-- Pushing the last `r` values after the first `n - r` makes `n`. -/
theorem size_pushFrom (f : Fin n → α) (acc : Array α) (r : Nat) (h : r ≤ n) (hacc : acc.size = n - r) :
    (pushFrom f acc r h).size = n := by
  induction r generalizing acc with
  | zero => exact hacc
  | succ r ih =>
    apply ih
    rw [Array.size_push, hacc]
    omega

/-- The vector whose entry at `i` is `f i`; each is computed once. -/
def ofFn (f : Fin n → α) : Vec α n :=
  ⟨pushFrom f #[] n (Nat.le_refl n), size_pushFrom f #[] n (Nat.le_refl n) (Nat.sub_self n).symm⟩

private theorem getElem_pushFrom (f : Fin n → α) (acc : Array α) (r : Nat) (h : r ≤ n) (hacc : acc.size = n - r)
    (hf : ∀ i (hi : i < acc.size), acc[i] = f ⟨i, by omega⟩) (i : Nat) (hi : i < (pushFrom f acc r h).size) :
    (pushFrom f acc r h)[i] = f ⟨i, size_pushFrom f acc r h hacc ▸ hi⟩ := by
  induction r generalizing acc with
  | zero => exact hf i hi
  | succ r ih =>
    refine ih (acc.push (f ⟨n - (r + 1), by omega⟩)) (by omega) (by rw [Array.size_push, hacc]; omega) ?_ hi
    intro j hj
    by_cases hlt : j < acc.size
    · simp only [Array.getElem_push, hlt, ↓reduceDIte, hf j hlt]
    · have : n - (r + 1) = j := by
        rw [Array.size_push] at hj
        omega
      simp only [Array.getElem_push, hlt, ↓reduceDIte, this]

/-- The entry at `i` of the vector made from `f` is `f i`. -/
@[simp] theorem get_ofFn (f : Fin n → α) (i : Fin n) : (ofFn f).get i = f i :=
  getElem_pushFrom f #[] n (Nat.le_refl n) (Nat.sub_self n).symm (fun _ hi => absurd hi (Nat.not_lt_zero _)) i.val _

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

/-- `acc` plus the last `r` values of `f`, added from the left. -/
def sumFrom (f : Fin n → α) (acc : α) : (r : Nat) → r ≤ n → α
  | 0, _ => acc
  | r + 1, h => sumFrom f (acc + f ⟨n - (r + 1), by omega⟩) r (by omega)

/-- `0 + f 0 + … + f (n - 1)`, added from the left. -/
def sum (f : Fin n → α) : α := sumFrom f 0 n (Nat.le_refl n)

/-- The sum of the products of corresponding entries, in index order from zero. -/
def Vec.dot (v w : Vec α n) : α := sum fun i => v.get i * w.get i

/-- The entrywise sum of two vectors. -/
def Vec.add (v w : Vec α n) : Vec α n := zipWith (· + ·) v w

/-- The entrywise product of two vectors. -/
def Vec.mul (v w : Vec α n) : Vec α n := zipWith (· * ·) v w

/-- The matrix `M`, shape (out, in), applied to the vector `x`. -/
def Tensor.matVec (M : Tensor α [m, n]) (x : Tensor α [n]) : Tensor α [m] := Vec.ofFn fun i => (M.get i).dot x

/-- A vector of zeros. -/
def zeros (α : Type) [Scalar α] (n : Nat) : Tensor α [n] := Vec.ofFn fun _ => 0

/-- A matrix of zeros. -/
def zeroMatrix (α : Type) [Scalar α] (m n : Nat) : Tensor α [m, n] := Vec.ofFn fun _ => zeros α n

end Reductions

end Scanproof
