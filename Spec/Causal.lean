/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Runner

/-!
# Prefix causality of list functions

What it means that a function from token lists to output lists does not look ahead, said of any function, so that
runners, models and compositions of them speak of one thing. A whole model is causal by assembling the lemmas here.

## Main definitions

* `Causal f`: appending future tokens leaves the outputs already produced unchanged.

## Main results

* `Runner.causal`: every runner is causal.
* `causal_iff_exists_runner`: and nothing else is: a function is causal exactly when some runner computes it.
* `causal_iff_take_congr`: exactly when inputs that agree on a prefix give outputs that agree on it.
* `Causal.id`, `Causal.map`, `Causal.comp`, `Causal.pair`, `Causal.zipWith`, `Causal.residual`, `Causal.gate`, `Causal.shift`,
  `Causal.stack`: what models are built with.
-/

@[expose] public section

namespace Scanproof

/-- One output per token, and appending future tokens leaves the outputs already produced unchanged. -/
structure Causal {ι ο : Type} (f : List ι → List ο) : Prop where
  /-- One output per token. -/
  length_eq : ∀ xs, (f xs).length = xs.length
  /-- Future tokens cannot change past outputs. -/
  take_append : ∀ xs ys, (f (xs ++ ys)).take xs.length = f xs

namespace Causal

variable {ι κ μ ο : Type} {f : List ι → List κ} {g : List κ → List ο}

/-- The first `k` outputs are the outputs of the first `k` tokens. -/
theorem take_eq (hf : Causal f) (xs : List ι) (k : Nat) : (f xs).take k = f (xs.take k) := by
  have h := hf.take_append (xs.take k) (xs.drop k)
  rw [List.take_append_drop, List.length_take] at h
  rw [← h, ← hf.length_eq xs, ← List.take_take, List.take_length]

/-- Inputs that agree on their first `k` tokens give outputs that agree on the first `k`. -/
theorem take_congr (hf : Causal f) {xs ys : List ι} {k : Nat} (h : xs.take k = ys.take k) :
    (f xs).take k = (f ys).take k := by
  rw [hf.take_eq, hf.take_eq, h]

/-- The output at position `i` is already the last output of the first `i + 1` tokens. -/
theorem getElem_eq (hf : Causal f) (xs : List ι) (i : Nat) (h : i < xs.length) :
    (f xs)[i]? = (f (xs.take (i + 1))).getLast? := by
  rw [← hf.take_eq, List.getLast?_eq_getElem?, List.length_take, hf.length_eq, Nat.min_eq_left h, Nat.succ_sub_one,
    List.getElem?_take_of_lt (Nat.lt_succ_self i)]

/-! ## What models are built with -/

/-- Passing the tokens on is causal. -/
theorem id : Causal fun xs : List ι => xs where
  length_eq _ := rfl
  take_append _ _ := List.take_left

/-- Treating every token by itself is causal: embeddings, linear layers, normalisation over channels, activations. -/
theorem map (h : ι → ο) : Causal (List.map h) where
  length_eq xs := List.length_map ..
  take_append xs ys := by rw [← List.map_take, List.take_left]

/-- Stacking two causal functions gives a causal function. -/
theorem comp (hg : Causal g) (hf : Causal f) : Causal fun xs => g (f xs) where
  length_eq xs := by rw [hg.length_eq, hf.length_eq]
  take_append xs ys := by
    rw [hg.take_eq, hf.take_eq, List.take_left]

/-- Two causal functions of the same tokens, combined position by position, are causal. -/
theorem zipWith {f' : List ι → List μ} (op : κ → μ → ο) (hf : Causal f) (hf' : Causal f') :
    Causal fun xs => List.zipWith op (f xs) (f' xs) where
  length_eq xs := by rw [List.length_zipWith, hf.length_eq, hf'.length_eq, Nat.min_self]
  take_append xs ys := by rw [List.take_zipWith, hf.take_append, hf'.take_append]

/-- Two causal functions side by side, on the same tokens, are causal. -/
theorem pair {f' : List ι → List μ} (hf : Causal f) (hf' : Causal f') : Causal fun xs => (f xs).zip (f' xs) :=
  hf.zipWith Prod.mk hf'

/-- A residual connection around a causal function is causal, whatever the addition. -/
theorem residual {layer : List ι → List ι} (add : ι → ι → ι) (h : Causal layer) :
    Causal fun xs => List.zipWith add xs (layer xs) :=
  Causal.id.zipWith add h

/-- A causal function gated by a causal function is causal, whatever the product. -/
theorem gate {f' : List ι → List μ} (mul : κ → μ → ο) (hf : Causal f) (hf' : Causal f') :
    Causal fun xs => List.zipWith mul (f xs) (f' xs) :=
  hf.zipWith mul hf'

/-- The token shift, which hands each position the token before it (and `first` to the first), is causal. -/
theorem shift (first : ι) : Causal fun xs : List ι => (first :: xs).take xs.length where
  length_eq xs := by rw [List.length_take, List.length_cons, Nat.min_eq_left (Nat.le_succ _)]
  take_append xs ys := by
    rw [List.take_take, List.length_append, Nat.min_eq_left (Nat.le_add_right _ _), ← List.cons_append,
      List.take_append_of_le_length (Nat.le_succ_of_le (Nat.le_refl _))]

/-- Any number of causal layers, one after the other, is causal. -/
theorem stack {layers : List (List ι → List ι)} (h : ∀ layer ∈ layers, Causal layer) :
    Causal fun xs => layers.foldl (fun hidden layer => layer hidden) xs := by
  induction layers with
  | nil => exact Causal.id
  | cons layer layers ih =>
    have rest := ih fun later hmem => h later (List.mem_cons_of_mem _ hmem)
    exact rest.comp (h layer List.mem_cons_self)

end Causal

/-! ## What causality is -/

/-- The outputs of any runner, from any state, are causal. -/
theorem Runner.causal {σ ι ο : Type} (r : Runner σ ι ο) (s : σ) : Causal fun xs => (r.runList s xs).2 where
  length_eq := r.length_outputs s
  take_append := r.take_outputs_append s

/--
A function is causal exactly when it has one output per token and inputs that agree on a prefix give outputs that agree on
it: appending the future and replacing it are equally strict tests.
-/
theorem causal_iff_take_congr {ι ο : Type} {f : List ι → List ο} :
    Causal f ↔
      (∀ xs, (f xs).length = xs.length) ∧
        ∀ (xs ys : List ι) (k : Nat), xs.take k = ys.take k → (f xs).take k = (f ys).take k := by
  refine ⟨fun h => ⟨h.length_eq, fun xs ys k hk => h.take_congr hk⟩, fun ⟨length_eq, congr⟩ => ⟨length_eq, ?_⟩⟩
  intro xs ys
  have h := congr (xs ++ ys) xs xs.length (by rw [List.take_left, List.take_length])
  rw [h, ← length_eq xs, List.take_length]

/-- The runner that keeps all tokens so far and asks `f` for the output of the newest one. -/
private noncomputable def rereading {ι ο : Type} (f : List ι → List ο) (h : ∀ xs, (f xs).length = xs.length) :
    Runner (List ι) ι ο where
  step past x :=
    (past ++ [x], (f (past ++ [x])).getLast (List.ne_nil_of_length_pos (by rw [h, List.length_append]; exact Nat.succ_pos _)))

private theorem rereading_outputs {ι ο : Type} {f : List ι → List ο} (hf : Causal f) (past xs : List ι) :
    f past ++ ((rereading f hf.length_eq).runList past xs).2 = f (past ++ xs) := by
  induction xs generalizing past with
  | nil => simp only [Runner.runList_nil, List.append_nil]
  | cons x xs ih =>
    have hlast : f (past ++ [x]) = f past ++ [((rereading f hf.length_eq).step past x).2] := by
      have hinit : (f (past ++ [x])).dropLast = f past := by
        rw [List.dropLast_eq_take, hf.length_eq, List.length_append, List.length_singleton, Nat.add_sub_cancel,
          hf.take_append]
      rw [← hinit]
      exact (List.dropLast_concat_getLast _).symm
    have hrest := ih (past ++ [x])
    rw [hlast, List.append_assoc, List.append_assoc, List.singleton_append, List.singleton_append] at hrest
    exact hrest

/--
A function is causal exactly when some runner computes it: the list runners are no special case, they are all there is.
-/
theorem causal_iff_exists_runner {ι ο : Type} {f : List ι → List ο} :
    Causal f ↔ ∃ (σ : Type) (r : Runner σ ι ο) (s : σ), ∀ xs, f xs = (r.runList s xs).2 := by
  constructor
  · intro hf
    refine ⟨List ι, rereading f hf.length_eq, [], fun xs => ?_⟩
    have hnil : f [] = [] := List.eq_nil_of_length_eq_zero (hf.length_eq [])
    have h := rereading_outputs hf [] xs
    rw [hnil, List.nil_append, List.nil_append] at h
    exact h.symm
  · intro ⟨σ, r, s, h⟩
    have : f = fun xs => (r.runList s xs).2 := funext h
    rw [this]
    exact r.causal s

end Scanproof
