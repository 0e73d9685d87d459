/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.LinearRecurrence

/-!
# Mamba-2: the recurrence, its masked matrix form and its chunked form

One head of Mamba-2 over a commutative semiring: a decay `a t`, an input `x t` of `P` channels, a write vector `b t`
and a read vector `c t` of `N` entries at each time, and a state of shape `(P, N)`:

    h t = a t * h (t - 1) + x t ⊗ b t            y t = h t · c t

The *matrix form* reads `y = (L ⊙ C Bᵀ) X`, where the mask `L t s` is the product of the decays after the source `s`
up to the destination `t`, and zero for `s > t`. The *chunked form* applies it within chunks, sums each chunk up in
one state, and passes the states on from chunk to chunk by the same recurrence, with one decay a chunk. All three
agree, for every chunk length, a ragged last chunk included.

## Main definitions

* `ssdState`, `ssdOutput`: the recurrence.
* `ssdMask`: the masked decay product, `exp (segsum …)` in the paper.
* `ssdChunkState`, `ssdChunkDecay`, `ssdPassedState`: what a chunk adds, how it decays, and the state before a chunk.

## Main results

* `ssdOutput_eq_masked`: the recurrence is the masked matrix product.
* `ssdPassedState_eq_ssdState`: the states passed from chunk to chunk are those of the recurrence.
* `ssdPassedState_eq_masked`: they are the masked matrix product of the chunks' states.
* `ssdOutput_eq_chunked`, `ssdState_eq_chunked`: outputs and the last state by chunks.
* `ssdState_padded`: padding with decay one and input zero leaves the state alone.
* `segProd_eq_exp_sub`: the mask by exponentials of differences of cumulative sums.

## References

* T. Dao, A. Gu, *Transformers are SSMs: Generalized Models and Efficient Algorithms Through Structured State Space
  Duality*, ICML 2024, sections 3.2, 6 and listing 1.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

variable {R : Type} {N P : Nat}

section Recurrence

variable [CommSemiring R] (a : Nat → R) (b c : Nat → Fin N → R) (x : Nat → Fin P → R) (h0 : Fin P → Fin N → R)

/-- The state after the first `t` tokens. -/
def ssdState (t : Nat) (p : Fin P) (n : Fin N) : R := linearState a (fun s => b s n * x s p) (h0 p n) t

/-- The output at time `t`: the state after token `t`, read by `c t`. -/
def ssdOutput (t : Nat) (p : Fin P) : R := finSum fun n => c t n * ssdState a b x h0 (t + 1) p n

/--
The mask `L`: the product of the decays after the source `s` up to the destination `t`, and zero above the diagonal.
-/
def ssdMask (t s : Nat) : R := if s ≤ t then segProd a (s + 1) (t + 1) else 0

/-- The state changes by the update of Mamba-2. -/
theorem ssdState_succ (t : Nat) (p : Fin P) (n : Fin N) :
    ssdState a b x h0 (t + 1) p n = a t * ssdState a b x h0 t p n + b t n * x t p := rfl

private theorem finSum_read_sumRange (m t : Nat) (w : Nat → R) (ct : Fin N → R) (p : Fin P) :
    (finSum fun n => ct n * sumRange m t fun s => w s * (b s n * x s p)) =
      sumRange m t fun s => w s * (finSum fun n => ct n * b s n) * x s p := by
  simp only [finSum, sumRange, mul_sumOver]
  rw [sumOver_comm]
  refine sumOver_congr fun s _ => ?_
  rw [sumOver_mul]
  exact sumOver_congr fun n _ => by grind

/--
The output at `t` from the state at any `m ≤ t + 1`: what that state has become, and the tokens since, each masked by
the decays after it.
-/
theorem ssdOutput_from {m t : Nat} (h : m ≤ t + 1) (p : Fin P) :
    ssdOutput a b c x h0 t p =
      (sumRange m (t + 1) fun s => segProd a (s + 1) (t + 1) * (finSum fun n => c t n * b s n) * x s p) +
        segProd a m (t + 1) * finSum fun n => c t n * ssdState a b x h0 m p n := by
  rw [← finSum_read_sumRange b x, finSum, finSum, mul_sumOver, ← sumOver_add]
  refine sumOver_congr fun n _ => ?_
  rw [ssdState, linearState_from a _ _ h, ← ssdState]
  grind

/--
The recurrence is the masked matrix product, over any number `T > t` of tokens: `y = (L ⊙ C Bᵀ) X`, and what the
initial state has become.
-/
theorem ssdOutput_eq_masked {t T : Nat} (h : t < T) (p : Fin P) :
    ssdOutput a b c x h0 t p =
      (sumRange 0 T fun s => ssdMask a t s * (finSum fun n => c t n * b s n) * x s p) +
        segProd a 0 (t + 1) * finSum fun n => c t n * h0 p n := by
  rw [ssdOutput_from a b c x h0 (Nat.zero_le _), sumRange_split (Nat.zero_le (t + 1)) h]
  have past : (sumRange 0 (t + 1) fun s => ssdMask a t s * (finSum fun n => c t n * b s n) * x s p) =
      sumRange 0 (t + 1) fun s => segProd a (s + 1) (t + 1) * (finSum fun n => c t n * b s n) * x s p :=
    sumRange_congr fun s _ hs => by rw [ssdMask, if_pos (by omega)]
  have future : (sumRange (t + 1) T fun s => ssdMask a t s * (finSum fun n => c t n * b s n) * x s p) =
      sumRange (t + 1) T fun _ => 0 :=
    sumRange_congr fun s hs _ => by rw [ssdMask, if_neg (by omega)]; grind
  rw [past, future, sumRange, sumRange, sumOver_zero]
  simp only [ssdState, linearState]
  grind

/-- Tokens with decay one and write vector zero, as kernels pad a ragged last chunk, leave the state alone. -/
theorem ssdState_padded {T T' : Nat} (h : T ≤ T') (decay : ∀ t, T ≤ t → t < T' → a t = 1)
    (write : ∀ t, T ≤ t → t < T' → ∀ n, b t n = 0) (p : Fin P) (n : Fin N) :
    ssdState a b x h0 T' p n = ssdState a b x h0 T p n := by
  obtain ⟨d, rfl⟩ := Nat.exists_eq_add_of_le h
  induction d with
  | zero => rfl
  | succ d ih =>
    have ih := ih (by omega) (fun t h h' => decay t h (by omega)) (fun t h h' => write t h (by omega))
    rw [← Nat.add_assoc, ssdState_succ, ih, decay (T + d) (by omega) (by omega), write (T + d) (by omega) (by omega)]
    grind

end Recurrence

section Chunks

variable [CommSemiring R] (a : Nat → R) (b c : Nat → Fin N → R) (x : Nat → Fin P → R) (h0 : Fin P → Fin N → R) (L : Nat)

/-- What chunk `m` of length `L` adds to the state, seen from its end. -/
def ssdChunkState (m : Nat) (p : Fin P) (n : Fin N) : R :=
  sumRange (m * L) ((m + 1) * L) fun s => segProd a (s + 1) ((m + 1) * L) * (b s n * x s p)

/-- The decay over the whole of chunk `m`. -/
def ssdChunkDecay (m : Nat) : R := segProd a (m * L) ((m + 1) * L)

/-- The state before chunk `m`, by the recurrence over chunks. -/
def ssdPassedState (m : Nat) (p : Fin P) (n : Fin N) : R :=
  linearState (ssdChunkDecay a L) (fun j => ssdChunkState a b x L j p n) (h0 p n) m

/-- The state passed to chunk `m` is that of the recurrence at its first token. -/
theorem ssdPassedState_eq_ssdState (m : Nat) (p : Fin P) (n : Fin N) :
    ssdPassedState a b x h0 L m p n = ssdState a b x h0 (m * L) p n := by
  induction m with
  | zero => rw [Nat.zero_mul]; rfl
  | succ m ih =>
    rw [ssdState, linearState_from a _ _ (Nat.mul_le_mul_right L (Nat.le_succ m)), ← ssdState, ← ih]
    rfl

/--
The states passed between chunks are a masked matrix product of the chunks' own states: from each source chunk to the
destination.
-/
theorem ssdPassedState_eq_masked (m : Nat) (p : Fin P) (n : Fin N) :
    ssdPassedState a b x h0 L m p n =
      segProd (ssdChunkDecay a L) 0 m * h0 p n +
        sumRange 0 m fun j => segProd (ssdChunkDecay a L) (j + 1) m * ssdChunkState a b x L j p n :=
  linearState_eq_sum _ _ _ m

/--
Mamba-2's chunked algorithm computes the recurrence, for every chunk length `L` and every `t`, so also in a ragged
last chunk: the masked product within the chunk of `t`, and what the state passed to that chunk has become.
-/
theorem ssdOutput_eq_chunked (t : Nat) (p : Fin P) :
    ssdOutput a b c x h0 t p =
      (sumRange (t / L * L) (t + 1) fun s => segProd a (s + 1) (t + 1) * (finSum fun n => c t n * b s n) * x s p) +
        segProd a (t / L * L) (t + 1) * finSum fun n => c t n * ssdPassedState a b x h0 L (t / L) p n := by
  simp only [ssdPassedState_eq_ssdState]
  exact ssdOutput_from a b c x h0 (Nat.le_succ_of_le (Nat.div_mul_le_self t L)) p

/-- The state after `T` tokens by chunks, the last one ragged where `L` does not divide `T`. -/
theorem ssdState_eq_chunked (T : Nat) (p : Fin P) (n : Fin N) :
    ssdState a b x h0 T p n =
      segProd a (T / L * L) T * ssdPassedState a b x h0 L (T / L) p n +
        sumRange (T / L * L) T fun s => segProd a (s + 1) T * (b s n * x s p) := by
  rw [ssdPassedState_eq_ssdState]
  exact linearState_from a _ _ (Nat.div_mul_le_self T L)

end Chunks

/--
The mask as kernels compute it: the exponential of the difference of two cumulative sums of the logarithms `l` of the
decays, both taken from the start `m` of the chunk. `e` is any map that turns sums into products.
-/
theorem segProd_eq_exp_sub [CommSemiring R] {S : Type} [CommRing S] (e : S → R) (zero : e 0 = 1)
    (add : ∀ x y, e (x + y) = e x * e y) (l : Nat → S) {m s t : Nat} (hs : m ≤ s) (ht : s ≤ t) :
    segProd (fun r => e (l r)) s t = e (sumRange m t l - sumRange m s l) := by
  rw [← segProd_map e zero (fun x y => by rw [add]; grind) l ht, sumRange_split hs ht]
  congr 1
  grind

end Scanproof
