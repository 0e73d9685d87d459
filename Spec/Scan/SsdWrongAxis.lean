/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Ssd

/-!
# Chunk decays summed over the wrong axis

The states passed between chunks are a masked product over *source* chunks: destination `z` takes the state of every
earlier source `c`, decayed from `c` to `z` (`ssdPassedState_eq_masked`). Summing the same array of decays over its
*destination* axis instead gives chunk `m` its predecessor's state alone, times the sum of that state's decays into
every later chunk. The decays of the future then enter the outputs of the present. Several PyTorch fallbacks of
Mamba-2 did this in 2024 and 2025 (transformers 4.44 to 4.47 among them). It stays unseen while the whole sequence
fits into one chunk and the initial state is zero.

## Main definitions

* `ssdPassedStateWrongAxis`, `ssdOutputWrongAxis`: the faulty algorithm.

## Main results

* `ssdOutputWrongAxis_not_causal`: changing a later decay changes an earlier output.
* `ssdOutputWrongAxis_one_chunk`: with one chunk and the zero state, it computes the recurrence.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

variable {R : Type} [CommSemiring R] {N P : Nat} (a : Nat → R) (b c : Nat → Fin N → R) (x : Nat → Fin P → R)
  (h0 : Fin P → Fin N → R) (L chunks : Nat)

/--
What the faulty algorithm passes to chunk `m`: the one state before it, times the sum of its decays into chunks `m, …,
chunks`.
-/
def ssdPassedStateWrongAxis (m : Nat) (p : Fin P) (n : Fin N) : R :=
  (sumRange m (chunks + 1) fun z => segProd (ssdChunkDecay a L) m z) *
    match m with
    | 0 => h0 p n
    | j + 1 => ssdChunkState a b x L j p n

/-- The output of the faulty algorithm; it differs from `ssdOutput_eq_chunked` in the passed state alone. -/
def ssdOutputWrongAxis (t : Nat) (p : Fin P) : R :=
  (sumRange (t / L * L) (t + 1) fun s => segProd a (s + 1) (t + 1) * (finSum fun n => c t n * b s n) * x s p) +
    segProd a (t / L * L) (t + 1) * finSum fun n => c t n * ssdPassedStateWrongAxis a b x h0 L chunks (t / L) p n

/--
Summing the chunk decays over the destination axis is not causal: two sequences of three tokens, in chunks of one,
agree up to token 1 and differ in the decay of token 2, and their outputs at token 1 differ.
-/
theorem ssdOutputWrongAxis_not_causal :
    ∃ (a a' : Nat → Int) (b c : Nat → Fin 1 → Int) (x : Nat → Fin 1 → Int) (h0 : Fin 1 → Fin 1 → Int),
      (∀ t, t ≤ 1 → a t = a' t) ∧
        ssdOutputWrongAxis a b c x h0 1 3 1 0 ≠ ssdOutputWrongAxis a' b c x h0 1 3 1 0 :=
  ⟨fun _ => 2, fun t => if t ≤ 1 then 2 else 3, fun _ _ => 1, fun _ _ => 1, fun _ _ => 1, fun _ _ => 0,
    fun _ h => (if_pos h).symm, by decide⟩

/--
With one chunk and the zero state, the faulty algorithm computes the recurrence: a test no longer than a chunk cannot
see it.
-/
theorem ssdOutputWrongAxis_one_chunk {t : Nat} (h : t < L) (zero : ∀ p n, h0 p n = 0) (p : Fin P) :
    ssdOutputWrongAxis a b c x h0 L chunks t p = ssdOutput a b c x h0 t p := by
  have read : (finSum fun n => c t n * ssdPassedStateWrongAxis a b x h0 L chunks 0 p n) =
      finSum fun n => c t n * ssdPassedState a b x h0 L 0 p n :=
    finSum_congr fun n => by
      simp only [ssdPassedStateWrongAxis, ssdPassedState, linearState, zero]
      grind
  rw [ssdOutput_eq_chunked a b c x h0 L, ssdOutputWrongAxis, Nat.div_eq_of_lt h, read]

end Scanproof
