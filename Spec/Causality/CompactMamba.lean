/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.Models.MambaBlock

/-!
# Causality of the compact Mamba block

Instances of the lemmas on runners, under names to cite. No law of arithmetic is assumed: they hold in floating point.

## Main results

* `compactMamba_runList_append_outputs_prefix`: appending future tokens cannot change past outputs.
* `compactMamba_runList_outputs_congr`: inputs that agree on a prefix give outputs that agree on it.
* `compactMamba_runList_append_state`: the state after an append is reached in two runs.
* `compactMamba_runList_outputs_length`: one output per token.
-/

@[expose] public section

namespace Scanproof

variable {α : Type} [Scalar α] {inputDim stateDim outputDim : Nat}

/-- Compact Mamba prefix causality: appending future tokens `ys` cannot change the outputs already produced for `xs`. -/
theorem compactMamba_runList_append_outputs_prefix (m : MambaBlockSpec α inputDim stateDim outputDim)
    (h0 : Tensor α [stateDim]) (xs ys : List (Tensor α [inputDim])) :
    List.take xs.length (m.runList h0 (xs ++ ys)).2 = (m.runList h0 xs).2 :=
  m.runner.take_outputs_append h0 xs ys

/-- Two inputs that agree on their first `k` tokens give outputs that agree on the first `k`. -/
theorem compactMamba_runList_outputs_congr (m : MambaBlockSpec α inputDim stateDim outputDim)
    (h0 : Tensor α [stateDim]) {xs ys : List (Tensor α [inputDim])} {k : Nat} (h : xs.take k = ys.take k) :
    (m.runList h0 xs).2.take k = (m.runList h0 ys).2.take k :=
  m.runner.take_outputs_congr h0 h

/-- The state after `xs ++ ys` is the state after `ys` from the state after `xs`. -/
theorem compactMamba_runList_append_state (m : MambaBlockSpec α inputDim stateDim outputDim)
    (h0 : Tensor α [stateDim]) (xs ys : List (Tensor α [inputDim])) :
    (m.runList h0 (xs ++ ys)).1 = (m.runList (m.runList h0 xs).1 ys).1 :=
  m.runner.state_append h0 xs ys

/-- One output per token. -/
theorem compactMamba_runList_outputs_length (m : MambaBlockSpec α inputDim stateDim outputDim)
    (h0 : Tensor α [stateDim]) (xs : List (Tensor α [inputDim])) : (m.runList h0 xs).2.length = xs.length :=
  m.runner.length_outputs h0 xs

end Scanproof
