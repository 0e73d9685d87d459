/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.ComplexSelectiveScan
public import Spec.Models.ComplexDiagonal
public import Spec.Natural.Kernels

/-!
# Complex runners on images

A homomorphism of scalars that keeps cosine, sine and argument is, part by part, one of complex scalars. So what is proved of
homomorphisms holds of complex runners: a run on images is the image of the run.

## Main definitions

* `Scalar.Hom.KeepsPolar`: a homomorphism keeps cosine, sine and argument.
* `Scalar.Hom.complex`: the homomorphism of complex numbers, part by part.
* `ComplexDiagonalSpec.map`, `ComplexDiagonalToken.map`, `ComplexSelectiveScan.map`, `ComplexSelectiveScanToken.map`: the image of
  each entry.

## Main results

* `complexDiagonal_map`, `complexSelectiveScan_map`: the run on images is the image of the run.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α β : Type}

/-- The image of both parts. -/
def Complex.map (f : α → β) (x : Complex α) : Complex β := ⟨f x.re, f x.im⟩

variable [Scalar α] [Scalar β] [Polar α] [Polar β] (f : Scalar.Hom α β)

/-- A homomorphism of scalars keeps the functions that link Cartesian and polar coordinates. -/
structure Scalar.Hom.KeepsPolar : Prop where
  /-- It keeps the cosine. -/
  map_cos : ∀ x, f (Polar.cos x) = Polar.cos (f x)
  /-- It keeps the sine. -/
  map_sin : ∀ x, f (Polar.sin x) = Polar.sin (f x)
  /-- It keeps the argument. -/
  map_arg : ∀ y x, f (Polar.arg y x) = Polar.arg (f y) (f x)

namespace Complex

omit [Polar α] [Polar β] in
private theorem map_normSq (x : Complex α) : f x.normSq = (x.map f).normSq := by simp [normSq, map]

omit [Polar α] [Polar β] in
private theorem map_scale (r : α) (x : Complex α) : (x.scale r).map f = (x.map f).scale (f r) := by simp [scale, map]

private theorem map_exp (h : f.KeepsPolar) (x : Complex α) : x.exp.map f = (x.map f).exp := by
  simp [exp, scale, map, h.map_cos, h.map_sin]

private theorem map_log (h : f.KeepsPolar) (x : Complex α) : x.log.map f = (x.map f).log := by
  simp [log, map, h.map_arg, normSq]

private theorem map_div (x y : Complex α) : (x / y).map f = x.map f / y.map f :=
  ext
    ((f.map_div _ _).trans (congr (congrArg _ (by simp [map])) (map_normSq f y)))
    ((f.map_div _ _).trans (congr (congrArg _ (by simp [map])) (map_normSq f y)))

private theorem map_softplus (h : f.KeepsPolar) (x : Complex α) :
    (Scalar.softplus x : Complex α).map f = Scalar.softplus (x.map f) := by
  refine (map_log f h _).trans (congrArg log ?_)
  rw [← map_exp f h]
  simp [map]

end Complex

/-- A homomorphism of scalars that keeps the polar functions, as a homomorphism of complex scalars, part by part. -/
def Scalar.Hom.complex (h : f.KeepsPolar) : Scalar.Hom (Complex α) (Complex β) where
  toFun := Complex.map f
  map_zero := Complex.ext f.map_zero f.map_zero
  map_one := Complex.ext f.map_one f.map_zero
  map_add _ _ := Complex.ext (f.map_add _ _) (f.map_add _ _)
  map_mul _ _ := Complex.ext (by simp [Complex.map]) (by simp [Complex.map])
  map_neg _ := Complex.ext (f.map_neg _) (f.map_neg _)
  map_div := by exact Complex.map_div f
  map_natCast _ := Complex.ext (f.map_natCast _) f.map_zero
  map_exp := by exact Complex.map_exp f h
  map_log := by exact Complex.map_log f h
  map_max _ _ := Complex.ext (f.map_max _ _) (f.map_max _ _)
  map_softplus := by exact Complex.map_softplus f h

/-! ## Complex diagonal layers -/

/-- The image of the parameters. -/
def ComplexDiagonalSpec.map {inputDim stateDim outputDim : Nat} (f : α → β)
    (m : ComplexDiagonalSpec α inputDim stateDim outputDim) : ComplexDiagonalSpec β inputDim stateDim outputDim where
  inProj := m.inProj.map (Vec.map (Complex.map f))
  outProj := m.outProj.map (Vec.map (Complex.map f))
  skip := m.skip.map (Vec.map f)
  conjugatePairs := m.conjugatePairs

/-- The image of decays and input. -/
def ComplexDiagonalToken.map {inputDim stateDim : Nat} (f : α → β) (t : ComplexDiagonalToken α inputDim stateDim) :
    ComplexDiagonalToken β inputDim stateDim :=
  ⟨t.decay.map (Complex.map f), t.u.map f⟩

/-- A complex diagonal layer (S5, the linear recurrent unit) on images is the image of the run. -/
theorem complexDiagonal_map {inputDim stateDim outputDim : Nat} (h : f.KeepsPolar)
    (m : ComplexDiagonalSpec α inputDim stateDim outputDim) (h0 : Tensor (Complex α) [stateDim])
    (ts : List (ComplexDiagonalToken α inputDim stateDim)) :
    (m.map f).runList (h0.map (Complex.map f)) (ts.map (·.map f)) =
      ((m.runList h0 ts).1.map (Complex.map f), (m.runList h0 ts).2.map (Vec.map f)) := by
  have matVec {a b : Nat} (M : Tensor (Complex α) [a, b]) (x : Tensor (Complex α) [b]) :
      Tensor.matVec (M.map (Vec.map (Complex.map f))) (x.map (Complex.map f)) = (M.matVec x).map (Complex.map f) :=
    (f.complex h).matVec_map M x
  have ofReal (u : Vec α inputDim) : (u.map f).map Complex.ofReal = (u.map Complex.ofReal).map (Complex.map f) :=
    Vec.map_comm (fun x => by simp [Complex.ofReal, Complex.map]) u
  have apply (t : DiagonalTransition (Complex α) stateDim) (s : Tensor (Complex α) [stateDim]) :
      (t.map (Complex.map f)).apply (s.map (Complex.map f)) = (t.apply s).map (Complex.map f) :=
    t.apply_map (f.complex h) s
  have transition (t : ComplexDiagonalToken α inputDim stateDim) :
      (m.map f).transition (t.map f) = (m.transition t).map (Complex.map f) := by
    simp only [ComplexDiagonalSpec.transition, ComplexDiagonalSpec.map, ComplexDiagonalToken.map, ofReal, matVec,
      DiagonalTransition.map]
  have readOut (t : ComplexDiagonalToken α inputDim stateDim) (s : Tensor (Complex α) [stateDim]) :
      (m.map f).readOut (t.map f) (s.map (Complex.map f)) = (m.readOut t s).map f := by
    simp only [ComplexDiagonalSpec.readOut, ComplexDiagonalSpec.map, ComplexDiagonalToken.map, matVec, f.matVec_map, ← f.add_map]
    congr 1
    rw [Vec.map_map, Vec.map_map]
    simp [Complex.map]
  exact Runner.runList_map (fun s t => by simp only [ComplexDiagonalSpec.runner, transition, apply, readOut]) h0 ts

/-! ## The selective scan with complex `A` -/

/-- The image of the parameters. -/
def ComplexSelectiveScan.map {channels groups stateDim : Nat} (f : α → β)
    (p : ComplexSelectiveScan α channels groups stateDim) : ComplexSelectiveScan β channels groups stateDim :=
  { p.toSelectiveScan.map f with imA := p.imA.map (Vec.map f) }

/-- The image of the arguments of a token. -/
def ComplexSelectiveScanToken.map {channels groups stateDim : Nat} (f : α → β)
    (t : ComplexSelectiveScanToken α channels groups stateDim) : ComplexSelectiveScanToken β channels groups stateDim :=
  { t.toSelectiveScanToken.map f with imB := t.imB.map (Vec.map f), imC := t.imC.map (Vec.map f) }

/-- The selective scan with complex `A` on images is the image of the scan. -/
theorem complexSelectiveScan_map {channels groups stateDim : Nat} (h : f.KeepsPolar)
    (p : ComplexSelectiveScan α channels groups stateDim) (h0 : Tensor (Complex α) [channels, stateDim])
    (ts : List (ComplexSelectiveScanToken α channels groups stateDim)) :
    complexSelectiveScan (p.map f) (h0.map (Vec.map (Complex.map f))) (ts.map (·.map f)) =
      ((complexSelectiveScan p h0 ts).1.map (Vec.map (Complex.map f)),
        (complexSelectiveScan p h0 ts).2.map (Vec.map f)) := by
  refine Runner.runList_map (fun s t => ?_) h0 ts
  have stepSize : (p.map f).stepSize (t.map f).delta = (p.stepSize t.delta).map f := p.stepSize_map f t.delta
  have apply (t : DiagonalTransition (Complex α) stateDim) (s : Tensor (Complex α) [stateDim]) :
      (t.map (Complex.map f)).apply (s.map (Complex.map f)) = (t.apply s).map (Complex.map f) :=
    t.apply_map (f.complex h) s
  have exp (x : Complex α) : (Scalar.exp x : Complex α).map f = Scalar.exp (x.map f) := Complex.map_exp f h x
  have transition (i : Fin channels) :
      (p.map f).transition ((p.stepSize t.delta).map f) (t.map f) i =
        (p.transition (p.stepSize t.delta) t i).map (Complex.map f) := by
    simp only [ComplexSelectiveScan.transition, DiagonalTransition.map, Vec.map_ofFn, exp, Complex.map_scale f]
    simp [ComplexSelectiveScan.map, ComplexSelectiveScanToken.map, SelectiveScan.map, SelectiveScanToken.map, Complex.map]
  have dot (C row : Vec (Complex α) stateDim) :
      ((C.map (Complex.map f)).dot (row.map (Complex.map f))).re = f (C.dot row).re :=
    congrArg Complex.re ((f.complex h).map_dot C row).symm
  have zip (x y : Vec α stateDim) :
      Vec.zipWith Complex.mk (x.map f) (y.map f) = (Vec.zipWith Complex.mk x y).map (Complex.map f) :=
    Vec.ext fun i => by simp [Complex.map]
  have read (i : Fin channels) (row : Tensor (Complex α) [stateDim]) :
      (p.map f).readOut (t.map f) i (row.map (Complex.map f)) = f (p.readOut t i row) := by
    simp [ComplexSelectiveScan.readOut, ComplexSelectiveScan.map, ComplexSelectiveScanToken.map, SelectiveScan.map,
      SelectiveScanToken.map, zip, dot]
  simp only [ComplexSelectiveScan.runner, complexSelectiveStateUpdate, stepSize, transition, Vec.get_map, apply, Vec.get_ofFn,
    read, Vec.map_ofFn]

end Scanproof
