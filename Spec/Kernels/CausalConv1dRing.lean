/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causality.Streaming
public import Spec.Kernels.CausalConv1d
public import Spec.Kernels.RingBuffer

/-!
# The causal convolution on a ring buffer

`causal_conv1d_update` with `cache_seqlens`: the state is a ring buffer of `len` slots, at least `width - 1`, into which the
token is written at position `cache_seqlens mod len`; nothing is moved. The shifting window and the ring compute the same.

## Main definitions

* `CausalConv1d.ringRunner`: the convolution whose state is a ring buffer.

## Main results

* `causalConv1d_ring`: from any ring that holds the window, the outputs are the kernel's, and the ring holds its final state.
* `causalConv1d_ring_ofWindow`: the same from a ring made of the initial state, with any count.
* `causalConv1d_prefill_decode_ring`: prefill by the kernel and decoding on a ring is one pass of the kernel.

## References

* The package causal-conv1d: `causal_conv1d_update_ref` with `cache_seqlens`.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} [Scalar α] {channels width len : Nat}

/-- The convolution whose state is a ring buffer of at least `width - 1` slots. -/
def CausalConv1d.ringRunner (c : CausalConv1d α channels width) (h : width - 1 ≤ len) :
    Runner (RingBuffer (Tensor α [channels]) len) (Tensor α [channels]) (Tensor α [channels]) where
  step ring x := (ring.push x, c.output (Vec.shiftIn x (ring.newest (width - 1) h) (by omega)))

/-- A step on the ring is a step on the window that it holds. -/
theorem CausalConv1d.step_ringRunner (c : CausalConv1d α channels width) (h : width - 1 ≤ len)
    (ring : RingBuffer (Tensor α [channels]) len) (x : Tensor α [channels]) :
    c.runner.step (ring.newest (width - 1) h) x =
      (((c.ringRunner h).step ring x).1.newest (width - 1) h, ((c.ringRunner h).step ring x).2) := by
  simp only [runner, ringRunner, causalConv1dUpdate, RingBuffer.newest_push]

/-- From any ring, the kernel on the window that it holds gives the same outputs, and its final state is held at the end. -/
theorem causalConv1d_ring (c : CausalConv1d α channels width) (h : width - 1 ≤ len)
    (ring : RingBuffer (Tensor α [channels]) len) (xs : List (Tensor α [channels])) :
    causalConv1d c (ring.newest (width - 1) h) xs =
      (((c.ringRunner h).runList ring xs).1.newest (width - 1) h, ((c.ringRunner h).runList ring xs).2) :=
  Runner.runList_of_step (c.step_ringRunner h) ring xs

/-- From a ring that is made of a state, with any count, the outputs are the kernel's from that state. -/
theorem causalConv1d_ring_ofWindow (c : CausalConv1d α channels width) (h : width - 1 ≤ len) (count : Nat)
    (state : Tensor α [width - 1, channels]) (xs : List (Tensor α [channels])) :
    ((c.ringRunner h).runList (.ofWindow (Vec.ofFn fun _ => 0) len count state) xs).2 = (causalConv1d c state xs).2 := by
  have hring := causalConv1d_ring c h (.ofWindow (Vec.ofFn fun _ => 0) len count state) xs
  rw [RingBuffer.newest_ofWindow] at hring
  rw [hring]

/--
Prefill of `xs` by the kernel, a ring that holds its final state, and decoding of `ys` on the ring: the outputs are those of
one pass of the kernel, whose final state the ring holds.
-/
theorem causalConv1d_prefill_decode_ring (c : CausalConv1d α channels width) (h : width - 1 ≤ len)
    (state : Tensor α [width - 1, channels]) (xs ys : List (Tensor α [channels]))
    (ring : RingBuffer (Tensor α [channels]) len)
    (hand_over : ring.newest (width - 1) h = (causalConv1d c state xs).1) :
    causalConv1d c state (xs ++ ys) =
      (((c.ringRunner h).decode (ring, (causalConv1d c state xs).2) ys).1.newest (width - 1) h,
        ((c.ringRunner h).decode (ring, (causalConv1d c state xs).2) ys).2) :=
  Runner.prefill_decode_of_step (c.step_ringRunner h) state ring xs ys hand_over

end Scanproof
