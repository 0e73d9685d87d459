/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Convolution

/-!
# Circular convolution

What a product of discrete Fourier transforms of length `L` computes: a convolution whose positions wrap around at `L`.
With kernel and inputs of length `T`, filled up with zeros to `L ≥ 2T - 1`, nothing wraps into the first `T` outputs, and
they are the causal convolution. Without the filling, the end of the sequence wraps into its start.

## Main definitions

* `circularSum L K x t`: the output at `t` of the circular convolution of length `L`.
* `circularConvolution L K xs`: its first outputs, as many as inputs, both sides filled up with zeros to `L`.

## Main results

* `circularConvolution_eq_causalConvolution`: for `L ≥ 2T - 1` it is the causal convolution.
* `not_causal_circularConvolution`: for `L = T` it is not causal.
* `circularConvolution_length_sharp`: `L = 2T - 2` is not enough.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

variable {R : Type} [Semiring R] {inputDim outputDim : Nat}

/-- The output at `t` of the circular convolution of length `L`: positions count modulo `L`. -/
def circularSum (L : Nat) (K : Nat → Matrix R outputDim inputDim) (x : Nat → Vec R inputDim) (t : Nat) : Vec R outputDim :=
  Vec.sumRange 0 L fun k => (K k).mulVec (x ((t + L - k) % L))

/-- The kernel up to `T`, and zeros from there on. -/
def paddedKernel (T : Nat) (K : Nat → Matrix R outputDim inputDim) (k : Nat) : Matrix R outputDim inputDim :=
  if k < T then K k else 0

/-- The first `T` outputs of the circular convolution of `T` kernel entries and `T` inputs, filled up with zeros to `L`. -/
def circularConvolution (L : Nat) (K : Nat → Matrix R outputDim inputDim) (xs : List (Vec R inputDim)) :
    List (Vec R outputDim) :=
  (List.range xs.length).map fun t => circularSum L (paddedKernel xs.length K) (inputAt xs) t

/-- Filled up with zeros to `L ≥ 2T - 1`, the circular convolution is the causal one in all `T` outputs. -/
theorem circularConvolution_eq_causalConvolution {L : Nat} (K : Nat → Matrix R outputDim inputDim)
    (xs : List (Vec R inputDim)) (hL : 2 * xs.length - 1 ≤ L) : circularConvolution L K xs = causalConvolution K xs := by
  refine List.map_congr_left fun t ht => ?_
  rw [List.mem_range] at ht
  rw [circularSum, Vec.sumRange_split (Nat.zero_le (t + 1)) (show t + 1 ≤ L by omega), Vec.sumRange_zero (l := t + 1),
    Vec.add_zero]
  · refine Vec.sumRange_congr fun k _ hk => ?_
    rw [paddedKernel, if_pos (by omega), show t + L - k = t - k + L by omega, Nat.add_mod_right,
      Nat.mod_eq_of_lt (by omega)]
  · intro k hk hkL
    by_cases hkT : k < xs.length
    · rw [Nat.mod_eq_of_lt (by omega), inputAt, List.getElem?_eq_none (by omega), Option.getD_none, Matrix.mulVec_zero]
    · rw [paddedKernel, if_neg hkT, Matrix.zero_mulVec]

/-- Filled up with zeros to some `L ≥ 2T - 1` for every number `T` of inputs, the circular convolution is causal. -/
theorem causal_circularConvolution {L : Nat → Nat} (hL : ∀ T, 2 * T - 1 ≤ L T) (K : Nat → Matrix R outputDim inputDim) :
    Causal fun xs => circularConvolution (L xs.length) K xs := by
  have h : (fun xs => circularConvolution (L xs.length) K xs) = causalConvolution K :=
    funext fun xs => circularConvolution_eq_causalConvolution K xs (hL xs.length)
  rw [h]
  exact causal_causalConvolution K

private def scalar (x : Int) : Vec Int 1 := Vec.ofFn fun _ => x

private def kernelOfOnes (_ : Nat) : Matrix Int 1 1 := Vec.ofFn fun _ => scalar 1

/--
Without filling, `L = T`, the circular convolution is not causal: with the kernel `1, 1, …` over the integers, the input
`1` at position 1 changes the output at position 0.
-/
theorem not_causal_circularConvolution :
    ∃ K : Nat → Matrix Int 1 1, ¬Causal fun xs : List (Vec Int 1) => circularConvolution xs.length K xs :=
  ⟨kernelOfOnes, fun h =>
    absurd (congrArg (List.map fun y => y.get 0) (h.take_append [scalar 0] [scalar 1])) (by decide)⟩

/-- One position less than `2T - 1` is not enough: for some three inputs and some kernel, `L = 4` gives something else. -/
theorem circularConvolution_length_sharp :
    ∃ (K : Nat → Matrix Int 1 1) (xs : List (Vec Int 1)),
      xs.length = 3 ∧ circularConvolution (2 * xs.length - 2) K xs ≠ causalConvolution K xs :=
  ⟨kernelOfOnes, [scalar 0, scalar 0, scalar 1], rfl, fun h =>
    absurd (congrArg (List.map fun y => y.get 0) h) (by decide)⟩

end Scanproof
