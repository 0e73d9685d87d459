/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.CausalConv1dCache
public import Spec.Kernels.SelectiveScan

/-!
# Kernels on numbers

That the kernels mean what PyTorch means by them: the expected values are those of `torch.nn.functional.conv1d` and of the
formula of `selective_scan_ref`. The scalars are integers, with polynomials in place of `exp` and `log` and a sum in place of
the quotient, so that every nonlinearity has a value that both sides compute exactly. `tests/test_kernel_values.py` computes
the values again.
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

private def vector {n : Nat} (xs : List Int) : Tensor Int [n] := windowOf 0 n xs

private def matrix {m n : Nat} (rows : List (List Int)) : Tensor Int [m, n] := windowOf (vector []) m (rows.map vector)

private def ofVector {n : Nat} (v : Tensor Int [n]) : List Int := (List.finRange n).map v.get

private def ofMatrix {m n : Nat} (a : Tensor Int [m, n]) : List (List Int) :=
  (List.finRange m).map fun i => ofVector (a.get i)

private def conv : CausalConv1d Int 2 3 := .ofOldestFirst (matrix [[1, 2, 3], [4, 5, 6]]) (some (vector [10, 20]))

private def tokens : List (Tensor Int [2]) := [[1, 2], [3, 4], [5, 6], [7, 8]].map vector

/-! `F.conv1d(x, weight, bias, padding=2, groups=2)`, without the last two positions. -/

example :
    (causalConv1d conv (CausalConv1d.zeroState Int 2 3) tokens).2.map ofVector =
      [[13, 32], [21, 54], [32, 84], [44, 114]] := by decide

private def window : Tensor Int [2, 2] := matrix [[-2, -4], [-1, -3]]

/-! The same after the inputs (-1, -3) and (-2, -4), and the last two inputs, newest first. -/

example :
    (causalConv1d conv window tokens).2.map ofVector = [[8, 0], [19, 38], [32, 84], [44, 114]] := by decide

example : ofMatrix (causalConv1d conv window tokens).1 = [[7, 8], [5, 6]] := by decide

/-! The ring of two slots, three tokens in, gives the same. -/

example :
    let ring : RingBuffer (Tensor Int [2]) 2 := .ofWindow (vector []) 2 3 window
    ((conv.ringRunner (Nat.le_refl 2)).runList ring tokens).2.map ofVector =
      [[8, 0], [19, 38], [32, 84], [44, 114]] := by decide

/-! Four channels in two groups. -/

example : (List.finRange 4).map (groupOf (by decide : 2 ∣ 4)) = [0, 0, 1, 1] := by decide

private def scan (full : Bool) : SelectiveScan Int 4 2 2 where
  groups_dvd := by decide
  A := matrix [[1, -1], [0, 2], [-1, 0], [1, 1]]
  D := if full then some (vector [5, -7, 11, 13]) else none
  deltaBias := if full then some (vector [1, 0, 2, -1]) else none
  deltaSoftplus := full

private def scanTokens (full : Bool) : List (SelectiveScanToken Int 4 2 2) :=
  [{ u := vector [1, 2, 3, -1]
     delta := vector [20, 0, 1, -2]
     B := matrix [[1, 3], [0, -2]]
     C := matrix [[2, 1], [1, 1]]
     z := if full then some (vector [1, -1, 3, 2]) else none },
   { u := vector [2, -1, 1, 2]
     delta := vector [-1, 1, 19, 0]
     B := matrix [[2, -1], [1, 1]]
     C := matrix [[1, 0], [-1, 3]]
     z := if full then some (vector [2, 0, 1, -2]) else none }]

private def start : Tensor Int [4, 2] := matrix [[1, 0], [0, 1], [2, 1], [-1, 1]]

/-! Without options, and with `D`, `z`, `delta_bias` and `delta_softplus`, step sizes on both sides of its threshold. -/

example :
    (selectiveScan (scan false) start (scanTokens false)).2.map ofVector =
      [[942, 1, -3, -4], [437, -2, -663, 0]] := by decide

example :
    ofMatrix (selectiveScan (scan false) start (scanTokens false)).1 =
      [[437, 182], [-2, 8], [705, 14], [-3, -1]] := by decide

example :
    (selectiveScan (scan true) start (scanTokens true)).2.map ofVector =
      [[3108, -495, 1208137356, 15550], [101900, 0, -56550052278, -932325660]] := by decide

example :
    ofMatrix (selectiveScan (scan true) start (scanTokens true)).1 =
      [[10180, 811], [-136, 2025529], [18849932327, -28370], [-12924253, 12957197]] := by decide

end Scanproof
