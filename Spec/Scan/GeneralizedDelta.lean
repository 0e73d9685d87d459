/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Delta

/-!
# The generalised delta rule

`h' = h (diag(w) + a bᵀ) + v kᵀ`, `o = h' q`. The state has the shape (values, keys). Two vectors correct it: what the
state before the decay returns for `a` is added under `b`. The delta rule has one vector, its key.

| member | `w` | `a` | `b` |
| --- | --- | --- | --- |
| DPLR | one decay for each key channel | any | any |
| IPLR | none | any | any |
| RWKV-7 | one decay for each key channel | minus the removed key | the removed key, times a rate for each channel |

Comba is the delta rule in which a vector `p` reads the state before the decay, where the key reads it after the decay.

## Main definitions

* `GeneralizedDeltaToken`, `generalizedDeltaStep`, `generalizedDeltaRunner`, `generalizedDeltaRule`: what one token brings,
  one token, the state machine, a list of tokens.
* `CombaToken`, `combaStep`, `combaRunner`, `comba`: the same for Comba.

## Main results

* `generalizedDeltaRule_causal`, `generalizedDeltaRule_append`, `comba_causal`, `comba_append`: causality and streaming,
  without any law of arithmetic.
* `generalizedDeltaStep_state_eq_matrix`: the step is the update by matrices.
* `deltaStep_eq_combaStep`, `combaStep_eq_generalized`: the delta rule is the Comba whose `p` is the decay times the key,
  and Comba is a generalised delta rule.

## References

* B. Peng et al., *RWKV-7 "Goose" with Expressive Dynamic State Evolution*, 2025.
* J. Hu et al., *Comba: Improving Bilinear RNNs with Closed-loop Control*, 2025.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

variable {α : Type} {keyDim valueDim : Nat}

/-- What one token brings. -/
structure GeneralizedDeltaToken (α : Type) (keyDim valueDim : Nat) where
  /-- The factor of each key channel of the state. -/
  decay : Tensor α [keyDim]
  /-- How the state is read. -/
  q : Tensor α [keyDim]
  /-- The key. -/
  k : Tensor α [keyDim]
  /-- The value that is added under the key. -/
  v : Tensor α [valueDim]
  /-- How the state before the decay is read for the correction. -/
  a : Tensor α [keyDim]
  /-- Under what the correction is added. -/
  b : Tensor α [keyDim]

/-- What one token of Comba brings: what a token of the delta rule brings, and `p`. -/
structure CombaToken (α : Type) (keyDim valueDim : Nat) extends DeltaToken α keyDim valueDim where
  /-- How the state before the decay is read, to be compared with the value. -/
  p : Tensor α [keyDim]

variable [Scalar α]

/-- One token: the next state, and the output `h' q`. -/
def generalizedDeltaStep (state : Tensor α [valueDim, keyDim]) (t : GeneralizedDeltaToken α keyDim valueDim) :
    Tensor α [valueDim, keyDim] × Tensor α [valueDim] :=
  let next : Tensor α [valueDim, keyDim] := Vec.ofFn fun j =>
    let returned := (state.get j).dot t.a
    Vec.ofFn fun i => t.decay.get i * (state.get j).get i + (returned * t.b.get i + t.v.get j * t.k.get i)
  (next, Vec.ofFn fun j => (next.get j).dot t.q)

/-- The generalised delta rule as a state machine. -/
def generalizedDeltaRunner (α : Type) [Scalar α] (keyDim valueDim : Nat) :
    Runner (Tensor α [valueDim, keyDim]) (GeneralizedDeltaToken α keyDim valueDim) (Tensor α [valueDim]) where
  step := generalizedDeltaStep

/-- A list of tokens from the state `h0`: the final state and the outputs. -/
def generalizedDeltaRule (h0 : Tensor α [valueDim, keyDim]) (ts : List (GeneralizedDeltaToken α keyDim valueDim)) :
    Tensor α [valueDim, keyDim] × List (Tensor α [valueDim]) :=
  (generalizedDeltaRunner α keyDim valueDim).runList h0 ts

/-- The generalised delta rule is causal, from any state. -/
theorem generalizedDeltaRule_causal (h0 : Tensor α [valueDim, keyDim]) :
    Causal fun ts => (generalizedDeltaRule h0 ts).2 :=
  Runner.causal _ h0

/-- Running `xs ++ ys` is running `ys` from the state after `xs`. -/
theorem generalizedDeltaRule_append (h0 : Tensor α [valueDim, keyDim])
    (xs ys : List (GeneralizedDeltaToken α keyDim valueDim)) :
    generalizedDeltaRule h0 (xs ++ ys) =
      ((generalizedDeltaRule (generalizedDeltaRule h0 xs).1 ys).1,
        (generalizedDeltaRule h0 xs).2 ++ (generalizedDeltaRule (generalizedDeltaRule h0 xs).1 ys).2) :=
  Runner.runList_append _ h0 xs ys

/-- One token of Comba: compare what the state returns for `p` with the value, decay, write the difference. -/
def combaStep (state : Tensor α [valueDim, keyDim]) (t : CombaToken α keyDim valueDim) :
    Tensor α [valueDim, keyDim] × Tensor α [valueDim] :=
  let next : Tensor α [valueDim, keyDim] := Vec.ofFn fun j =>
    let error := t.beta * (t.v.get j + -(state.get j).dot t.p)
    Vec.ofFn fun i => t.decay.get i * (state.get j).get i + error * t.k.get i
  (next, Vec.ofFn fun j => (next.get j).dot t.q)

/-- Comba as a state machine. -/
def combaRunner (α : Type) [Scalar α] (keyDim valueDim : Nat) :
    Runner (Tensor α [valueDim, keyDim]) (CombaToken α keyDim valueDim) (Tensor α [valueDim]) where
  step := combaStep

/-- A list of tokens from the state `h0`: the final state and the outputs. -/
def comba (h0 : Tensor α [valueDim, keyDim]) (ts : List (CombaToken α keyDim valueDim)) :
    Tensor α [valueDim, keyDim] × List (Tensor α [valueDim]) :=
  (combaRunner α keyDim valueDim).runList h0 ts

/-- Comba is causal, from any state. -/
theorem comba_causal (h0 : Tensor α [valueDim, keyDim]) : Causal fun ts => (comba h0 ts).2 :=
  Runner.causal _ h0

/-- Running `xs ++ ys` is running `ys` from the state after `xs`. -/
theorem comba_append (h0 : Tensor α [valueDim, keyDim]) (xs ys : List (CombaToken α keyDim valueDim)) :
    comba h0 (xs ++ ys) =
      ((comba (comba h0 xs).1 ys).1, (comba h0 xs).2 ++ (comba (comba h0 xs).1 ys).2) :=
  Runner.runList_append _ h0 xs ys

/-! ## One rule as another -/

section

private theorem step_ext {next next' : Tensor α [valueDim, keyDim]} (q : Tensor α [keyDim])
    (h : ∀ j i, (next.get j).get i = (next'.get j).get i) :
    (next, (Vec.ofFn fun j => (next.get j).dot q : Tensor α [valueDim])) =
      (next', (Vec.ofFn fun j => (next'.get j).dot q : Tensor α [valueDim])) := by
  have same : next = next' := Vec.ext fun j => Vec.ext fun i => h j i
  rw [same]

private theorem sum_regrouped {R : Type} [CommRing R] {K : Nat} (w h k : Fin K → R) :
    (finSum fun l => w l * h l * k l) = finSum fun l => h l * (w l * k l) :=
  finSum_congr fun l => by grind

private theorem comba_entry {R : Type} [CommRing R] (kept β v returned k : R) :
    kept + β * (v + -returned) * k = kept + (returned * -(β * k) + β * v * k) := by
  grind

variable [CommRingScalar α] (state : Tensor α [valueDim, keyDim])

/-- In exact arithmetic, the delta rule is the Comba whose `p` is the decay times the key. -/
theorem deltaStep_eq_combaStep (t : DeltaToken α keyDim valueDim) :
    deltaStep state t = combaStep state { t with p := t.decay.mul t.k } := by
  refine step_ext t.q fun j i => ?_
  simp only [Vec.mul, Vec.dot, Vec.get_ofFn, Vec.get_zipWith, sum_eq_finSum]
  rw [sum_regrouped]

/-- A token of Comba as a token of the generalised delta rule: `b` removes the fraction `β` of what `p` reads. -/
def CombaToken.generalized (t : CombaToken α keyDim valueDim) : GeneralizedDeltaToken α keyDim valueDim where
  decay := t.decay
  q := t.q
  k := t.k
  v := t.v.map fun x => t.beta * x
  a := t.p
  b := t.k.map fun x => -(t.beta * x)

/-- In exact arithmetic, Comba is a generalised delta rule. -/
theorem combaStep_eq_generalized (t : CombaToken α keyDim valueDim) :
    combaStep state t = generalizedDeltaStep state t.generalized := by
  refine step_ext t.q fun j i => ?_
  simp only [CombaToken.generalized, Vec.get_ofFn, Vec.get_map]
  exact comba_entry _ _ _ _ _

end

/-! ## The step by matrices -/

variable (state : Tensor α [valueDim, keyDim]) (t : GeneralizedDeltaToken α keyDim valueDim) (j : Fin valueDim)
  (i : Fin keyDim)

private theorem generalized_entry {R : Type} [CommRing R] {K : Nat} (w h a b : Fin K → R) (vk : R) (i : Fin K) :
    w i * h i + ((finSum fun l => h l * a l) * b i + vk) =
      (finSum fun l => h l * ((if l = i then w l else 0) + a l * b i)) + vk := by
  have terms : (finSum fun l => h l * ((if l = i then w l else 0) + a l * b i)) =
      finSum fun l => (if l = i then w l * h l else 0) + h l * a l * b i :=
    finSum_congr fun l => by
      by_cases hl : l = i
      · rw [if_pos hl, if_pos hl]; grind
      · rw [if_neg hl, if_neg hl]; grind
  have keep := finSum_ite i fun l => w l * h l
  rw [terms]
  simp only [finSum, sumOver_add, ← sumOver_mul] at keep ⊢
  rw [keep]
  grind

/-- In exact arithmetic, the step is `h (diag(w) + a bᵀ) + v kᵀ`. -/
theorem generalizedDeltaStep_state_eq_matrix [CommRingScalar α] :
    ((generalizedDeltaStep state t).1.get j).get i =
      (finSum fun l => (state.get j).get l * ((if l = i then t.decay.get l else 0) + t.a.get l * t.b.get i)) +
        t.v.get j * t.k.get i := by
  simp only [generalizedDeltaStep, Vec.get_ofFn, dot_eq_finSum]
  exact generalized_entry (fun l => t.decay.get l) (fun l => (state.get j).get l) (fun l => t.a.get l)
    (fun l => t.b.get l) (t.v.get j * t.k.get i) i

end Scanproof
