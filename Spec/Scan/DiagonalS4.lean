/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Models.DiagonalS4
public import Spec.RingScalar
public import Spec.Scan.Circular

/-!
# Diagonal S4 in convolution mode

The list runner of diagonal S4 is a linear system with a diagonal matrix, so it is a causal convolution, and a circular one
that is filled up with zeros.

## Main results

* `diagonalS4_runList_eq_system`: the runner is that of its linear system.
* `diagonalS4_runList_eq_causalConvolution`: from the zero state, the outputs are a causal convolution and the skip.
* `diagonalS4_runList_eq_circularConvolution`: the same by circular convolution of length `L ≥ 2T - 1`.
* `DiagonalS4Spec.get_kernel`: the kernel's entries `∑ᵢ cᵢ aᵢᵏ bᵢ`.

## References

* A. Gu, A. Gupta, K. Goel, C. Ré, *On the Parameterization and Initialization of Diagonal State Space Models*,
  NeurIPS 2022, section 3.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

variable {α : Type} [Scalar α] [SemiringScalar α] {inputDim stateDim outputDim : Nat}

/-- In exact arithmetic, a runner's matrix product is that over the semiring. -/
theorem matVec_eq_mulVec {m n : Nat} (M : Tensor α [m, n]) (x : Tensor α [n]) : M.matVec x = Matrix.mulVec M x := by
  apply Vec.ext
  intro i
  rw [Matrix.get_mulVec, Tensor.matVec, Vec.get_ofFn, dot_eq_finSum]

namespace DiagonalS4Spec

variable (m : DiagonalS4Spec α inputDim stateDim outputDim)

/-- The layer as a linear system: the decays are the diagonal of its matrix. -/
def system : LinearSystem α inputDim stateDim outputDim := ⟨Matrix.diagonal m.a, m.inProj, m.outProj, m.skip⟩

/-- The convolution kernel, entry by entry: `∑ᵢ C[o, i] * (a[i] ^ k * B[i, j])`. -/
theorem get_kernel (k : Nat) (o : Fin outputDim) (j : Fin inputDim) :
    ((m.system.kernel k).get o).get j =
      finSum fun i => (m.outProj.get o).get i * (m.a.get i ^ k * (m.inProj.get i).get j) := by
  rw [LinearSystem.kernel, Matrix.get_mul]
  exact finSum_congr fun i => congrArg _ (Matrix.get_mul_pow_diagonal m.a m.inProj k i j)

end DiagonalS4Spec

/-- The list runner of diagonal S4 is the runner of its linear system, in exact arithmetic. -/
theorem diagonalS4_runList_eq_system (m : DiagonalS4Spec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs : List (Tensor α [inputDim])) : m.runList h0 xs = m.system.runner.runList h0 xs := by
  have hstate : ∀ (h : Tensor α [stateDim]) (x : Tensor α [inputDim]),
      DiagonalTransition.apply ⟨m.a, m.inProj.matVec x⟩ h = (Matrix.diagonal m.a).mulVec h + Matrix.mulVec m.inProj x := by
    intro h x
    apply Vec.ext
    intro i
    rw [matVec_eq_mulVec, Vec.get_add, Matrix.get_mulVec_diagonal]
    simp only [DiagonalTransition.apply, Vec.mul, Vec.add, Vec.get_zipWith]
  have hrunner : m.runner = m.system.runner := by
    rw [DiagonalS4Spec.runner, LinearSystem.runner, Runner.mk.injEq]
    funext h x
    rw [DiagonalS4Spec.step, hstate, matVec_eq_mulVec, matVec_eq_mulVec]
    rfl
  rw [DiagonalS4Spec.runList, hrunner]

/-- From the zero state, the outputs of diagonal S4 are the causal convolution with its kernel, and the skip. -/
theorem diagonalS4_runList_eq_causalConvolution (m : DiagonalS4Spec α inputDim stateDim outputDim)
    (xs : List (Tensor α [inputDim])) :
    (m.runList (Vec.ofFn fun _ => 0) xs).2 =
      List.zipWith Vec.add (causalConvolution m.system.kernel xs) (xs.map m.skip.matVec) := by
  rw [diagonalS4_runList_eq_system, show m.skip.matVec = m.system.D.mulVec from funext (matVec_eq_mulVec m.skip)]
  exact m.system.outputs_eq_causalConvolution xs

/-- The same by circular convolution, kernel and inputs filled up with zeros to a length of at least `2T - 1`. -/
theorem diagonalS4_runList_eq_circularConvolution (m : DiagonalS4Spec α inputDim stateDim outputDim)
    (xs : List (Tensor α [inputDim])) {L : Nat} (hL : 2 * xs.length - 1 ≤ L) :
    (m.runList (Vec.ofFn fun _ => 0) xs).2 =
      List.zipWith Vec.add (circularConvolution L m.system.kernel xs) (xs.map m.skip.matVec) := by
  rw [circularConvolution_eq_causalConvolution _ xs hL, diagonalS4_runList_eq_causalConvolution]

end Scanproof
