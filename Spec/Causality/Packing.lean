/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causality.Padding

/-!
# Packed sequences

Several examples laid end to end in one row, with a flag at the first token of each that resets the state. What must hold so
that each comes out as if alone, said of any runner.

## Main definitions

* `Runner.resetting`: the runner that starts anew at flagged tokens.
* `pack`: examples laid end to end, the first token of each flagged.

## Main results

* `Runner.packed_outputs`: with resets, a packed row gives each example the outputs that it has alone.
* `Runner.packed_outputs_alone`: so an example's outputs do not depend on the examples before and after it.
* `Runner.packed_outputs_iff`: without resets, each example comes out as if alone, whatever its tokens, exactly when no state that earlier
  examples leave can be told from the initial one.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {σ ι ο : Type}

/-- One example, its first token flagged. -/
def flagFirst : List ι → List (Bool × ι)
  | [] => []
  | x :: xs => (true, x) :: xs.map fun later => (false, later)

/-- Examples laid end to end, the first token of each flagged. -/
def pack (examples : List (List ι)) : List (Bool × ι) := examples.flatMap flagFirst

namespace Runner

/-- The runner that starts anew, from `s0`, at each flagged token. -/
def resetting (r : Runner σ ι ο) (s0 : σ) : Runner σ (Bool × ι) ο where
  step s token := r.step (if token.1 then s0 else s) token.2

private theorem resetting_unflagged (r : Runner σ ι ο) (s0 s : σ) (xs : List ι) :
    (r.resetting s0).runList s (xs.map fun x => (false, x)) = r.runList s xs := by
  induction xs generalizing s with
  | nil => rfl
  | cons x xs ih =>
    rw [List.map_cons, runList_cons, ih]
    rfl

/-- A flagged example is run from `s0`, whatever the state before it. -/
theorem resetting_flagFirst (r : Runner σ ι ο) (s0 s : σ) (x : ι) (xs : List ι) :
    (r.resetting s0).runList s (flagFirst (x :: xs)) = r.runList s0 (x :: xs) := by
  rw [flagFirst, runList_cons, resetting_unflagged]
  rfl

private theorem outputs_flagFirst (r : Runner σ ι ο) (s0 s : σ) (xs : List ι) :
    ((r.resetting s0).runList s (flagFirst xs)).2 = (r.runList s0 xs).2 := by
  cases xs with
  | nil => rfl
  | cons x xs => rw [resetting_flagFirst]

/-- With resets, a packed row gives each example the outputs that it has alone, in order, from any state. -/
theorem packed_outputs (r : Runner σ ι ο) (s0 s : σ) (examples : List (List ι)) :
    ((r.resetting s0).runList s (pack examples)).2 = examples.flatMap fun xs => (r.runList s0 xs).2 := by
  induction examples generalizing s with
  | nil => rfl
  | cons xs examples ih =>
    have h := ih ((r.resetting s0).runList s (flagFirst xs)).1
    simp only [pack, List.flatMap_cons, runList_append, outputs_flagFirst] at h ⊢
    rw [h]

private theorem length_pack (examples : List (List ι)) : (pack examples).length = examples.flatten.length := by
  induction examples with
  | nil => rfl
  | cons xs examples ih =>
    have hxs : (flagFirst xs).length = xs.length := by
      cases xs with
      | nil => rfl
      | cons x xs => simp only [flagFirst, List.length_cons, List.length_map]
    simp only [pack, List.flatMap_cons, List.length_append, List.flatten_cons, hxs] at ih ⊢
    rw [ih]

/--
With resets, the outputs of the example `xs` in a packed row are those it has alone: they depend neither on the examples
before it nor on those after it. The twin, along one row, of independence across the batch.
-/
theorem packed_outputs_alone (r : Runner σ ι ο) (s0 s : σ) (before : List (List ι)) (xs : List ι)
    (after : List (List ι)) :
    ((((r.resetting s0).runList s (pack (before ++ xs :: after))).2.drop before.flatten.length).take xs.length) =
      (r.runList s0 xs).2 := by
  have hbefore : (before.flatMap fun xs => (r.runList s0 xs).2).length = before.flatten.length := by
    rw [← packed_outputs r s0 s, length_outputs, length_pack]
  rw [packed_outputs, List.flatMap_append, List.flatMap_cons, List.drop_left' hbefore,
    List.take_left' (r.length_outputs s0 xs)]

/--
Without resets, an example comes out as if alone after any earlier examples, whatever the tokens, exactly when no state that they leave can be
told from the initial one.
-/
theorem packed_outputs_iff (r : Runner σ ι ο) (s0 : σ) :
    (∀ (before : List (List ι)) (xs : List ι),
        (r.runList s0 (before.flatten ++ xs)).2.drop before.flatten.length = (r.runList s0 xs).2) ↔
      ∀ before : List (List ι), r.Indistinguishable (r.runList s0 before.flatten).1 s0 :=
  forall_congr' fun before => r.outputs_after_padding_iff s0 before.flatten

end Runner

end Scanproof
