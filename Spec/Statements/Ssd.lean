/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.SsdRecurrence
public import Spec.Scan.SsdWrongAxis

/-!
# Mamba-2's scan, restated

Each public theorem about sums, sequences, packed rows and Mamba-2's scan, word for word. Who weakens one breaks the build here.
-/

namespace Scanproof

/-! ## FinSum -/

section

open Lean.Grind

variable {R ι κ : Type}

section Sum

variable [Semiring R]

example (f : ι → R) : sumOver [] f = 0 := by
  apply sumOver_nil <;> assumption

example (i : ι) (l : List ι) (f : ι → R) : sumOver (i :: l) f = f i + sumOver l f := by
  apply sumOver_cons <;> assumption

example (l l' : List ι) (f : ι → R) : sumOver (l ++ l') f = sumOver l f + sumOver l' f := by
  apply sumOver_append <;> assumption

example {l : List ι} {f g : ι → R} (h : ∀ i ∈ l, f i = g i) : sumOver l f = sumOver l g := by
  apply sumOver_congr <;> assumption

example (l : List ι) : sumOver l (fun _ => (0 : R)) = 0 := by
  apply sumOver_zero <;> assumption

example (l : List ι) (f g : ι → R) : sumOver l (fun i => f i + g i) = sumOver l f + sumOver l g := by
  apply sumOver_add <;> assumption

example (c : R) (l : List ι) (f : ι → R) : c * sumOver l f = sumOver l fun i => c * f i := by
  apply mul_sumOver <;> assumption

example (l : List ι) (f : ι → R) (c : R) : sumOver l f * c = sumOver l fun i => f i * c := by
  apply sumOver_mul <;> assumption

example (l : List ι) (l' : List κ) (f : ι → κ → R) :
    (sumOver l fun i => sumOver l' fun j => f i j) = sumOver l' fun j => sumOver l fun i => f i j := by
  apply sumOver_comm <;> assumption

example (g : κ → ι) (l : List κ) (f : ι → R) : sumOver (l.map g) f = sumOver l fun j => f (g j) := by
  apply sumOver_map <;> assumption

example (m : Nat) (f : Nat → R) : sumRange m m f = 0 := by
  apply sumRange_self <;> assumption

example {m k n : Nat} (hmk : m ≤ k) (hkn : k ≤ n) (f : Nat → R) :
    sumRange m n f = sumRange m k f + sumRange k n f := by
  apply sumRange_split <;> assumption

example {m n : Nat} (h : m ≤ n) (f : Nat → R) : sumRange m (n + 1) f = sumRange m n f + f n := by
  apply sumRange_succ <;> assumption

example {m n : Nat} {f g : Nat → R} (h : ∀ s, m ≤ s → s < n → f s = g s) :
    sumRange m n f = sumRange m n g := by
  apply sumRange_congr <;> assumption

example (n : Nat) (f : Nat → R) : sumRange 0 n f = sumRange 0 n fun s => f (n - 1 - s) := by
  apply sumRange_reverse <;> assumption

example {n : Nat} {f g : Fin n → R} (h : ∀ i, f i = g i) : finSum f = finSum g := by
  apply finSum_congr <;> assumption

example (f : Fin 0 → R) : finSum f = 0 := by
  apply finSum_zero <;> assumption

example {n : Nat} (f : Fin (n + 1) → R) : finSum f = f 0 + finSum fun i => f i.succ := by
  apply finSum_succ <;> assumption

example {n : Nat} (i : Fin n) (f : Fin n → R) : (finSum fun j => if j = i then f j else 0) = f i := by
  apply finSum_ite <;> assumption

example {m i n : Nat} (hm : m ≤ i) (hn : i < n) (f : Nat → R) :
    (sumRange m n fun s => if s = i then f s else 0) = f i := by
  apply sumRange_ite <;> assumption

end Sum

example [Ring R] (l : List ι) (f g : ι → R) :
    sumOver l (fun i => f i - g i) = sumOver l f - sumOver l g := by
  apply sumOver_sub <;> assumption

section Product

variable [Semiring R]

example (a : Nat → R) (s : Nat) : segProd a s s = 1 := by
  apply segProd_self <;> assumption

example (a : Nat → R) {s t : Nat} (h : s ≤ t) : segProd a s (t + 1) = a t * segProd a s t := by
  apply segProd_succ <;> assumption

example (a : Nat → R) {s k t : Nat} (hsk : s ≤ k) (hkt : k ≤ t) :
    segProd a s t = segProd a k t * segProd a s k := by
  apply segProd_split <;> assumption

example {a b : Nat → R} {s t : Nat} (h : ∀ r, s ≤ r → r < t → a r = b r) :
    segProd a s t = segProd b s t := by
  apply segProd_congr <;> assumption

example (g : R) {s t : Nat} (h : s ≤ t) : segProd (fun _ => g) s t = g ^ (t - s) := by
  apply segProd_const <;> assumption

example (s t : Nat) : segProd (fun _ => (1 : R)) s t = 1 := by
  apply segProd_one <;> assumption

example {S : Type} [Semiring S] (e : S → R) (zero : e 0 = 1) (add : ∀ x y, e (x + y) = e y * e x)
    (l : Nat → S) {s t : Nat} (h : s ≤ t) : e (sumRange s t l) = segProd (fun r => e (l r)) s t := by
  apply segProd_map <;> assumption

end Product

end

/-! ## RingScalar -/

section

open Lean.Grind

example : @CommRingScalar Rat exactScalar := by
  apply commRingScalar_exact <;> assumption

variable {α : Type} [Scalar α]

variable [CommSemiringScalar α] {n : Nat}

example (f : Fin n → α) : sum f = finSum f := by
  apply sum_eq_finSum <;> assumption

example (v w : Vec α n) : v.dot w = finSum fun i => v.get i * w.get i := by
  apply dot_eq_finSum <;> assumption

end

/-! ## Sequence -/

section

variable {σ ι ο : Type}

example (xs : List ι) (last : ι) : xs = (List.range xs.length).map fun t => xs[t]?.getD last := by
  apply eq_map_range <;> assumption

namespace Runner

example (r : Runner σ ι ο) (s : σ) (tok : Nat → ι) : r.stateAt s tok 0 = s := by
  apply stateAt_zero <;> assumption

example (r : Runner σ ι ο) (s : σ) (tok : Nat → ι) (t : Nat) :
    r.stateAt s tok (t + 1) = (r.step (r.stateAt s tok t) (tok t)).1 := by
  apply stateAt_succ <;> assumption

example (r : Runner σ ι ο) (s : σ) (tok : Nat → ι) (T : Nat) :
    (r.runList s ((List.range T).map tok)).2 = (List.range T).map (r.outputAt s tok) := by
  apply outputs_eq_map_outputAt <;> assumption

end Runner

example (r : Runner σ ι ο) (s : σ) (tok : Nat → ι) {advance : σ → Nat → Nat → σ}
    (h : ∀ m n, m ≤ n → advance (r.stateAt s tok m) m n = r.stateAt s tok n) (L c : Nat) :
    passedState advance s L c = r.stateAt s tok (c * L) := by
  apply Runner.passedState_eq_stateAt <;> assumption

end

/-! ## Kernels/SeqIdx -/

section

variable {σ ι ο : Type}

namespace Runner

variable (r : Runner σ ι ο) (s0 : σ)

example (s : σ) (j : Int) (xs : List ι) :
    (r.withSeqIdx s0).runList (s, j) (xs.map fun x => (j, x)) = (((r.runList s xs).1, j), (r.runList s xs).2) := by
  apply withSeqIdx_const <;> assumption

example (s : σ) (j : Int) (token : Int × ι) (tokens : List (Int × ι)) (h : token.1 ≠ j) :
    (r.withSeqIdx s0).runList (s, j) (token :: tokens) =
      (r.withSeqIdx s0).runList (s0, token.1) (token :: tokens) := by
  apply withSeqIdx_change <;> assumption

example (s : σ) (j : Int) (xs : List ι) (later : List (Int × List ι)) (hne : ∀ e ∈ later, e.2 ≠ [])
    (hidx : NeighboursDiffer (j :: later.map Prod.fst)) :
    ((r.withSeqIdx s0).runList (s, j) (packSeqIdx ((j, xs) :: later))).2 =
      (r.runList s xs).2 ++ later.flatMap fun e => (r.runList s0 e.2).2 := by
  apply withSeqIdx_packed <;> assumption

end Runner

open Lean.Grind

example {R : Type} [Semiring R] (first : Int) (idx : Nat → Int) (a : Nat → R)
    (stretch : ∀ r s t, r ≤ s → s ≤ t → idx r = idx t → idx s = idx t) {s t : Nat} (h : s ≤ t) :
    segProd (resetDecay first idx a) (s + 1) (t + 1) = if idx s = idx t then segProd a (s + 1) (t + 1) else 0 := by
  apply segProd_resetDecay <;> assumption

end

/-! ## Scan/LinearRecurrence -/

section

open Lean.Grind

variable {R : Type} [Semiring R]

example (a b : Nat → R) (h0 : R) {m t : Nat} (h : m ≤ t) :
    linearState a b h0 t =
      segProd a m t * linearState a b h0 m + sumRange m t fun s => segProd a (s + 1) t * b s := by
  apply linearState_from <;> assumption

example (a b : Nat → R) (h0 : R) (t : Nat) :
    linearState a b h0 t = segProd a 0 t * h0 + sumRange 0 t fun s => segProd a (s + 1) t * b s := by
  apply linearState_eq_sum <;> assumption

end

/-! ## Scan/Ssd -/

section

open Lean.Grind

variable {R : Type} {N P : Nat}

section Recurrence

variable [CommSemiring R] (a : Nat → R) (b c : Nat → Fin N → R) (x : Nat → Fin P → R) (h0 : Fin P → Fin N → R)

example (t : Nat) (p : Fin P) (n : Fin N) :
    ssdState a b x h0 (t + 1) p n = a t * ssdState a b x h0 t p n + b t n * x t p := by
  apply ssdState_succ <;> assumption

example {m t : Nat} (h : m ≤ t + 1) (p : Fin P) :
    ssdOutput a b c x h0 t p =
      (sumRange m (t + 1) fun s => segProd a (s + 1) (t + 1) * (finSum fun n => c t n * b s n) * x s p) +
        segProd a m (t + 1) * finSum fun n => c t n * ssdState a b x h0 m p n := by
  apply ssdOutput_from <;> assumption

example {t T : Nat} (h : t < T) (p : Fin P) :
    ssdOutput a b c x h0 t p =
      (sumRange 0 T fun s => ssdMask a t s * (finSum fun n => c t n * b s n) * x s p) +
        segProd a 0 (t + 1) * finSum fun n => c t n * h0 p n := by
  apply ssdOutput_eq_masked <;> assumption

example {T T' : Nat} (h : T ≤ T') (decay : ∀ t, T ≤ t → t < T' → a t = 1)
    (write : ∀ t, T ≤ t → t < T' → ∀ n, b t n = 0) (p : Fin P) (n : Fin N) :
    ssdState a b x h0 T' p n = ssdState a b x h0 T p n := by
  apply ssdState_padded <;> assumption

end Recurrence

section Chunks

variable [CommSemiring R] (a : Nat → R) (b c : Nat → Fin N → R) (x : Nat → Fin P → R) (h0 : Fin P → Fin N → R) (L : Nat)

example (m : Nat) (p : Fin P) (n : Fin N) :
    ssdPassedState a b x h0 L m p n = ssdState a b x h0 (m * L) p n := by
  apply ssdPassedState_eq_ssdState <;> assumption

example (m : Nat) (p : Fin P) (n : Fin N) :
    ssdPassedState a b x h0 L m p n =
      segProd (ssdChunkDecay a L) 0 m * h0 p n +
        sumRange 0 m fun j => segProd (ssdChunkDecay a L) (j + 1) m * ssdChunkState a b x L j p n := by
  apply ssdPassedState_eq_masked <;> assumption

example (t : Nat) (p : Fin P) :
    ssdOutput a b c x h0 t p =
      (sumRange (t / L * L) (t + 1) fun s => segProd a (s + 1) (t + 1) * (finSum fun n => c t n * b s n) * x s p) +
        segProd a (t / L * L) (t + 1) * finSum fun n => c t n * ssdPassedState a b x h0 L (t / L) p n := by
  apply ssdOutput_eq_chunked <;> assumption

example (T : Nat) (p : Fin P) (n : Fin N) :
    ssdState a b x h0 T p n =
      segProd a (T / L * L) T * ssdPassedState a b x h0 L (T / L) p n +
        sumRange (T / L * L) T fun s => segProd a (s + 1) T * (b s n * x s p) := by
  apply ssdState_eq_chunked <;> assumption

end Chunks

example [CommSemiring R] {S : Type} [CommRing S] (e : S → R) (zero : e 0 = 1)
    (add : ∀ x y, e (x + y) = e x * e y) (l : Nat → S) {m s t : Nat} (hs : m ≤ s) (ht : s ≤ t) :
    segProd (fun r => e (l r)) s t = e (sumRange m t l - sumRange m s l) := by
  apply segProd_eq_exp_sub <;> assumption

end

/-! ## Scan/SsdWrongAxis -/

section

open Lean.Grind

variable {R : Type} [CommSemiring R] {N P : Nat} (a : Nat → R) (b c : Nat → Fin N → R) (x : Nat → Fin P → R)
  (h0 : Fin P → Fin N → R) (L chunks : Nat)

example :
    ∃ (a a' : Nat → Int) (b c : Nat → Fin 1 → Int) (x : Nat → Fin 1 → Int) (h0 : Fin 1 → Fin 1 → Int),
      (∀ t, t ≤ 1 → a t = a' t) ∧
        ssdOutputWrongAxis a b c x h0 1 3 1 0 ≠ ssdOutputWrongAxis a' b c x h0 1 3 1 0 := by
  apply ssdOutputWrongAxis_not_causal <;> assumption

example {t : Nat} (h : t < L) (zero : ∀ p n, h0 p n = 0) (p : Fin P) :
    ssdOutputWrongAxis a b c x h0 L chunks t p = ssdOutput a b c x h0 t p := by
  apply ssdOutputWrongAxis_one_chunk <;> assumption

end

/-! ## Kernels/SsdScan -/

section

variable {α : Type} {heads groups headDim stateDim : Nat}

variable [Scalar α] (m : SsdScan α heads groups headDim)

namespace SsdScan

end SsdScan

example (state : Tensor α [heads, headDim, stateDim])
    (t : SsdScanToken α heads groups headDim stateDim) (h : Fin heads) (p : Fin headDim) (n : Fin stateDim) :
    (((ssdStateUpdate m state t).1.get h).get p).get n =
      Scalar.exp (m.stepSize t.dt h * m.A.get h) * ((state.get h).get p).get n +
        (m.stepSize t.dt h * (t.B.get (groupOf m.groups_dvd h)).get n) * (t.x.get h).get p := by
  apply ssdStateUpdate_state <;> assumption

example (state : Tensor α [heads, headDim, stateDim])
    (t : SsdScanToken α heads groups headDim stateDim) (h : Fin heads) (p : Fin headDim) :
    ((ssdStateUpdate m state t).2.get h).get p =
      let read := (t.C.get (groupOf m.groups_dvd h)).dot (((ssdStateUpdate m state t).1.get h).get p)
      let skipped := m.D.elim read fun D => read + (D.get h).get p * (t.x.get h).get p
      t.z.elim skipped fun z => skipped * Scalar.silu ((z.get h).get p) := by
  apply ssdStateUpdate_output <;> assumption

example (h0 : Tensor α [heads, headDim, stateDim])
    (ts : List (SsdScanToken α heads groups headDim stateDim)) (h : Fin heads) (p : Fin headDim) :
    ((ssdScan m h0 ts).1.get h).get p =
      runDiagonalTransitions ((h0.get h).get p) (ts.map fun t => m.transition t h p) := by
  apply ssdScan_state_channel <;> assumption

example (h0 : Tensor α [heads, headDim, stateDim])
    (ts : List (SsdScanToken α heads groups headDim stateDim)) (h : Fin heads) (p : Fin headDim) :
    (ssdScan m h0 ts).2.map (fun y => (y.get h).get p) =
      List.zipWith (fun t row => m.readOut t h p row) ts
        (diagonalSelectiveScan ((h0.get h).get p) (ts.map fun t => m.transition t h p)) := by
  apply ssdScan_outputs_channel <;> assumption

example (h0 : Tensor α [heads, headDim, stateDim]) : Causal fun xs => (ssdScan m h0 xs).2 := by
  apply ssdScan_causal <;> assumption

example (h0 : Tensor α [heads, headDim, stateDim])
    (xs ys : List (SsdScanToken α heads groups headDim stateDim)) :
    ssdScan m h0 (xs ++ ys) =
      ((ssdScan m (ssdScan m h0 xs).1 ys).1, (ssdScan m h0 xs).2 ++ (ssdScan m (ssdScan m h0 xs).1 ys).2) := by
  apply ssdScan_append <;> assumption

example (h0 : Tensor α [heads, headDim, stateDim])
    (xs : List (SsdScanToken α heads groups headDim stateDim)) (x : SsdScanToken α heads groups headDim stateDim) :
    ssdScan m h0 (xs ++ [x]) =
      ((ssdStateUpdate m (ssdScan m h0 xs).1 x).1,
        (ssdScan m h0 xs).2 ++ [(ssdStateUpdate m (ssdScan m h0 xs).1 x).2]) := by
  apply ssdScan_concat <;> assumption

example (state : Tensor α [heads, headDim, stateDim] × Int) :
    Causal fun xs => (ssdScanSeqIdx m state xs).2 := by
  apply ssdScanSeqIdx_causal <;> assumption

example (state : Tensor α [heads, headDim, stateDim] × Int)
    (xs ys : List (Int × SsdScanToken α heads groups headDim stateDim)) :
    ssdScanSeqIdx m state (xs ++ ys) =
      ((ssdScanSeqIdx m (ssdScanSeqIdx m state xs).1 ys).1,
        (ssdScanSeqIdx m state xs).2 ++ (ssdScanSeqIdx m (ssdScanSeqIdx m state xs).1 ys).2) := by
  apply ssdScanSeqIdx_append <;> assumption

example (h0 : Tensor α [heads, headDim, stateDim])
    (xs : List (SsdScanToken α heads groups headDim stateDim)) :
    ssdScanSeqIdx m (h0, 0) (xs.map fun x => (0, x)) = (((ssdScan m h0 xs).1, 0), (ssdScan m h0 xs).2) := by
  apply ssdScanSeqIdx_zero <;> assumption

example (state : Tensor α [heads, headDim, stateDim] × Int)
    (x : Int × SsdScanToken α heads groups headDim stateDim)
    (xs : List (Int × SsdScanToken α heads groups headDim stateDim)) (h : x.1 ≠ state.2) :
    ssdScanSeqIdx m state (x :: xs) = ssdScanSeqIdx m (ssdZeroState, x.1) (x :: xs) := by
  apply ssdScanSeqIdx_reset <;> assumption

example (h0 : Tensor α [heads, headDim, stateDim])
    (xs : List (SsdScanToken α heads groups headDim stateDim))
    (later : List (Int × List (SsdScanToken α heads groups headDim stateDim))) (hne : ∀ e ∈ later, e.2 ≠ [])
    (hidx : NeighboursDiffer (0 :: later.map Prod.fst)) :
    (ssdScanSeqIdx m (h0, 0) (packSeqIdx ((0, xs) :: later))).2 =
      (ssdScan m h0 xs).2 ++ later.flatMap fun e => (ssdScan m ssdZeroState e.2).2 := by
  apply ssdScanSeqIdx_packed <;> assumption

end

/-! ## Kernels/SsdRecurrence -/

section

variable {α : Type} [Scalar α] {heads groups headDim stateDim : Nat}

variable (m : SsdScan α heads groups headDim) (tok : Nat → SsdScanToken α heads groups headDim stateDim)

example [CommSemiringScalar α] (h0 : Tensor α [heads, headDim, stateDim]) (t : Nat)
    (h : Fin heads) (p : Fin headDim) (n : Fin stateDim) :
    ssdHead (ssdScan m h0 ((List.range t).map tok)).1 h p n =
      ssdState (m.decays tok h) (m.writes tok h) (ssdInputs tok h) (ssdHead h0 h) t p n := by
  apply ssdScan_state_eq_ssdState <;> assumption

example [CommSemiringScalar α] (h0 : Tensor α [heads, headDim, stateDim]) (T : Nat) :
    (ssdScan m h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun h => Vec.ofFn fun p =>
        m.finish (tok t) h p
          (ssdOutput (m.decays tok h) (m.writes tok h) (m.reads tok h) (ssdInputs tok h) (ssdHead h0 h) t p) := by
  apply ssdScan_output_eq_ssdOutput <;> assumption

example [CommSemiringScalar α] (h0 : Tensor α [heads, headDim, stateDim]) (L T : Nat) :
    (ssdScan m h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun h => Vec.ofFn fun p =>
        m.finish (tok t) h p
          ((sumRange (t / L * L) (t + 1) fun s => segProd (m.decays tok h) (s + 1) (t + 1) *
              (finSum fun n => m.reads tok h t n * m.writes tok h s n) * ssdInputs tok h s p) +
            segProd (m.decays tok h) (t / L * L) (t + 1) *
              finSum fun n => m.reads tok h t n *
                ssdPassedState (m.decays tok h) (m.writes tok h) (ssdInputs tok h) (ssdHead h0 h) L (t / L) p n) := by
  apply ssdScan_outputs_eq_chunked <;> assumption

example [CommSemiringScalar α] (zero : Scalar.exp (0 : α) = 1)
    (add : ∀ x y : α, Scalar.exp (x + y) = Scalar.exp x * Scalar.exp y) (h : Fin heads) {s t : Nat} (hst : s ≤ t) :
    segProd (m.decays tok h) s t = Scalar.exp (sumRange s t fun r => m.stepSizes tok h r * m.A.get h) := by
  apply ssdScan_segProd_decays <;> assumption

example [CommSemiringScalar α] (h0 : Tensor α [heads, headDim, stateDim])
    (first : Int) (idx : Nat → Int) (T : Nat) :
    (ssdScanSeqIdx m (h0, first) ((List.range T).map fun t => (idx t, tok t))).2 =
      (List.range T).map fun t => Vec.ofFn fun h => Vec.ofFn fun p =>
        m.finish (tok t) h p
          (ssdOutput (resetDecay first idx (m.decays tok h)) (m.writes tok h) (m.reads tok h) (ssdInputs tok h)
            (ssdHead h0 h) t p) := by
  apply ssdScanSeqIdx_output_eq_ssdOutput <;> assumption

end

end Scanproof
