/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Tensor

/-!
# Root-mean-square norms

## Main definitions

* `rmsNorm`: root-mean-square normalisation of one token.
* `groupedRmsNorm`: the same for each group of neighbouring entries.

## References

* B. Zhang, R. Sennrich, *Root Mean Square Layer Normalization*, NeurIPS 2019, equation 4.
-/

@[expose] public noncomputable section

namespace Scanproof

/-! ## Parts of vectors -/

namespace Vec

variable {α : Type} {m n : Nat}

/-- The `length` entries from `offset` on. -/
def slice (v : Vec α n) (offset length : Nat) (h : offset + length ≤ n) : Vec α length :=
  ofFn fun i => v.get ⟨offset + i.val, by have := i.isLt; omega⟩

/-- A vector cut into rows of `n` entries. -/
def toRows (v : Vec α (m * n)) : Vec (Vec α n) m :=
  ofFn fun i => ofFn fun j => v.get ⟨i.val * n + j.val, calc
    i.val * n + j.val < i.val * n + n := Nat.add_lt_add_left j.isLt _
    _ = (i.val + 1) * n := (Nat.succ_mul i.val n).symm
    _ ≤ m * n := Nat.mul_le_mul_right n i.isLt⟩

/-- Rows, one after the other. -/
def ofRows (rows : Vec (Vec α n) m) : Vec α (m * n) :=
  ofFn fun k =>
    have hn : 0 < n := Nat.pos_of_ne_zero fun h => by have := k.isLt; simp [h] at this
    (rows.get ⟨k.val / n, Nat.div_lt_of_lt_mul (Nat.lt_of_lt_of_eq k.isLt (Nat.mul_comm m n))⟩).get
      ⟨k.val % n, Nat.mod_lt _ hn⟩

end Vec

/-! ## The norms -/

variable {α : Type} [Scalar α]

/--
The vector `x / sqrt (mean of x² + eps)`, times `weight`, entry by entry. The reciprocal square root of a positive number `m` is
written `exp (-(log m / 2))`.
-/
def rmsNorm {dModel : Nat} (eps : α) (weight x : Tensor α [dModel]) : Tensor α [dModel] :=
  let mean := x.dot x / Scalar.natCast dModel
  let scale := Scalar.exp (-(Scalar.log (mean + eps) / Scalar.natCast 2))
  Vec.ofFn fun i => (x.get i * scale) * weight.get i

/-- `rmsNorm` of each of `groups` groups of neighbouring entries by itself. -/
def groupedRmsNorm {n groups : Nat} (h : groups ∣ n) (eps : α) (weight x : Tensor α [n]) : Tensor α [n] :=
  have hn : groups * (n / groups) = n := Nat.mul_div_cancel' h
  let rows (v : Tensor α [n]) : Tensor α [groups, n / groups] :=
    Vec.toRows (v.slice 0 (groups * (n / groups)) (by omega))
  let normed : Tensor α [groups * (n / groups)] := Vec.ofRows (Vec.zipWith (rmsNorm eps) (rows weight) (rows x))
  Vec.slice normed 0 n (by omega)

end Scanproof
