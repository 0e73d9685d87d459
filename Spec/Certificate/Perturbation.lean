/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.Certificate.Cuts

/-!
# Replacing the future

A check by perturbation replaces inputs, keeps their number, and compares outputs. It needs no derivative, so it sees what has
none. Here is what it decides, of any function from families of inputs to families of outputs: any tokens, any outputs, any
alignment between them.

## Main definitions

* `ReadsBelow reach pos f`: output `k` of `f` reads inputs at positions below `reach k` only.
* `update x i v`: the inputs `x` with `v` in place of input `i`.
* `onLength f hf T`: a function of lists, as a function of `T` tokens.

## Main results

* `readsBelow_iff_cuts`, `readsBelow_iff_reach_cuts`: replacing everything from a cut on, at every cut, or at the cuts at the
  values of `reach`, is complete.
* `readsBelow_iff_update`: so is replacing one input at a time.
* `Causal.readsBelow`, `Runner.readsBelow`: a causal function of lists, such as the outputs of a runner, reads nothing beyond
  each output's own position.
* `exists_readsBelow_not_causal`: the converse is false. What is read off the length of the sequence is seen by no check that
  keeps the length; checks of prefixes see it.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {κ ι τ ο : Type}

/-- Output `k` of `f` does not change when inputs at positions from `reach k` on are replaced. -/
def ReadsBelow (reach : κ → Nat) (pos : ι → Nat) (f : (ι → τ) → κ → ο) : Prop :=
  ∀ x x' k, (∀ i, pos i < reach k → x i = x' i) → f x k = f x' k

/--
Replacing the inputs from a cut on, whatever they are and whatever replaces them, leaves the outputs that the cut keeps
unchanged, at every cut, exactly when no output reads beyond its reach.
-/
theorem readsBelow_iff_cuts (reach : κ → Nat) (pos : ι → Nat) (f : (ι → τ) → κ → ο) :
    ReadsBelow reach pos f ↔
      ∀ cut x x', (∀ i, pos i < cut → x i = x' i) → ∀ k, reach k ≤ cut → f x k = f x' k :=
  ⟨fun h _ x x' hx k hk => h x x' k fun i hi => hx i (Nat.lt_of_lt_of_le hi hk),
    fun h x x' k hx => h (reach k) x x' hx k (Nat.le_refl _)⟩

/-- The cuts at the values of `reach` suffice. -/
theorem readsBelow_iff_reach_cuts (reach : κ → Nat) (pos : ι → Nat) (f : (ι → τ) → κ → ο) :
    ReadsBelow reach pos f ↔
      ∀ j x x', (∀ i, pos i < reach j → x i = x' i) → ∀ k, reach k ≤ reach j → f x k = f x' k :=
  ⟨fun h j => (readsBelow_iff_cuts reach pos f).1 h (reach j), fun h x x' k hx => h k x x' hx k (Nat.le_refl _)⟩

/-- The inputs `x` with `v` in place of input `i`. -/
def update [DecidableEq ι] (x : ι → τ) (i : ι) (v : τ) (j : ι) : τ := if j = i then v else x j

/-- The new value is found where it was put. -/
theorem update_self [DecidableEq ι] (x : ι → τ) (i : ι) (v : τ) : update x i v i = v := if_pos rfl

/-- Other values stay. -/
theorem update_of_ne [DecidableEq ι] (x : ι → τ) {i j : ι} (v : τ) (h : j ≠ i) : update x i v j = x j := if_neg h

/-- No output reads beyond its reach exactly when replacing any one input there, whatever the others are, changes nothing. -/
theorem readsBelow_iff_update {N : Nat} (reach : κ → Nat) (pos : Fin N → Nat) (f : (Fin N → τ) → κ → ο) :
    ReadsBelow reach pos f ↔ ∀ x i v k, reach k ≤ pos i → f (update x i v) k = f x k := by
  constructor
  · intro h x i v k hik
    refine h _ _ k fun j hj => update_of_ne x v fun e => ?_
    subst e
    omega
  · intro h x x' k hx
    have step (n : Nat) (hn : n ≤ N) : f (fun j => if j.val < n then x' j else x j) k = f x k := by
      induction n with
      | zero => simp only [Nat.not_lt_zero, ↓reduceIte]
      | succ n ih =>
        rw [← ih (by omega)]
        have same : (fun j : Fin N => if j.val < n + 1 then x' j else x j) =
            update (fun j => if j.val < n then x' j else x j) ⟨n, hn⟩ (x' ⟨n, hn⟩) := by
          funext j
          by_cases hj : j = ⟨n, hn⟩
          · rw [hj, update_self, if_pos (Nat.lt_succ_self n)]
          · have : j.val ≠ n := fun e => hj (Fin.ext e)
            rw [update_of_ne _ _ hj]
            split <;> split <;> first | rfl | omega
        rw [same]
        by_cases hk : reach k ≤ pos ⟨n, hn⟩
        · exact h _ _ _ k hk
        · congr 1
          funext j
          by_cases hj : j = ⟨n, hn⟩
          · rw [hj, update_self, if_neg (Nat.lt_irrefl n), hx _ (by omega)]
          · exact update_of_ne _ _ hj
    rw [← step N (Nat.le_refl N)]
    simp only [Fin.is_lt, ↓reduceIte]

/-- A function of lists with one output per token, as a function of `T` tokens. -/
def onLength (f : List τ → List ο) (hf : ∀ xs, (f xs).length = xs.length) (T : Nat) (x : Fin T → τ) (t : Fin T) : ο :=
  (f (List.ofFn x))[t.val]'(by rw [hf, List.length_ofFn]; exact t.isLt)

/-- At every length, a causal function of lists reads nothing beyond each output's own position. -/
theorem Causal.readsBelow {f : List τ → List ο} (hf : Causal f) (T : Nat) :
    ReadsBelow (fun t : Fin T => t.val + 1) (fun s : Fin T => s.val) (onLength f hf.length_eq T) := by
  intro x x' t hx
  have same : (List.ofFn x).take (t.val + 1) = (List.ofFn x').take (t.val + 1) := by
    refine List.ext_getElem (by simp only [List.length_take, List.length_ofFn]) fun s h h' => ?_
    rw [List.getElem_take, List.getElem_take, List.getElem_ofFn, List.getElem_ofFn]
    rw [List.length_take] at h
    exact hx _ (by dsimp only; omega)
  have out (y : Fin T → τ) : onLength f hf.length_eq T y t = ((f (List.ofFn y)).take (t.val + 1))[t.val]'(by
      rw [List.length_take, hf.length_eq, List.length_ofFn]; omega) := by
    rw [List.getElem_take, onLength]
  rw [out, out]
  simp only [hf.take_congr same]

/-- The outputs of a runner for `T` tokens, from a state. -/
def Runner.outputs {σ : Type} (r : Runner σ τ ο) (s : σ) (T : Nat) : (Fin T → τ) → Fin T → ο :=
  onLength (fun xs => (r.runList s xs).2) (r.length_outputs s) T

/-- The outputs of any runner read nothing beyond their own position. -/
theorem Runner.readsBelow {σ : Type} (r : Runner σ τ ο) (s : σ) (T : Nat) :
    ReadsBelow (fun t : Fin T => t.val + 1) (fun s : Fin T => s.val) (r.outputs s T) :=
  (r.causal s).readsBelow T

/--
Reading nothing beyond the own position at every length is less than causality: a function may read the length, and so change
its past when a token is appended.
-/
theorem exists_readsBelow_not_causal :
    ∃ (f : List Int → List Int) (hf : ∀ xs, (f xs).length = xs.length),
      (∀ T, ReadsBelow (fun t : Fin T => t.val + 1) (fun s : Fin T => s.val) (onLength f hf T)) ∧ ¬ Causal f := by
  refine ⟨fun xs => xs.map fun x => x * xs.length, fun xs => List.length_map _, fun T x x' t hx => ?_, fun h => ?_⟩
  · simp only [onLength, List.getElem_map, List.getElem_ofFn, List.length_ofFn]
    rw [hx t (Nat.lt_succ_self _)]
  · exact absurd (h.take_append [1] [1]) (by decide)

end Scanproof
