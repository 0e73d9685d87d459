/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Program.Checker

/-!
# Masks: reads that leave no trace

Masked attention reads the future: a query's scores with all keys are computed, those of later keys are replaced by minus infinity,
the softmax makes zeros of them, and later values are multiplied by these zeros. That such reads leave no trace is arithmetic,
and it has a price: it assumes laws of zero and minus infinity, and that what zero is multiplied by is finite. The laws are named
here, one by one; none is assumed where nothing is masked.

## Main definitions

* `Program.ReadsLess p q x`: on inputs `x`, each tensor of `q` computes what that of `p` does, perhaps from fewer reads.
* `DependsOnlyOn`: changing inputs that are not allowed leaves a result alone, among inputs that satisfy a condition.
* `SoftmaxOps`, `SoftmaxOps.attend`: the operations of attention, and one of its outputs.
* `SoftmaxOps.MaskLaws`, `AttentionLaws`: the laws.

## Main results

* `Program.ReadsLess.value_eq`: then the programs compute the same.
* `Program.ReadsLess.dependsOnlyOn`, `Listing.check_masked`: so that certificates with fewer reads are certificates.
* `sum_masked`: products with known zeros may be left out of a sum.
* `SoftmaxOps.attend_masked`: masked softmax attention is attention to the keys that are kept.
* `maskedAttention_causal`: masked softmax attention is causal, under the laws that `AttentionLaws` names.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- Among inputs that are `fine`, changing those that are not allowed leaves the result of `f` alone. -/
def DependsOnlyOn {ι α β : Type} (fine : (Nat → ι → α) → Prop) (f : (Nat → ι → α) → β) (allowed : Nat → ι → Prop) : Prop :=
  ∀ ⦃x x' : Nat → ι → α⦄, fine x → fine x' → (∀ k i, allowed k i → x k i = x' k i) → f x = f x'

namespace Program

variable {ι α : Type}

/--
On inputs `x`, each tensor of `q` is computed from the values that `p` has, perhaps from fewer of them, to the same result. The
inputs are the same.
-/
structure ReadsLess (p q : Program ι α) (x : Nat → ι → α) : Prop where
  /-- The inputs are the same. -/
  input : ∀ k, p.node k = .input → q.node k = .input
  /-- The fewer reads give the same result. -/
  compute : ∀ k reads op, p.node k = .compute reads op → ∃ fewer op', q.node k = .compute fewer op' ∧ ∀ i,
    op i (((reads i).filter fun e => e.1 < k).map fun e => p.value x e.1 e.2) =
      op' i (((fewer i).filter fun e => e.1 < k).map fun e => p.value x e.1 e.2)

/-- What is computed from fewer reads to the same results, is the same. -/
theorem ReadsLess.value_eq {p q : Program ι α} {x : Nat → ι → α} (h : p.ReadsLess q x) (k : Nat) (i : ι) :
    p.value x k i = q.value x k i := by
  induction k using Nat.strongRecOn generalizing i with
  | ind k ih =>
    match hk : p.node k with
    | .input => rw [value_input hk, value_input (h.input k hk)]
    | .compute reads op =>
      obtain ⟨fewer, op', hq, same⟩ := h.compute k reads op hk
      rw [value_compute hk, value_compute hq, same i]
      congr 1
      apply List.map_congr_left
      intro e he
      exact ih e.1 (of_decide_eq_true (List.mem_filter.mp he).2) e.2

/-- What holds of the program with fewer reads, holds of the program, among inputs for which the fewer reads suffice. -/
theorem ReadsLess.dependsOnlyOn {p q : Program ι α} {fine : (Nat → ι → α) → Prop} (h : ∀ x, fine x → p.ReadsLess q x)
    {k : Nat} {i : ι} {allowed : Nat → ι → Prop} (hq : DependsOnly (fun x => q.value x k i) allowed) :
    DependsOnlyOn fine (fun x => p.value x k i) allowed := fun x x' hx hx' agree =>
  ((h x hx).value_eq k i).trans ((hq agree).trans ((h x' hx').value_eq k i).symm)

end Program

/--
A listing may leave out masked reads. If the check succeeds, and the program computes on all `fine` inputs what the listing's does
with some operations, then its outputs depend, among fine inputs, only on inputs with allowed labels.
-/
theorem Listing.check_masked {listing : Listing} (h : listing.check = true) {goal : Goal} (hgoal : goal ∈ listing.goals)
    {o e : Int} (he : e ∈ goal.box.sources o) {α : Type} (ops : Nat → Int → List α → α) {p : Program Int α}
    {fine : (Nat → Int → α) → Prop} (less : ∀ x, fine x → p.ReadsLess (listing.toProgram ops) x) :
    DependsOnlyOn fine (fun x => p.value x goal.tensor e) (listing.Within (goal.allowed.label o)) :=
  Program.ReadsLess.dependsOnlyOn less (Listing.check_sound h hgoal he ops)

/-! ## Known zeros -/

/--
A sum over products with a mask of known zeros is the sum over the rest. The laws: zero times a masked factor is zero, and adding
zero changes nothing.
-/
theorem sum_masked {J α : Type} (add mul : α → α → α) (zero : α) (js : List J) (kept : J → Bool) (weight factor : J → α)
    (zero_mul : ∀ j ∈ js, kept j = false → mul zero (factor j) = zero) (add_zero : ∀ s, add s zero = s) (s : α) :
    (js.map fun j => mul (if kept j then weight j else zero) (factor j)).foldl add s =
      ((js.filter kept).map fun j => mul (weight j) (factor j)).foldl add s := by
  induction js generalizing s with
  | nil => rfl
  | cons j js ih =>
    have ih := fun s => ih (fun i hi => zero_mul i (List.mem_cons_of_mem j hi)) s
    cases hj : kept j with
    | true =>
      rw [List.filter_cons_of_pos hj]
      simp only [List.map_cons, List.foldl_cons, hj, ↓reduceIte]
      exact ih _
    | false =>
      rw [List.filter_cons_of_neg (by rw [hj]; exact Bool.false_ne_true)]
      simp only [List.map_cons, List.foldl_cons, hj, Bool.false_eq_true, ↓reduceIte]
      rw [zero_mul j List.mem_cons_self hj, add_zero]
      exact ih s

/-! ## Minus infinities -/

/-- The operations of softmax attention. -/
structure SoftmaxOps (α : Type) where
  /-- Zero. -/
  zero : α
  /-- Minus infinity, or whatever masked scores are filled with. -/
  negInf : α
  /-- Addition. -/
  add : α → α → α
  /-- Subtraction. -/
  sub : α → α → α
  /-- Multiplication. -/
  mul : α → α → α
  /-- Division. -/
  div : α → α → α
  /-- The exponential function. -/
  exp : α → α
  /-- The greater of two. -/
  max : α → α → α

namespace SoftmaxOps

variable {α J : Type} (ops : SoftmaxOps α)

/-- The greatest score. -/
def top (js : List J) (score : J → α) : α := (js.map score).foldl ops.max ops.negInf

/-- The sum of the exponentials of scores, less `m`. -/
def normaliser (js : List J) (score : J → α) (m : α) : α :=
  (js.map fun j => ops.exp (ops.sub (score j) m)).foldl ops.add ops.zero

/-- Softmax attention to the keys `js`: the values, weighted by the softmax of their scores. -/
def attend (js : List J) (score value : J → α) : α :=
  let m := ops.top js score
  let z := ops.normaliser js score m
  (js.map fun j => ops.mul (ops.div (ops.exp (ops.sub (score j) m)) z) (value j)).foldl ops.add ops.zero

/-- The scores as a mask leaves them: minus infinity where it is false. -/
def mask (kept : J → Bool) (score : J → α) (j : J) : α := if kept j then score j else ops.negInf

/--
The laws that masked attention assumes, of scores' maximum `m`, their normaliser `z` and the masked values. IEEE arithmetic
satisfies them if `m` and the values are finite and `z` is neither zero nor NaN, with −0 and +0 taken for one number.
-/
structure MaskLaws (m z : α) (masked : α → Prop) : Prop where
  /-- Minus infinity is no greater than anything. -/
  max_negInf : ∀ a, ops.max a ops.negInf = a
  /-- The exponential of minus infinity, less the maximum, is zero. -/
  exp_negInf : ops.exp (ops.sub ops.negInf m) = ops.zero
  /-- Adding zero changes nothing. -/
  add_zero : ∀ a, ops.add a ops.zero = a
  /-- Zero divided by the normaliser is zero. -/
  zero_div : ops.div ops.zero z = ops.zero
  /-- Zero times a masked value is zero. -/
  zero_mul : ∀ v, masked v → ops.mul ops.zero v = ops.zero

variable {ops} {js : List J} {kept : J → Bool} {score value : J → α}

private theorem foldl_masked (f : α → α → α) {unit : α} (unit_right : ∀ a, f a unit = a) (g : J → α)
    (masked : ∀ j ∈ js, kept j = false → g j = unit) (s : α) : (js.map g).foldl f s = ((js.filter kept).map g).foldl f s := by
  induction js generalizing s with
  | nil => rfl
  | cons j js ih =>
    have ih := fun s => ih (fun i hi => masked i (List.mem_cons_of_mem j hi)) s
    cases hj : kept j with
    | true =>
      rw [List.filter_cons_of_pos hj]
      exact ih _
    | false =>
      rw [List.filter_cons_of_neg (by rw [hj]; exact Bool.false_ne_true), List.map_cons, List.foldl_cons,
        masked j List.mem_cons_self hj, unit_right]
      exact ih s

private theorem map_filter_mask (g : α → J → α) :
    ((js.filter kept).map fun j => g (ops.mask kept score j) j) = (js.filter kept).map fun j => g (score j) j :=
  List.map_congr_left fun j hj => by rw [mask, if_pos (List.mem_filter.mp hj).2]

/--
Masked softmax attention is attention to the keys that are kept: neither scores nor values of the others matter, as long as the
laws hold of them.
-/
theorem attend_masked {m z : α} (hm : ops.top (js.filter kept) score = m) (hz : ops.normaliser (js.filter kept) score m = z)
    {masked : α → Prop} (laws : ops.MaskLaws m z masked) (values : ∀ j ∈ js, kept j = false → masked (value j)) :
    ops.attend js (ops.mask kept score) value = ops.attend (js.filter kept) score value := by
  have fill : ∀ j, kept j = false → ops.mask kept score j = ops.negInf := fun j hj =>
    if_neg (by rw [hj]; exact Bool.false_ne_true)
  have top : ops.top js (ops.mask kept score) = m := by
    rw [← hm, SoftmaxOps.top, foldl_masked ops.max laws.max_negInf _ fun j _ hj => fill j hj,
      map_filter_mask fun s _ => s, SoftmaxOps.top]
  have norm : ops.normaliser js (ops.mask kept score) m = z := by
    rw [← hz, normaliser,
      foldl_masked ops.add laws.add_zero _ (fun j _ hj => by rw [fill j hj, laws.exp_negInf]),
      map_filter_mask fun s _ => ops.exp (ops.sub s m), normaliser]
  simp only [attend, top, norm, hm, hz]
  rw [foldl_masked ops.add laws.add_zero _ (fun j hj hk => by
      rw [fill j hk, laws.exp_negInf, laws.zero_div, laws.zero_mul _ (values j hj hk)]),
    map_filter_mask fun s j => ops.mul (ops.div (ops.exp (ops.sub s m)) z) (value j)]

end SoftmaxOps

/-! ## Causal attention -/

section Attention

variable {α τ : Type} (ops : SoftmaxOps α) (score : τ → τ → α) (value : τ → α)

/-- The output of masked softmax attention at position `t`: scores with *all* tokens are computed, and later ones masked. -/
def maskedAttentionAt (xs : List τ) (t : Nat) (query : τ) : α :=
  ops.attend (xs.zipIdx) (ops.mask (fun j => decide (j.2 ≤ t)) fun j => score query j.1) fun j => value j.1

/-- Masked softmax attention as a function of a sequence; `score` and `value` are any functions of tokens. -/
def maskedAttention (xs : List τ) : List α := xs.zipIdx.map fun q => maskedAttentionAt ops score value xs q.2 q.1

private theorem filter_zipIdx (xs : List τ) (t n : Nat) :
    ((xs.zipIdx n).filter fun j => decide (j.2 ≤ t)) = (xs.take (t + 1 - n)).zipIdx n := by
  induction xs generalizing n with
  | nil => simp
  | cons x xs ih =>
    rw [List.zipIdx_cons]
    by_cases hn : n ≤ t
    · rw [List.filter_cons_of_pos (by simpa using hn), ih, show t + 1 - n = (t + 1 - (n + 1)) + 1 by omega, List.take_succ_cons,
        List.zipIdx_cons]
    · rw [List.filter_cons_of_neg (by simpa using hn), ih, show t + 1 - n = 0 by omega, show t + 1 - (n + 1) = 0 by omega]
      simp

private theorem attend_map {J K : Type} (js : List J) (g : J → K) (score value : K → α) :
    ops.attend (js.map g) score value = ops.attend js (fun j => score (g j)) fun j => value (g j) := by
  simp only [SoftmaxOps.attend, SoftmaxOps.top, SoftmaxOps.normaliser, List.map_map, Function.comp_def]

/-- The laws of masks, for the scores of a query with any tokens among which it is itself, and for the values of all tokens. -/
def AttentionLaws : Prop :=
  ∀ (past : List τ) (query : τ), query ∈ past →
    ops.MaskLaws (ops.top past (score query)) (ops.normaliser past (score query) (ops.top past (score query)))
      fun v => ∃ x, v = value x

variable {ops score value}

/-- Under the laws of masks, masked softmax attention at position `t` is attention to the tokens up to `t`, unmasked. -/
theorem maskedAttentionAt_eq (laws : AttentionLaws ops score value) {xs : List τ} {t : Nat} {query : τ}
    (hquery : xs[t]? = some query) :
    maskedAttentionAt ops score value xs t query = ops.attend (xs.take (t + 1)) (score query) value := by
  have mem : query ∈ xs.take (t + 1) := by
    rw [List.mem_iff_getElem?]
    exact ⟨t, by rw [List.getElem?_take_of_lt (Nat.lt_succ_self t), hquery]⟩
  have past : ((xs.zipIdx.filter fun j => decide (j.2 ≤ t)).map fun j => j.1) = xs.take (t + 1) := by
    rw [filter_zipIdx, Nat.sub_zero]
    exact List.zipIdx_map_fst 0 _
  have top : ops.top (xs.zipIdx.filter fun j => decide (j.2 ≤ t)) (fun j => score query j.1) =
      ops.top (xs.take (t + 1)) (score query) := by
    rw [← past, SoftmaxOps.top, SoftmaxOps.top, List.map_map]
    rfl
  have norm : ∀ m, ops.normaliser (xs.zipIdx.filter fun j => decide (j.2 ≤ t)) (fun j => score query j.1) m =
      ops.normaliser (xs.take (t + 1)) (score query) m := fun m => by
    rw [← past, SoftmaxOps.normaliser, SoftmaxOps.normaliser, List.map_map]
    rfl
  rw [maskedAttentionAt, SoftmaxOps.attend_masked top (norm _) (laws _ query mem) fun j _ _ => ⟨j.1, rfl⟩, ← past, attend_map]

/--
Under the laws of masks, masked softmax attention is causal, although each output computes scores with all tokens and multiplies
all values.
-/
theorem maskedAttention_causal (laws : AttentionLaws ops score value) : Causal (maskedAttention ops score value) where
  length_eq xs := by rw [maskedAttention, List.length_map, List.length_zipIdx]
  take_append xs ys := by
    have left : xs.length = (xs.zipIdx.map fun q => maskedAttentionAt ops score value (xs ++ ys) q.2 q.1).length := by
      rw [List.length_map, List.length_zipIdx]
    rw [maskedAttention, List.zipIdx_append, List.map_append]
    conv => lhs; rw [left]
    rw [List.take_left, maskedAttention]
    apply List.map_congr_left
    intro q hq
    have hq := List.mk_mem_zipIdx_iff_getElem?.mp (show (q.1, q.2) ∈ xs.zipIdx from hq)
    have hlt : q.2 < xs.length := (List.getElem?_eq_some_iff.mp hq).1
    rw [maskedAttentionAt_eq laws hq, maskedAttentionAt_eq laws (by rw [List.getElem?_append_left hlt]; exact hq),
      List.take_append_of_le_length (Nat.succ_le_of_lt hlt)]

end Attention

end Scanproof
