/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Program.Causal

/-!
# Certified programs, list runners and causal functions are the same

What reading establishes is no smaller class than what the rest of the library speaks of: each runner is a certified program.

## Main definitions

* `prefixProgram`: the program whose entry at position `t` reads all tokens up to `t`.

## Main results

* `prefixProgram_certified`: it is certified.
* `causal_iff_exists_program`: a function is causal exactly when a certified program computes it.
* `Runner.exists_program`: the outputs of each runner are those of a certified program.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- Tensor 0 holds the tokens; each entry of the others is a function of the tokens up to its position. -/
def prefixProgram {α : Type} (op : Nat → List α → α) : Program Nat α where
  node
    | 0 => .input
    | _ + 1 => .compute (fun t => (List.range (t + 1)).map fun s => (0, s)) op

/-- An entry at position `t` depends only on tokens up to `t`. -/
theorem prefixProgram_certified {α : Type} (op : Nat → List α → α) :
    (prefixProgram op).Certified fun _ t _ s => s ≤ t where
  input _ t _ := Nat.le_refl t
  read k reads op' hk t q hq _ _ s hs := by
    cases k with
    | zero => contradiction
    | succ k =>
      obtain ⟨rfl, _⟩ := Node.compute.inj hk
      obtain ⟨u, hu, rfl⟩ := List.mem_map.mp hq
      exact Nat.le_trans hs (Nat.le_of_lt_succ (List.mem_range.mp hu))

/-- The value of an entry of tensor 1. -/
private theorem value_prefixProgram {α : Type} (op : Nat → List α → α) (x : Nat → Nat → α) (t : Nat) :
    (prefixProgram op).value x 1 t = op t ((List.range (t + 1)).map fun s => x 0 s) := by
  rw [Program.value_compute (p := prefixProgram op) (k := 1) rfl]
  congr 1
  rw [List.filter_eq_self.mpr (fun q hq => by
    obtain ⟨s, _, rfl⟩ := List.mem_map.mp hq
    exact decide_eq_true (Nat.lt_succ_self 0)), List.map_map]
  exact List.map_congr_left fun s _ => Program.value_input rfl x s

/-- The tokens among some scalars. -/
private def tokens {ι ο : Type} (scalars : List (Option ι × Option ο)) : List ι := scalars.filterMap Prod.fst

private theorem tokens_range {ι ο : Type} (xs : List ι) {n : Nat} (h : n ≤ xs.length) :
    tokens ((List.range n).map fun s => ((xs[s]?, none) : Option ι × Option ο)) = xs.take n := by
  induction n with
  | zero => rfl
  | succ n ih =>
    have hn : xs[n]? = some xs[n] := List.getElem?_eq_getElem h
    rw [List.range_succ, List.map_append, tokens, List.filterMap_append, ← tokens, ih (Nat.le_of_succ_le h), List.take_add_one, hn]
    simp only [List.map_cons, List.map_nil, List.filterMap_cons, List.filterMap_nil, hn, Option.toList_some]

/--
A function is causal exactly when a certified program computes it: the outputs at a position are entries that depend only on
tokens up to it. Outputs are read off the entries' values.
-/
theorem causal_iff_exists_program {ι ο : Type} [Nonempty ο] {f : List ι → List ο} :
    Causal f ↔
      ∃ (α : Type) (p : Program Nat α) (load : Option ι → Nat → Nat → α) (outs : Nat → List (Nat × Nat)) (store : List α → ο),
        (p.Certified fun _ t _ s => s ≤ t) ∧ (∀ t, ∀ e ∈ outs t, e.2 ≤ t) ∧
          ∀ xs, f xs = (p.runList load (fun _ s => s) outs xs).map store := by
  classical
  constructor
  · intro hf
    have other : ο := Classical.choice inferInstance
    refine ⟨Option ι × Option ο, prefixProgram fun _ args => (none, (f (tokens args)).getLast?), fun x _ _ => (x, none),
      fun t => [(1, t)], fun out => ((out.head?.bind Prod.snd).getD other), prefixProgram_certified _,
      fun t e he => by obtain rfl := List.mem_singleton.mp he; exact Nat.le_refl t, fun xs => ?_⟩
    apply List.ext_getElem
    · rw [List.length_map, Program.runList, List.length_map, List.length_range, hf.length_eq]
    · intro t ht ht'
      rw [hf.length_eq] at ht
      have last := hf.getElem_eq xs t ht
      rw [List.getElem?_eq_getElem (by rw [hf.length_eq]; exact ht)] at last
      simp only [Program.runList, List.getElem_map, List.getElem_range, List.map_cons, List.map_nil, List.head?_cons,
        Option.bind_some, value_prefixProgram]
      rw [tokens_range xs (Nat.succ_le_of_lt ht), ← last]
      rfl
  · intro ⟨α, p, load, outs, store, h, hle, heq⟩
    have : f = fun xs => (p.runList load (fun _ s => s) outs xs).map store := funext heq
    rw [this]
    exact (Causal.map store).comp (Program.causal_of_dependsOnly load fun t e he =>
      (h.dependsOnly e.1 e.2).mono fun _ _ hs => Nat.le_trans hs (hle t e he))

/-- The outputs of each runner, from any state, are those of a certified program. -/
theorem Runner.exists_program {σ ι ο : Type} [Nonempty ο] (r : Runner σ ι ο) (s : σ) :
    ∃ (α : Type) (p : Program Nat α) (load : Option ι → Nat → Nat → α) (outs : Nat → List (Nat × Nat)) (store : List α → ο),
      (p.Certified fun _ t _ s => s ≤ t) ∧ (∀ t, ∀ e ∈ outs t, e.2 ≤ t) ∧
        ∀ xs, (r.runList s xs).2 = (p.runList load (fun _ s => s) outs xs).map store :=
  causal_iff_exists_program.mp (r.causal s)

end Scanproof
