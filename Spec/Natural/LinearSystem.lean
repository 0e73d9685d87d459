/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Natural.Hom
public import Spec.Scan.Convolution

/-!
# Linear systems on images

A map of semirings that keeps zero, sums and products maps a run of a linear system to the run on the images of matrices, state
and inputs.

## Main definitions

* `LinearSystem.map`: the image of each matrix.

## Main results

* `Matrix.mulVec_map`: a matrix on images.
* `linearSystem_map`: the run on images is the image of the run.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {R S : Type} {inputDim stateDim outputDim : Nat}

/-- The image of each matrix. -/
def LinearSystem.map (f : R → S) (m : LinearSystem R inputDim stateDim outputDim) :
    LinearSystem S inputDim stateDim outputDim :=
  ⟨m.A.map (Vec.map f), m.B.map (Vec.map f), m.C.map (Vec.map f), m.D.map (Vec.map f)⟩

variable [Lean.Grind.Semiring R] [Lean.Grind.Semiring S] {f : R → S} (zero : f 0 = 0)
  (add : ∀ x y, f (x + y) = f x + f y) (mul : ∀ x y, f (x * y) = f x * f y)

include zero add in
/-- The sum of images is the image of the sum. -/
theorem sumOver_image {ι : Type} (l : List ι) (g : ι → R) : (sumOver l fun i => f (g i)) = f (sumOver l g) := by
  induction l with
  | nil => exact zero.symm
  | cons i l ih => rw [sumOver_cons, ih, sumOver_cons, add]

include zero add mul in
/-- The image of a matrix, applied to the image of a vector, is the image of the product. -/
theorem Matrix.mulVec_map {m n : Nat} (M : Matrix R m n) (x : Vec R n) :
    Matrix.mulVec (M.map (Vec.map f)) (x.map f) = (M.mulVec x).map f := by
  refine Vec.ext fun i => (get_mulVec ..).trans (Eq.trans ?_ ((Vec.get_map f _ i).trans (congrArg f (get_mulVec M x i))).symm)
  simp only [Vec.get_map, ← mul, finSum]
  exact sumOver_image zero add _ _

include zero add mul in
/-- A linear system on images is the image of the run. -/
theorem linearSystem_map (m : LinearSystem R inputDim stateDim outputDim) (h0 : Vec R stateDim) (xs : List (Vec R inputDim)) :
    (m.map f).runner.runList (h0.map f) (xs.map (Vec.map f)) =
      ((m.runner.runList h0 xs).1.map f, (m.runner.runList h0 xs).2.map (Vec.map f)) := by
  have sums {n : Nat} (v w : Vec R n) : v.map f + w.map f = (v + w).map f := Vec.ext fun i => by simp [add]
  exact Runner.runList_map
    (fun h x => by simp only [LinearSystem.runner, LinearSystem.map, Matrix.mulVec_map zero add mul, sums]) h0 xs

end Scanproof
