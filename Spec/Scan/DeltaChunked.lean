/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Delta
public import Spec.Scan.DeltaTriangular
public import Spec.Scan.LinearRecurrence
public import Spec.Sequence

/-!
# The chunked form of the delta rule

Within a chunk that starts at time `m` with the state `S`, the steps of the delta rule multiply to a matrix that
differs from the identity by as many outer products as the chunk has tokens (the WY representation). With
pseudo-values `u s` and `w s`, the state at time `t` is

    S + sum over m ≤ s < t of (u s - S w s) (k s)ᵀ

(with decays, each term decays as in linear attention), and both solve one triangular system with the matrix `I +
tril(diag(β) K Kᵀ, -1)`:

    u r + sum over m ≤ s < r of β r (k s · k r) u s = β r v r
    w r + sum over m ≤ s < r of β r (k s · k r) w s = β r k r

The UT transform solves it by one matrix `T`, the inverse of that matrix times `diag(β)`: `U = T V`, `W = T K`. It
does not matter here how the system is solved.

## Main definitions

* `deltaGram`, `deltaSystem`: products of keys through the decays between them, and the strictly lower part of the
  matrix.
* `DeltaWY tok m n u w`: `u` and `w` solve the system of the chunk `m ≤ t < n`.
* `deltaU`, `deltaW`: its solution by forward substitution.
* `deltaAdvance`: a state carried over a stretch of tokens in one go.

## Main results

* `DeltaWY.state`, `DeltaWY.output`: states and outputs within the chunk, from any solution.
* `deltaWY_forward`, `deltaWY_of_inverse`: forward substitution and the UT transform solve the system.
* `deltaRule_outputs_eq_chunked`, `deltaRule_state_eq_chunked`: the delta rule by chunks of every length, a ragged
  last one included.
* `deltaNet_state_eq_wy`: without decay, the steps of a stretch are `I - (sum of w s (k s)ᵀ)` and add `sum of u s (k
  s)ᵀ`.
* `deltaNet_system`, `gatedDelta_system`: the matrix for DeltaNet and Gated DeltaNet.

## References

* S. Yang, B. Wang, Y. Zhang, Y. Shen, Y. Kim, *Parallelizing Linear Transformers with the Delta Rule over Sequence
  Length*, NeurIPS 2024, sections 3.1 and 3.2.
* S. Yang, J. Kautz, A. Hatamizadeh, *Gated Delta Networks: Improving Mamba2 with Delta Rule*, ICLR 2025, section 3.3.
* C. Bischof, C. Van Loan, *The WY Representation for Products of Householder Matrices*, SIAM J. Sci. Stat. Comput. 8,
  1987.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

/-! ## One row of the state, over a ring -/

section Row

variable {R : Type} [CommRing R] {K : Nat}

private theorem finSum_read (P h q : Fin K → R) (D k : Nat → Fin K → R) (e : Nat → R) (m t : Nat) :
    (finSum fun l => (P l * h l + sumRange m t fun s => D s l * (e s * k s l)) * q l) =
      (finSum fun l => h l * (P l * q l)) + sumRange m t fun s => e s * finSum fun l => k s l * D s l * q l := by
  have swap : (sumRange m t fun s => e s * finSum fun l => k s l * D s l * q l) =
      finSum fun l => sumRange m t fun s => e s * (k s l * D s l * q l) := by
    simp only [sumRange, finSum, mul_sumOver]
    exact sumOver_comm _ _ _
  rw [swap, finSum, finSum, finSum, ← sumOver_add]
  refine sumOver_congr fun l _ => ?_
  have inner : (sumRange m t fun s => D s l * (e s * k s l)) * q l =
      sumRange m t fun s => e s * (k s l * D s l * q l) := by
    rw [sumRange, sumOver_mul]
    exact sumOver_congr fun s _ => by grind
  rw [← inner]
  grind

variable (a k : Nat → Fin K → R) (β v : Nat → R) (h : Nat → Fin K → R)

private def gram (t s : Nat) : R := finSum fun l => k s l * segProd (fun r => a r l) (s + 1) (t + 1) * k t l

private def error (t : Nat) : R := β t * (v t + -finSum fun l => a t l * h t l * k t l)

private theorem row_from (e : Nat → R) (hstep : ∀ t l, h (t + 1) l = a t l * h t l + e t * k t l)
    {m t : Nat} (hmt : m ≤ t) (l : Fin K) :
    h t l = segProd (fun r => a r l) m t * h m l +
      sumRange m t fun s => segProd (fun r => a r l) (s + 1) t * (e s * k s l) := by
  have linear : ∀ t, h t l = linearState (fun r => a r l) (fun s => e s * k s l) (h 0 l) t := by
    intro t
    induction t with
    | zero => rfl
    | succ t ih => rw [hstep, ih]; rfl
  rw [linear t, linear m]
  exact linearState_from _ _ _ hmt

private theorem error_solves (hstep : ∀ t l, h (t + 1) l = a t l * h t l + error a k β v h t * k t l) (m r : Nat)
    (hr : m ≤ r) :
    (error a k β v h r + sumRange m r fun s => β r * gram a k r s * error a k β v h s) =
      β r * v r - finSum fun l => h m l * (β r * (segProd (fun r => a r l) m (r + 1) * k r l)) := by
  have kept : (finSum fun l => a r l * h r l * k r l) =
      (finSum fun l => h m l * (segProd (fun r => a r l) m (r + 1) * k r l)) +
        sumRange m r fun s => error a k β v h s * gram a k r s := by
    refine Eq.trans (finSum_congr fun l => ?_)
      (finSum_read _ _ _ (fun s l => segProd (fun r => a r l) (s + 1) (r + 1)) k _ m r)
    rw [row_from a k h _ hstep hr l, segProd_succ _ hr, Semiring.left_distrib, sumRange, mul_sumOver,
      ← Semiring.mul_assoc]
    congr 2
    refine sumRange_congr fun s _ hs => ?_
    rw [segProd_succ (s := s + 1) _ (by omega)]
    grind
  have scaled : (sumRange m r fun s => β r * gram a k r s * error a k β v h s) =
      β r * sumRange m r fun s => error a k β v h s * gram a k r s := by
    rw [sumRange, sumRange, mul_sumOver]
    exact sumOver_congr fun s _ => by grind
  have start : (finSum fun l => h m l * (β r * (segProd (fun r => a r l) m (r + 1) * k r l))) =
      β r * finSum fun l => h m l * (segProd (fun r => a r l) m (r + 1) * k r l) := by
    rw [finSum, finSum, mul_sumOver]
    exact sumOver_congr fun l _ => by grind
  rw [scaled, start, error, kept]
  grind

private theorem pseudo_solves (m r : Nat) (S : Fin K → R) (u : Nat → R) (w : Nat → Fin K → R) (M : Nat → R) (b : R)
    (d : Fin K → R)
    (hu : (u r + sumRange m r fun s => M s * u s) = b) (hw : ∀ l, (w r l + sumRange m r fun s => M s * w s l) = d l) :
    ((u r - finSum fun l => S l * w r l) + sumRange m r fun s => M s * (u s - finSum fun l => S l * w s l)) =
      b - finSum fun l => S l * d l := by
  have split : (sumRange m r fun s => M s * (u s - finSum fun l => S l * w s l)) =
      (sumRange m r fun s => M s * u s) - finSum fun l => S l * sumRange m r fun s => M s * w s l := by
    have swap : (finSum fun l => S l * sumRange m r fun s => M s * w s l) =
        sumRange m r fun s => finSum fun l => S l * (M s * w s l) := by
      simp only [sumRange, finSum, mul_sumOver]
      exact sumOver_comm _ _ _
    rw [swap, sumRange, sumRange, sumRange, ← sumOver_sub]
    refine sumOver_congr fun s _ => ?_
    have inner : M s * (finSum fun l => S l * w s l) = finSum fun l => S l * (M s * w s l) := by
      rw [finSum, mul_sumOver]
      exact sumOver_congr fun l _ => by grind
    rw [← inner]
    grind
  have whole : (finSum fun l => S l * d l) =
      (finSum fun l => S l * w r l) + finSum fun l => S l * sumRange m r fun s => M s * w s l := by
    rw [finSum, finSum, finSum, ← sumOver_add]
    exact sumOver_congr fun l _ => by rw [← hw l]; grind
  rw [split, whole, ← hu]
  grind

end Row

/-! ## The system of a chunk -/

variable {α : Type} [Scalar α] [CommRingScalar α] {keyDim valueDim : Nat} (tok : Nat → DeltaToken α keyDim valueDim)

/-- The decay of key channel `l` at time `t`. -/
def deltaDecay (l : Fin keyDim) (t : Nat) : α := (tok t).decay.get l

/-- The product of the keys of `s` and `t`, through the decays between them. -/
def deltaGram (t s : Nat) : α :=
  finSum fun l => (tok s).k.get l * segProd (deltaDecay tok l) (s + 1) (t + 1) * (tok t).k.get l

/-- The product of the key of `s` and the query of `t`, through the decays between them. -/
def deltaScore (t s : Nat) : α :=
  finSum fun l => (tok s).k.get l * segProd (deltaDecay tok l) (s + 1) (t + 1) * (tok t).q.get l

/-- The entry `(t, s)`, for `s < t`, of the matrix of the system: `tril(diag(β) K Kᵀ, -1)`. -/
def deltaSystem (t s : Nat) : α := (tok t).beta * deltaGram tok t s

/-- The key of `t` through the decays since the start `m` of the chunk. -/
def deltaKey (m t : Nat) (l : Fin keyDim) : α := segProd (deltaDecay tok l) m (t + 1) * (tok t).k.get l

/-- `u` and `w` are pseudo-values and pseudo-keys of the chunk `m ≤ t < n`: they solve its triangular system. -/
structure DeltaWY (m n : Nat) (u : Nat → Fin valueDim → α) (w : Nat → Fin keyDim → α) : Prop where
  /-- The pseudo-values solve the system with right-hand side `β v`. -/
  values : ∀ r, m ≤ r → r < n → ∀ j,
    (u r j + sumRange m r fun s => deltaSystem tok r s * u s j) = (tok r).beta * (tok r).v.get j
  /-- The pseudo-keys solve it with right-hand side `β k`, decayed since the start of the chunk. -/
  keys : ∀ r, m ≤ r → r < n → ∀ l,
    (w r l + sumRange m r fun s => deltaSystem tok r s * w s l) = (tok r).beta * deltaKey tok m r l

/-- The pseudo-values of the chunk that starts at `m`, by forward substitution. -/
def deltaU (m r : Nat) (j : Fin valueDim) : α :=
  forwardSubstitution m (deltaSystem tok) (fun s => (tok s).beta * (tok s).v.get j) r

/-- The pseudo-keys of the chunk that starts at `m`, by forward substitution. -/
def deltaW (m r : Nat) (l : Fin keyDim) : α :=
  forwardSubstitution m (deltaSystem tok) (fun s => (tok s).beta * deltaKey tok m s l) r

/-- Forward substitution solves the system of every chunk. -/
theorem deltaWY_forward (m n : Nat) : DeltaWY tok m n (deltaU tok m) (deltaW tok m) where
  values r _ _ _ := forwardSubstitution_solves m (deltaSystem tok) _ r
  keys r _ _ _ := forwardSubstitution_solves m (deltaSystem tok) _ r

private theorem inverse_solves {R : Type} [CommRing R] {m n r : Nat} (hm : m ≤ r) (hn : r < n) (T : Nat → Nat → R)
    (M : Nat → R) (β : R) (x : Nat → R)
    (hT : ∀ c, m ≤ c → c < n → (T r c + sumRange m r fun s => M s * T s c) = if c = r then β else 0) :
    ((sumRange m n fun c => T r c * x c) + sumRange m r fun s => M s * sumRange m n fun c => T s c * x c) =
      β * x r := by
  have swap : (sumRange m r fun s => M s * sumRange m n fun c => T s c * x c) =
      sumRange m n fun c => (sumRange m r fun s => M s * T s c) * x c := by
    simp only [sumRange, mul_sumOver, sumOver_mul]
    rw [sumOver_comm]
    exact sumOver_congr fun c _ => sumOver_congr fun s _ => by grind
  have one := sumRange_ite hm hn fun c => β * x c
  rw [swap, ← one, sumRange, sumRange, ← sumOver_add]
  refine sumRange_congr fun c hc hc' => ?_
  rw [← Semiring.right_distrib, hT c hc hc']
  by_cases h : c = r
  · rw [if_pos h, if_pos h]
  · rw [if_neg h, if_neg h]; grind

/--
The UT transform solves the system: if `(I + tril(diag(β) K Kᵀ, -1)) T = diag(β)` within the chunk `m ≤ t < n`, then
`U = T V` and `W = T K` are its pseudo-values and pseudo-keys.
-/
theorem deltaWY_of_inverse {m n : Nat} (T : Nat → Nat → α)
    (hT : ∀ r c, m ≤ r → r < n → m ≤ c → c < n →
      (T r c + sumRange m r fun s => deltaSystem tok r s * T s c) = if c = r then (tok r).beta else 0) :
    DeltaWY tok m n (fun r j => sumRange m n fun c => T r c * (tok c).v.get j)
      (fun r l => sumRange m n fun c => T r c * deltaKey tok m c l) where
  values r hm hn j := inverse_solves hm hn T (deltaSystem tok r) _ (fun c => (tok c).v.get j) fun c => hT r c hm hn
  keys r hm hn l := inverse_solves hm hn T (deltaSystem tok r) _ (fun c => deltaKey tok m c l) fun c => hT r c hm hn

/-! ## States and outputs of a chunk -/

variable (h0 : Tensor α [valueDim, keyDim])

private def rowAt (j : Fin valueDim) (t : Nat) (l : Fin keyDim) : α :=
  (((deltaRunner α keyDim valueDim).stateAt h0 tok t).get j).get l

private def errorAt (j : Fin valueDim) : Nat → α :=
  error (fun t l => deltaDecay tok l t) (fun t l => (tok t).k.get l) (fun t => (tok t).beta) (fun t => (tok t).v.get j)
    (rowAt tok h0 j)

private theorem rowAt_succ (j : Fin valueDim) (t : Nat) (l : Fin keyDim) :
    rowAt tok h0 j (t + 1) l = deltaDecay tok l t * rowAt tok h0 j t l + errorAt tok h0 j t * (tok t).k.get l := by
  rw [rowAt, Runner.stateAt_succ]
  refine (deltaStep_state _ (tok t) j l).trans ?_
  rw [sum_eq_finSum]
  rfl

private theorem rowAt_from (j : Fin valueDim) {m t : Nat} (h : m ≤ t) (l : Fin keyDim) :
    rowAt tok h0 j t l = segProd (deltaDecay tok l) m t * rowAt tok h0 j m l +
      sumRange m t fun s => segProd (deltaDecay tok l) (s + 1) t * (errorAt tok h0 j s * (tok s).k.get l) :=
  row_from (fun t l => deltaDecay tok l t) (fun t l => (tok t).k.get l) (rowAt tok h0 j) (errorAt tok h0 j)
    (rowAt_succ tok h0 j) h l

variable {tok} in
private theorem errorAt_eq {m n : Nat} {u : Nat → Fin valueDim → α} {w : Nat → Fin keyDim → α}
    (wy : DeltaWY tok m n u w) (j : Fin valueDim) (s : Nat) (hm : m ≤ s) (hn : s < n) :
    errorAt tok h0 j s = u s j - finSum fun l => rowAt tok h0 j m l * w s l :=
  triangular_unique (m := m) (n := n) (M := deltaSystem tok) (y := errorAt tok h0 j)
    (z := fun s => u s j - finSum fun l => rowAt tok h0 j m l * w s l)
    (b := fun r => (tok r).beta * (tok r).v.get j - finSum fun l =>
      rowAt tok h0 j m l * ((tok r).beta * deltaKey tok m r l))
    (fun r hmr _ => error_solves (fun t l => deltaDecay tok l t) (fun t l => (tok t).k.get l) (fun t => (tok t).beta)
      (fun t => (tok t).v.get j) (rowAt tok h0 j) (rowAt_succ tok h0 j) m r hmr)
    (fun r hmr hrn => pseudo_solves m r (rowAt tok h0 j m) (fun s => u s j) w (deltaSystem tok r) _ _
      (wy.values r hmr hrn j) (wy.keys r hmr hrn)) s hm hn

variable {tok}

/-- The state at `t` within the chunk `m ≤ t ≤ n`, from the state `S` at its start and any solution of its system. -/
theorem DeltaWY.state {m n : Nat} {u : Nat → Fin valueDim → α} {w : Nat → Fin keyDim → α}
    (wy : DeltaWY tok m n u w) {t : Nat} (hm : m ≤ t) (hn : t ≤ n) (j : Fin valueDim) (l : Fin keyDim) :
    (((deltaRunner α keyDim valueDim).stateAt h0 tok t).get j).get l =
      segProd (deltaDecay tok l) m t * (((deltaRunner α keyDim valueDim).stateAt h0 tok m).get j).get l +
        sumRange m t fun s => segProd (deltaDecay tok l) (s + 1) t *
          ((u s j - finSum fun i => (((deltaRunner α keyDim valueDim).stateAt h0 tok m).get j).get i * w s i) *
            (tok s).k.get l) := by
  refine (rowAt_from tok h0 j hm l).trans (congrArg _ (sumRange_congr fun s hs hst => ?_))
  rw [errorAt_eq h0 wy j s hs (by omega)]
  rfl

/--
The output at `t` of the chunk `m ≤ t < n`: a reading of the state at its start, and the scores of the tokens since.
-/
theorem DeltaWY.output {m n : Nat} {u : Nat → Fin valueDim → α} {w : Nat → Fin keyDim → α}
    (wy : DeltaWY tok m n u w) {t : Nat} (hm : m ≤ t) (hn : t < n) (j : Fin valueDim) :
    ((deltaRunner α keyDim valueDim).outputAt h0 tok t).get j =
      (finSum fun l => (((deltaRunner α keyDim valueDim).stateAt h0 tok m).get j).get l *
        (segProd (deltaDecay tok l) m (t + 1) * (tok t).q.get l)) +
        sumRange m (t + 1) fun s =>
          (u s j - finSum fun i => (((deltaRunner α keyDim valueDim).stateAt h0 tok m).get j).get i * w s i) *
            deltaScore tok t s := by
  have output : ((deltaRunner α keyDim valueDim).outputAt h0 tok t).get j =
      finSum fun l => (((deltaRunner α keyDim valueDim).stateAt h0 tok (t + 1)).get j).get l * (tok t).q.get l := by
    rw [Runner.stateAt_succ]
    exact (deltaStep_output _ (tok t) j).trans (dot_eq_finSum _ _)
  rw [output, finSum_congr fun l => by rw [wy.state h0 (Nat.le_succ_of_le hm) hn j l]]
  exact finSum_read _ _ _ (fun s l => segProd (deltaDecay tok l) (s + 1) (t + 1)) (fun s l => (tok s).k.get l) _ m
    (t + 1)

/-! ## By chunks -/

variable (tok)

/-- The state at `m` carried over the tokens at the times `m ≤ t < n` in one go. -/
def deltaAdvance (state : Tensor α [valueDim, keyDim]) (m n : Nat) : Tensor α [valueDim, keyDim] :=
  Vec.ofFn fun j => Vec.ofFn fun l =>
    segProd (deltaDecay tok l) m n * (state.get j).get l +
      sumRange m n fun s => segProd (deltaDecay tok l) (s + 1) n *
        ((deltaU tok m s j - finSum fun i => (state.get j).get i * deltaW tok m s i) * (tok s).k.get l)

/-- Carrying the state of the run over a stretch reaches the state of the run. -/
theorem deltaAdvance_stateAt {m n : Nat} (h : m ≤ n) :
    deltaAdvance tok ((deltaRunner α keyDim valueDim).stateAt h0 tok m) m n =
      (deltaRunner α keyDim valueDim).stateAt h0 tok n := by
  refine Vec.ext fun j => Vec.ext fun l => ?_
  rw [deltaAdvance, Vec.get_ofFn, Vec.get_ofFn]
  exact ((deltaWY_forward tok m n).state h0 h (Nat.le_refl n) j l).symm

/--
The delta rule by chunks of every length `L`, a ragged last one included: a reading of the state `S` passed to the
chunk of `t`, and the scores of the tokens since its start, each times its pseudo-value less what `S` returns for its
pseudo-key.
-/
theorem deltaRule_outputs_eq_chunked (L T : Nat) :
    (deltaRule h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun j =>
        let S := passedState (deltaAdvance tok) h0 L (t / L)
        let m := t / L * L
        (finSum fun l => (S.get j).get l * (segProd (deltaDecay tok l) m (t + 1) * (tok t).q.get l)) +
          sumRange m (t + 1) fun s =>
            (deltaU tok m s j - finSum fun i => (S.get j).get i * deltaW tok m s i) * deltaScore tok t s := by
  rw [deltaRule, Runner.outputs_eq_map_outputAt]
  refine List.map_congr_left fun t _ => Vec.ext fun j => ?_
  rw [Vec.get_ofFn, Runner.passedState_eq_stateAt _ _ tok fun m n h => deltaAdvance_stateAt tok h0 h]
  exact (deltaWY_forward tok _ (t + 1)).output h0 (Nat.div_mul_le_self t L) (Nat.lt_succ_self t) j

/-- The final state by chunks, the last one ragged where `L` does not divide `T`. -/
theorem deltaRule_state_eq_chunked (L T : Nat) :
    (deltaRule h0 ((List.range T).map tok)).1 =
      deltaAdvance tok (passedState (deltaAdvance tok) h0 L (T / L)) (T / L * L) T := by
  rw [Runner.passedState_eq_stateAt _ _ tok fun m n h => deltaAdvance_stateAt tok h0 h,
    deltaAdvance_stateAt tok h0 (Nat.div_mul_le_self T L)]
  rfl

/-! ## The members -/

variable (q k : Nat → Tensor α [keyDim]) (v : Nat → Tensor α [valueDim])

omit [Scalar α] [CommRingScalar α] in
private theorem gatedDelta_decay (a β : Nat → α) (l : Fin keyDim) :
    deltaDecay (fun t => gatedDeltaToken (a t) (β t) (q t) (k t) (v t)) l = a := by
  funext r
  simp only [deltaDecay, gatedDeltaToken, Vec.get_ofFn]

omit [CommRingScalar α] in
private theorem deltaNet_decay (β : Nat → α) (l : Fin keyDim) :
    deltaDecay (fun t => deltaNetToken (β t) (q t) (k t) (v t)) l = fun _ => 1 := by
  funext r
  simp only [deltaDecay, deltaNetToken, Vec.get_ofFn]

private theorem finSum_factor {R : Type} [CommRing R] {K : Nat} (P : R) (x y : Fin K → R) :
    (finSum fun l => x l * P * y l) = P * finSum fun l => x l * y l := by
  rw [finSum, finSum, mul_sumOver]
  exact sumOver_congr fun l _ => by grind

/-- Gated DeltaNet: the matrix of the system is `β t (k s · k t)`, times the decays from `s` to `t`. -/
theorem gatedDelta_system (a β : Nat → α) (t s : Nat) :
    deltaSystem (fun t => gatedDeltaToken (a t) (β t) (q t) (k t) (v t)) t s =
      β t * (segProd a (s + 1) (t + 1) * (k s).dot (k t)) := by
  rw [deltaSystem, deltaGram, dot_eq_finSum]
  simp only [gatedDelta_decay]
  exact congrArg (β t * ·) (finSum_factor (R := α) _ _ _)

/-- DeltaNet: the matrix of the system is `β t (k s · k t)`. -/
theorem deltaNet_system (β : Nat → α) (t s : Nat) :
    deltaSystem (fun t => deltaNetToken (β t) (q t) (k t) (v t)) t s = β t * (k s).dot (k t) := by
  refine (gatedDelta_system q k v (fun _ => 1) β t s).trans ?_
  rw [segProd_one, Semiring.one_mul]

private theorem entry_eq_wy {R : Type} [CommRing R] {K : Nat} (S : Fin K → R) (u : Nat → R) (w k : Nat → Fin K → R)
    (m t : Nat) (l : Fin K) :
    (1 * S l + sumRange m t fun s => 1 * ((u s - finSum fun i => S i * w s i) * k s l)) =
      (finSum fun i => S i * ((if i = l then 1 else 0) - sumRange m t fun s => w s i * k s l)) +
        sumRange m t fun s => u s * k s l := by
  have left : (sumRange m t fun s => 1 * ((u s - finSum fun i => S i * w s i) * k s l)) =
      (sumRange m t fun s => u s * k s l) - sumRange m t fun s => finSum fun i => S i * (w s i * k s l) := by
    rw [sumRange, sumRange, sumRange, ← sumOver_sub]
    refine sumOver_congr fun s _ => ?_
    have inner : (finSum fun i => S i * w s i) * k s l = finSum fun i => S i * (w s i * k s l) := by
      rw [finSum, sumOver_mul]
      exact sumOver_congr fun i _ => by grind
    rw [← inner]
    grind
  have right : (finSum fun i => S i * ((if i = l then 1 else 0) - sumRange m t fun s => w s i * k s l)) =
      S l - sumRange m t fun s => finSum fun i => S i * (w s i * k s l) := by
    have swap : (sumRange m t fun s => finSum fun i => S i * (w s i * k s l)) =
        finSum fun i => S i * sumRange m t fun s => w s i * k s l := by
      simp only [sumRange, finSum, mul_sumOver]
      exact sumOver_comm _ _ _
    have one := finSum_ite l S
    rw [swap, ← one, finSum, finSum, finSum, ← sumOver_sub]
    refine sumOver_congr fun i _ => ?_
    by_cases h : i = l
    · rw [if_pos h, if_pos h]; grind
    · rw [if_neg h, if_neg h]; grind
  rw [left, right]
  grind

/--
DeltaNet over a stretch `m ≤ s < t` of tokens, in WY form: the state is multiplied by `I - (sum of w s (k s)ᵀ)`, and
`sum of u s (k s)ᵀ` is added.
-/
theorem deltaNet_state_eq_wy (β : Nat → α) {m t : Nat} {u : Nat → Fin valueDim → α} {w : Nat → Fin keyDim → α}
    (wy : DeltaWY (fun t => deltaNetToken (β t) (q t) (k t) (v t)) m t u w) (h : m ≤ t) (j : Fin valueDim)
    (l : Fin keyDim) :
    (((deltaRunner α keyDim valueDim).stateAt h0 (fun t => deltaNetToken (β t) (q t) (k t) (v t)) t).get j).get l =
      (finSum fun i =>
        (((deltaRunner α keyDim valueDim).stateAt h0 (fun t => deltaNetToken (β t) (q t) (k t) (v t)) m).get j).get i *
          ((if i = l then 1 else 0) - sumRange m t fun s => w s i * (k s).get l)) +
        sumRange m t fun s => u s j * (k s).get l := by
  refine (wy.state h0 h (Nat.le_refl t) j l).trans ?_
  simp only [deltaNet_decay, segProd_one]
  exact entry_eq_wy (R := α) _ (fun s => u s j) w (fun s l => (k s).get l) m t l

end Scanproof
