/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.RingScalar
public import Spec.Scan.LinearAttention
public import Spec.Scan.Ssd
public import Spec.Sequence

/-!
# Parallel forms of linear attention with decay

In exact arithmetic the recurrence is *masked attention*: the output at `t` is the sum over the sources `s ≤ t` of a
score times the value `v s`, where the score reads `k s` with `q t` through the decays between them. It is also
computed *by chunks*: masked attention within the chunk of `t`, and a reading of the state that was passed to that
chunk.

The chunked forms of the literature are the same sums with the factors grouped into matrices. Some divide by products
of decays from the start of the chunk (`gla_score_eq_div`); that is exact where no product is zero, and in floating
point it is where they fail.

## Main definitions

* `linearAttentionScore`: the score of a source for a destination and a value channel.
* `linearAttentionAdvance`: a state carried over a stretch of tokens in one go.

## Main results

* `linearAttention_outputs_eq_masked`: the recurrence is masked attention.
* `linearAttention_outputs_eq_chunked`, `linearAttention_state_eq_chunked`: it is computed by chunks of every length,
  a ragged last one included.
* `ofScalar_score`, `retention_score`, `gla_score`: what the score is for the members of the family.
* `gla_score_eq_div`: the score from queries and keys scaled beforehand.
* `rgLru_output`: the output of the RG-LRU is its state.
* `linearAttention_output_eq_ssdOutput`: with one decay for each token, it is Mamba-2's recurrence.

## References

* Y. Sun et al., *Retentive Network: A Successor to Transformer for Large Language Models*, 2023, equations 5 and 7.
* S. Yang et al., *Gated Linear Attention Transformers with Hardware-Efficient Training*, ICML 2024, sections 2.1, 4.2
  and 4.3.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

/--
Reading a vector whose entries decayed from `h` and took up `k s * v s` on the way, with the weights `q`: the sum over the key
channels and the one over the sources exchange.
-/
theorem finSum_read {R : Type} [CommSemiring R] {K : Nat} (q P h : Fin K → R) (D k : Nat → Fin K → R)
    (v : Nat → R) (m t : Nat) :
    (finSum fun i => q i * (P i * h i + sumRange m t fun s => D s i * (k s i * v s))) =
      (sumRange m t fun s => (finSum fun i => q i * D s i * k s i) * v s) + finSum fun i => q i * P i * h i := by
  have swap : (sumRange m t fun s => (finSum fun i => q i * D s i * k s i) * v s) =
      finSum fun i => sumRange m t fun s => q i * D s i * k s i * v s := by
    simp only [sumRange, finSum, sumOver_mul]
    exact sumOver_comm _ _ _
  rw [swap, finSum, finSum, finSum, ← sumOver_add]
  refine sumOver_congr fun i _ => ?_
  have inner : (q i * sumRange m t fun s => D s i * (k s i * v s)) =
      sumRange m t fun s => q i * D s i * k s i * v s := by
    rw [sumRange, mul_sumOver]
    exact sumOver_congr fun s _ => by grind
  rw [← inner]
  grind

variable {α : Type} [Scalar α] [CommSemiringScalar α] {keyDim valueDim : Nat}
  (tok : Nat → LinearAttentionToken α keyDim valueDim) (h0 : Tensor α [keyDim, valueDim])

/-- The decay of entry `(i, j)` at time `t`. -/
def linearAttentionDecay (i : Fin keyDim) (j : Fin valueDim) (t : Nat) : α := ((tok t).decay.get i).get j

/--
The score of the source `s` for the destination `t` and value channel `j`: `k s` read by `q t` through the decays
between them.
-/
def linearAttentionScore (t s : Nat) (j : Fin valueDim) : α :=
  finSum fun i => (tok t).q.get i * segProd (linearAttentionDecay tok i j) (s + 1) (t + 1) * (tok s).k.get i

/--
The state at `m` carried over the tokens at the times `m ≤ t < n` in one go: decayed, plus what they wrote, decayed.
-/
def linearAttentionAdvance (state : Tensor α [keyDim, valueDim]) (m n : Nat) : Tensor α [keyDim, valueDim] :=
  Vec.ofFn fun i => Vec.ofFn fun j =>
    segProd (linearAttentionDecay tok i j) m n * (state.get i).get j +
      sumRange m n fun s => segProd (linearAttentionDecay tok i j) (s + 1) n * ((tok s).k.get i * (tok s).v.get j)

private theorem get_stateAt (t : Nat) (i : Fin keyDim) (j : Fin valueDim) :
    (((linearAttentionRunner α keyDim valueDim).stateAt h0 tok t).get i).get j =
      linearState (linearAttentionDecay tok i j) (fun s => (tok s).k.get i * (tok s).v.get j) ((h0.get i).get j) t := by
  induction t with
  | zero => rfl
  | succ t ih =>
    rw [Runner.stateAt_succ, linearState, ← ih]
    exact linearAttentionStep_state _ i j (tok t)

/-- Carrying the state of the run over a stretch reaches the state of the run. -/
theorem linearAttentionAdvance_stateAt {m n : Nat} (h : m ≤ n) :
    linearAttentionAdvance tok ((linearAttentionRunner α keyDim valueDim).stateAt h0 tok m) m n =
      (linearAttentionRunner α keyDim valueDim).stateAt h0 tok n := by
  refine Vec.ext fun i => Vec.ext fun j => ?_
  rw [get_stateAt, linearAttentionAdvance, Vec.get_ofFn, Vec.get_ofFn, get_stateAt]
  exact (linearState_from _ _ _ h).symm

/-- The output at `t` from the state at any `m ≤ t + 1`: the scores of the tokens since, and a reading of that state. -/
theorem linearAttention_outputAt_from {m t : Nat} (h : m ≤ t + 1) (j : Fin valueDim) :
    ((linearAttentionRunner α keyDim valueDim).outputAt h0 tok t).get j =
      (sumRange m (t + 1) fun s => linearAttentionScore tok t s j * (tok s).v.get j) +
        finSum fun i => (tok t).q.get i * segProd (linearAttentionDecay tok i j) m (t + 1) *
          (((linearAttentionRunner α keyDim valueDim).stateAt h0 tok m).get i).get j := by
  have output : ((linearAttentionRunner α keyDim valueDim).outputAt h0 tok t).get j = finSum fun i => (tok t).q.get i *
      (((linearAttentionRunner α keyDim valueDim).stateAt h0 tok (t + 1)).get i).get j := by
    rw [Runner.stateAt_succ]
    exact (linearAttentionStep_output _ j (tok t)).trans (sum_eq_finSum _)
  rw [output, ← linearAttentionAdvance_stateAt tok h0 h]
  simp only [linearAttentionAdvance, Vec.get_ofFn]
  exact finSum_read _ _ _ _ _ _ m (t + 1)

/-- The recurrence is masked attention: the scores of all tokens up to `t`, and a reading of the initial state. -/
theorem linearAttention_outputs_eq_masked (T : Nat) :
    (linearAttention h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun j =>
        (sumRange 0 (t + 1) fun s => linearAttentionScore tok t s j * (tok s).v.get j) +
          finSum fun i => (tok t).q.get i * segProd (linearAttentionDecay tok i j) 0 (t + 1) * (h0.get i).get j := by
  rw [linearAttention, Runner.outputs_eq_map_outputAt]
  refine List.map_congr_left fun t _ => Vec.ext fun j => ?_
  rw [Vec.get_ofFn]
  exact linearAttention_outputAt_from tok h0 (Nat.zero_le _) j

/--
Linear attention by chunks of every length `L`, a ragged last one included: masked attention within the chunk of `t`,
and a reading of the state that was passed to it.
-/
theorem linearAttention_outputs_eq_chunked (L T : Nat) :
    (linearAttention h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun j =>
        (sumRange (t / L * L) (t + 1) fun s => linearAttentionScore tok t s j * (tok s).v.get j) +
          finSum fun i => (tok t).q.get i * segProd (linearAttentionDecay tok i j) (t / L * L) (t + 1) *
            ((passedState (linearAttentionAdvance tok) h0 L (t / L)).get i).get j := by
  rw [linearAttention, Runner.outputs_eq_map_outputAt]
  refine List.map_congr_left fun t _ => Vec.ext fun j => ?_
  rw [Vec.get_ofFn, Runner.passedState_eq_stateAt _ _ tok fun m n h => linearAttentionAdvance_stateAt tok h0 h]
  exact linearAttention_outputAt_from tok h0 (Nat.le_succ_of_le (Nat.div_mul_le_self t L)) j

/-- The final state by chunks, the last one ragged where `L` does not divide `T`. -/
theorem linearAttention_state_eq_chunked (L T : Nat) :
    (linearAttention h0 ((List.range T).map tok)).1 =
      linearAttentionAdvance tok (passedState (linearAttentionAdvance tok) h0 L (T / L)) (T / L * L) T := by
  rw [Runner.passedState_eq_stateAt _ _ tok fun m n h => linearAttentionAdvance_stateAt tok h0 h,
    linearAttentionAdvance_stateAt tok h0 (Nat.div_mul_le_self T L)]
  rfl

/-! ## Scores of the members -/

private theorem finSum_factor {R : Type} [CommSemiring R] {K : Nat} (P : R) (q k : Fin K → R) :
    (finSum fun i => q i * P * k i) = P * finSum fun i => q i * k i := by
  rw [finSum, finSum, mul_sumOver]
  exact sumOver_congr fun i _ => by grind

variable (q k : Nat → Tensor α [keyDim]) (v : Nat → Tensor α [valueDim]) (t s : Nat) (j : Fin valueDim)

omit [Scalar α] [CommSemiringScalar α] in
private theorem ofScalar_decay (a : Nat → α) (i : Fin keyDim) :
    linearAttentionDecay (fun t => .ofScalar (a t) (q t) (k t) (v t)) i j = a := by
  funext r
  simp only [linearAttentionDecay, LinearAttentionToken.ofScalar, Vec.get_ofFn]

omit [Scalar α] [CommSemiringScalar α] in
private theorem gla_decay (a : Nat → Tensor α [keyDim]) (i : Fin keyDim) :
    linearAttentionDecay (fun t => glaToken (a t) (q t) (k t) (v t)) i j = fun r => (a r).get i := by
  funext r
  simp only [linearAttentionDecay, glaToken, Vec.get_ofFn]

/-- One decay for each token: the score is the dot product of query and key, times the decays between them. -/
theorem ofScalar_score (a : Nat → α) :
    linearAttentionScore (fun t => .ofScalar (a t) (q t) (k t) (v t)) t s j =
      segProd a (s + 1) (t + 1) * (q t).dot (k s) := by
  rw [linearAttentionScore, dot_eq_finSum]
  simp only [ofScalar_decay]
  exact finSum_factor (R := α) _ _ _

/-- Retention: the score is the dot product of query and key, times `γ ^ (t - s)`. -/
theorem retention_score (γ : α) (h : s ≤ t) :
    linearAttentionScore (fun t => retentionToken γ (q t) (k t) (v t)) t s j = γ ^ (t - s) * (q t).dot (k s) := by
  refine (ofScalar_score q k v t s j fun _ => γ).trans ?_
  rw [segProd_const γ (Nat.add_le_add_right h 1), Nat.add_sub_add_right]

/-- Gated linear attention: the score is the same for all value channels, and decays each key channel by itself. -/
theorem gla_score (a : Nat → Tensor α [keyDim]) :
    linearAttentionScore (fun t => glaToken (a t) (q t) (k t) (v t)) t s j =
      finSum fun i => (q t).get i * segProd (fun r => (a r).get i) (s + 1) (t + 1) * (k s).get i := by
  rw [linearAttentionScore]
  simp only [gla_decay]
  rfl

private theorem rescale {R : Type} [CommSemiring R] {q P A k d : R} (h : A * d = k) : q * P * k = q * (P * A) * d := by
  rw [← h]
  grind

/--
Gated linear attention with queries and keys scaled beforehand by the decays since the start `m` of the chunk: `q`
times its product, `k` divided by its own. Division must undo multiplication, and no product may be zero.
-/
theorem gla_score_eq_div (a : Nat → Tensor α [keyDim]) {m : Nat} (hm : m ≤ s) (hs : s ≤ t)
    (div : ∀ x y : α, y ≠ 0 → y * (x / y) = x) (ne : ∀ i, segProd (fun r => (a r).get i) m (s + 1) ≠ 0) :
    linearAttentionScore (fun t => glaToken (a t) (q t) (k t) (v t)) t s j =
      finSum fun i => (q t).get i * segProd (fun r => (a r).get i) m (t + 1) *
        ((k s).get i / segProd (fun r => (a r).get i) m (s + 1)) := by
  rw [gla_score]
  refine finSum_congr fun i => ?_
  rw [segProd_split (fun r => (a r).get i) (by omega : m ≤ s + 1) (by omega : s + 1 ≤ t + 1)]
  exact rescale (div _ _ (ne i))

/-- With one decay for each token, the outputs are those of Mamba-2's recurrence: keys write, queries read. -/
theorem linearAttention_output_eq_ssdOutput (a : Nat → α) :
    ((linearAttentionRunner α keyDim valueDim).outputAt h0 (fun t => .ofScalar (a t) (q t) (k t) (v t)) t).get j =
      ssdOutput a (fun t i => (k t).get i) (fun t i => (q t).get i) (fun t j => (v t).get j)
        (fun j i => (h0.get i).get j) t j := by
  rw [linearAttention_outputAt_from _ _ (Nat.zero_le _), ssdOutput_from _ _ _ _ _ (Nat.zero_le _)]
  simp only [ofScalar_score, dot_eq_finSum]
  congr 1
  simp only [ofScalar_decay]
  exact finSum_factor (R := α) _ _ _

/-- The output of the real-gated linear recurrent unit is its state. -/
theorem rgLru_output (state : Tensor α [1, valueDim]) (a u : Tensor α [valueDim]) (j : Fin valueDim) :
    (linearAttentionStep state (rgLruToken a u)).2.get j =
      ((linearAttentionStep state (rgLruToken a u)).1.get 0).get j := by
  refine (linearAttentionStep_output state j _).trans ?_
  rw [sum_eq_finSum, finSum_succ, finSum_zero]
  simp only [rgLruToken, Vec.get_ofFn]
  exact (Semiring.add_zero _).trans (Semiring.one_mul _)

end Scanproof
