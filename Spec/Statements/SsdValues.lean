/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.SsdScan
public import Spec.Scan.Delta
public import Spec.Scan.LinearAttention
public import Spec.Scan.SsdWrongAxis

/-!
# Mamba-2, linear attention and the delta rule on numbers

That the definitions mean what the published algorithms compute: the expected values are those of PyTorch code for the scan of
Mamba-2, its chunked algorithm with and without the fault of the wrong axis, the chunked algorithm of gated linear attention, and
the UT transform of the gated delta rule. `tests/test_ssd_values.py` computes them again. The scalars of the kernel are integers,
with polynomials in place of `exp` and `log` and a sum in place of the quotient. Lengths are 5 and 7, chunks 3.
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

private def ofMatrix {m n : Nat} (a : Tensor Int [m, n]) : List (List Int) :=
  (List.finRange m).map fun i => (List.finRange n).map (a.get i).get

/-! ## The scan of Mamba-2 -/

private def scan (full : Bool) : SsdScan Int 4 2 2 where
  groups_dvd := by decide
  A := vector 4 fun h => pattern 4 2 (3 * h)
  D := if full then some (matrix 4 2 fun h p => pattern 3 1 (2 * h + p)) else none
  dtBias := if full then some (vector 4 fun h => pattern 5 2 (2 * h)) else none
  dtSoftplus := full
  dtMin := if full then some 0 else none
  dtMax := if full then some 6 else none

private def token (full : Bool) (t : Nat) : SsdScanToken Int 4 2 2 2 where
  x := matrix 4 2 fun h p => pattern 5 2 (3 * t + 5 * h + 7 * p)
  dt := vector 4 fun h => pattern 4 1 (7 * t + 3 * h)
  B := matrix 2 2 fun g n => pattern 5 2 (5 * t + 2 * g + 3 * n)
  C := matrix 2 2 fun g n => pattern 3 1 (t + 3 * g + 2 * n)
  z := if full then some (matrix 4 2 fun h p => pattern 3 1 (t + h + p)) else none

private def start : Tensor Int [4, 2, 2] := Vec.ofFn fun h => matrix 2 2 fun p n => pattern 3 1 (h.val + p + n)

private def ofState (state : Tensor Int [4, 2, 2]) : List (List (List Int)) :=
  (List.finRange 4).map fun h => ofMatrix (state.get h)

/-! Without options, with all of them, and with all of them in a packed row. -/

example : (ssdScan (scan false) start ((List.range 5).map (token false))).2.map ofMatrix =
    [[[13, 7], [-5, -14], [2, 1], [1, 1]], [[-28, -87], [-10, 23], [-3, 0], [-2, 1]], [[-439, 22], [22, 25], [1, -1], [-9, 0]], [[522, 240], [-18, -45], [-8, 7], [15, -5]], [[-581, -1832], [-56, 150], [7, -2], [-6, 5]]] := by decide

example : ofState (ssdScan (scan false) start ((List.range 5).map (token false))).1 =
    [[[-3073, 581], [158, 1832]], [[182, 56], [153, -150]], [[1, -7], [-1, 2]], [[-9, 6], [0, -5]]] := by decide

example : (ssdScan (scan true) start ((List.range 5).map (token true))).2.map ofMatrix =
    [[[-495, 0], [0, -258], [66, -5], [-155, 0]], [[0, -22719], [-4014, -9315], [55, 0], [0, -1281]], [[-1063764, -4520], [-107135, 0], [0, 0], [-37476, 0]], [[-210023795, 0], [0, -4939359], [-6, -120], [-1787995, 0]], [[0, -22907164197], [-76164567, -176433445], [-5, 0], [0, -6705339]]] := by decide

example : ofState (ssdScan (scan true) start ((List.range 5).map (token true))).1 =
    [[[-6272328013, -685694800], [15992428, 7635721399]], [[19348796, 25388189], [35510795, -35286691]], [[1, -1], [-1, 0]], [[-2111317, 2537496], [0, 2235113]]] := by decide

example :
    (ssdScanSeqIdx (scan true) (start, 0) ([0, 0, 1, 1, 2].zip ((List.range 5).map (token true)))).2.map ofMatrix =
      [[[-495, 0], [0, -258], [66, -5], [-155, 0]], [[0, -22719], [-4014, -9315], [55, 0], [0, -1281]], [[27, 40], [-35, 0], [0, 3], [3, 0]], [[7810, 0], [0, 723], [-36, 5], [-690, 0]], [[0, -36], [0, 70], [0, 0], [0, 48]]] := by decide

example :
    ofState (ssdScanSeqIdx (scan true) (start, 0) ([0, 0, 1, 1, 2].zip ((List.range 5).map (token true)))).1.1 =
      [[[0, 0], [-24, 12]], [[0, 0], [-24, 12]], [[0, 0], [0, -24]], [[0, 0], [0, -16]]] := by decide

/-! ## The recurrence of its matrix form, and the fault of the wrong axis

Seven tokens, padded to three chunks of three. -/

private def a (t : Nat) : Int := if t < 7 then 2 ^ (t % 2) else 1

private def b (t : Nat) (n : Fin 2) : Int := if t < 7 then pattern 5 2 (3 * t + 2 * n.val) else 0

private def c (t : Nat) (n : Fin 2) : Int := pattern 3 1 (2 * t + n.val)

private def x (t : Nat) (p : Fin 2) : Int := pattern 7 3 (5 * t + 3 * p.val)

private def h0 (p n : Fin 2) : Int := pattern 3 1 (p.val + n.val)

example : ((List.range 7).map fun t => (List.finRange 2).map fun p => ssdOutput a b c x h0 t p) =
    [[-5, 0], [16, -8], [-4, 9], [-20, 8], [20, -23], [0, 30], [-37, 8]] := by decide

example : ((List.finRange 2).map fun p => (List.finRange 2).map fun n => ssdState a b x h0 7 p n) =
    [[37, 2], [-8, 26]] := by decide

example : ((List.range 7).map fun t => (List.finRange 2).map fun p => ssdOutputWrongAxis a b c x h0 3 3 t p) =
    [[13, 0], [-20, -44], [-4, 45], [-248, 88], [312, -211], [-128, 246], [21, -22]] := by decide

/-! ## Gated linear attention and the gated delta rule -/

private def q (t : Nat) : Tensor Int [2] := vector 2 fun i => pattern 5 2 (3 * t + 2 * i)

private def k (t : Nat) : Tensor Int [2] := vector 2 fun i => pattern 3 1 (2 * t + i)

private def v (t : Nat) : Tensor Int [3] := vector 3 fun j => pattern 7 3 (5 * t + 3 * j)

private def gla (t : Nat) : LinearAttentionToken Int 2 3 := glaToken (vector 2 fun i => 2 ^ ((t + i) % 2)) (q t) (k t) (v t)

private def glaStart : Tensor Int [2, 3] := matrix 2 3 fun i j => pattern 3 1 (i + j)

example : (linearAttention glaStart ((List.range 7).map gla)).2.map (fun o => (List.finRange 3).map o.get) =
    [[-4, 0, 4], [10, -10, 3], [-10, 13, -4], [32, -21, 1], [-22, 46, -32], [-68, 24, 4], [75, -94, 64]] := by decide

example : ofMatrix (linearAttention glaStart ((List.range 7).map gla)).1 =
    [[35, -14, 0], [-20, 40, -32]] := by decide

private def delta (t : Nat) : DeltaToken Int 2 3 := gatedDeltaToken (2 ^ (t % 2)) (pattern 4 1 (3 * t)) (q t) (k t) (v t)

private def deltaStart : Tensor Int [3, 2] := matrix 3 2 fun j i => pattern 3 1 (j + i)

example : (deltaRule deltaStart ((List.range 7).map delta)).2.map (fun o => (List.finRange 3).map o.get) =
    [[10, 0, -10], [62, -4, -52], [-14, 3, 11], [56, -6, -46], [-50, 22, 44], [-212, 20, 192], [-103, 54, 90]] := by decide

example : ofMatrix (deltaRule deltaStart ((List.range 7).map delta)).1 =
    [[1, 52], [-2, -28], [2, -44]] := by decide

end Scanproof
