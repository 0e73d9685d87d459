/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.Powers
public import Spec.Certificate.VecMul

/-!
# Coded cotangents

Put position into the exponent. The cotangent that weighs the outputs at position `t` of a window by `e ^ t` leaves, at an
input at position `s` and divided by `e ^ s`, the value at `e` of a Laurent polynomial

    G_s(e) = Σ_t c_t e^(t - s).

What the output at `t` contributes has the exponent `t - s`: outputs that may read the input have exponents 0, 1, 2 …, and
leaks are exactly the negative ones. Two vector-Jacobian products, at `e` and at `r e`, share the constant term; their
difference multiplies the coefficient at distance `d = t - s` by `1 - r^d`.

* At `r = 1/2`, the pair that `scanproof.causality.gradients.coded` uses, this is zero at `d = 0` only. Times `e`, a leak at distance
  `-n` has the coefficient `(1 - 2^n) / e^(n - 1)`.
* At `r = -1`, the split into odd and even part, it is zero at every even `d`. The odd part cannot see a leak two positions
  ahead, and the even part has it beside the diagonal.

Positions are those of the sequence, or the ranks of an alignment. Everything here is exact arithmetic over a field, for any
window; how large the terms are is in `Spec.Certificate.CodedBounds`.

## Main definitions

* `contribution out u J i t`: the coefficient `c_t`, which the outputs at position `t` leave at input `i`.
* `codedGradient`: what the code computes: the gradient that a coded cotangent leaves, divided by the input's own weight.
* `laurent c first stop s e`: the sum of `c t * e ^ (t - s)` over the window `first ≤ t < stop`.
* `pairCoefficient e d`: the coefficient at distance `d` that the pair of codes `e`, `e/2` leaves.

## Main results

* `codedGradient_eq_laurent`: the coded gradient is the Laurent polynomial with the contributions as coefficients.
* `lowerTriangular_iff_contribution`: a matrix is causal exactly when no cotangent gives a negative power a coefficient.
* `laurent_of_causal`: then the polynomial has exponents 0, 1, 2 … only.
* `vecMul_code_beyond`: and inputs beyond the window receive exactly zero.
* `laurent_sub_laurent_mul`: the difference of two codes, for any ratio.
* `laurent_pair`, `pairCoefficient_eq_zero_iff`: the identity of the codes `e` and `e/2`; which terms vanish.
* `laurent_odd`, `laurent_even`: the identity of the codes `e` and `-e`.
* `laurent_odd_blind`: its odd part does not see any leak at an even distance.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind (Semiring Ring Field)

section Contribution

variable {α ι : Type} [Semiring α] {m : Nat}

/-- What the outputs at position `t` leave at input `i`: the gradient of the cotangent `u` without its other entries. -/
def contribution (out : Fin m → Nat) (u : Fin m → α) (J : Fin m → ι → α) (i : ι) (t : Nat) : α :=
  finSum fun k => if out k = t then u k * J k i else 0

/--
The outputs at earlier positions leave nothing at any input, whatever the cotangent, exactly when no output depends on a
later input: the leaks are the contributions with `t - s < 0`.
-/
theorem lowerTriangular_iff_contribution (out : Fin m → Nat) (pos : ι → Nat) (J : Fin m → ι → α) :
    (∀ k i, out k < pos i → J k i = 0) ↔ ∀ u i t, t < pos i → contribution out u J i t = 0 := by
  constructor
  · intro h u i t ht
    refine finSum_eq_zero fun k => ?_
    split
    · rename_i hk
      rw [h k i (hk ▸ ht), Semiring.mul_zero]
    · rfl
  · intro h k i hki
    have := h (fun j => if j = k then 1 else 0) i (out k) hki
    rw [contribution, finSum_single k fun j hj => by rw [if_neg hj, Semiring.zero_mul, ite_self]] at this
    rwa [if_pos rfl, if_pos rfl, Semiring.one_mul] at this

private theorem sumRange_pick (m n x : Nat) (f : Nat → α) :
    (sumRange m n fun t => if x = t then f t else 0) = if m ≤ x ∧ x < n then f x else 0 := by
  by_cases h : m ≤ x ∧ x < n
  · rw [if_pos h, ← sumRange_ite h.1 h.2 f]
    refine sumRange_congr fun t _ _ => ?_
    by_cases e : x = t
    · rw [if_pos e, if_pos e.symm]
    · rw [if_neg e, if_neg (Ne.symm e)]
  · rw [if_neg h]
    refine (sumRange_congr fun t ht ht' => if_neg fun e : x = t => h ?_).trans (sumOver_zero _)
    exact e.symm ▸ ⟨ht, ht'⟩

/-- A sum over the outputs of a window, grouped by position. -/
theorem finSum_window (out : Fin m → Nat) (first stop : Nat) (φ : Nat → α) (w : Fin m → α) :
    (finSum fun k => if first ≤ out k ∧ out k < stop then φ (out k) * w k else 0) =
      sumRange first stop fun t => φ t * finSum fun k => if out k = t then w k else 0 := by
  have inner (t : Nat) : (φ t * finSum fun k => if out k = t then w k else 0) =
      finSum fun k => if out k = t then φ t * w k else 0 := by
    rw [finSum, mul_sumOver, finSum]
    refine sumOver_congr fun k _ => ?_
    split
    · rfl
    · rw [Semiring.mul_zero]
  simp only [inner]
  rw [sumRange, finSum]
  simp only [finSum]
  rw [sumOver_comm]
  exact sumOver_congr fun k _ => (sumRange_pick first stop (out k) fun t => φ t * w k).symm

end Contribution

section Laurent

variable {α : Type} [Field α]

/-- The weight of position `t`: `e ^ (t - centre)` on the window `first ≤ t < stop`, zero elsewhere. -/
def code (first stop : Nat) (centre : Int) (e : α) (t : Nat) : α :=
  if first ≤ t ∧ t < stop then e ^ ((t : Int) - centre) else 0

/-- The Laurent polynomial with coefficients `c`, over a window, seen from position `s`. -/
def laurent (c : Nat → α) (first stop s : Nat) (e : α) : α :=
  sumRange first stop fun t => c t * e ^ ((t : Int) - s)

/--
The gradient at an input `i` at position `s` that the coded cotangent `code (out k) * u k` leaves, divided by the weight of
position `s`.
-/
def codedGradient {ι : Type} {m : Nat} (first stop : Nat) (centre : Int) (e : α) (out : Fin m → Nat) (u : Fin m → α)
    (J : Fin m → ι → α) (i : ι) (s : Nat) : α :=
  vecMul (fun k => code first stop centre e (out k) * u k) J i / e ^ ((s : Int) - centre)

/--
A coded gradient is the Laurent polynomial whose coefficients are the contributions of the positions. Where the exponents
are centred does not matter.
-/
theorem codedGradient_eq_laurent {ι : Type} {m : Nat} (first stop : Nat) (centre : Int) {e : α} (he : e ≠ 0)
    (out : Fin m → Nat) (u : Fin m → α) (J : Fin m → ι → α) (i : ι) (s : Nat) :
    codedGradient first stop centre e out u J i s = laurent (contribution out u J i) first stop s e := by
  have term (k : Fin m) : code first stop centre e (out k) * u k * J k i =
      if first ≤ out k ∧ out k < stop then e ^ ((out k : Int) - centre) * (u k * J k i) else 0 := by
    rw [code]
    split
    · rw [Semiring.mul_assoc]
    · rw [Semiring.zero_mul, Semiring.zero_mul]
  rw [codedGradient, vecMul, finSum_congr term, finSum_window out first stop fun t => e ^ ((t : Int) - centre), laurent,
    Field.div_eq_mul_inv, sumRange, sumRange, sumOver_mul]
  refine sumOver_congr fun t _ => ?_
  have split : e ^ ((t : Int) - centre) = e ^ ((t : Int) - s) * e ^ ((s : Int) - centre) := by
    rw [← Field.zpow_add he]
    congr 1
    omega
  have ne := zpow_ne_zero he ((s : Int) - centre)
  change e ^ ((t : Int) - centre) * contribution out u J i t * (e ^ ((s : Int) - centre))⁻¹ = _
  rw [split]
  generalize e ^ ((t : Int) - s) = p, e ^ ((s : Int) - centre) = q, contribution out u J i t = c at *
  grind

/-- A causal Laurent polynomial, seen from a position of its window, has the exponents 0, 1, 2 … only. -/
theorem laurent_of_causal {c : Nat → α} {first stop s : Nat} (hfirst : first ≤ s) (hstop : s ≤ stop)
    (h : ∀ t, t < s → c t = 0) (e : α) :
    laurent c first stop s e = sumRange s stop fun t => c t * e ^ (t - s) := by
  rw [laurent, sumRange_split hfirst hstop,
    sumRange_congr (g := fun _ => 0) fun t _ ht => by rw [h t ht, Semiring.zero_mul]]
  rw [show (sumRange first s fun _ => (0 : α)) = 0 from sumOver_zero _, Semiring.add_comm, Semiring.add_zero]
  refine sumRange_congr fun t ht _ => ?_
  rw [← Field.zpow_natCast, Int.ofNat_sub ht]

/-- A causal map leaves exactly zero at inputs beyond the window, with any code. -/
theorem vecMul_code_beyond {ι : Type} {m : Nat} {out : Fin m → Nat} {pos : ι → Nat} {J : Fin m → ι → α}
    (h : ∀ k i, out k < pos i → J k i = 0) (first stop : Nat) (centre : Int) (e : α) (u : Fin m → α) {i : ι}
    (hi : stop ≤ pos i) : vecMul (fun k => code first stop centre e (out k) * u k) J i = 0 := by
  refine vecMul_eq_zero fun k => ?_
  by_cases hk : first ≤ out k ∧ out k < stop
  · exact Or.inr (h k i (by omega))
  · exact Or.inl (by rw [code, if_neg hk, Semiring.zero_mul])

/-- The codes `e` and `r e` share the constant term; the term at distance `d` is left with the factor `1 - r ^ d`. -/
theorem laurent_sub_laurent_mul (c : Nat → α) (first stop s : Nat) (e r : α) :
    laurent c first stop s e - laurent c first stop s (r * e) =
      sumRange first stop fun t => (1 - r ^ ((t : Int) - s)) * e ^ ((t : Int) - s) * c t := by
  rw [laurent, laurent, sumRange, sumRange, sumRange]
  induction List.range' first (stop - first) with
  | nil =>
    rw [sumOver_nil, sumOver_nil, sumOver_nil]
    exact Lean.Grind.AddCommGroup.sub_self (0 : α)
  | cons t l ih =>
    have step (x p q a b : α) : x * p + a - (x * (q * p) + b) = (1 - q) * p * x + (a - b) := by grind
    rw [sumOver_cons, sumOver_cons, sumOver_cons, ← ih, mul_zpow]
    exact step _ _ _ _ _

/-! ## The codes e and e/2 -/

/-- The coefficient at distance `d = t - s` that the codes `e` and `e/2` leave: zero at `d = 0`. -/
def pairCoefficient (e : α) (d : Int) : α := (1 - 2 ^ (-d)) * e ^ (d + 1)

/--
The codes `e` and `e/2`: `e * (G(e) - G(e/2))` is the sum of `(1 - 2^(-d)) e^(d + 1) c_t` over the window, `d = t - s`:

    … - 7 c_(s-3) / e² - 3 c_(s-2) / e - c_(s-1) + c_(s+1) e² / 2 + 3 c_(s+2) e³ / 4 + …
-/
theorem laurent_pair (two : (2 : α) ≠ 0) (c : Nat → α) (first stop s : Nat) {e : α} (he : e ≠ 0) :
    e * (laurent c first stop s e - laurent c first stop s (e / 2)) =
      sumRange first stop fun t => pairCoefficient e ((t : Int) - s) * c t := by
  rw [Field.div_eq_mul_inv, Lean.Grind.CommSemiring.mul_comm e 2⁻¹, laurent_sub_laurent_mul, sumRange, mul_sumOver, sumRange]
  refine sumOver_congr fun t _ => ?_
  rw [pairCoefficient, inv_zpow two, Field.zpow_add he, Field.zpow_one]
  generalize e ^ ((t : Int) - s) = p, (2 : α) ^ (-((t : Int) - s)) = q
  grind

/-- The pair of codes cancels a distance only where two to its power is one: in characteristic zero, at 0 only. -/
theorem pairCoefficient_eq_zero_iff (two : (2 : α) ≠ 0) {e : α} (he : e ≠ 0) (d : Int) :
    pairCoefficient e d = 0 ↔ (2 : α) ^ d = 1 := by
  have ne := zpow_ne_zero he (d + 1)
  have h := Field.zpow_add two d (-d)
  rw [Int.add_right_neg, Field.zpow_zero] at h
  rw [pairCoefficient]
  generalize e ^ (d + 1) = p, (2 : α) ^ d = q, (2 : α) ^ (-d) = q' at *
  grind

/-! ## The codes e and -e -/

/-- The odd part: `e * (G(e) - G(-e)) / 2` has the coefficients at odd distances, and zero at every even one. -/
theorem laurent_odd (two : (2 : α) ≠ 0) (c : Nat → α) (first stop s : Nat) {e : α} (he : e ≠ 0) :
    e * (laurent c first stop s e - laurent c first stop s (-e)) / 2 =
      sumRange first stop fun t => if ((t : Int) - s) % 2 = 0 then 0 else c t * e ^ ((t : Int) - s + 1) := by
  have neg : -e = -1 * e := by grind
  rw [neg, laurent_sub_laurent_mul, Field.div_eq_mul_inv, sumRange, mul_sumOver, sumOver_mul, sumRange]
  refine sumOver_congr fun t _ => ?_
  rw [neg_one_zpow, Field.zpow_add he, Field.zpow_one]
  generalize e ^ ((t : Int) - s) = p
  split <;> grind

/-- The even part: `(G(e) + G(-e)) / 2` has the coefficients at even distances, those of leaks included. -/
theorem laurent_even (two : (2 : α) ≠ 0) (c : Nat → α) (first stop s : Nat) (e : α) :
    (laurent c first stop s e + laurent c first stop s (-e)) / 2 =
      sumRange first stop fun t => if ((t : Int) - s) % 2 = 0 then c t * e ^ ((t : Int) - s) else 0 := by
  have neg : -e = -1 * e := by grind
  rw [neg, laurent, laurent, sumRange, sumRange, ← sumOver_add, Field.div_eq_mul_inv, sumOver_mul, sumRange]
  refine sumOver_congr fun t _ => ?_
  rw [mul_zpow, neg_one_zpow]
  generalize e ^ ((t : Int) - s) = p
  split <;> grind

/--
The odd part is blind at even distances: whatever is added there, such as a leak from two positions ahead at every position,
leaves it as it was.
-/
theorem laurent_odd_blind (two : (2 : α) ≠ 0) {c c' : Nat → α} (first stop s : Nat) {e : α} (he : e ≠ 0)
    (h : ∀ t : Nat, ((t : Int) - s) % 2 ≠ 0 → c t = c' t) :
    e * (laurent c first stop s e - laurent c first stop s (-e)) / 2 =
      e * (laurent c' first stop s e - laurent c' first stop s (-e)) / 2 := by
  rw [laurent_odd two c first stop s he, laurent_odd two c' first stop s he]
  refine sumRange_congr fun t _ _ => ?_
  split
  · rfl
  · rename_i ht
    rw [h t ht]

end Laurent

end Scanproof
