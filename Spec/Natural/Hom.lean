/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.SeqIdx
public import Spec.Tensor

/-!
# Homomorphisms of scalars

A homomorphism is a map from one scalar to another that keeps every operation. A runner uses nothing of its scalar but the
operations, so running on the images of the inputs is the image of the run. `Spec.Natural.Scan`, `Spec.Natural.Kernels` and
`Spec.Natural.Models` prove this for every runner; this module has what they share.

## Main definitions

* `Scalar.Hom`: a map of scalars that keeps the operations.

## Main results

* `Scalar.Hom.map_sum`, `Scalar.Hom.map_dot`, `Scalar.Hom.matVec_map`: it keeps sums, dot products and matrix products.
* `Runner.runList_map`: if a step on images is the image of a step, then a run on images is the image of a run.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- A map of scalars that keeps the operations. -/
structure Scalar.Hom (α β : Type) [Scalar α] [Scalar β] where
  /-- The map. -/
  toFun : α → β
  /-- It keeps zero. -/
  map_zero : toFun 0 = 0
  /-- It keeps one. -/
  map_one : toFun 1 = 1
  /-- It keeps sums. -/
  map_add : ∀ x y, toFun (x + y) = toFun x + toFun y
  /-- It keeps products. -/
  map_mul : ∀ x y, toFun (x * y) = toFun x * toFun y
  /-- It keeps negation. -/
  map_neg : ∀ x, toFun (-x) = -toFun x
  /-- It keeps quotients. -/
  map_div : ∀ x y, toFun (x / y) = toFun x / toFun y
  /-- It keeps the natural numbers. -/
  map_natCast : ∀ n, toFun (Scalar.natCast n) = Scalar.natCast n
  /-- It keeps the exponential function. -/
  map_exp : ∀ x, toFun (Scalar.exp x) = Scalar.exp (toFun x)
  /-- It keeps the logarithm. -/
  map_log : ∀ x, toFun (Scalar.log x) = Scalar.log (toFun x)
  /-- It keeps the greater of two numbers. -/
  map_max : ∀ x y, toFun (Scalar.max x y) = Scalar.max (toFun x) (toFun y)
  /-- It keeps the softplus. -/
  map_softplus : ∀ x, toFun (Scalar.softplus x) = Scalar.softplus (toFun x)

namespace Scalar.Hom

attribute [simp] map_zero map_one map_add map_mul map_neg map_div map_natCast map_exp map_log map_max map_softplus

variable {α β : Type} [Scalar α] [Scalar β]

instance : CoeFun (Hom α β) fun _ => α → β := ⟨toFun⟩

variable (f : Hom α β) {m n : Nat}

/-- A homomorphism keeps the logistic function. -/
@[simp] theorem map_sigmoid (x : α) : f (sigmoid x) = sigmoid (f x) := by simp [sigmoid]

/-- A homomorphism keeps the sigmoid linear unit. -/
@[simp] theorem map_silu (x : α) : f (silu x) = silu (f x) := by simp [silu]

/-- A homomorphism keeps the absolute value. -/
@[simp] theorem map_abs (x : α) : f (abs x) = abs (f x) := by simp [abs]

/-- A homomorphism keeps the smaller of two numbers. -/
@[simp] theorem map_min (x y : α) : f (min x y) = min (f x) (f y) := by simp [min]

/-- A homomorphism maps each branch of a choice. -/
@[simp] theorem map_ite (p : Prop) [Decidable p] (x y : α) : f (if p then x else y) = if p then f x else f y := by
  split <;> rfl

/-- A homomorphism maps both cases of an optional argument. -/
@[simp] theorem map_elim {γ : Type} (o : Option γ) (x : α) (g : γ → α) : f (o.elim x g) = o.elim (f x) fun c => f (g c) := by
  cases o <;> rfl

/-- The image of a sum that starts with a term of its own. -/
theorem map_sumFrom (g : Fin n → α) (acc : α) (r : Nat) (h : r ≤ n) :
    f (sumFrom g acc r h) = sumFrom (fun i => f (g i)) (f acc) r h := by
  induction r generalizing acc with
  | zero => rfl
  | succ r ih => rw [sumFrom, sumFrom, ih, f.map_add]

/-- The image of a sum is the sum of the images. -/
@[simp] theorem map_sum (g : Fin n → α) : f (Scanproof.sum g) = Scanproof.sum fun i => f (g i) := by
  rw [Scanproof.sum, f.map_sumFrom, f.map_zero, ← Scanproof.sum]

/-- The image of a dot product is the dot product of the images. -/
@[simp] theorem map_dot (v w : Vec α n) : f (v.dot w) = (v.map f).dot (w.map f) := by simp [Vec.dot]

/-- The sum of two images is the image of the sum. -/
theorem add_map (v w : Vec α n) : (v.map f).add (w.map f) = (v.add w).map f := Vec.ext fun i => by simp [Vec.add]

/-- The product of two images, entry by entry, is the image of the product. -/
theorem mul_map (v w : Vec α n) : (v.map f).mul (w.map f) = (v.mul w).map f := Vec.ext fun i => by simp [Vec.mul]

/-- The image of a matrix, applied to the image of a vector, is the image of the product. -/
theorem matVec_map (M : Tensor α [m, n]) (x : Tensor α [n]) :
    Tensor.matVec (M.map (Vec.map f)) (x.map f) = (M.matVec x).map f := Vec.ext fun i => by simp [Tensor.matVec]

/-- The matrix of zeros is its own image. -/
theorem zeroMatrix_map : (zeroMatrix α m n).map (Vec.map f) = zeroMatrix β m n :=
  Vec.ext fun i => Vec.ext fun j => by simp [zeroMatrix, zeros]

end Scalar.Hom

namespace Vec

variable {α β γ : Type} {n : Nat}

/-- Two maps, one after the other. -/
theorem map_map (g : β → γ) (f : α → β) (v : Vec α n) : (v.map f).map g = v.map fun x => g (f x) := ext fun i => by simp

/-- The image of a vector that is given by its entries. -/
theorem map_ofFn (g : α → β) (f : Fin n → α) : (ofFn f).map g = ofFn fun i => g (f i) := ext fun i => by simp

/-- Maps that may be exchanged at each entry may be exchanged. -/
theorem map_comm {δ : Type} {f : α → β} {g : α → γ} {f' : γ → δ} {g' : β → δ} (h : ∀ x, g' (f x) = f' (g x))
    (v : Vec α n) : (v.map f).map g' = (v.map g).map f' := ext fun i => by simp [h]

end Vec

namespace Runner

variable {σ σ' ι ι' ο ο' : Type} {r : Runner σ ι ο} {r' : Runner σ' ι' ο'} {s : σ → σ'} {i : ι → ι'} {o : ο → ο'}

/--
If a step from the image of a state, with the image of a token, gives the image of the next state and of the output, then a run
on images is the image of the run.
-/
theorem runList_map (hstep : ∀ h x, r'.step (s h) (i x) = (s (r.step h x).1, o (r.step h x).2)) (h : σ) (xs : List ι) :
    r'.runList (s h) (xs.map i) = (s (r.runList h xs).1, (r.runList h xs).2.map o) := by
  induction xs generalizing h with
  | nil => rfl
  | cons x xs ih => simp only [List.map_cons, runList_cons, hstep, ih]

/-- The same for tokens with the index of their example, if the state at a start is mapped to that at a start. -/
theorem withSeqIdx_map {s0 : σ} {s0' : σ'} (hstart : s s0 = s0')
    (hstep : ∀ h x, r'.step (s h) (i x) = (s (r.step h x).1, o (r.step h x).2)) (h : σ × Int) (xs : List (Int × ι)) :
    (r'.withSeqIdx s0').runList (s h.1, h.2) (xs.map fun x => (x.1, i x.2)) =
      ((s ((r.withSeqIdx s0).runList h xs).1.1, ((r.withSeqIdx s0).runList h xs).1.2),
        ((r.withSeqIdx s0).runList h xs).2.map o) := by
  refine runList_map (r := r.withSeqIdx s0) (s := fun h => (s h.1, h.2)) (fun h x => ?_) h xs
  simp only [withSeqIdx, ← hstart]
  split <;> simp only [hstep]

end Runner

end Scanproof
