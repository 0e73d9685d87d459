/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Runner

/-!
# Runners on token sequences

Parallel forms speak of the token *at* a time: `x_s`, `x_t`. Here a runner reads a sequence `tok 0, tok 1, …`; its
states and outputs at a time are those of the run over the first tokens as a list.

## Main definitions

* `Runner.stateAt r s tok t`: the state after the first `t` tokens.
* `Runner.outputAt r s tok t`: the output at position `t`.
* `passedState advance s L c`: the state before chunk `c`, handed from chunk to chunk of length `L`.

## Main results

* `Runner.outputs_eq_map_outputAt`: the outputs of a run are those at each position.
* `eq_map_range`: every list is the list of the first tokens of a sequence.
* `Runner.passedState_eq_stateAt`: if advancing over any stretch reaches the state of the run, so does handing it from
  chunk to chunk.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {σ ι ο : Type}

/-- Every list is the list of the first tokens of a sequence; `last` stands for the tokens after its end. -/
theorem eq_map_range (xs : List ι) (last : ι) : xs = (List.range xs.length).map fun t => xs[t]?.getD last := by
  apply List.ext_getElem
  · rw [List.length_map, List.length_range]
  · intro t ht _
    rw [List.getElem_map, List.getElem_range, List.getElem?_eq_getElem ht, Option.getD_some]

namespace Runner

/-- The state after the first `t` tokens. -/
def stateAt (r : Runner σ ι ο) (s : σ) (tok : Nat → ι) (t : Nat) : σ := (r.runList s ((List.range t).map tok)).1

/-- The output at position `t`. -/
def outputAt (r : Runner σ ι ο) (s : σ) (tok : Nat → ι) (t : Nat) : ο := (r.step (r.stateAt s tok t) (tok t)).2

/-- Before the first token, the state is the initial one. -/
@[simp] theorem stateAt_zero (r : Runner σ ι ο) (s : σ) (tok : Nat → ι) : r.stateAt s tok 0 = s := rfl

/-- The state after one more token. -/
theorem stateAt_succ (r : Runner σ ι ο) (s : σ) (tok : Nat → ι) (t : Nat) :
    r.stateAt s tok (t + 1) = (r.step (r.stateAt s tok t) (tok t)).1 := by
  rw [stateAt, List.range_succ, List.map_append, state_append]
  rfl

/-- The outputs of a run are those at each position. -/
theorem outputs_eq_map_outputAt (r : Runner σ ι ο) (s : σ) (tok : Nat → ι) (T : Nat) :
    (r.runList s ((List.range T).map tok)).2 = (List.range T).map (r.outputAt s tok) := by
  induction T with
  | zero => rfl
  | succ T ih =>
    rw [List.range_succ, List.map_append, runList_append, ih, List.map_append]
    rfl

end Runner

/-- The state before chunk `c`: `advance s m n` carries the state `s` over the tokens at the times `m ≤ t < n`. -/
def passedState (advance : σ → Nat → Nat → σ) (s : σ) (L : Nat) : Nat → σ
  | 0 => s
  | c + 1 => advance (passedState advance s L c) (c * L) ((c + 1) * L)

/-- If advancing over any stretch reaches the state of the run, so does handing the state from chunk to chunk. -/
theorem Runner.passedState_eq_stateAt (r : Runner σ ι ο) (s : σ) (tok : Nat → ι) {advance : σ → Nat → Nat → σ}
    (h : ∀ m n, m ≤ n → advance (r.stateAt s tok m) m n = r.stateAt s tok n) (L c : Nat) :
    passedState advance s L c = r.stateAt s tok (c * L) := by
  induction c with
  | zero => rw [Nat.zero_mul]; rfl
  | succ c ih => rw [passedState, ih, h _ _ (Nat.mul_le_mul_right L (Nat.le_succ c))]

end Scanproof
