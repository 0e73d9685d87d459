/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.Window
public import Spec.Runner
public import Spec.Kernels.SeqIdx

/-!
# The causal convolution kernel

What `causal_conv1d_fn` and, for one token, `causal_conv1d_update` compute: a depthwise convolution that looks back, over
`width` tokens, the current one included. For channel `i` and the token at `t`,

    y_t[i] = (sum over k < width of weight[i, k] * x_(t - k)[i]) + bias[i]      then silu, if asked for

summed from `k = 0` on; fused kernels may sum in another order. Tokens before the start are read from the initial state, which is
zero unless given. With `seq_idx`, tokens of another index are read as zero; indices must not come back after another one.

The state is the last `width - 1` inputs. Here taps and states are **newest first**; the ecosystem stores both oldest first,
so that `weight[i, k]` is its `weight[i, width - 1 - k]` (`causalConv1d_getElem_ofOldestFirst`), and entry `k` of a state is
its `conv_state[:, width - 2 - k]`.

## Main definitions

* `CausalConv1d`: taps, bias and activation.
* `causalConv1dUpdate`: one token.
* `causalConv1d`: a list of tokens, from a given state; `causalConv1dSeqIdx`: those of a packed row.
* `CausalConv1d.pastInput`: the input `k` tokens before the token at `t`, the initial state included.

## Main results

* `causalConv1d_getElem`: the kernel computes the formula above.
* `CausalConv1d.pastInput_zeroState`: with the zero initial state it reads zero before the start.
* `causalConv1d_state`: the final state is the last `width - 1` inputs.
* `causalConv1dSeqIdx_packed`: each example of a packed row has the outputs that it has alone.
* `causalConv1d_windowOf`: a convolution that remembers all that came computes the same outputs.

## References

* The package causal-conv1d: `causal_conv1d_ref` and `causal_conv1d_update_ref` define the kernels in PyTorch.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- What is applied to the output of a convolution. -/
inductive ConvActivation where
  /-- Nothing. -/
  | identity
  /-- The sigmoid linear unit, also called swish. -/
  | silu

/-- The activation as a function. -/
def ConvActivation.apply {α : Type} [Scalar α] : ConvActivation → α → α
  | .identity, x => x
  | .silu, x => Scalar.silu x

/-- The arguments of a causal depthwise convolution. -/
structure CausalConv1d (α : Type) (channels width : Nat) where
  /-- The taps, shape (channels, width), newest token first. -/
  weight : Tensor α [channels, width]
  /-- Added to the sum; none: nothing is. -/
  bias : Option (Tensor α [channels]) := none
  /-- Applied to the result. -/
  activation : ConvActivation := .identity

namespace CausalConv1d

variable {α : Type} [Scalar α] {channels width : Nat}

/-- The convolution whose taps are stored oldest first, as in the ecosystem. -/
def ofOldestFirst (weight : Tensor α [channels, width]) (bias : Option (Tensor α [channels]) := none)
    (activation : ConvActivation := .identity) : CausalConv1d α channels width where
  weight := weight.map fun taps => Vec.ofFn fun k => taps.get k.rev
  bias := bias
  activation := activation

/-- The output for a window of `width` tokens, newest first. -/
def output (c : CausalConv1d α channels width) (w : Tensor α [width, channels]) : Tensor α [channels] :=
  let summed : Tensor α [channels] := Vec.ofFn fun i => sum fun k => (c.weight.get i).get k * (w.get k).get i
  let biased := c.bias.elim summed fun bias => summed.add bias
  biased.map c.activation.apply

/-- The state before the first token: zeros. -/
def zeroState (α : Type) [Scalar α] (channels width : Nat) : Tensor α [width - 1, channels] :=
  zeroMatrix α (width - 1) channels

end CausalConv1d

variable {α : Type} [Scalar α] {channels width : Nat}

/--
`causal_conv1d_update`: one token, from the last `width - 1` inputs, newest first, to the next such state and the output.
-/
def causalConv1dUpdate (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (x : Tensor α [channels]) : Tensor α [width - 1, channels] × Tensor α [channels] :=
  (Vec.shiftIn x state (Nat.le_succ _), c.output (Vec.shiftIn x state (by omega)))

/-- The convolution as a state machine. -/
def CausalConv1d.runner (c : CausalConv1d α channels width) :
    Runner (Tensor α [width - 1, channels]) (Tensor α [channels]) (Tensor α [channels]) where
  step := causalConv1dUpdate c

/-- `causal_conv1d_fn`: all tokens, from an initial state; the final state (`return_final_states`) and the outputs. -/
def causalConv1d (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs : List (Tensor α [channels])) : Tensor α [width - 1, channels] × List (Tensor α [channels]) :=
  c.runner.runList state xs

/--
`causal_conv1d_fn` of a packed row, each token with its `seq_idx`, from a state and the index of the token before: the final state with the
last index, and the outputs.
-/
def causalConv1dSeqIdx (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels] × Int)
    (xs : List (Int × Tensor α [channels])) : (Tensor α [width - 1, channels] × Int) × List (Tensor α [channels]) :=
  (c.runner.withSeqIdx (CausalConv1d.zeroState α channels width)).runList state xs

/-- Packed examples are independent: every one has the outputs that it has alone. None is empty, and neighbours have different indices. -/
theorem causalConv1dSeqIdx_packed (c : CausalConv1d α channels width) (first : Int × List (Tensor α [channels]))
    (later : List (Int × List (Tensor α [channels]))) (hne : ∀ e ∈ later, e.2 ≠ [])
    (hidx : NeighboursDiffer (first.1 :: later.map Prod.fst)) :
    (causalConv1dSeqIdx c (CausalConv1d.zeroState α channels width, first.1) (packSeqIdx (first :: later))).2 =
      (first :: later).flatMap fun e => (causalConv1d c (CausalConv1d.zeroState α channels width) e.2).2 :=
  c.runner.withSeqIdx_packed _ _ first.1 first.2 later hne hidx

/-! ## All that came, in place of a window -/

/-- The convolution that remembers all inputs, newest first. -/
def CausalConv1d.historyRunner (c : CausalConv1d α channels width) :
    Runner (List (Tensor α [channels])) (Tensor α [channels]) (Tensor α [channels]) where
  step history x := (x :: history, c.output (windowOf (Vec.ofFn fun _ => 0) width (x :: history)))

/-- The convolution that remembers all inputs ends with all of them. -/
theorem CausalConv1d.historyRunner_state (c : CausalConv1d α channels width) (history xs : List (Tensor α [channels])) :
    (c.historyRunner.runList history xs).1 = xs.reverse ++ history := by
  induction xs generalizing history with
  | nil => rfl
  | cons x xs ih =>
    rw [Runner.runList_cons, List.reverse_cons, List.append_assoc]
    exact ih (x :: history)

/--
A convolution that remembers all that came computes the same outputs as the kernel, whose state is the window of what the
other remembers.
-/
theorem causalConv1d_windowOf (c : CausalConv1d α channels width) (history xs : List (Tensor α [channels])) :
    causalConv1d c (windowOf (Vec.ofFn fun _ => 0) (width - 1) history) xs =
      (windowOf (Vec.ofFn fun _ => 0) (width - 1) (xs.reverse ++ history), (c.historyRunner.runList history xs).2) := by
  rw [← c.historyRunner_state history xs]
  induction xs generalizing history with
  | nil => rfl
  | cons x xs ih =>
    simp only [causalConv1d, CausalConv1d.runner, CausalConv1d.historyRunner, Runner.runList_cons, causalConv1dUpdate,
      Vec.shiftIn_windowOf] at ih ⊢
    simp only [ih]

/-- One output per token. -/
@[simp] theorem length_causalConv1d (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs : List (Tensor α [channels])) : (causalConv1d c state xs).2.length = xs.length :=
  Runner.length_outputs _ state xs

/-- The final state is the last `width - 1` inputs, newest first; where there are fewer, the initial state follows. -/
theorem causalConv1d_state (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs : List (Tensor α [channels])) :
    (causalConv1d c state xs).1 = windowOf (Vec.ofFn fun _ => 0) (width - 1) (xs.reverse ++ state.toList) := by
  have h := causalConv1d_windowOf c state.toList xs
  rw [windowOf_toList] at h
  rw [h]

/-! ## The formula -/

/-- The input `k` tokens before the one at `t`; those before the start are in the initial state. -/
def CausalConv1d.pastInput (state : Tensor α [width - 1, channels]) (xs : List (Tensor α [channels])) (t k : Nat) :
    Tensor α [channels] :=
  if k ≤ t then xs.getD (t - k) (Vec.ofFn fun _ => 0) else state.toList.getD (k - t - 1) (Vec.ofFn fun _ => 0)

private theorem entryAt_pastInput (state : Tensor α [width - 1, channels]) (xs : List (Tensor α [channels])) (t k : Nat)
    (ht : t < xs.length) :
    entryAt (Vec.ofFn fun _ => 0) (xs[t] :: ((xs.take t).reverse ++ state.toList)) k =
      CausalConv1d.pastInput state xs t k := by
  have hcons : xs[t] :: ((xs.take t).reverse ++ state.toList) = (xs.take (t + 1)).reverse ++ state.toList := by
    simp only [List.take_succ_eq_append_getElem ht, List.reverse_append, List.reverse_cons, List.reverse_nil,
      List.nil_append, List.cons_append]
  have hlen : (xs.take (t + 1)).reverse.length = t + 1 := by
    rw [List.length_reverse, List.length_take, Nat.min_eq_left ht]
  rw [entryAt_eq_getD, hcons, CausalConv1d.pastInput]
  by_cases hk : k ≤ t
  · have hlt : k < (xs.take (t + 1)).reverse.length := by omega
    have hlt' : t - k < xs.length := by omega
    simp only [hk, ↓reduceIte, List.getD_eq_getElem?_getD, List.getElem?_append_left hlt,
      List.getElem?_eq_getElem hlt, List.getElem?_eq_getElem hlt', List.getElem_reverse, List.getElem_take,
      Option.getD_some]
    congr 1
    rw [List.length_take, Nat.min_eq_left ht]
    omega
  · have hle : (xs.take (t + 1)).reverse.length ≤ k := by omega
    simp only [hk, ↓reduceIte, List.getD_eq_getElem?_getD, List.getElem?_append_right hle, hlen, Nat.sub_sub]

/-- The output at `t` is that of the window of the inputs at `t, t - 1, …, t - (width - 1)`. -/
theorem causalConv1d_getElem_window (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs : List (Tensor α [channels])) (t : Nat) (ht : t < xs.length) :
    (causalConv1d c state xs).2[t]'(by rwa [length_causalConv1d]) =
      c.output (Vec.ofFn fun k => CausalConv1d.pastInput state xs t k.val) := by
  have hhistory := causalConv1d_windowOf c state.toList xs
  rw [windowOf_toList] at hhistory
  calc (causalConv1d c state xs).2[t]'(by rwa [length_causalConv1d])
    _ = (c.historyRunner.runList state.toList xs).2[t]'(by rwa [Runner.length_outputs]) := by simp only [hhistory]
    _ = c.output (windowOf (Vec.ofFn fun _ => 0) width
          (xs[t] :: (c.historyRunner.runList state.toList (xs.take t)).1)) :=
      Runner.getElem_outputs _ _ _ t ht
    _ = c.output (Vec.ofFn fun k => CausalConv1d.pastInput state xs t k.val) := by
      rw [c.historyRunner_state]
      exact congrArg c.output (Vec.ext fun k => by
        simp only [windowOf, Vec.get_ofFn, entryAt_pastInput state xs t k.val ht])

/-- The output for a window, entry by entry. -/
theorem CausalConv1d.get_output (c : CausalConv1d α channels width) (w : Tensor α [width, channels]) (i : Fin channels) :
    (c.output w).get i =
      let summed := sum fun k => (c.weight.get i).get k * (w.get k).get i
      c.activation.apply (c.bias.elim summed fun bias => summed + bias.get i) := by
  cases hb : c.bias <;> simp only [output, hb, Option.elim, Vec.add, Vec.get_map, Vec.get_zipWith, Vec.get_ofFn]

/-- The kernel computes the formula: a sum over the taps, newest first, plus the bias, through the activation. -/
theorem causalConv1d_getElem (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs : List (Tensor α [channels])) (t : Nat) (ht : t < xs.length) (i : Fin channels) :
    ((causalConv1d c state xs).2[t]'(by rwa [length_causalConv1d])).get i =
      let summed := sum fun k : Fin width =>
        (c.weight.get i).get k * (CausalConv1d.pastInput state xs t k.val).get i
      c.activation.apply (c.bias.elim summed fun bias => summed + bias.get i) := by
  rw [causalConv1d_getElem_window c state xs t ht, CausalConv1d.get_output]
  simp only [Vec.get_ofFn]

private theorem getD_toList_zeroState (k : Nat) :
    (CausalConv1d.zeroState α channels width).toList.getD k (Vec.ofFn fun _ => 0) = Vec.ofFn fun _ => 0 := by
  rw [← entryAt_eq_getD, entryAt_toList]
  split
  · simp only [CausalConv1d.zeroState, zeroMatrix, Vec.get_ofFn, zeros]
  · rfl

/-- With the zero initial state, the inputs before the start are zero. -/
theorem CausalConv1d.pastInput_zeroState (xs : List (Tensor α [channels])) (t k : Nat) :
    CausalConv1d.pastInput (CausalConv1d.zeroState α channels width) xs t k =
      if k ≤ t then xs.getD (t - k) (Vec.ofFn fun _ => 0) else Vec.ofFn fun _ => 0 := by
  rw [CausalConv1d.pastInput, getD_toList_zeroState]

/--
With taps stored oldest first, as in PyTorch, tap `width - 1 - k` meets the input `k` tokens back.
-/
theorem causalConv1d_getElem_ofOldestFirst (weight : Tensor α [channels, width]) (bias : Option (Tensor α [channels]))
    (activation : ConvActivation) (state : Tensor α [width - 1, channels]) (xs : List (Tensor α [channels])) (t : Nat)
    (ht : t < xs.length) (i : Fin channels) :
    ((causalConv1d (.ofOldestFirst weight bias activation) state xs).2[t]'(by rwa [length_causalConv1d])).get i =
      let summed := sum fun k : Fin width =>
        (weight.get i).get k.rev * (CausalConv1d.pastInput state xs t k.val).get i
      activation.apply (bias.elim summed fun bias => summed + bias.get i) := by
  rw [causalConv1d_getElem _ state xs t ht]
  simp only [CausalConv1d.ofOldestFirst, Vec.get_map, Vec.get_ofFn]

end Scanproof
