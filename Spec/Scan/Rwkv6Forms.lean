/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.LinearAttentionForms
public import Spec.Scan.Rwkv6

/-!
# Parallel forms of RWKV-6

In exact arithmetic the recurrence is masked attention over the *earlier* tokens, and the bonus for the token itself. It is
computed by chunks of every length: masked attention within the chunk, and a reading of the state that was passed to it.

## Main definitions

* `rwkv6Score`: the score of an earlier source for a destination; `rwkv6Bonus`: that of the destination itself.

## Main results

* `rwkv6_outputs_eq_masked`: the recurrence is masked attention.
* `rwkv6_outputs_eq_chunked`, `rwkv6_state_eq_chunked`: it is computed by chunks of every length, a ragged last one included.

## References

* B. Peng et al., *Eagle and Finch: RWKV with Matrix-Valued States and Dynamic Recurrence*, COLM 2024, section 4.2.
* S. Yang et al., *Gated Linear Attention Transformers with Hardware-Efficient Training*, ICML 2024, section 4.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

private theorem finSum_read_bonus {R : Type} [CommSemiring R] {K : Nat} (q P h u k' : Fin K → R) (D k : Nat → Fin K → R)
    (v : Nat → R) (v' : R) (m t : Nat) :
    (finSum fun i => q i * (P i * h i + (sumRange m t fun s => D s i * (k s i * v s)) + u i * (k' i * v'))) =
      (sumRange m t fun s => (finSum fun i => q i * D s i * k s i) * v s) + (finSum fun i => q i * u i * k' i) * v' +
        finSum fun i => q i * P i * h i := by
  have bonus : (finSum fun i => q i * u i * k' i) * v' = finSum fun i => q i * (u i * (k' i * v')) := by
    rw [finSum, sumOver_mul, finSum]
    exact sumOver_congr fun i _ => by grind
  have split : (finSum fun i => q i * (P i * h i + (sumRange m t fun s => D s i * (k s i * v s)) + u i * (k' i * v'))) =
      (finSum fun i => q i * (P i * h i + sumRange m t fun s => D s i * (k s i * v s))) +
        finSum fun i => q i * (u i * (k' i * v')) := by
    simp only [finSum, ← sumOver_add]
    exact sumOver_congr fun i _ => by grind
  rw [split, finSum_read, ← bonus]
  grind

variable {α : Type} [Scalar α] [CommSemiringScalar α] {keyDim valueDim : Nat} (u : Tensor α [keyDim])
  (tok : Nat → Rwkv6Token α keyDim valueDim) (h0 : Tensor α [keyDim, valueDim])

/-- The score of the source `s` for a later destination `t`: `k s` read by `r t` through the decays between them. -/
def rwkv6Score (t s : Nat) : α :=
  finSum fun i => (tok t).r.get i * segProd (fun r => (tok r).w.get i) (s + 1) t * (tok s).k.get i

/-- The score of a token for itself. -/
def rwkv6Bonus (t : Nat) : α := finSum fun i => (tok t).r.get i * u.get i * (tok t).k.get i

/-- The tokens of gated linear attention that change the state in the same way. -/
def rwkv6Gla (t : Nat) : LinearAttentionToken α keyDim valueDim := (tok t).toGla

omit [CommSemiringScalar α] in
private theorem stateAt_eq (t : Nat) :
    (rwkv6Runner u valueDim).stateAt h0 tok t = (linearAttentionRunner α keyDim valueDim).stateAt h0 (rwkv6Gla tok) t := by
  induction t with
  | zero => rfl
  | succ t ih =>
    rw [Runner.stateAt_succ, Runner.stateAt_succ, ih]
    rfl

omit [Scalar α] [CommSemiringScalar α] in
private theorem gla_decay (i : Fin keyDim) (j : Fin valueDim) :
    linearAttentionDecay (rwkv6Gla tok) i j = fun r => (tok r).w.get i := by
  funext r
  simp only [linearAttentionDecay, rwkv6Gla, Rwkv6Token.toGla, glaToken, Vec.get_ofFn]

private theorem advance_stateAt {m n : Nat} (h : m ≤ n) :
    linearAttentionAdvance (rwkv6Gla tok) ((rwkv6Runner u valueDim).stateAt h0 tok m) m n =
      (rwkv6Runner u valueDim).stateAt h0 tok n := by
  rw [stateAt_eq, stateAt_eq, linearAttentionAdvance_stateAt _ _ h]

/-- The output at `t` from the state at any `m ≤ t`: the scores of the tokens since, the bonus, a reading of that state. -/
theorem rwkv6_outputAt_from {m t : Nat} (h : m ≤ t) (j : Fin valueDim) :
    ((rwkv6Runner u valueDim).outputAt h0 tok t).get j =
      (sumRange m t fun s => rwkv6Score tok t s * (tok s).v.get j) + rwkv6Bonus u tok t * (tok t).v.get j +
        finSum fun i => (tok t).r.get i * segProd (fun r => (tok r).w.get i) m t *
          (((rwkv6Runner u valueDim).stateAt h0 tok m).get i).get j := by
  have output : ((rwkv6Runner u valueDim).outputAt h0 tok t).get j = finSum fun i => (tok t).r.get i *
      ((((rwkv6Runner u valueDim).stateAt h0 tok t).get i).get j + u.get i * ((tok t).k.get i * (tok t).v.get j)) :=
    (rwkv6Step_output u _ (tok t) j).trans (sum_eq_finSum _)
  rw [output, ← advance_stateAt u tok h0 h]
  simp only [linearAttentionAdvance, Vec.get_ofFn, gla_decay]
  exact finSum_read_bonus (R := α) _ _ _ _ _ _ _ _ _ m t

/-- The recurrence is masked attention: the scores of all earlier tokens, the bonus, and a reading of the initial state. -/
theorem rwkv6_outputs_eq_masked (T : Nat) :
    (rwkv6 u h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun j =>
        (sumRange 0 t fun s => rwkv6Score tok t s * (tok s).v.get j) + rwkv6Bonus u tok t * (tok t).v.get j +
          finSum fun i => (tok t).r.get i * segProd (fun r => (tok r).w.get i) 0 t * (h0.get i).get j := by
  rw [rwkv6, Runner.outputs_eq_map_outputAt]
  refine List.map_congr_left fun t _ => Vec.ext fun j => ?_
  rw [Vec.get_ofFn]
  exact rwkv6_outputAt_from u tok h0 (Nat.zero_le _) j

/--
RWKV-6 by chunks of every length `L`, a ragged last one included: masked attention within the chunk of `t`, the bonus, and a
reading of the state that was passed to it.
-/
theorem rwkv6_outputs_eq_chunked (L T : Nat) :
    (rwkv6 u h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun j =>
        (sumRange (t / L * L) t fun s => rwkv6Score tok t s * (tok s).v.get j) + rwkv6Bonus u tok t * (tok t).v.get j +
          finSum fun i => (tok t).r.get i * segProd (fun r => (tok r).w.get i) (t / L * L) t *
            ((passedState (linearAttentionAdvance (rwkv6Gla tok)) h0 L (t / L)).get i).get j := by
  rw [rwkv6, Runner.outputs_eq_map_outputAt]
  refine List.map_congr_left fun t _ => Vec.ext fun j => ?_
  rw [Vec.get_ofFn, Runner.passedState_eq_stateAt (rwkv6Runner u valueDim) h0 tok fun m n h => advance_stateAt u tok h0 h]
  exact rwkv6_outputAt_from u tok h0 (Nat.div_mul_le_self t L) j

/-- The final state by chunks, the last one ragged where `L` does not divide `T`. -/
theorem rwkv6_state_eq_chunked (L T : Nat) :
    (rwkv6 u h0 ((List.range T).map tok)).1 =
      linearAttentionAdvance (rwkv6Gla tok) (passedState (linearAttentionAdvance (rwkv6Gla tok)) h0 L (T / L)) (T / L * L) T := by
  rw [Runner.passedState_eq_stateAt (rwkv6Runner u valueDim) h0 tok fun m n h => advance_stateAt u tok h0 h,
    advance_stateAt u tok h0 (Nat.div_mul_le_self T L)]
  rfl

end Scanproof
