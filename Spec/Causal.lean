/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Runner

/-!
# Prefix causality of list functions

What it means that a function from token lists to output lists does not look ahead, said of any function, so that
runners, models and compositions of them speak of one thing.

## Main definitions

* `Causal f`: appending future tokens leaves the outputs already produced unchanged.

## Main results

* `Runner.causal`: every runner is causal.
* `Causal.take_congr`: inputs that agree on a prefix give outputs that agree on it.
* `Causal.comp`: stacking causal functions gives a causal function.
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

variable {ι κ ο : Type} {f : List ι → List κ} {g : List κ → List ο}

/-- The first `k` outputs are the outputs of the first `k` tokens. -/
theorem take_eq (hf : Causal f) (xs : List ι) (k : Nat) : (f xs).take k = f (xs.take k) := by
  have h := hf.take_append (xs.take k) (xs.drop k)
  rw [List.take_append_drop, List.length_take] at h
  rw [← h, ← hf.length_eq xs, ← List.take_take, List.take_length]

/-- Inputs that agree on their first `k` tokens give outputs that agree on the first `k`. -/
theorem take_congr (hf : Causal f) {xs ys : List ι} {k : Nat} (h : xs.take k = ys.take k) :
    (f xs).take k = (f ys).take k := by
  rw [hf.take_eq, hf.take_eq, h]

/-- Stacking two causal functions gives a causal function. -/
theorem comp (hg : Causal g) (hf : Causal f) : Causal fun xs => g (f xs) where
  length_eq xs := by rw [hg.length_eq, hf.length_eq]
  take_append xs ys := by
    rw [hg.take_eq, hf.take_eq, List.take_left]

end Causal

/-- The outputs of any runner, from any state, are causal. -/
theorem Runner.causal {σ ι ο : Type} (r : Runner σ ι ο) (s : σ) : Causal fun xs => (r.runList s xs).2 where
  length_eq := r.length_outputs s
  take_append := r.take_outputs_append s

end Scanproof
