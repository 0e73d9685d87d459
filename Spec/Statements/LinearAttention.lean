/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.DeltaChunked
public import Spec.Scan.GeneralizedDelta
public import Spec.Scan.LinearAttentionForms

/-!
# Linear attention and the delta rule, restated

Each public theorem about linear attention with decay and the delta rule, word for word. Who weakens one breaks the build here.
-/

namespace Scanproof

/-! ## Scan/LinearAttention -/

section

variable {α : Type} {keyDim valueDim : Nat}

variable [Scalar α]

example (h0 : Tensor α [keyDim, valueDim]) : Causal fun ts => (linearAttention h0 ts).2 := by
  apply linearAttention_causal <;> assumption

example (h0 : Tensor α [keyDim, valueDim])
    (xs ys : List (LinearAttentionToken α keyDim valueDim)) :
    linearAttention h0 (xs ++ ys) =
      ((linearAttention (linearAttention h0 xs).1 ys).1,
        (linearAttention h0 xs).2 ++ (linearAttention (linearAttention h0 xs).1 ys).2) := by
  apply linearAttention_append <;> assumption

variable (state : Tensor α [keyDim, valueDim]) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) (i : Fin keyDim)
  (j : Fin valueDim)

example (t : LinearAttentionToken α keyDim valueDim) :
    ((linearAttentionStep state t).1.get i).get j =
      (t.decay.get i).get j * (state.get i).get j + t.k.get i * t.v.get j := by
  apply linearAttentionStep_state <;> assumption

example (t : LinearAttentionToken α keyDim valueDim) :
    (linearAttentionStep state t).2.get j =
      sum fun i => t.q.get i * ((linearAttentionStep state t).1.get i).get j := by
  apply linearAttentionStep_output <;> assumption

example (a : α) :
    ((linearAttentionStep state (.ofScalar a q k v)).1.get i).get j = a * (state.get i).get j + k.get i * v.get j := by
  apply ofScalar_state <;> assumption

example (γ : α) :
    ((linearAttentionStep state (retentionToken γ q k v)).1.get i).get j =
      γ * (state.get i).get j + k.get i * v.get j := by
  apply retention_state <;> assumption

example (a : Tensor α [keyDim]) :
    ((linearAttentionStep state (glaToken a q k v)).1.get i).get j =
      a.get i * (state.get i).get j + k.get i * v.get j := by
  apply gla_state <;> assumption

example (state : Tensor α [1, valueDim]) (a u : Tensor α [valueDim]) :
    ((linearAttentionStep state (rgLruToken a u)).1.get 0).get j = a.get j * (state.get 0).get j + 1 * u.get j := by
  apply rgLru_state <;> assumption

example (f g : α) :
    ((linearAttentionStep state (mlstmToken f g q k v)).1.get i).get j =
      f * (state.get i).get j + g * k.get i * v.get j := by
  apply mlstm_state <;> assumption

example (state : Tensor α [keyDim, 1]) (f g : α) :
    ((linearAttentionStep state (mlstmNormalizerToken f g q k)).1.get i).get 0 =
      f * (state.get i).get 0 + g * k.get i * 1 := by
  apply mlstmNormalizer_state <;> assumption

end

/-! ## Scan/LinearAttentionForms -/

section

open Lean.Grind

example {R : Type} [CommSemiring R] {K : Nat} (q P h : Fin K → R) (D k : Nat → Fin K → R)
    (v : Nat → R) (m t : Nat) :
    (finSum fun i => q i * (P i * h i + sumRange m t fun s => D s i * (k s i * v s))) =
      (sumRange m t fun s => (finSum fun i => q i * D s i * k s i) * v s) + finSum fun i => q i * P i * h i := by
  apply finSum_read <;> assumption

variable {α : Type} [Scalar α] [CommSemiringScalar α] {keyDim valueDim : Nat}
  (tok : Nat → LinearAttentionToken α keyDim valueDim) (h0 : Tensor α [keyDim, valueDim])

example {m n : Nat} (h : m ≤ n) :
    linearAttentionAdvance tok ((linearAttentionRunner α keyDim valueDim).stateAt h0 tok m) m n =
      (linearAttentionRunner α keyDim valueDim).stateAt h0 tok n := by
  apply linearAttentionAdvance_stateAt <;> assumption

example {m t : Nat} (h : m ≤ t + 1) (j : Fin valueDim) :
    ((linearAttentionRunner α keyDim valueDim).outputAt h0 tok t).get j =
      (sumRange m (t + 1) fun s => linearAttentionScore tok t s j * (tok s).v.get j) +
        finSum fun i => (tok t).q.get i * segProd (linearAttentionDecay tok i j) m (t + 1) *
          (((linearAttentionRunner α keyDim valueDim).stateAt h0 tok m).get i).get j := by
  apply linearAttention_outputAt_from <;> assumption

example (T : Nat) :
    (linearAttention h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun j =>
        (sumRange 0 (t + 1) fun s => linearAttentionScore tok t s j * (tok s).v.get j) +
          finSum fun i => (tok t).q.get i * segProd (linearAttentionDecay tok i j) 0 (t + 1) * (h0.get i).get j := by
  apply linearAttention_outputs_eq_masked <;> assumption

example (L T : Nat) :
    (linearAttention h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun j =>
        (sumRange (t / L * L) (t + 1) fun s => linearAttentionScore tok t s j * (tok s).v.get j) +
          finSum fun i => (tok t).q.get i * segProd (linearAttentionDecay tok i j) (t / L * L) (t + 1) *
            ((passedState (linearAttentionAdvance tok) h0 L (t / L)).get i).get j := by
  apply linearAttention_outputs_eq_chunked <;> assumption

example (L T : Nat) :
    (linearAttention h0 ((List.range T).map tok)).1 =
      linearAttentionAdvance tok (passedState (linearAttentionAdvance tok) h0 L (T / L)) (T / L * L) T := by
  apply linearAttention_state_eq_chunked <;> assumption

variable (q k : Nat → Tensor α [keyDim]) (v : Nat → Tensor α [valueDim]) (t s : Nat) (j : Fin valueDim)

example (a : Nat → α) :
    linearAttentionScore (fun t => .ofScalar (a t) (q t) (k t) (v t)) t s j =
      segProd a (s + 1) (t + 1) * (q t).dot (k s) := by
  apply ofScalar_score <;> assumption

example (γ : α) (h : s ≤ t) :
    linearAttentionScore (fun t => retentionToken γ (q t) (k t) (v t)) t s j = γ ^ (t - s) * (q t).dot (k s) := by
  apply retention_score <;> assumption

example (a : Nat → Tensor α [keyDim]) :
    linearAttentionScore (fun t => glaToken (a t) (q t) (k t) (v t)) t s j =
      finSum fun i => (q t).get i * segProd (fun r => (a r).get i) (s + 1) (t + 1) * (k s).get i := by
  apply gla_score <;> assumption

example (a : Nat → Tensor α [keyDim]) {m : Nat} (hm : m ≤ s) (hs : s ≤ t)
    (div : ∀ x y : α, y ≠ 0 → y * (x / y) = x) (ne : ∀ i, segProd (fun r => (a r).get i) m (s + 1) ≠ 0) :
    linearAttentionScore (fun t => glaToken (a t) (q t) (k t) (v t)) t s j =
      finSum fun i => (q t).get i * segProd (fun r => (a r).get i) m (t + 1) *
        ((k s).get i / segProd (fun r => (a r).get i) m (s + 1)) := by
  apply gla_score_eq_div <;> assumption

example (a : Nat → α) :
    ((linearAttentionRunner α keyDim valueDim).outputAt h0 (fun t => .ofScalar (a t) (q t) (k t) (v t)) t).get j =
      ssdOutput a (fun t i => (k t).get i) (fun t i => (q t).get i) (fun t j => (v t).get j)
        (fun j i => (h0.get i).get j) t j := by
  apply linearAttention_output_eq_ssdOutput <;> assumption

example (state : Tensor α [1, valueDim]) (a u : Tensor α [valueDim]) (j : Fin valueDim) :
    (linearAttentionStep state (rgLruToken a u)).2.get j =
      ((linearAttentionStep state (rgLruToken a u)).1.get 0).get j := by
  apply rgLru_output <;> assumption

end

/-! ## Scan/Delta -/

section

open Lean.Grind

variable {α : Type} {keyDim valueDim : Nat}

variable [Scalar α]

example (h0 : Tensor α [valueDim, keyDim]) : Causal fun ts => (deltaRule h0 ts).2 := by
  apply deltaRule_causal <;> assumption

example (h0 : Tensor α [valueDim, keyDim]) (xs ys : List (DeltaToken α keyDim valueDim)) :
    deltaRule h0 (xs ++ ys) =
      ((deltaRule (deltaRule h0 xs).1 ys).1, (deltaRule h0 xs).2 ++ (deltaRule (deltaRule h0 xs).1 ys).2) := by
  apply deltaRule_append <;> assumption

variable (state : Tensor α [valueDim, keyDim]) (t : DeltaToken α keyDim valueDim) (j : Fin valueDim) (i : Fin keyDim)

example :
    ((deltaStep state t).1.get j).get i =
      t.decay.get i * (state.get j).get i +
        t.beta * (t.v.get j + -sum fun l => t.decay.get l * (state.get j).get l * t.k.get l) * t.k.get i := by
  apply deltaStep_state <;> assumption

example : (deltaStep state t).2.get j = ((deltaStep state t).1.get j).dot t.q := by
  apply deltaStep_output <;> assumption

example [CommRingScalar α] :
    ((deltaStep state t).1.get j).get i =
      (finSum fun l => (state.get j).get l *
        (t.decay.get l * ((if l = i then 1 else 0) - t.beta * t.k.get l * t.k.get i))) +
          t.beta * t.v.get j * t.k.get i := by
  apply deltaStep_state_eq_matrix <;> assumption

example [CommRingScalar α] (a β : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    ((deltaStep state (gatedDeltaToken a β q k v)).1.get j).get i =
      (finSum fun l => (state.get j).get l * (a * ((if l = i then 1 else 0) - β * k.get l * k.get i))) +
        β * v.get j * k.get i := by
  apply gatedDelta_state_eq_matrix <;> assumption

example [CommRingScalar α] (β : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    ((deltaStep state (deltaNetToken β q k v)).1.get j).get i =
      (finSum fun l => (state.get j).get l * ((if l = i then 1 else 0) - β * k.get l * k.get i)) +
        β * v.get j * k.get i := by
  apply deltaNet_state_eq_matrix <;> assumption

end

/-! ## Scan/GeneralizedDelta -/

section

variable {α : Type} {keyDim valueDim : Nat}

variable [Scalar α]

example (h0 : Tensor α [valueDim, keyDim]) : Causal fun ts => (generalizedDeltaRule h0 ts).2 := by
  apply generalizedDeltaRule_causal <;> assumption

example (h0 : Tensor α [valueDim, keyDim])
    (xs ys : List (GeneralizedDeltaToken α keyDim valueDim)) :
    generalizedDeltaRule h0 (xs ++ ys) =
      ((generalizedDeltaRule (generalizedDeltaRule h0 xs).1 ys).1,
        (generalizedDeltaRule h0 xs).2 ++ (generalizedDeltaRule (generalizedDeltaRule h0 xs).1 ys).2) := by
  apply generalizedDeltaRule_append <;> assumption

example (h0 : Tensor α [valueDim, keyDim]) : Causal fun ts => (comba h0 ts).2 := by
  apply comba_causal <;> assumption

example (h0 : Tensor α [valueDim, keyDim]) (xs ys : List (CombaToken α keyDim valueDim)) :
    comba h0 (xs ++ ys) =
      ((comba (comba h0 xs).1 ys).1, (comba h0 xs).2 ++ (comba (comba h0 xs).1 ys).2) := by
  apply comba_append <;> assumption

example [CommRingScalar α] (state : Tensor α [valueDim, keyDim]) (t : DeltaToken α keyDim valueDim) :
    deltaStep state t = combaStep state { t with p := t.decay.mul t.k } := by
  apply deltaStep_eq_combaStep <;> assumption

example [CommRingScalar α] (state : Tensor α [valueDim, keyDim])
    (t : CombaToken α keyDim valueDim) : combaStep state t = generalizedDeltaStep state t.generalized := by
  apply combaStep_eq_generalized <;> assumption

variable (state : Tensor α [valueDim, keyDim]) (t : GeneralizedDeltaToken α keyDim valueDim) (j : Fin valueDim)
  (i : Fin keyDim)

example [CommRingScalar α] :
    ((generalizedDeltaStep state t).1.get j).get i =
      (finSum fun l => (state.get j).get l * ((if l = i then t.decay.get l else 0) + t.a.get l * t.b.get i)) +
        t.v.get j * t.k.get i := by
  apply generalizedDeltaStep_state_eq_matrix <;> assumption

end

/-! ## Scan/DeltaTriangular -/

section

open Lean.Grind

variable {R : Type} [Ring R] (m : Nat) (M : Nat → Nat → R) (b : Nat → R)

example (r : Nat) :
    (forwardSubstitution m M b r + sumRange m r fun s => M r s * forwardSubstitution m M b s) = b r := by
  apply forwardSubstitution_solves <;> assumption

variable {m M b}

example {n : Nat} {y z : Nat → R}
    (hy : ∀ r, m ≤ r → r < n → (y r + sumRange m r fun s => M r s * y s) = b r)
    (hz : ∀ r, m ≤ r → r < n → (z r + sumRange m r fun s => M r s * z s) = b r) (r : Nat) (hm : m ≤ r) (hn : r < n) :
    y r = z r := by
  apply triangular_unique <;> assumption

end

/-! ## Scan/DeltaChunked -/

section

open Lean.Grind

section Row

variable {R : Type} [CommRing R] {K : Nat}

variable (a k : Nat → Fin K → R) (β v : Nat → R) (h : Nat → Fin K → R)

end Row

variable {α : Type} [Scalar α] [CommRingScalar α] {keyDim valueDim : Nat} (tok : Nat → DeltaToken α keyDim valueDim)

example (m n : Nat) : DeltaWY tok m n (deltaU tok m) (deltaW tok m) := by
  apply deltaWY_forward <;> assumption

example {m n : Nat} (T : Nat → Nat → α)
    (hT : ∀ r c, m ≤ r → r < n → m ≤ c → c < n →
      (T r c + sumRange m r fun s => deltaSystem tok r s * T s c) = if c = r then (tok r).beta else 0) :
    DeltaWY tok m n (fun r j => sumRange m n fun c => T r c * (tok c).v.get j)
      (fun r l => sumRange m n fun c => T r c * deltaKey tok m c l) := by
  apply deltaWY_of_inverse <;> assumption

variable (h0 : Tensor α [valueDim, keyDim])

variable {tok}

example {m n : Nat} {u : Nat → Fin valueDim → α} {w : Nat → Fin keyDim → α}
    (wy : DeltaWY tok m n u w) {t : Nat} (hm : m ≤ t) (hn : t ≤ n) (j : Fin valueDim) (l : Fin keyDim) :
    (((deltaRunner α keyDim valueDim).stateAt h0 tok t).get j).get l =
      segProd (deltaDecay tok l) m t * (((deltaRunner α keyDim valueDim).stateAt h0 tok m).get j).get l +
        sumRange m t fun s => segProd (deltaDecay tok l) (s + 1) t *
          ((u s j - finSum fun i => (((deltaRunner α keyDim valueDim).stateAt h0 tok m).get j).get i * w s i) *
            (tok s).k.get l) := by
  apply DeltaWY.state <;> assumption

example {m n : Nat} {u : Nat → Fin valueDim → α} {w : Nat → Fin keyDim → α}
    (wy : DeltaWY tok m n u w) {t : Nat} (hm : m ≤ t) (hn : t < n) (j : Fin valueDim) :
    ((deltaRunner α keyDim valueDim).outputAt h0 tok t).get j =
      (finSum fun l => (((deltaRunner α keyDim valueDim).stateAt h0 tok m).get j).get l *
        (segProd (deltaDecay tok l) m (t + 1) * (tok t).q.get l)) +
        sumRange m (t + 1) fun s =>
          (u s j - finSum fun i => (((deltaRunner α keyDim valueDim).stateAt h0 tok m).get j).get i * w s i) *
            deltaScore tok t s := by
  apply DeltaWY.output <;> assumption

variable (tok)

example {m n : Nat} (h : m ≤ n) :
    deltaAdvance tok ((deltaRunner α keyDim valueDim).stateAt h0 tok m) m n =
      (deltaRunner α keyDim valueDim).stateAt h0 tok n := by
  apply deltaAdvance_stateAt <;> assumption

example (L T : Nat) :
    (deltaRule h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun j =>
        let S := passedState (deltaAdvance tok) h0 L (t / L)
        let m := t / L * L
        (finSum fun l => (S.get j).get l * (segProd (deltaDecay tok l) m (t + 1) * (tok t).q.get l)) +
          sumRange m (t + 1) fun s =>
            (deltaU tok m s j - finSum fun i => (S.get j).get i * deltaW tok m s i) * deltaScore tok t s := by
  apply deltaRule_outputs_eq_chunked <;> assumption

example (L T : Nat) :
    (deltaRule h0 ((List.range T).map tok)).1 =
      deltaAdvance tok (passedState (deltaAdvance tok) h0 L (T / L)) (T / L * L) T := by
  apply deltaRule_state_eq_chunked <;> assumption

variable (q k : Nat → Tensor α [keyDim]) (v : Nat → Tensor α [valueDim])

example (a β : Nat → α) (t s : Nat) :
    deltaSystem (fun t => gatedDeltaToken (a t) (β t) (q t) (k t) (v t)) t s =
      β t * (segProd a (s + 1) (t + 1) * (k s).dot (k t)) := by
  apply gatedDelta_system <;> assumption

example (β : Nat → α) (t s : Nat) :
    deltaSystem (fun t => deltaNetToken (β t) (q t) (k t) (v t)) t s = β t * (k s).dot (k t) := by
  apply deltaNet_system <;> assumption

example (β : Nat → α) {m t : Nat} {u : Nat → Fin valueDim → α} {w : Nat → Fin keyDim → α}
    (wy : DeltaWY (fun t => deltaNetToken (β t) (q t) (k t) (v t)) m t u w) (h : m ≤ t) (j : Fin valueDim)
    (l : Fin keyDim) :
    (((deltaRunner α keyDim valueDim).stateAt h0 (fun t => deltaNetToken (β t) (q t) (k t) (v t)) t).get j).get l =
      (finSum fun i =>
        (((deltaRunner α keyDim valueDim).stateAt h0 (fun t => deltaNetToken (β t) (q t) (k t) (v t)) m).get j).get i *
          ((if i = l then 1 else 0) - sumRange m t fun s => w s i * (k s).get l)) +
        sumRange m t fun s => u s j * (k s).get l := by
  apply deltaNet_state_eq_wy <;> assumption

end

end Scanproof
