/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.Causality.Streaming
public import Spec.Kernels.CausalConv1d
public import Spec.Kernels.SelectiveScan

/-!
# Causality and streaming of the kernels

Instances of the lemmas on runners, under names to cite. No law of arithmetic is assumed: they hold in floating point. The
states are those that the kernels return and take: the scan's last state, and the convolution's last `width - 1` inputs.

## Main results

For `selectiveScan` and for `causalConv1d`:

* `…_append_outputs_prefix`, `…_outputs_congr`: appending future tokens cannot change past outputs, and inputs that agree
  on a prefix give outputs that agree on it.
* `…_append`: one pass is two passes with the state handed over, outputs and final state alike.
* `…_flatten`: chunked prefill, of any number of pieces of any lengths, is one pass.
* `…_decode`: one single step after another is one pass.
* `…_prefill_decode`, `…_prefill_pieces_decode`: prefill, in one piece or in several, and then single steps, is one pass.
-/

@[expose] public section

namespace Scanproof

/-! ## The selective scan -/

section

variable {α : Type} [Scalar α] {channels groups stateDim : Nat}

/-- Prefix causality of the selective scan: appending future tokens `ys` cannot change the outputs for `xs`. -/
theorem selectiveScan_append_outputs_prefix
    (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (xs ys : List (SelectiveScanToken α channels groups stateDim)) :
    List.take xs.length (selectiveScan p h0 (xs ++ ys)).2 = (selectiveScan p h0 xs).2 :=
  p.runner.take_outputs_append h0 xs ys

/-- Two inputs that agree on their first `k` tokens give outputs that agree on the first `k`. -/
theorem selectiveScan_outputs_congr (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    {xs ys : List (SelectiveScanToken α channels groups stateDim)} {k : Nat} (h : xs.take k = ys.take k) :
    (selectiveScan p h0 xs).2.take k = (selectiveScan p h0 ys).2.take k :=
  p.runner.take_outputs_congr h0 h

/-- One pass over `xs ++ ys` is a pass over `xs`, and one over `ys` from its final state. -/
theorem selectiveScan_append (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (xs ys : List (SelectiveScanToken α channels groups stateDim)) :
    selectiveScan p h0 (xs ++ ys) =
      ((selectiveScan p (selectiveScan p h0 xs).1 ys).1,
        (selectiveScan p h0 xs).2 ++ (selectiveScan p (selectiveScan p h0 xs).1 ys).2) :=
  p.runner.runList_append h0 xs ys

/-- Processing pieces of any lengths, each from the final state of the one before, is one pass. -/
theorem selectiveScan_flatten (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (ps : List (List (SelectiveScanToken α channels groups stateDim))) :
    selectiveScan p h0 ps.flatten = ((p.runner.pieces.runList h0 ps).1, (p.runner.pieces.runList h0 ps).2.flatten) :=
  p.runner.runList_flatten h0 ps

/-- One `selective_state_update` after another is one pass. -/
theorem selectiveScan_decode (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (xs : List (SelectiveScanToken α channels groups stateDim)) : p.runner.decode (h0, []) xs = selectiveScan p h0 xs :=
  p.runner.decode_eq_runList h0 xs

/-- Prefill of `xs`, and then one `selective_state_update` after another for `ys`, is one pass over both. -/
theorem selectiveScan_prefill_decode (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (xs ys : List (SelectiveScanToken α channels groups stateDim)) :
    p.runner.decode (selectiveScan p h0 xs) ys = selectiveScan p h0 (xs ++ ys) :=
  p.runner.prefill_decode h0 xs ys

/-- Prefill in pieces of any lengths, and then one `selective_state_update` after another, is one pass. -/
theorem selectiveScan_prefill_pieces_decode
    (p : SelectiveScan α channels groups stateDim) (h0 : Tensor α [channels, stateDim])
    (ps : List (List (SelectiveScanToken α channels groups stateDim)))
    (ys : List (SelectiveScanToken α channels groups stateDim)) :
    p.runner.decode ((p.runner.pieces.runList h0 ps).1, (p.runner.pieces.runList h0 ps).2.flatten) ys =
      selectiveScan p h0 (ps.flatten ++ ys) :=
  p.runner.prefill_pieces_decode h0 ps ys

end

/-! ## The causal convolution -/

section

variable {α : Type} [Scalar α] {channels width : Nat}

/-- Prefix causality of the causal convolution: appending future tokens `ys` cannot change the outputs for `xs`. -/
theorem causalConv1d_append_outputs_prefix (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs ys : List (Tensor α [channels])) :
    List.take xs.length (causalConv1d c state (xs ++ ys)).2 = (causalConv1d c state xs).2 :=
  c.runner.take_outputs_append state xs ys

/-- Two inputs that agree on their first `k` tokens give outputs that agree on the first `k`. -/
theorem causalConv1d_outputs_congr (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    {xs ys : List (Tensor α [channels])} {k : Nat} (h : xs.take k = ys.take k) :
    (causalConv1d c state xs).2.take k = (causalConv1d c state ys).2.take k :=
  c.runner.take_outputs_congr state h

/-- One pass over `xs ++ ys` is a pass over `xs`, and one over `ys` from its final state. -/
theorem causalConv1d_append (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs ys : List (Tensor α [channels])) :
    causalConv1d c state (xs ++ ys) =
      ((causalConv1d c (causalConv1d c state xs).1 ys).1,
        (causalConv1d c state xs).2 ++ (causalConv1d c (causalConv1d c state xs).1 ys).2) :=
  c.runner.runList_append state xs ys

/-- Processing pieces of any lengths, each from the final state of the one before, is one pass. -/
theorem causalConv1d_flatten (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (ps : List (List (Tensor α [channels]))) :
    causalConv1d c state ps.flatten =
      ((c.runner.pieces.runList state ps).1, (c.runner.pieces.runList state ps).2.flatten) :=
  c.runner.runList_flatten state ps

/-- One `causal_conv1d_update` after another is one pass. -/
theorem causalConv1d_decode (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs : List (Tensor α [channels])) : c.runner.decode (state, []) xs = causalConv1d c state xs :=
  c.runner.decode_eq_runList state xs

/-- Prefill of `xs`, and then one `causal_conv1d_update` after another for `ys`, is one pass over both. -/
theorem causalConv1d_prefill_decode (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (xs ys : List (Tensor α [channels])) :
    c.runner.decode (causalConv1d c state xs) ys = causalConv1d c state (xs ++ ys) :=
  c.runner.prefill_decode state xs ys

/-- Prefill in pieces of any lengths, and then one `causal_conv1d_update` after another, is one pass. -/
theorem causalConv1d_prefill_pieces_decode (c : CausalConv1d α channels width) (state : Tensor α [width - 1, channels])
    (ps : List (List (Tensor α [channels]))) (ys : List (Tensor α [channels])) :
    c.runner.decode ((c.runner.pieces.runList state ps).1, (c.runner.pieces.runList state ps).2.flatten) ys =
      causalConv1d c state (ps.flatten ++ ys) :=
  c.runner.prefill_pieces_decode state ps ys

end

end Scanproof
