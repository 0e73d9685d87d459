/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.Kernels.RmsNorm

/-!
# Gated norms

The norm of each token, times an activation of a gate: `norm(x) act(z)`, or `norm(x act(z))` if the gate comes first. The norm
is a root-mean-square norm or a layer norm, over groups of neighbouring channels.

## Main definitions

* `groupedCentred`: each group of neighbouring entries minus its mean.
* `GatedNorm`: the parameters; `GatedNorm.norm`, `GatedNorm.apply`: the norm, and the gated norm, of one token.
* `GatedNorm.runner`, `gatedNorm`: the state machine, which has no state, and the outputs of a list of tokens.

## Main results

* `gatedNorm_eq_map`: each token alone gives its output.
* `GatedNorm.apply_eq_groupedRmsNorm`: the norm of a Mamba-2 block is the case with the gate first.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} [Scalar α]

/-- Each of `groups` groups of neighbouring entries minus the mean of the group. -/
def groupedCentred {n groups : Nat} (h : groups ∣ n) (x : Tensor α [n]) : Tensor α [n] :=
  have hn : groups * (n / groups) = n := Nat.mul_div_cancel' h
  let rows : Tensor α [groups, n / groups] := Vec.toRows (x.slice 0 (groups * (n / groups)) (by omega))
  let centred : Tensor α [groups, n / groups] := rows.map fun row =>
    let mean := sum row.get / Scalar.natCast (n / groups)
    row.map fun entry => entry + -mean
  Vec.slice (Vec.ofRows centred : Tensor α [groups * (n / groups)]) 0 n (by omega)

/-- Parameters of a gated norm over `n` channels. -/
structure GatedNorm (α : Type) (n : Nat) where
  /-- Number of groups of neighbouring channels, each normalised by itself. -/
  groups : Nat
  /-- The groups divide the channels evenly. -/
  groups_dvd : groups ∣ n
  /-- The number that is added to the mean square. -/
  eps : α
  /-- The factor of each normalised channel. -/
  weight : Tensor α [n]
  /-- What is added to each normalised channel. -/
  bias : Option (Tensor α [n])
  /-- Whether the mean is subtracted first, as a layer norm does. -/
  centred : Bool
  /-- The activation of the gate, such as `Scalar.silu` or `Scalar.sigmoid`. -/
  act : α → α
  /-- Whether the gate multiplies the input of the norm, and not its output. -/
  gateFirst : Bool

namespace GatedNorm

variable {n : Nat} (m : GatedNorm α n)

/-- The norm, without its gate. -/
def norm (x : Tensor α [n]) : Tensor α [n] :=
  let normed := groupedRmsNorm m.groups_dvd m.eps m.weight (if m.centred then groupedCentred m.groups_dvd x else x)
  match m.bias with
  | none => normed
  | some bias => normed.add bias

/-- The gated norm of one token `x` with its gate `z`. -/
def apply (x z : Tensor α [n]) : Tensor α [n] :=
  if m.gateFirst then m.norm (x.mul (z.map m.act)) else (m.norm x).mul (z.map m.act)

/-- The gated norm as a state machine without state. -/
def runner : Runner Unit (Tensor α [n] × Tensor α [n]) (Tensor α [n]) where
  step _ t := ((), m.apply t.1 t.2)

/-- The norm of a Mamba-2 block is the root-mean-square norm without bias, the SiLU of the gate first. -/
theorem apply_eq_groupedRmsNorm {groups : Nat} (h : groups ∣ n) (eps : α) (weight x z : Tensor α [n]) :
    (⟨groups, h, eps, weight, none, false, Scalar.silu, true⟩ : GatedNorm α n).apply x z =
      groupedRmsNorm h eps weight (x.mul (z.map Scalar.silu)) := rfl

end GatedNorm

/-- The outputs for a list of tokens, each with its gate. -/
def gatedNorm {n : Nat} (m : GatedNorm α n) (ts : List (Tensor α [n] × Tensor α [n])) : List (Tensor α [n]) :=
  (m.runner.runList () ts).2

/-- Each token alone gives its output. -/
theorem gatedNorm_eq_map {n : Nat} (m : GatedNorm α n) (ts : List (Tensor α [n] × Tensor α [n])) :
    gatedNorm m ts = ts.map fun t => m.apply t.1 t.2 := by
  induction ts with
  | nil => rfl
  | cons t ts ih => exact congrArg (m.apply t.1 t.2 :: ·) ih

end Scanproof
