/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.Matrix
public import Spec.Sequence

/-!
# Convolution mode

A linear recurrence whose matrices do not change with time,

    h' = A h + B x
    y  = C h' + D x

computes a causal convolution with the kernel `K k = C Aᵏ B`. Over any semiring, for any matrix `A`.

## Main definitions

* `LinearSystem`: the four matrices; `LinearSystem.runner` is the recurrence, `LinearSystem.kernel` the kernel.
* `causalConvolution K xs`: at position `t`, the sum of `K k` applied to the input `k` positions earlier.

## Main results

* `LinearSystem.outputAt_eq`: the output at every position, from any initial state.
* `LinearSystem.outputs_eq_causalConvolution`: from the zero state, the outputs are the causal convolution and the skip.
* `causal_causalConvolution`: a causal convolution is causal, whatever the kernel.

## References

* A. Gu, K. Goel, C. Ré, *Efficiently Modeling Long Sequences with Structured State Spaces*, ICLR 2022, section 2.4.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

variable {R : Type} [Semiring R] {inputDim stateDim outputDim : Nat}

/-- The input at position `s`; zeros before the first and after the last. -/
def inputAt (xs : List (Vec R inputDim)) (s : Nat) : Vec R inputDim := xs[s]?.getD 0

/-- At position `t`, the sum over `k ≤ t` of `K k` applied to the input at `t - k`. -/
def causalConvolution (K : Nat → Matrix R outputDim inputDim) (xs : List (Vec R inputDim)) : List (Vec R outputDim) :=
  (List.range xs.length).map fun t => Vec.sumRange 0 (t + 1) fun k => (K k).mulVec (inputAt xs (t - k))

/-- One output per input. -/
@[simp] theorem length_causalConvolution (K : Nat → Matrix R outputDim inputDim) (xs : List (Vec R inputDim)) :
    (causalConvolution K xs).length = xs.length := by
  rw [causalConvolution, List.length_map, List.length_range]

/-- A causal convolution is causal, whatever the kernel. -/
theorem causal_causalConvolution (K : Nat → Matrix R outputDim inputDim) : Causal (causalConvolution K) where
  length_eq := length_causalConvolution K
  take_append xs ys := by
    apply List.ext_getElem
    · rw [List.length_take, length_causalConvolution, length_causalConvolution, List.length_append]
      omega
    · intro t _ ht
      rw [length_causalConvolution] at ht
      simp only [causalConvolution, List.getElem_take, List.getElem_map, List.getElem_range]
      refine Vec.sumRange_congr fun k _ _ => ?_
      rw [inputAt, inputAt, List.getElem?_append_left (by omega)]

/-- A linear system that does not change with time. Matrices have shape (out, in). -/
structure LinearSystem (R : Type) (inputDim stateDim outputDim : Nat) where
  /-- From the state to the next state. -/
  A : Matrix R stateDim stateDim
  /-- From the input to the state. -/
  B : Matrix R stateDim inputDim
  /-- From the state to the output. -/
  C : Matrix R outputDim stateDim
  /-- From the input straight to the output. -/
  D : Matrix R outputDim inputDim

namespace LinearSystem

/-- The recurrence as a state machine. -/
def runner (m : LinearSystem R inputDim stateDim outputDim) :
    Runner (Vec R stateDim) (Vec R inputDim) (Vec R outputDim) where
  step h x :=
    let h' := m.A.mulVec h + m.B.mulVec x
    (h', m.C.mulVec h' + m.D.mulVec x)

/-- The convolution kernel `C Aᵏ B`. -/
def kernel (m : LinearSystem R inputDim stateDim outputDim) (k : Nat) : Matrix R outputDim inputDim :=
  m.C.mul ((m.A.pow k).mul m.B)

variable (m : LinearSystem R inputDim stateDim outputDim) (h0 : Vec R stateDim) (x : Nat → Vec R inputDim)

/-- The state after the first `t` inputs: `Aᵗ h0`, and every earlier input taken on by `A` since. -/
theorem stateAt_eq (t : Nat) :
    m.runner.stateAt h0 x t =
      (m.A.pow t).mulVec h0 + Vec.sumRange 0 t fun s => (m.A.pow (t - 1 - s)).mulVec (m.B.mulVec (x s)) := by
  induction t with
  | zero => rw [Runner.stateAt_zero, Matrix.pow, Matrix.one_mulVec, Vec.sumRange_self, Vec.add_zero]
  | succ t ih =>
    have earlier : (Vec.sumRange 0 t fun s => (m.A.pow (t + 1 - 1 - s)).mulVec (m.B.mulVec (x s))) =
        m.A.mulVec (Vec.sumRange 0 t fun s => (m.A.pow (t - 1 - s)).mulVec (m.B.mulVec (x s))) := by
      rw [Matrix.mulVec_sumRange]
      refine Vec.sumRange_congr fun s _ hs => ?_
      rw [show t + 1 - 1 - s = (t - 1 - s) + 1 by omega, Matrix.pow, Matrix.mul_mulVec]
    rw [Vec.sumRange_succ (Nat.zero_le t), earlier, show t + 1 - 1 - t = 0 by omega, Matrix.pow, Matrix.pow,
      Matrix.one_mulVec, Matrix.mul_mulVec, ← Vec.add_assoc, ← Matrix.mulVec_add, ← ih, Runner.stateAt_succ]
    rfl

/-- The output at position `t`: what is left of the initial state, the convolution of the inputs up to `t`, and the skip. -/
theorem outputAt_eq (t : Nat) :
    m.runner.outputAt h0 x t =
      m.C.mulVec ((m.A.pow (t + 1)).mulVec h0) + (Vec.sumRange 0 (t + 1) fun k => (m.kernel k).mulVec (x (t - k))) +
        m.D.mulVec (x t) := by
  have hstep : m.runner.outputAt h0 x t = m.C.mulVec (m.runner.stateAt h0 x (t + 1)) + m.D.mulVec (x t) := by
    rw [Runner.stateAt_succ]
    rfl
  rw [hstep, stateAt_eq, Matrix.mulVec_add, Matrix.mulVec_sumRange]
  congr 2
  rw [Vec.sumRange_reverse]
  refine Vec.sumRange_congr fun k _ hk => ?_
  rw [kernel, Matrix.mul_mulVec, Matrix.mul_mulVec, show t + 1 - 1 - (t + 1 - 1 - k) = k by omega, Nat.add_sub_cancel]

/-- From the zero state, the outputs are the causal convolution of the inputs with the kernel, and the skip. -/
theorem outputs_eq_causalConvolution (xs : List (Vec R inputDim)) :
    (m.runner.runList 0 xs).2 = List.zipWith (· + ·) (causalConvolution m.kernel xs) (xs.map m.D.mulVec) := by
  apply List.ext_getElem
  · rw [Runner.length_outputs, List.length_zipWith, length_causalConvolution, List.length_map, Nat.min_self]
  · intro t h _
    rw [Runner.length_outputs] at h
    have houtputs : (m.runner.runList 0 xs).2 = (List.range xs.length).map (m.runner.outputAt 0 (inputAt xs)) := by
      rw [← Runner.outputs_eq_map_outputAt]
      congr 2
      exact eq_map_range xs 0
    simp only [houtputs, List.getElem_map, List.getElem_range, List.getElem_zipWith, causalConvolution]
    rw [outputAt_eq, Matrix.mulVec_zero, Matrix.mulVec_zero, Vec.zero_add, inputAt, List.getElem?_eq_getElem h,
      Option.getD_some]

end LinearSystem

end Scanproof
