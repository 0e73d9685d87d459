/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

/-!
# Finite sums and segment products

Sums over a list of indices, over an interval of times and over the indices of a vector, and the product of decays over
an interval of times. Over any semiring, commutative or not, unless said otherwise.

## Main definitions

* `sumOver l f`: the sum of `f i` over the entries `i` of `l`.
* `sumRange m n f`: the sum of `f s` over the times `m ≤ s < n`.
* `finSum f`: the sum of `f i` over the indices `i` of a vector.
* `segProd a s t`: the product of `a r` over the times `s ≤ r < t`, the latest factor on the left.

## Main results

* `sumOver_comm`, `mul_sumOver`, `sumOver_mul`, `sumOver_add`: sums exchange, and are linear.
* `sumRange_split`, `segProd_split`: an interval may be cut anywhere.
* `segProd_map`: a map that turns sums into products, such as the exponential, turns segment sums into segment products.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

variable {R ι κ : Type}

section Sum

variable [Semiring R]

/-- The sum of `f i` over the entries `i` of `l`. -/
def sumOver (l : List ι) (f : ι → R) : R := l.foldr (fun i acc => f i + acc) 0

/-- The sum over no index is zero. -/
@[simp] theorem sumOver_nil (f : ι → R) : sumOver [] f = 0 := rfl

/-- One index, and the rest. -/
@[simp] theorem sumOver_cons (i : ι) (l : List ι) (f : ι → R) : sumOver (i :: l) f = f i + sumOver l f := rfl

/-- A sum over an append is the sum of the two sums. -/
theorem sumOver_append (l l' : List ι) (f : ι → R) : sumOver (l ++ l') f = sumOver l f + sumOver l' f := by
  induction l with
  | nil => simp only [List.nil_append, sumOver_nil]; grind
  | cons i l ih => simp only [List.cons_append, sumOver_cons, ih]; grind

/-- Sums with equal terms are equal. -/
theorem sumOver_congr {l : List ι} {f g : ι → R} (h : ∀ i ∈ l, f i = g i) : sumOver l f = sumOver l g := by
  induction l with
  | nil => rfl
  | cons i l ih =>
    rw [sumOver_cons, sumOver_cons, h i List.mem_cons_self, ih fun j hj => h j (List.mem_cons_of_mem i hj)]

/-- A sum of zeros is zero. -/
theorem sumOver_zero (l : List ι) : sumOver l (fun _ => (0 : R)) = 0 := by
  induction l with
  | nil => rfl
  | cons i l ih => rw [sumOver_cons, ih]; grind

/-- The sum of termwise sums is the sum of the sums. -/
theorem sumOver_add (l : List ι) (f g : ι → R) : sumOver l (fun i => f i + g i) = sumOver l f + sumOver l g := by
  induction l with
  | nil => simp only [sumOver_nil]; grind
  | cons i l ih => simp only [sumOver_cons, ih]; grind

/-- A factor on the left goes into a sum. -/
theorem mul_sumOver (c : R) (l : List ι) (f : ι → R) : c * sumOver l f = sumOver l fun i => c * f i := by
  induction l with
  | nil => simp only [sumOver_nil]; grind
  | cons i l ih => simp only [sumOver_cons, ← ih]; grind

/-- A factor on the right goes into a sum. -/
theorem sumOver_mul (l : List ι) (f : ι → R) (c : R) : sumOver l f * c = sumOver l fun i => f i * c := by
  induction l with
  | nil => simp only [sumOver_nil]; grind
  | cons i l ih => simp only [sumOver_cons, ← ih]; grind

/-- The order of two sums may be exchanged. -/
theorem sumOver_comm (l : List ι) (l' : List κ) (f : ι → κ → R) :
    (sumOver l fun i => sumOver l' fun j => f i j) = sumOver l' fun j => sumOver l fun i => f i j := by
  induction l with
  | nil => simp only [sumOver_nil, sumOver_zero]
  | cons i l ih => simp only [sumOver_cons, ih, sumOver_add]

/-- The sum over mapped indices. -/
theorem sumOver_map (g : κ → ι) (l : List κ) (f : ι → R) : sumOver (l.map g) f = sumOver l fun j => f (g j) := by
  induction l with
  | nil => rfl
  | cons j l ih => rw [List.map_cons, sumOver_cons, sumOver_cons, ih]

/-- The sum of `f s` over the times `m ≤ s < n`. -/
def sumRange (m n : Nat) (f : Nat → R) : R := sumOver (List.range' m (n - m)) f

/-- The sum over the empty interval is zero. -/
@[simp] theorem sumRange_self (m : Nat) (f : Nat → R) : sumRange m m f = 0 := by
  simp only [sumRange, Nat.sub_self, List.range'_zero, sumOver_nil]

/-- An interval may be cut anywhere. -/
theorem sumRange_split {m k n : Nat} (hmk : m ≤ k) (hkn : k ≤ n) (f : Nat → R) :
    sumRange m n f = sumRange m k f + sumRange k n f := by
  have h : List.range' m (n - m) = List.range' m (k - m) ++ List.range' k (n - k) := by
    have h := (List.range'_append_1 (s := m) (m := k - m) (n := n - k)).symm
    rw [show m + (k - m) = k by omega, show k - m + (n - k) = n - m by omega] at h
    exact h
  rw [sumRange, h, sumOver_append, sumRange, sumRange]

/-- The term of the last time, on the right. -/
theorem sumRange_succ {m n : Nat} (h : m ≤ n) (f : Nat → R) : sumRange m (n + 1) f = sumRange m n f + f n := by
  rw [sumRange_split h (Nat.le_succ n)]
  simp only [sumRange, Nat.succ_eq_add_one, Nat.add_sub_cancel_left, List.range'_one, sumOver_cons, sumOver_nil]
  grind

/-- Sums with equal terms are equal. -/
theorem sumRange_congr {m n : Nat} {f g : Nat → R} (h : ∀ s, m ≤ s → s < n → f s = g s) :
    sumRange m n f = sumRange m n g :=
  sumOver_congr fun s hs => by
    rw [List.mem_range'_1] at hs
    exact h s hs.1 (by omega)

private theorem sumOver_reverse (l : List ι) (f : ι → R) : sumOver l.reverse f = sumOver l f := by
  induction l with
  | nil => rfl
  | cons i l ih =>
    rw [List.reverse_cons, sumOver_append, ih, sumOver_cons, sumOver_cons, sumOver_nil]
    grind

/-- The order of the terms may be reversed. -/
theorem sumRange_reverse (n : Nat) (f : Nat → R) : sumRange 0 n f = sumRange 0 n fun s => f (n - 1 - s) := by
  rw [sumRange, ← sumOver_reverse, List.reverse_range', sumOver_map, sumRange, Nat.sub_zero, ← List.range_eq_range']
  simp only [Nat.zero_add]

/-- The sum of `f i` over the indices `i` of a vector. -/
def finSum {n : Nat} (f : Fin n → R) : R := sumOver (List.finRange n) f

/-- Sums with equal terms are equal. -/
theorem finSum_congr {n : Nat} {f g : Fin n → R} (h : ∀ i, f i = g i) : finSum f = finSum g :=
  sumOver_congr fun i _ => h i

/-- The sum over no index is zero. -/
@[simp] theorem finSum_zero (f : Fin 0 → R) : finSum f = 0 := by rw [finSum, List.finRange_zero, sumOver_nil]

/-- The term of the first index, on the left. -/
theorem finSum_succ {n : Nat} (f : Fin (n + 1) → R) : finSum f = f 0 + finSum fun i => f i.succ := by
  rw [finSum, List.finRange_succ, sumOver_cons, sumOver_map, finSum]

/-- A sum over a vector's indices that keeps one term is that term. -/
theorem finSum_ite {n : Nat} (i : Fin n) (f : Fin n → R) : (finSum fun j => if j = i then f j else 0) = f i := by
  induction n with
  | zero => exact i.elim0
  | succ n ih =>
    rw [finSum_succ]
    cases i using Fin.cases with
    | zero =>
      have rest : (finSum fun j : Fin n => if j.succ = 0 then f j.succ else 0) = finSum fun _ => 0 :=
        finSum_congr fun j => if_neg (Fin.succ_ne_zero j)
      rw [rest, finSum, sumOver_zero, if_pos rfl]
      grind
    | succ i =>
      have rest : (finSum fun j : Fin n => if j.succ = i.succ then f j.succ else 0) = f i.succ := by
        rw [← ih i fun j => f j.succ]
        exact finSum_congr fun j => by simp only [Fin.succ_inj]
      rw [rest, if_neg (Fin.succ_ne_zero i).symm]
      grind

/-- A sum over an interval that keeps one term is that term. -/
theorem sumRange_ite {m i n : Nat} (hm : m ≤ i) (hn : i < n) (f : Nat → R) :
    (sumRange m n fun s => if s = i then f s else 0) = f i := by
  have zero : ∀ m n, (∀ s, m ≤ s → s < n → s ≠ i) → (sumRange m n fun s => if s = i then f s else 0) = 0 := by
    intro m n h
    rw [sumRange_congr fun s hs hs' => if_neg (h s hs hs'), sumRange, sumOver_zero]
  rw [sumRange_split (by omega : m ≤ i + 1) hn, sumRange_succ hm, if_pos rfl, zero m i (by omega),
    zero (i + 1) n (by omega)]
  grind

end Sum

/-- The sum of termwise differences is the difference of the sums. -/
theorem sumOver_sub [Ring R] (l : List ι) (f g : ι → R) :
    sumOver l (fun i => f i - g i) = sumOver l f - sumOver l g := by
  induction l with
  | nil => simp only [sumOver_nil]; grind
  | cons i l ih => simp only [sumOver_cons, ih]; grind

section Product

variable [Semiring R]

/-- The product of `a r` over the times `s ≤ r < t`, the latest factor on the left. -/
def segProd (a : Nat → R) (s t : Nat) : R := (List.range' s (t - s)).foldl (fun acc r => a r * acc) 1

/-- The product over the empty interval is one. -/
@[simp] theorem segProd_self (a : Nat → R) (s : Nat) : segProd a s s = 1 := by
  simp only [segProd, Nat.sub_self, List.range'_zero, List.foldl_nil]

/-- The factor of the last time, on the left. -/
theorem segProd_succ (a : Nat → R) {s t : Nat} (h : s ≤ t) : segProd a s (t + 1) = a t * segProd a s t := by
  rw [segProd, show t + 1 - s = (t - s) + 1 by omega, List.range'_1_concat, List.foldl_append,
    show s + (t - s) = t by omega]
  rfl

/-- An interval may be cut anywhere. -/
theorem segProd_split (a : Nat → R) {s k t : Nat} (hsk : s ≤ k) (hkt : k ≤ t) :
    segProd a s t = segProd a k t * segProd a s k := by
  obtain ⟨d, rfl⟩ := Nat.exists_eq_add_of_le hkt
  induction d with
  | zero => rw [Nat.add_zero, segProd_self]; grind
  | succ d ih => rw [← Nat.add_assoc, segProd_succ a (by omega), segProd_succ a (by omega), ih (by omega)]; grind

/-- Products with equal factors are equal. -/
theorem segProd_congr {a b : Nat → R} {s t : Nat} (h : ∀ r, s ≤ r → r < t → a r = b r) :
    segProd a s t = segProd b s t := by
  by_cases hst : s ≤ t
  · obtain ⟨d, rfl⟩ := Nat.exists_eq_add_of_le hst
    induction d with
    | zero => rw [Nat.add_zero, segProd_self, segProd_self]
    | succ d ih =>
      rw [← Nat.add_assoc, segProd_succ a (by omega), segProd_succ b (by omega),
        ih (fun r hr hrt => h r hr (by omega)) (by omega), h (s + d) (by omega) (by omega)]
  · simp only [segProd, show t - s = 0 by omega, List.range'_zero, List.foldl_nil]

/-- A constant decay multiplies to its power. -/
theorem segProd_const (g : R) {s t : Nat} (h : s ≤ t) : segProd (fun _ => g) s t = g ^ (t - s) := by
  obtain ⟨d, rfl⟩ := Nat.exists_eq_add_of_le h
  rw [Nat.add_sub_cancel_left]
  induction d with
  | zero => rw [Nat.add_zero, segProd_self, Semiring.pow_zero]
  | succ d ih =>
    rw [← Nat.add_assoc, segProd_succ _ (by omega), ih (by omega)]
    clear ih h
    induction d with
    | zero => rw [Semiring.pow_succ, Semiring.pow_zero]; grind
    | succ d ih => rw [Semiring.pow_succ, Semiring.pow_succ, ← Semiring.mul_assoc, ih, Semiring.pow_succ]

/-- Decays of one multiply to one. -/
@[simp] theorem segProd_one (s t : Nat) : segProd (fun _ => (1 : R)) s t = 1 := by
  by_cases h : s ≤ t
  · obtain ⟨d, rfl⟩ := Nat.exists_eq_add_of_le h
    induction d with
    | zero => rw [Nat.add_zero, segProd_self]
    | succ d ih => rw [← Nat.add_assoc, segProd_succ _ (by omega), ih (by omega)]; grind
  · simp only [segProd, show t - s = 0 by omega, List.range'_zero, List.foldl_nil]

/--
A map that turns sums into products turns segment sums into segment products: with `e` the exponential function and
`l` the logarithms of the decays, `exp (segsum l) = segProd (exp l)`.
-/
theorem segProd_map {S : Type} [Semiring S] (e : S → R) (zero : e 0 = 1) (add : ∀ x y, e (x + y) = e y * e x)
    (l : Nat → S) {s t : Nat} (h : s ≤ t) : e (sumRange s t l) = segProd (fun r => e (l r)) s t := by
  obtain ⟨d, rfl⟩ := Nat.exists_eq_add_of_le h
  induction d with
  | zero => rw [Nat.add_zero, sumRange_self, segProd_self, zero]
  | succ d ih => rw [← Nat.add_assoc, sumRange_succ (by omega), segProd_succ _ (by omega), add, ih (by omega)]

end Product

end Scanproof
