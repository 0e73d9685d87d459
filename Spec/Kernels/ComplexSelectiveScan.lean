/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.Complex
public import Spec.Kernels.SelectiveScan

/-!
# The selective scan kernel with complex `A`

What `selective_scan_fn` computes where `A` is complex, as in S4D: the state is complex, `B` and `C` come with imaginary parts,
and the output is twice the real part of what is read, as if the state kept one entry of each conjugate pair. All else is as in
`Spec.Kernels.SelectiveScan`, real arguments included:

    h'[i, n] = exp (dt[i] * A[i, n]) * h[i, n] + dt[i] * B[g, n] * u[i]
    y[i]     = 2 * Re (sum over n of C[g, n] * h'[i, n]) + D[i] * u[i]    then times silu z[i], if there is a gate

`C` is not conjugated. The ecosystem stores complex `B` and `C` of each token as pairs of real and imaginary part along the
last axis.

## Main definitions

* `ComplexSelectiveScan`, `ComplexSelectiveScanToken`: the arguments, the real parts under the names of the real kernel.
* `complexSelectiveStateUpdate`, `complexSelectiveScan`: one token, and a list of tokens.

## Main results

* `complexSelectiveScan_state_channel`, `complexSelectiveScan_outputs_channel`: each channel is a diagonal scan over complex
  scalars and a read-out, so what is proved about any form of the diagonal scan holds of the kernel.
* `complexSelectiveScan_append_outputs_prefix`, `complexSelectiveScan_append`: causality and streaming, without any law.

## References

* The package mamba-ssm: `selective_scan_ref` defines the kernel in PyTorch.
* A. Gu, A. Gupta, K. Goel, C. Ré, *On the Parameterization and Initialization of Diagonal State Space Models*, NeurIPS 2022.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- The arguments that are the same for every token; `A` is the real part of the decay rates. -/
structure ComplexSelectiveScan (α : Type) (channels groups stateDim : Nat) extends
    SelectiveScan α channels groups stateDim where
  /-- The imaginary part of the decay rates, shape (channels, state). -/
  imA : Tensor α [channels, stateDim]

/-- The arguments that belong to one token; `B` and `C` are real parts. -/
structure ComplexSelectiveScanToken (α : Type) (channels groups stateDim : Nat) extends
    SelectiveScanToken α channels groups stateDim where
  /-- The imaginary part of `B`, shape (groups, state). -/
  imB : Tensor α [groups, stateDim]
  /-- The imaginary part of `C`, shape (groups, state). -/
  imC : Tensor α [groups, stateDim]

variable {α : Type} [Scalar α] [Polar α] {channels groups stateDim : Nat}

namespace ComplexSelectiveScan

/-- The transition of channel `i` for the step sizes `dt`: decay `exp (dt A)`, input `dt B u`. -/
def transition (p : ComplexSelectiveScan α channels groups stateDim) (dt : Tensor α [channels])
    (t : ComplexSelectiveScanToken α channels groups stateDim) (i : Fin channels) :
    DiagonalTransition (Complex α) stateDim :=
  let g := groupOf p.groups_dvd i
  ⟨Vec.ofFn fun n => Scalar.exp (.scale (dt.get i) ⟨(p.A.get i).get n, (p.imA.get i).get n⟩),
    Vec.ofFn fun n => .scale (t.u.get i) (.scale (dt.get i) ⟨(t.B.get g).get n, (t.imB.get g).get n⟩)⟩

/-- The output of channel `i`, whose state after the token is `h`. -/
def readOut (p : ComplexSelectiveScan α channels groups stateDim) (t : ComplexSelectiveScanToken α channels groups stateDim)
    (i : Fin channels) (h : Tensor (Complex α) [stateDim]) : α :=
  let g := groupOf p.groups_dvd i
  let C : Tensor (Complex α) [stateDim] := Vec.zipWith Complex.mk (t.C.get g) (t.imC.get g)
  let read := Scalar.natCast 2 * (C.dot h).re
  let skipped := p.D.elim read fun D => read + D.get i * t.u.get i
  t.z.elim skipped fun z => skipped * Scalar.silu (z.get i)

end ComplexSelectiveScan

/-- One token, from the state `h` of shape (channels, state) to the next state and the output. -/
def complexSelectiveStateUpdate (p : ComplexSelectiveScan α channels groups stateDim)
    (h : Tensor (Complex α) [channels, stateDim]) (t : ComplexSelectiveScanToken α channels groups stateDim) :
    Tensor (Complex α) [channels, stateDim] × Tensor α [channels] :=
  let dt := p.stepSize t.delta
  let h' : Tensor (Complex α) [channels, stateDim] := Vec.ofFn fun i => (p.transition dt t i).apply (h.get i)
  (h', Vec.ofFn fun i => p.readOut t i (h'.get i))

/-- The complex selective scan as a state machine. -/
def ComplexSelectiveScan.runner (p : ComplexSelectiveScan α channels groups stateDim) :
    Runner (Tensor (Complex α) [channels, stateDim]) (ComplexSelectiveScanToken α channels groups stateDim)
      (Tensor α [channels]) where
  step := complexSelectiveStateUpdate p

/-- All tokens, from the state `h0` of shape (channels, state): the final state (`last_state`) and the outputs. -/
def complexSelectiveScan (p : ComplexSelectiveScan α channels groups stateDim) (h0 : Tensor (Complex α) [channels, stateDim])
    (ts : List (ComplexSelectiveScanToken α channels groups stateDim)) :
    Tensor (Complex α) [channels, stateDim] × List (Tensor α [channels]) :=
  p.runner.runList h0 ts

variable (p : ComplexSelectiveScan α channels groups stateDim) (h : Tensor (Complex α) [channels, stateDim])

/-- The state after one token. -/
theorem complexSelectiveStateUpdate_state (t : ComplexSelectiveScanToken α channels groups stateDim) (i : Fin channels)
    (n : Fin stateDim) :
    ((complexSelectiveStateUpdate p h t).1.get i).get n =
      Scalar.exp (.scale ((p.stepSize t.delta).get i) ⟨(p.A.get i).get n, (p.imA.get i).get n⟩) * (h.get i).get n +
        .scale (t.u.get i) (.scale ((p.stepSize t.delta).get i)
          ⟨(t.B.get (groupOf p.groups_dvd i)).get n, (t.imB.get (groupOf p.groups_dvd i)).get n⟩) := by
  simp only [complexSelectiveStateUpdate, ComplexSelectiveScan.transition, DiagonalTransition.apply, Vec.mul, Vec.add,
    Vec.get_ofFn, Vec.get_zipWith]

/-- The output of one token, read from the state after it. -/
theorem complexSelectiveStateUpdate_output (t : ComplexSelectiveScanToken α channels groups stateDim) (i : Fin channels) :
    (complexSelectiveStateUpdate p h t).2.get i = p.readOut t i ((complexSelectiveStateUpdate p h t).1.get i) := by
  simp only [complexSelectiveStateUpdate, Vec.get_ofFn]

/-- The final state of channel `i` is that of the channel's own transitions. -/
theorem complexSelectiveScan_state_channel (ts : List (ComplexSelectiveScanToken α channels groups stateDim))
    (i : Fin channels) :
    (complexSelectiveScan p h ts).1.get i =
      runDiagonalTransitions (h.get i) (ts.map fun t => p.transition (p.stepSize t.delta) t i) := by
  induction ts generalizing h with
  | nil => rfl
  | cons t ts ih =>
    simp only [complexSelectiveScan, ComplexSelectiveScan.runner, runDiagonalTransitions, diagonalScanRunner,
      Runner.runList_cons, List.map_cons] at ih ⊢
    rw [ih]
    simp only [complexSelectiveStateUpdate, Vec.get_ofFn]

/-- The outputs of channel `i` are read from the states of the diagonal scan of its own transitions. -/
theorem complexSelectiveScan_outputs_channel (ts : List (ComplexSelectiveScanToken α channels groups stateDim))
    (i : Fin channels) :
    (complexSelectiveScan p h ts).2.map (fun y => y.get i) =
      List.zipWith (fun t h => p.readOut t i h) ts
        (diagonalSelectiveScan (h.get i) (ts.map fun t => p.transition (p.stepSize t.delta) t i)) := by
  induction ts generalizing h with
  | nil => rfl
  | cons t ts ih =>
    simp only [complexSelectiveScan, ComplexSelectiveScan.runner, diagonalSelectiveScan, diagonalScanRunner,
      Runner.runList_cons, List.map_cons, List.zipWith_cons_cons] at ih ⊢
    rw [ih]
    simp only [complexSelectiveStateUpdate, Vec.get_ofFn]

/-- Appending future tokens `ys` cannot change the outputs for `xs`. -/
theorem complexSelectiveScan_append_outputs_prefix (xs ys : List (ComplexSelectiveScanToken α channels groups stateDim)) :
    List.take xs.length (complexSelectiveScan p h (xs ++ ys)).2 = (complexSelectiveScan p h xs).2 :=
  p.runner.take_outputs_append h xs ys

/-- One pass over `xs ++ ys` is a pass over `xs`, and one over `ys` from its final state. -/
theorem complexSelectiveScan_append (xs ys : List (ComplexSelectiveScanToken α channels groups stateDim)) :
    complexSelectiveScan p h (xs ++ ys) =
      ((complexSelectiveScan p (complexSelectiveScan p h xs).1 ys).1,
        (complexSelectiveScan p h xs).2 ++ (complexSelectiveScan p (complexSelectiveScan p h xs).1 ys).2) :=
  p.runner.runList_append h xs ys

end Scanproof
