/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Models.Mamba2Block

/-!
# The Mamba-2 block on numbers

That the block means what PyTorch code with the same parameters computes: the order of the parts of the projection and of the
convolution, the groups of the heads, the norm in groups of the gated channels. The scalars are integers, with polynomials in
place of `exp` and `log` and a sum in place of the quotient; outputs are compared modulo 1000003.
`tests/test_mamba2_values.py` computes them again.
-/

noncomputable section

namespace Scanproof

private local instance surrogates : Scalar Int where
  natCast n := n
  exp x := 1 + x + x * x
  log x := x * x + -x
  div x y := x + y
  max x y := if x < y then y else x
  softplus x := if 20 < x then x else let e := 1 + x + x * x; 2 * e * e * (1 + e)

private def pattern (modulus : Nat) (offset : Int) (index : Nat) : Int := Int.ofNat (index % modulus) - offset

private def vector (n : Nat) (f : Nat → Int) : Tensor Int [n] := Vec.ofFn fun i => f i.val

private def matrix (m n : Nat) (f : Nat → Nat → Int) : Tensor Int [m, n] := Vec.ofFn fun i => vector n (f i.val)

private def block : Mamba2BlockSpec Int 2 4 2 2 2 3 3 where
  groups_dvd := by decide
  inProj := matrix _ 2 fun i j => pattern 3 1 (i + 2 * j)
  inBias := vector _ fun i => pattern 5 2 (3 * i)
  convWeight := matrix _ 3 fun i k => pattern 5 2 (2 * i + 3 * k)
  convBias := vector _ fun i => pattern 4 1 i
  dtBias := vector _ fun h => pattern 3 1 h
  aLog := vector _ fun h => pattern 3 1 (2 * h)
  D := vector _ fun h => pattern 5 2 (2 * h)
  dtMin := some 0
  dtMax := some 6
  normWeight := vector _ fun i => pattern 7 3 (5 * i)
  eps := 4
  outProj := matrix _ _ fun i j => pattern 5 2 (2 * i + j)
  outBias := vector _ fun i => pattern 3 1 i

private def start : Tensor Int [4, 2, 2] := Vec.ofFn fun h => matrix 2 2 fun p n => pattern 3 1 (h.val + p + n)

private def window : Tensor Int [2, 16] := matrix _ _ fun k i => pattern 5 2 (3 * k + i)

private def tokens : List (Tensor Int [2]) := [0, 1, 2].map fun t => vector 2 fun j => pattern 5 2 (2 * t + 3 * j)

private def residues (n : Nat) (v : Tensor Int [n]) : List Int := (List.finRange n).map fun i => v.get i % 1000003

example :
    (block.runKernels start window tokens).2.map (residues 3) =
      [[568016, 973022, 8597], [789724, 443690, 920390], [112069, 560258, 558537]] := by decide

/-! The state of the convolution: the last two inputs, newest first. -/

private def last (k : Fin 2) : List Int :=
  (List.finRange 16).map (((block.runKernels start window tokens).1.2.get k).get ·)

example : last 0 = [4, -2, -2, 3, -3, 2, 2, -4, 1, 1, 0, 0, 0, -1, -1, 4] := by decide

example : last 1 = [2, -2, 0, 1, -3, 4, 0, -4, 3, -1, 0, 2, -2, -1, 1, 2] := by decide

end Scanproof
