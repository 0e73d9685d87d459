/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.RingScalar

/-!
# The delta rule

`h' = h diag(a) (I - β k kᵀ) + β v kᵀ`, `o = h' q`: the state, of shape (values, keys), forgets what it returns for
the key `k` and stores the value `v` in its place, by the fraction `β`. The step computes it as kernels do: decay,
compare what the decayed state returns for `k` with `v`, write the difference.

| member | decay |
| --- | --- |
| DeltaNet | none |
| Gated DeltaNet | one number for each token |
| Kimi delta attention | one for each key channel |

## Main definitions

* `DeltaToken`: decay, fraction, query, key and value of one token; `deltaNetToken`, `gatedDeltaToken` make those of
  the members.
* `deltaStep`, `deltaRunner`, `deltaRule`: one token, the state machine, a list of tokens.

## Main results

* `deltaRule_causal`, `deltaRule_append`: causality and streaming, without any law of arithmetic.
* `deltaStep_state_eq_matrix`, `deltaNet_state_eq_matrix`, `gatedDelta_state_eq_matrix`: the step is the update by
  matrices.

## References

* I. Schlag, K. Irie, J. Schmidhuber, *Linear Transformers Are Secretly Fast Weight Programmers*, ICML 2021.
* S. Yang, B. Wang, Y. Zhang, Y. Shen, Y. Kim, *Parallelizing Linear Transformers with the Delta Rule over Sequence
  Length*, NeurIPS 2024.
* S. Yang, J. Kautz, A. Hatamizadeh, *Gated Delta Networks: Improving Mamba2 with Delta Rule*, ICLR 2025.
* Kimi Team, *Kimi Linear: An Expressive, Efficient Attention Architecture*, 2025.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

variable {α : Type} {keyDim valueDim : Nat}

/-- What one token brings. -/
structure DeltaToken (α : Type) (keyDim valueDim : Nat) where
  /-- The factor of each key channel of the state. -/
  decay : Tensor α [keyDim]
  /-- The fraction by which what is stored under the key is replaced. -/
  beta : α
  /-- How the state is read. -/
  q : Tensor α [keyDim]
  /-- The key. -/
  k : Tensor α [keyDim]
  /-- The value to be stored. -/
  v : Tensor α [valueDim]

variable [Scalar α]

/-- DeltaNet: no decay. -/
def deltaNetToken (β : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) : DeltaToken α keyDim valueDim :=
  ⟨Vec.ofFn fun _ => 1, β, q, k, v⟩

/-- Gated DeltaNet: one decay for the whole state. -/
def gatedDeltaToken (a β : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) : DeltaToken α keyDim valueDim :=
  ⟨Vec.ofFn fun _ => a, β, q, k, v⟩

/-- One token: the next state, and the output `h' q`. -/
def deltaStep (state : Tensor α [valueDim, keyDim]) (t : DeltaToken α keyDim valueDim) :
    Tensor α [valueDim, keyDim] × Tensor α [valueDim] :=
  let next : Tensor α [valueDim, keyDim] := Vec.ofFn fun j =>
    let kept := t.decay.mul (state.get j)
    let error := t.beta * (t.v.get j + -kept.dot t.k)
    Vec.ofFn fun i => kept.get i + error * t.k.get i
  (next, Vec.ofFn fun j => (next.get j).dot t.q)

/-- The delta rule as a state machine. -/
def deltaRunner (α : Type) [Scalar α] (keyDim valueDim : Nat) :
    Runner (Tensor α [valueDim, keyDim]) (DeltaToken α keyDim valueDim) (Tensor α [valueDim]) where
  step := deltaStep

/-- A list of tokens from the state `h0`: the final state and the outputs. -/
def deltaRule (h0 : Tensor α [valueDim, keyDim]) (ts : List (DeltaToken α keyDim valueDim)) :
    Tensor α [valueDim, keyDim] × List (Tensor α [valueDim]) :=
  (deltaRunner α keyDim valueDim).runList h0 ts

/-- The delta rule is causal, from any state. -/
theorem deltaRule_causal (h0 : Tensor α [valueDim, keyDim]) : Causal fun ts => (deltaRule h0 ts).2 :=
  Runner.causal _ h0

/-- Running `xs ++ ys` is running `ys` from the state after `xs`. -/
theorem deltaRule_append (h0 : Tensor α [valueDim, keyDim]) (xs ys : List (DeltaToken α keyDim valueDim)) :
    deltaRule h0 (xs ++ ys) =
      ((deltaRule (deltaRule h0 xs).1 ys).1, (deltaRule h0 xs).2 ++ (deltaRule (deltaRule h0 xs).1 ys).2) :=
  Runner.runList_append _ h0 xs ys

/-! ## The step, entry by entry and by matrices -/

variable (state : Tensor α [valueDim, keyDim]) (t : DeltaToken α keyDim valueDim) (j : Fin valueDim) (i : Fin keyDim)

/--
The state after one token: what is kept, plus the difference between the value and what was returned, under the key.
-/
theorem deltaStep_state :
    ((deltaStep state t).1.get j).get i =
      t.decay.get i * (state.get j).get i +
        t.beta * (t.v.get j + -sum fun l => t.decay.get l * (state.get j).get l * t.k.get l) * t.k.get i := by
  simp only [deltaStep, Vec.mul, Vec.dot, Vec.get_ofFn, Vec.get_zipWith]

/-- The output of one token, read from the state after it. -/
theorem deltaStep_output : (deltaStep state t).2.get j = ((deltaStep state t).1.get j).dot t.q := by
  simp only [deltaStep, Vec.get_ofFn]

private theorem entry_eq_matrix {R : Type} [CommRing R] {K : Nat} (a h k : Fin K → R) (β v : R) (i : Fin K) :
    a i * h i + β * (v + -finSum fun l => a l * h l * k l) * k i =
      (finSum fun l => h l * (a l * ((if l = i then 1 else 0) - β * k l * k i))) + β * v * k i := by
  have terms : (finSum fun l => h l * (a l * ((if l = i then 1 else 0) - β * k l * k i))) =
      finSum fun l => (if l = i then a l * h l else 0) - a l * h l * k l * (β * k i) :=
    finSum_congr fun l => by
      by_cases hl : l = i
      · rw [if_pos hl, if_pos hl]; grind
      · rw [if_neg hl, if_neg hl]; grind
  have keep := finSum_ite i fun l => a l * h l
  rw [terms]
  simp only [finSum, sumOver_sub, ← sumOver_mul] at keep ⊢
  rw [keep]
  grind

/-- In exact arithmetic, the step is `h diag(a) (I - β k kᵀ) + β v kᵀ`. -/
theorem deltaStep_state_eq_matrix [CommRingScalar α] :
    ((deltaStep state t).1.get j).get i =
      (finSum fun l => (state.get j).get l *
        (t.decay.get l * ((if l = i then 1 else 0) - t.beta * t.k.get l * t.k.get i))) +
          t.beta * t.v.get j * t.k.get i := by
  refine (deltaStep_state state t j i).trans ?_
  rw [sum_eq_finSum]
  exact entry_eq_matrix (fun l => t.decay.get l) (fun l => (state.get j).get l) (fun l => t.k.get l) t.beta
    (t.v.get j) i

/-- Gated DeltaNet: the step is `h (a (I - β k kᵀ)) + β v kᵀ`. -/
theorem gatedDelta_state_eq_matrix [CommRingScalar α] (a β : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    ((deltaStep state (gatedDeltaToken a β q k v)).1.get j).get i =
      (finSum fun l => (state.get j).get l * (a * ((if l = i then 1 else 0) - β * k.get l * k.get i))) +
        β * v.get j * k.get i := by
  refine (deltaStep_state_eq_matrix state _ j i).trans ?_
  simp only [gatedDeltaToken, Vec.get_ofFn]

/-- DeltaNet: the step is `h (I - β k kᵀ) + β v kᵀ`. -/
theorem deltaNet_state_eq_matrix [CommRingScalar α] (β : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    ((deltaStep state (deltaNetToken β q k v)).1.get j).get i =
      (finSum fun l => (state.get j).get l * ((if l = i then 1 else 0) - β * k.get l * k.get i)) +
        β * v.get j * k.get i := by
  refine (gatedDelta_state_eq_matrix state j i 1 β q k v).trans ?_
  simp only [Semiring.one_mul]

end Scanproof
