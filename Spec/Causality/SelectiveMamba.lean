/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.Models.MambaCheckpoint

/-!
# Causality of the selective Mamba block

Instances of the lemmas on runners, under names to cite. No law of arithmetic is assumed: they hold in floating point.

## Main results

* `selectiveMamba_runListAux_append_outputs_prefix`, `selectiveMamba_runList_append_outputs_prefix`: appending future
  tokens cannot change past outputs.
* `selectiveMamba_runListAux_outputs_congr`, `selectiveMamba_runList_outputs_congr`: inputs that agree on a prefix give
  outputs that agree on it.
* `selectiveMamba_runListAux_append_state`, `selectiveMamba_runList_append_state`: the state after an append is reached
  in two runs.
* `selectiveMamba_runListAux_outputs_length`, `selectiveMamba_runList_outputs_length`: one output per token.
* `selectiveMamba_runListAux_history_congr`: only the newest `convWidth - 1` entries of the history matter.
-/

@[expose] public section

namespace Scanproof

variable {α : Type} [Scalar α] {inputDim innerDim stateDim outputDim convWidth : Nat}

/--
Full selective Mamba prefix causality for the internal runner, which carries a newest-first convolution history:
appending future tokens `ys` cannot change the outputs already produced for `xs`.
-/
theorem selectiveMamba_runListAux_append_outputs_prefix
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (xs ys : List (Tensor α [inputDim])) :
    List.take xs.length (m.runListAux h0 history (xs ++ ys)).2 = (m.runListAux h0 history xs).2 :=
  m.runner.take_outputs_append (h0, history) xs ys

/--
Full selective Mamba prefix causality for the public runner: appending future tokens `ys` cannot change the outputs
already produced for `xs`.
-/
theorem selectiveMamba_runList_append_outputs_prefix
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (xs ys : List (Tensor α [inputDim])) :
    List.take xs.length (m.runList h0 (xs ++ ys)).2 = (m.runList h0 xs).2 :=
  selectiveMamba_runListAux_append_outputs_prefix m h0 [] xs ys

/-- Two inputs that agree on their first `k` tokens give outputs that agree on the first `k`, from any history. -/
theorem selectiveMamba_runListAux_outputs_congr
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    {xs ys : List (Tensor α [inputDim])} {k : Nat} (h : xs.take k = ys.take k) :
    (m.runListAux h0 history xs).2.take k = (m.runListAux h0 history ys).2.take k :=
  m.runner.take_outputs_congr (h0, history) h

/-- Two inputs that agree on their first `k` tokens give outputs that agree on the first `k`. -/
theorem selectiveMamba_runList_outputs_congr
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) {xs ys : List (Tensor α [inputDim])} {k : Nat}
    (h : xs.take k = ys.take k) :
    (m.runList h0 xs).2.take k = (m.runList h0 ys).2.take k :=
  selectiveMamba_runListAux_outputs_congr m h0 [] h

/--
The state and history after `xs ++ ys` are those after `ys` from the state and history after `xs`: decoding from a
cache that holds both continues the sequence exactly.
-/
theorem selectiveMamba_runListAux_append_state
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (xs ys : List (Tensor α [inputDim])) :
    (m.runListAux h0 history (xs ++ ys)).1 =
      (m.runListAux (m.runListAux h0 history xs).1.1 (m.runListAux h0 history xs).1.2 ys).1 :=
  m.runner.state_append (h0, history) xs ys

/-- The state and history after `xs ++ ys` are those after `ys` from the state and history after `xs`. -/
theorem selectiveMamba_runList_append_state
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (xs ys : List (Tensor α [inputDim])) :
    (m.runList h0 (xs ++ ys)).1 = (m.runListAux (m.runList h0 xs).1.1 (m.runList h0 xs).1.2 ys).1 :=
  selectiveMamba_runListAux_append_state m h0 [] xs ys

/-- One output per token, from any history. -/
theorem selectiveMamba_runListAux_outputs_length
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (xs : List (Tensor α [inputDim])) : (m.runListAux h0 history xs).2.length = xs.length :=
  m.runner.length_outputs (h0, history) xs

/-- One output per token. -/
theorem selectiveMamba_runList_outputs_length
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (xs : List (Tensor α [inputDim])) :
    (m.runList h0 xs).2.length = xs.length :=
  selectiveMamba_runListAux_outputs_length m h0 [] xs

/-! ## How much history matters -/

private theorem newest_cons {β : Type} (n : Nat) (x : β) (xs : List β) :
    newest n (x :: newest (n - 1) xs) = newest n (x :: xs) := by
  cases n with
  | zero => rfl
  | succ n => simp only [newest, Nat.add_sub_cancel, newest_newest, Nat.min_self]

private theorem step_newest (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (x : Tensor α [inputDim]) :
    m.step (h0, newest (convWidth - 1) history) x = m.step (h0, history) x := by
  have hwindow (current : Tensor α [innerDim]) :
      SelectiveMambaBlockSpec.window convWidth current (newest (convWidth - 1) history) =
        SelectiveMambaBlockSpec.window convWidth current history := by
    apply Vec.ext
    intro k
    simp only [SelectiveMambaBlockSpec.window, Vec.get_ofFn]
    rw [← entryAt_newest _ convWidth (current :: newest (convWidth - 1) history) k.val k.isLt, newest_cons,
      entryAt_newest _ convWidth _ k.val k.isLt]
  have hhistory (current : Tensor α [innerDim]) :
      newest (convWidth - 1) (current :: newest (convWidth - 1) history) =
        newest (convWidth - 1) (current :: history) := by
    rw [← newest_cons _ current (newest (convWidth - 1) history), ← newest_cons _ current history]
    simp only [newest_eq_take, List.take_take, Nat.min_eq_left (Nat.sub_le _ 1)]
  simp only [SelectiveMambaBlockSpec.step, hwindow, hhistory]

/--
Only the newest `convWidth - 1` entries of the history matter: histories that agree on them give the same outputs. So a
cache may keep just these.
-/
theorem selectiveMamba_runListAux_history_congr
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) {history history' : List (Tensor α [innerDim])}
    (h : history.take (convWidth - 1) = history'.take (convWidth - 1)) (xs : List (Tensor α [inputDim])) :
    (m.runListAux h0 history xs).2 = (m.runListAux h0 history' xs).2 := by
  cases xs with
  | nil => rfl
  | cons x xs =>
    have hstep : m.step (h0, history) x = m.step (h0, history') x := by
      rw [← step_newest m h0 history x, ← step_newest m h0 history' x, newest_eq_take, newest_eq_take, h]
    simp only [SelectiveMambaBlockSpec.runListAux, SelectiveMambaBlockSpec.runner, Runner.runList_cons, hstep]

end Scanproof
