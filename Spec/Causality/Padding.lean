/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Runner

/-!
# Left padding

When sequences of different lengths share a batch, the shorter ones begin with padding. What must hold of it so that the
real tokens come out as if they stood alone, said of any runner.

## Main definitions

* `Runner.Indistinguishable`: two states that no later token can tell apart.
* `Runner.masked`: the runner that skips masked tokens.

## Main results

* `Runner.outputs_after_padding_iff`: real tokens come out as if alone exactly when the state after the padding cannot be
  told from the initial one.
* `Runner.outputs_after_padding`: so it is enough that each padding token leaves the initial state as it is.
* `Runner.masked_outputs`: a runner that skips masked tokens gives the others the outputs they have alone, wherever the masked
  ones stand.
-/

@[expose] public section

namespace Scanproof

namespace Runner

variable {σ ι ο : Type}

/-- From both states, every continuation gives the same outputs. -/
def Indistinguishable (r : Runner σ ι ο) (s s' : σ) : Prop :=
  ∀ xs, (r.runList s xs).2 = (r.runList s' xs).2

/--
After the padding `pads`, real tokens come out as if alone, whatever they are, exactly when the state after the padding
cannot be told from the initial state `s`.
-/
theorem outputs_after_padding_iff (r : Runner σ ι ο) (s : σ) (pads : List ι) :
    (∀ xs, (r.runList s (pads ++ xs)).2.drop pads.length = (r.runList s xs).2) ↔
      r.Indistinguishable (r.runList s pads).1 s := by
  simp only [drop_outputs_append, Indistinguishable]

/-- If each padding token leaves the initial state as it is, the state after the padding is the initial one. -/
theorem state_after_padding (r : Runner σ ι ο) (s : σ) {pads : List ι} (h : ∀ pad ∈ pads, (r.step s pad).1 = s) :
    (r.runList s pads).1 = s := by
  induction pads with
  | nil => rfl
  | cons pad pads ih =>
    rw [runList_cons, h pad List.mem_cons_self]
    exact ih fun later hmem => h later (List.mem_cons_of_mem _ hmem)

/-- If each padding token leaves the initial state as it is, real tokens come out as if alone. -/
theorem outputs_after_padding (r : Runner σ ι ο) (s : σ) {pads : List ι} (h : ∀ pad ∈ pads, (r.step s pad).1 = s)
    (xs : List ι) : (r.runList s (pads ++ xs)).2.drop pads.length = (r.runList s xs).2 := by
  rw [drop_outputs_append, state_after_padding r s h]

/-- The runner that skips masked tokens (`none`): they leave the state alone and have no output. -/
def masked (r : Runner σ ι ο) : Runner σ (Option ι) (Option ο) where
  step s
    | none => (s, none)
    | some x => ((r.step s x).1, some (r.step s x).2)

/-- Skipping masked tokens leaves the state that the others reach alone. -/
theorem masked_state (r : Runner σ ι ο) (s : σ) (xs : List (Option ι)) :
    (r.masked.runList s xs).1 = (r.runList s (xs.filterMap id)).1 := by
  induction xs generalizing s with
  | nil => rfl
  | cons x xs ih =>
    cases x with
    | none => exact ih s
    | some x => exact ih (r.step s x).1

/--
Skipping masked tokens gives the others the outputs that they have alone, wherever the masked ones stand: on the left, on
the right or in between.
-/
theorem masked_outputs (r : Runner σ ι ο) (s : σ) (xs : List (Option ι)) :
    (r.masked.runList s xs).2.filterMap id = (r.runList s (xs.filterMap id)).2 := by
  induction xs generalizing s with
  | nil => rfl
  | cons x xs ih =>
    cases x with
    | none => exact ih s
    | some x => exact congrArg ((r.step s x).2 :: ·) (ih (r.step s x).1)

end Runner

end Scanproof
