/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causality.DiagonalS4
public import Spec.Causality.CompactMamba
public import Spec.Causality.SelectiveMamba

/-!
# The boundary is sharp

Prefix causality says that the first `xs.length` outputs do not change when tokens are appended. One output more and it
is false, for every model: the output *at* position `xs.length` depends on the token there. The witnesses below are
models with all parameters one, over the integers, where the nonlinearities are the simplest functions that serve.

## Main results

* `diagonalS4_prefix_boundary_sharp`, `compactMamba_prefix_boundary_sharp`, `selectiveMamba_prefix_boundary_sharp`.
-/

@[expose] public noncomputable section

namespace Scanproof

private local instance witness : Scalar Int where
  natCast n := n
  exp _ := 0
  log x := x
  max x y := if x < y then y else x
  softplus _ := 0

private def ones1 : Tensor Int [1] := Vec.ofFn fun _ => 1

private def ones11 : Tensor Int [1, 1] := Vec.ofFn fun _ => ones1

private def s4 : DiagonalS4Spec Int 1 1 1 where
  inProj := ones11
  a := ones1
  outProj := ones11
  skip := ones11

private def compact : MambaBlockSpec Int 1 1 1 where
  inProj := ones11
  gateProj := ones11
  a := ones1
  b := ones1
  c := ones1
  d := ones1
  outProj := ones11

private def selective : SelectiveMambaBlockSpec Int 1 1 1 1 1 where
  dtRank := 1
  inProj := ones11
  inBias := ones1
  gateProj := ones11
  gateBias := ones1
  convWeight := ones11
  convBias := ones1
  dtDown := ones11
  dtUp := ones11
  dtBias := ones1
  bProj := ones11
  cProj := ones11
  A := ones11
  D := ones1
  outProj := ones11
  outBias := ones1

private def token (x : Int) : Tensor Int [1] := Vec.ofFn fun _ => x

/--
The boundary of diagonal S4 is sharp: `take (xs.length + 1)` in place of `take xs.length` is false. Two continuations of one
prefix give different outputs at the first new position.
-/
theorem diagonalS4_prefix_boundary_sharp :
    ∃ (_ : Scalar Int) (m : DiagonalS4Spec Int 1 1 1) (h0 : Tensor Int [1]) (xs ys ys' : List (Tensor Int [1])),
      List.take (xs.length + 1) (m.runList h0 (xs ++ ys)).2 ≠ List.take (xs.length + 1) (m.runList h0 (xs ++ ys')).2 :=
  ⟨witness, s4, ones1, [token 1], [token 0], [token 1], fun h =>
    absurd (congrArg (List.map fun y => y.get 0) h) (by decide)⟩

/--
The boundary of the compact Mamba block is sharp: `take (xs.length + 1)` in place of `take xs.length` is false. Two
continuations of one prefix give different outputs at the first new position.
-/
theorem compactMamba_prefix_boundary_sharp :
    ∃ (_ : Scalar Int) (m : MambaBlockSpec Int 1 1 1) (h0 : Tensor Int [1]) (xs ys ys' : List (Tensor Int [1])),
      List.take (xs.length + 1) (m.runList h0 (xs ++ ys)).2 ≠ List.take (xs.length + 1) (m.runList h0 (xs ++ ys')).2 :=
  ⟨witness, compact, ones1, [token 1], [token 0], [token 1], fun h =>
    absurd (congrArg (List.map fun y => y.get 0) h) (by decide)⟩

/--
The boundary of the selective Mamba block is sharp: `take (xs.length + 1)` in place of `take xs.length` is false. Two
continuations of one prefix give different outputs at the first new position.
-/
theorem selectiveMamba_prefix_boundary_sharp :
    ∃ (_ : Scalar Int) (m : SelectiveMambaBlockSpec Int 1 1 1 1 1) (h0 : Tensor Int [1, 1])
      (xs ys ys' : List (Tensor Int [1])),
      List.take (xs.length + 1) (m.runList h0 (xs ++ ys)).2 ≠ List.take (xs.length + 1) (m.runList h0 (xs ++ ys')).2 :=
  ⟨witness, selective, ones11, [token 1], [token 0], [token 1], fun h =>
    absurd (congrArg (List.map fun y => y.get 0) h) (by decide)⟩

end Scanproof
