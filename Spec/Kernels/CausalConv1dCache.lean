/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causality.Streaming
public import Spec.Kernels.CausalConv1d
public import Spec.Kernels.RingBuffer

/-!
# How caches store the state of the causal convolution

`causal_conv1d_update` allows a state of any length `len` of at least `width - 1`, in two forms. Without `cache_seqlens`
every token moves the whole state by one place. With `cache_seqlens` the state is a ring buffer: the token is written over
position `cache_seqlens mod len`, and nothing is moved. Both compute what `causalConv1dUpdate` computes from the last
`width - 1` inputs.

## Main definitions

* `CausalConv1d.shiftRunner`: the convolution whose state is a longer window.
* `CausalConv1d.ringRunner`: the convolution whose state is a ring buffer.

## Main results

* `causalConv1d_shift`, `causalConv1d_ring`: from any state of these forms the outputs are those of the kernel, whose final
  state is what they hold.
* `causalConv1d_ring_ofWindow`: the same from a ring made of the initial state, with any count.
* `causalConv1d_prefill_decode_ring`: prefill by the kernel and decoding on a ring is one pass of the kernel.

## References

* The package causal-conv1d: `causal_conv1d_update_ref`.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} [Scalar α] {channels width len : Nat}

/-! ## A longer window -/

/-- The convolution whose state is a window of at least `width - 1` inputs, newest first; often there are `width`. -/
def CausalConv1d.shiftRunner (c : CausalConv1d α channels width) (h : width - 1 ≤ len) :
    Runner (Tensor α [len, channels]) (Tensor α [channels]) (Tensor α [channels]) where
  step state x := (Vec.shiftIn x state (Nat.le_succ len), c.output (Vec.shiftIn x state (by omega)))

/-- A step on the longer window is a step on its newest entries. -/
theorem CausalConv1d.step_shiftRunner (c : CausalConv1d α channels width) (h : width - 1 ≤ len)
    (state : Tensor α [len, channels]) (x : Tensor α [channels]) :
    c.runner.step (Vec.take state h) x =
      (Vec.take ((c.shiftRunner h).step state x).1 h, ((c.shiftRunner h).step state x).2) := by
  have htake : Vec.shiftIn x (Vec.take state h) (by omega : width ≤ width - 1 + 1) =
      Vec.shiftIn x state (by omega : width ≤ len + 1) :=
    Vec.ext fun k => by simp only [Vec.shiftIn, Vec.take, Vec.get_ofFn]
  simp only [runner, shiftRunner, causalConv1dUpdate, htake]
  rw [Vec.take_shiftIn x state h (Nat.le_succ len) (Nat.le_succ _) h]

/-- From any longer window, the kernel on its newest entries gives the same outputs, and ends in the newest entries. -/
theorem causalConv1d_shift (c : CausalConv1d α channels width) (h : width - 1 ≤ len) (state : Tensor α [len, channels])
    (xs : List (Tensor α [channels])) :
    causalConv1d c (Vec.take state h) xs =
      (Vec.take ((c.shiftRunner h).runList state xs).1 h, ((c.shiftRunner h).runList state xs).2) :=
  Runner.runList_of_step (c.step_shiftRunner h) state xs

/-! ## A ring buffer -/

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
