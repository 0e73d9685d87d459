/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.CodedSweep
public import Spec.Certificate.Derivative
public import Spec.Certificate.Ranks
public import Spec.Certificate.Rational

/-!
# The statements about certificates

Each public theorem of `Spec/Certificate` once more, in full, so that one that says less than before does not build.
-/

namespace Scanproof

section Choices

variable (β : Type) (S : List β) (m : Nat)

example : (choices S m).length = S.length ^ m := length_choices S m

example (v : Fin m → β) : v ∈ choices S m ↔ ∀ k, v k ∈ S := mem_choices

example (hS : S.Nodup) : (choices S m).Nodup := nodup_choices hS m

example (p : β → Bool) :
    (choices S m).countP (fun v => decide (∀ k, p (v k) = true)) = S.countP p ^ m :=
  countP_choices_forall p S m

example (hS : S.Nodup) (p : (Fin m → β) → Bool) (k : Fin m)
    (h : ∀ v w, p v = true → p w = true → (∀ j, j ≠ k → v j = w j) → v k = w k) :
    (choices S m).countP p * S.length ≤ S.length ^ m :=
  countP_choices_mul_length_le hS p k h

example (q : Nat) (p : (Fin m → β) → Bool) (k : Fin m)
    (h : ∀ line : β → Fin m → β, (∀ x, line x k = x) → (∀ x y j, j ≠ k → line x j = line y j) →
      S.countP (fun x => p (line x)) ≤ q) :
    (choices S m).countP p * S.length ≤ q * S.length ^ m :=
  countP_choices_line_mul_le p k h

example (q : Nat) (p : (Fin (m + 1) → β) → Bool) (z : (Fin m → β) → Bool)
    (h : ∀ v, z v = false → S.countP (fun x => p (prepend x v)) ≤ q) :
    (choices S (m + 1)).countP p ≤ (choices S m).countP z * S.length + q * S.length ^ m :=
  countP_choices_succ_le p z h

end Choices

section Cuts

variable (κ ι α : Type) [Zero α] (reach : κ → Nat) (pos : ι → Nat) (J : κ → ι → α)

example : MatrixCausal reach pos J ↔ ∀ k i, reach k ≤ pos i → J k i = 0 := Iff.rfl

example (τ : Nat) (k : κ) (i : ι) : Separates reach pos τ k i ↔ reach k ≤ τ ∧ τ ≤ pos i := Iff.rfl

example (τ : Nat) : CutClear reach pos J τ ↔ ∀ k i, reach k ≤ τ ∧ τ ≤ pos i → J k i = 0 := Iff.rfl

example (k : κ) (i : ι) (h : reach k ≤ pos i) : Separates reach pos (pos i) k i := separates_pos reach pos h

example (k : κ) (i : ι) (h : reach k ≤ pos i) : Separates reach pos (reach k) k i := separates_reach reach pos h

example (τ : Nat) (k : κ) (i : ι) (h : Separates reach pos τ k i) : reach k ≤ pos i := h.le

example (cuts : Nat → Prop) (h : ∀ k i, reach k ≤ pos i → ∃ τ, cuts τ ∧ Separates reach pos τ k i) :
    MatrixCausal reach pos J ↔ ∀ τ, cuts τ → CutClear reach pos J τ :=
  matrixCausal_iff_of_separating reach pos J h

example : MatrixCausal reach pos J ↔ ∀ τ, CutClear reach pos J τ := matrixCausal_iff_cuts reach pos J

example : MatrixCausal reach pos J ↔ ∀ k, CutClear reach pos J (reach k) := matrixCausal_iff_reach_cuts reach pos J

example (T : Nat) (hpos : ∀ i, pos i < T) :
    MatrixCausal reach pos J ↔ ∀ k, reach k < T → CutClear reach pos J (reach k) :=
  matrixCausal_iff_reach_cuts_below reach pos J hpos

example (T : Nat) (out : κ → Nat) (hpos : ∀ i, pos i < T) :
    (∀ k i, out k < pos i → J k i = 0) ↔
      ∀ τ, 1 ≤ τ → τ < T → ∀ k i, out k < τ ∧ τ ≤ pos i → J k i = 0 :=
  matrixCausal_iff_cuts_below out pos J hpos

example (T : Nat) (J : Fin T → Fin T → α) :
    (∀ t s, t < s → J t s = 0) ↔ ∀ τ, 1 ≤ τ → τ < T → ∀ t s : Fin T, t.val < τ → τ ≤ s.val → J t s = 0 :=
  blockLowerTriangular_iff_cuts J

end Cuts

section Ranks

variable (κ ι α : Type) [Zero α] (reaches : List Nat) (reach : κ → Nat) (hreach : ∀ k, reach k ∈ reaches) (pos : ι → Nat)
  (J : κ → ι → α)

example (s : Nat) (k : κ) :
    s < reach k ↔ reaches.countP (fun reach => reach ≤ s) ≤ reaches.countP (fun other => other < reach k) :=
  lt_reach_iff_inputRank_le (hreach k) s

example :
    MatrixCausal reach pos J ↔
      MatrixCausal (fun k => outputRank reaches (reach k) + 1) (fun i => inputRank reaches (pos i)) J :=
  matrixCausal_iff_ranks reach hreach pos J

example (n : Nat) (hn : ∀ i, inputRank reaches (pos i) ≤ n) :
    MatrixCausal reach pos J ↔
      ∀ cut, 1 ≤ cut → cut ≤ n → ∀ k i,
        outputRank reaches (reach k) < cut → cut ≤ inputRank reaches (pos i) → J k i = 0 :=
  matrixCausal_iff_rank_cuts reach hreach pos J hn

end Ranks

section RandomCuts

variable (T t s K : Nat)

example (τ : Nat) : τ ∈ cutsBelow T ↔ 1 ≤ τ ∧ τ < T := mem_cutsBelow

example : (cutsBelow T).length = T - 1 := length_cutsBelow T

example (hts : t ≤ s) (hs : s < T) : (cutsBelow T).countP (fun τ => t < τ && τ ≤ s) = s - t := countP_cutsBelow hts hs

example (separates : Nat → Bool) (cuts : List Nat) :
    (choices cuts K).countP (fun c => decide (∀ j, separates (c j) = false)) =
      (cuts.length - cuts.countP separates) ^ K :=
  countP_choices_missed separates cuts K

example (hts : t ≤ s) (hs : s < T) :
    (choices (cutsBelow T) K).countP (fun c => decide (∀ j, (t < c j && c j ≤ s) = false)) = (T - 1 - (s - t)) ^ K :=
  countP_random_cuts_missed hts hs K

example (ht : t + 1 < T) :
    (choices (cutsBelow T) K).countP (fun c => decide (∀ j, (t < c j && c j ≤ t + 1) = false)) = (T - 2) ^ K :=
  countP_random_cuts_missed_next ht K

example (hts : t < s) (hs : s < T) :
    ((choices (cutsBelow T) K).countP (fun c => decide (∀ j, (t < c j && c j ≤ s) = false)) : Rat) /
        ((choices (cutsBelow T) K).length : Rat) = (1 - ((s : Rat) - t) / ((T : Rat) - 1)) ^ K :=
  random_cuts_missed hts hs K

example (ht : t + 1 < T) :
    ((choices (cutsBelow T) K).countP (fun c => decide (∀ j, (t < c j && c j ≤ t + 1) = false)) : Rat) /
        ((choices (cutsBelow T) K).length : Rat) = (1 - 1 / ((T : Rat) - 1)) ^ K :=
  random_cuts_missed_next ht K

end RandomCuts

section RandomCotangents

variable (α ι : Type) (m : Nat) (reach : Fin m → Nat) (pos : ι → Nat) (J : Fin m → ι → α) (τ : Nat) (S : List α)

example [Lean.Grind.Semiring α] (v : Fin m → α) (h : CutClear reach pos J τ) (i : ι) (hi : τ ≤ pos i) :
    vecMul (fun k => if reach k ≤ τ then v k else 0) J i = 0 :=
  h.passes v i hi

example [Lean.Grind.Semiring α] (v : Fin m → α) (h : MatrixCausal reach pos J) (i : ι) (hi : τ ≤ pos i) :
    vecMul (fun k => if reach k ≤ τ then v k else 0) J i = 0 :=
  h.passes τ v i hi

example [Lean.Grind.Ring α] [DecidableEq α] (hS : S.Nodup) (k : Fin m) (i : ι) (h : ∀ a, a * J k i = 0 → a = 0) :
    (choices S m).countP (fun v => decide (vecMul v J i = 0)) * S.length ≤ S.length ^ m :=
  countP_vecMul_eq_zero_le hS J h

example [Lean.Grind.Ring α] [DecidableEq α] (domain : ∀ a b : α, a * b = 0 → a = 0 ∨ b = 0) (hS : S.Nodup) (n : Nat)
    (J : Fin m → Fin n → α) (h : ¬ ∀ k i, J k i = 0) :
    (choices S m).countP (fun v => decide (∀ i, vecMul v J i = 0)) * S.length ≤ S.length ^ m :=
  countP_vecMul_forall_eq_zero_le domain hS J h

example [Lean.Grind.Ring α] [DecidablePred (Passes reach pos J τ)] (hS : S.Nodup) (k : Fin m) (i : ι)
    (hs : reach k ≤ τ ∧ τ ≤ pos i) (h : ∀ a, a * J k i = 0 → a = 0) :
    (choices S m).countP (fun v => decide (Passes reach pos J τ v)) * S.length ≤ S.length ^ m :=
  countP_passes_le hS reach pos J τ hs h

example [Lean.Grind.Ring α] [∀ τ, DecidablePred (Passes reach pos J τ)]
    (domain : ∀ a b : α, a * b = 0 → a = 0 ∨ b = 0) (hS : S.Nodup) (c : Nat) (cuts : Fin c → Nat)
    (hcuts : ∀ k i, reach k ≤ pos i → ∃ j, reach k ≤ cuts j ∧ cuts j ≤ pos i)
    (h : ¬ ∀ k i, reach k ≤ pos i → J k i = 0) :
    (choices S m).countP (fun v => decide (∀ j, Passes reach pos J (cuts j) v)) * S.length ≤ S.length ^ m :=
  countP_certificate_le domain hS reach pos J cuts hcuts h

example [Lean.Grind.Ring α] (domain : ∀ a b : α, a * b = 0 → a = 0 ∨ b = 0) (hS : S.Nodup) (T : Nat)
    (out : Fin m → Nat) (hpos : ∀ i, pos i < T) [∀ τ, DecidablePred (Passes (fun k => out k + 1) pos J τ)]
    (h : ¬ ∀ k i, out k < pos i → J k i = 0) :
    (choices S m).countP (fun v => decide (∀ j : Fin (T - 1), Passes (fun k => out k + 1) pos J (j.val + 1) v)) *
        S.length ≤ S.length ^ m :=
  countP_certificate_same_length_le domain hS out pos hpos J h

end RandomCotangents

section RandomPoints

open Lean.Grind (CommRing Field)

variable (α : Type) [DecidableEq α] (S : List α) (hS : S.Nodup) (m d : Nat) (v : Fin m → α)
include hS

example [CommRing α] (domain : ∀ a b : α, a * b = 0 → a = 0 ∨ b = 0) (f : (Fin m → α) → α) (h : IsPolynomial d f)
    (hv : f v ≠ 0) : (choices S m).countP (fun v => decide (f v = 0)) * S.length ≤ d * S.length ^ m :=
  h.countP_eq_zero_le domain hS hv

variable [Field α] (e f : RationalExpr α m) (a b : α) (he : e.eval v = some a) (hf : f.eval v = some b) (hab : a ≠ b)
include he hf hab

example : (choices S m).countP (fun v => (e.eval v).isSome && decide (e.eval v = f.eval v)) * S.length ≤
    max (e.degrees.1 + f.degrees.2) (f.degrees.1 + e.degrees.2) * S.length ^ m :=
  RationalExpr.countP_agree_le hS e f he hf hab

example (N : Nat) :
    (choices (choices S m) N).countP (fun points =>
        decide (∀ k, ((e.eval (points k)).isSome && decide (e.eval (points k) = f.eval (points k))) = true)) *
        S.length ^ N ≤
      max (e.degrees.1 + f.degrees.2) (f.degrees.1 + e.degrees.2) ^ N * (S.length ^ m) ^ N :=
  RationalExpr.countP_agree_draws_le hS e f he hf hab N

end RandomPoints

section Sums

variable (α ι : Type) (n : Nat)

example [Lean.Grind.Semiring α] (f : Fin n → α) (h : ∀ k, f k = 0) : finSum f = 0 := finSum_eq_zero h

example [Lean.Grind.Semiring α] (f : Fin n → α) (k : Fin n) (h : ∀ j, j ≠ k → f j = 0) : finSum f = f k :=
  finSum_single k h

example [Lean.Grind.Ring α] (f g : Fin n → α) : (finSum fun k => f k - g k) = finSum f - finSum g := finSum_sub f g

example [Lean.Grind.Semiring α] (v : Fin n → α) (J : Fin n → ι → α) (i : ι) :
    vecMul v J i = finSum fun k => v k * J k i :=
  rfl

example [Lean.Grind.Semiring α] (v : Fin n → α) (J : Fin n → ι → α) (i : ι) (h : ∀ k, v k = 0 ∨ J k i = 0) :
    vecMul v J i = 0 :=
  vecMul_eq_zero h

example [Lean.Grind.Ring α] (v w : Fin n → α) (J : Fin n → ι → α) (k : Fin n) (i : ι) (h : ∀ j, j ≠ k → v j = w j) :
    vecMul v J i - vecMul w J i = (v k - w k) * J k i :=
  vecMul_sub_vecMul J i h

end Sums

section SmallResidue

open Std Lean.Grind

example (α ι : Type) [Field α] [LE α] [DecidableLE α] [LT α] [DecidableLT α] [LawfulOrderLT α] [IsLinearOrder α]
    [OrderedRing α] (m q : Nat) (S : List α) (w b : α)
    (hS : ∀ a, S.countP (fun x => decide (a < x) && decide (x < a + w)) ≤ q) (J : Fin m → ι → α) (k : Fin m) (i : ι)
    (hb : b + b ≤ w * magnitude (J k i)) :
    (choices S m).countP (fun v => decide (magnitude (vecMul v J i) < b)) * S.length ≤ q * S.length ^ m :=
  countP_magnitude_vecMul_lt_le hS J hb

end SmallResidue

section Powers

open Std Lean.Grind

variable (α : Type) [Field α] (a b : α) (k : Int)

example (ha : a ≠ 0) : a ^ k ≠ 0 := zpow_ne_zero ha k

example : (a * b) ^ k = a ^ k * b ^ k := mul_zpow a b k

example : (1 : α) ^ k = 1 := one_zpow k

example (ha : a ≠ 0) : a⁻¹ ^ k = a ^ (-k) := inv_zpow ha k

example : (-1 : α) ^ k = if k % 2 = 0 then 1 else -1 := neg_one_zpow k

variable [LE α] [LT α] [LawfulOrderLT α] [IsLinearOrder α] [OrderedRing α]

example (ha : 0 < a) : 0 < a ^ k := zpow_pos ha k

example (ha : 0 < a) (ha1 : a ≤ 1) (hk : 0 ≤ k) : a ^ k ≤ 1 := zpow_le_one ha ha1 hk

example (ha : 0 < a) (ha1 : a ≤ 1) (hk : k ≤ 0) : 1 ≤ a ^ k := one_le_zpow ha ha1 hk

example : (2 : α) ≠ 0 := two_ne_zero

end Powers

section Coded

variable (α ι : Type) (m : Nat) (out : Fin m → Nat) (pos : ι → Nat) (J : Fin m → ι → α)

example [Lean.Grind.Semiring α] (u : Fin m → α) (i : ι) (t : Nat) :
    contribution out u J i t = finSum fun k => if out k = t then u k * J k i else 0 :=
  rfl

example [Lean.Grind.Semiring α] :
    (∀ k i, out k < pos i → J k i = 0) ↔ ∀ u i t, t < pos i → contribution out u J i t = 0 :=
  lowerTriangular_iff_contribution out pos J

example [Lean.Grind.Semiring α] (first stop : Nat) (φ : Nat → α) (w : Fin m → α) :
    (finSum fun k => if first ≤ out k ∧ out k < stop then φ (out k) * w k else 0) =
      sumRange first stop fun t => φ t * finSum fun k => if out k = t then w k else 0 :=
  finSum_window out first stop φ w

variable [Lean.Grind.Field α] (first stop s : Nat) (centre : Int) (e : α) (u : Fin m → α) (c : Nat → α)

example : laurent c first stop s e = sumRange first stop fun t => c t * e ^ ((t : Int) - s) := rfl

example (he : e ≠ 0) (i : ι) :
    vecMul (fun k => (if first ≤ out k ∧ out k < stop then e ^ ((out k : Int) - centre) else 0) * u k) J i /
        e ^ ((s : Int) - centre) = laurent (contribution out u J i) first stop s e :=
  codedGradient_eq_laurent first stop centre he out u J i s

example (hfirst : first ≤ s) (hstop : s ≤ stop) (h : ∀ t, t < s → c t = 0) :
    laurent c first stop s e = sumRange s stop fun t => c t * e ^ (t - s) :=
  laurent_of_causal hfirst hstop h e

example (h : ∀ k i, out k < pos i → J k i = 0) (i : ι) (hi : stop ≤ pos i) :
    vecMul (fun k => code first stop centre e (out k) * u k) J i = 0 :=
  vecMul_code_beyond h first stop centre e u hi

example (r : α) :
    laurent c first stop s e - laurent c first stop s (r * e) =
      sumRange first stop fun t => (1 - r ^ ((t : Int) - s)) * e ^ ((t : Int) - s) * c t :=
  laurent_sub_laurent_mul c first stop s e r

example (two : (2 : α) ≠ 0) (he : e ≠ 0) :
    e * (laurent c first stop s e - laurent c first stop s (e / 2)) =
      sumRange first stop fun t => (1 - 2 ^ (-((t : Int) - s))) * e ^ ((t : Int) - s + 1) * c t :=
  laurent_pair two c first stop s he

example (two : (2 : α) ≠ 0) (he : e ≠ 0) (d : Int) : (1 - (2 : α) ^ (-d)) * e ^ (d + 1) = 0 ↔ (2 : α) ^ d = 1 :=
  pairCoefficient_eq_zero_iff two he d

example (two : (2 : α) ≠ 0) (he : e ≠ 0) :
    e * (laurent c first stop s e - laurent c first stop s (-e)) / 2 =
      sumRange first stop fun t => if ((t : Int) - s) % 2 = 0 then 0 else c t * e ^ ((t : Int) - s + 1) :=
  laurent_odd two c first stop s he

example (two : (2 : α) ≠ 0) :
    (laurent c first stop s e + laurent c first stop s (-e)) / 2 =
      sumRange first stop fun t => if ((t : Int) - s) % 2 = 0 then c t * e ^ ((t : Int) - s) else 0 :=
  laurent_even two c first stop s e

example (two : (2 : α) ≠ 0) (he : e ≠ 0) (c' : Nat → α) (h : ∀ t : Nat, ((t : Int) - s) % 2 ≠ 0 → c t = c' t) :
    e * (laurent c first stop s e - laurent c first stop s (-e)) / 2 =
      e * (laurent c' first stop s e - laurent c' first stop s (-e)) / 2 :=
  laurent_odd_blind two first stop s he h

end Coded

section CodedBounds

open Std Lean.Grind

variable (α : Type) [Field α] [LE α] [LT α] [LawfulOrderLT α] [IsLinearOrder α] [OrderedRing α] (e : α) (he : 0 < e)

example (he1 : e ≤ 1) (d : Int) (hd : d < 0) : pairCoefficient e d ≤ -1 := pairCoefficient_le_neg_one he he1 hd

example (d : Int) (hd : 0 ≤ d) : 0 ≤ pairCoefficient e d := pairCoefficient_nonneg he hd

example (he1 : 2 * e ≤ 1) (d : Int) (hd : 0 ≤ d) : pairCoefficient e d ≤ e ^ 2 / 2 := pairCoefficient_le he he1 hd

variable [DecidableLE α] (c : Nat → α) (first stop s : Nat) (hstop : s < stop) (he1 : 2 * e ≤ 1)

example : residue c first stop s e = e * (laurent c first stop s e - laurent c first stop s (e / 2)) := rfl

example (he1 : e ≤ 1) (d : Int) (hd : d < 0) (x : α) : magnitude x ≤ magnitude (pairCoefficient e d * x) :=
  le_magnitude_pairCoefficient_mul he he1 hd x

example (hfirst : first ≤ s) :
    magnitude (residue c first stop s e - sumRange first s fun t => pairCoefficient e ((t : Int) - s) * c t) ≤
      e ^ 2 / 2 * sumRange (s + 1) stop fun t => magnitude (c t) :=
  magnitude_residue_sub_le c hfirst hstop he he1

example (hfirst : first ≤ s) (h : ∀ t, t < s → c t = 0) :
    magnitude (residue c first stop s e) ≤ e ^ 2 / 2 * sumRange (s + 1) stop fun t => magnitude (c t) :=
  magnitude_residue_le hfirst hstop he he1 h

example (t : Nat) (hfirst : first ≤ t) (ht : t < s) (h : ∀ r, r < s → r ≠ t → c r = 0) :
    magnitude (c t) ≤
      magnitude (residue c first stop s e) + e ^ 2 / 2 * sumRange (s + 1) stop fun t => magnitude (c t) :=
  magnitude_contribution_le hstop he he1 hfirst ht h

variable (ι : Type) (m : Nat) (windows : List (Nat × Nat)) (centre : Nat × Nat → Int) (b : α) (out : Fin m → Nat)
  (pos : ι → Nat) (J : Fin m → ι → α)

example (u : Fin m → α) :
    CodedPass windows centre e b out pos J u ↔ ∀ W ∈ windows, ∀ i,
      (W.1 ≤ pos i → pos i < W.2 →
        magnitude (e * (codedGradient W.1 W.2 (centre W) e out u J i (pos i) -
          codedGradient W.1 W.2 (centre W) (e / 2) out u J i (pos i))) < b) ∧
      (W.2 ≤ pos i → vecMul (fun k => code W.1 W.2 (centre W) e (out k) * u k) J i = 0) :=
  Iff.rfl

example [DecidableLT α] [DecidablePred (CodedPass windows centre e b out pos J)] (S : List α) (w : α) (q : Nat) (hw : 0 < w)
    (hS : ∀ a, S.countP (fun x => decide (a < x) && decide (x < a + w)) ≤ q) (he1 : e ≤ 1) (k : Fin m) (i : ι)
    (hwindow : ∃ W ∈ windows, W.1 ≤ out k ∧ out k < W.2) (hki : out k < pos i) (hJ : J k i ≠ 0)
    (hb : b + b ≤ w * magnitude (J k i)) :
    (choices S m).countP (fun u => decide (CodedPass windows centre e b out pos J u)) * S.length ≤ q * S.length ^ m :=
  countP_codedPass_le hw hS centre he he1 out pos J hwindow hki hJ hb

end CodedBounds

section Perturbation

variable (κ ι τ ο : Type) (reach : κ → Nat) (pos : ι → Nat) (f : (ι → τ) → κ → ο)

example : ReadsBelow reach pos f ↔ ∀ x x' k, (∀ i, pos i < reach k → x i = x' i) → f x k = f x' k := Iff.rfl

example :
    ReadsBelow reach pos f ↔
      ∀ cut x x', (∀ i, pos i < cut → x i = x' i) → ∀ k, reach k ≤ cut → f x k = f x' k :=
  readsBelow_iff_cuts reach pos f

example :
    ReadsBelow reach pos f ↔
      ∀ j x x', (∀ i, pos i < reach j → x i = x' i) → ∀ k, reach k ≤ reach j → f x k = f x' k :=
  readsBelow_iff_reach_cuts reach pos f

example [DecidableEq ι] (x : ι → τ) (i : ι) (v : τ) : update x i v i = v := update_self x i v

example [DecidableEq ι] (x : ι → τ) (i j : ι) (v : τ) (h : j ≠ i) : update x i v j = x j := update_of_ne x v h

example (N : Nat) (pos : Fin N → Nat) (f : (Fin N → τ) → κ → ο) :
    ReadsBelow reach pos f ↔ ∀ x i v k, reach k ≤ pos i → f (update x i v) k = f x k :=
  readsBelow_iff_update reach pos f

example (f : List τ → List ο) (hf : Causal f) (T : Nat) (x x' : Fin T → τ) (t : Fin T)
    (h : ∀ s : Fin T, s.val < t.val + 1 → x s = x' s) :
    onLength f hf.length_eq T x t = onLength f hf.length_eq T x' t :=
  hf.readsBelow T x x' t h

example (σ : Type) (r : Runner σ τ ο) (state : σ) (T : Nat) :
    ReadsBelow (fun t : Fin T => t.val + 1) (fun s : Fin T => s.val) (r.outputs state T) :=
  r.readsBelow state T

example :
    ∃ (f : List Int → List Int) (hf : ∀ xs, (f xs).length = xs.length),
      (∀ T, ReadsBelow (fun t : Fin T => t.val + 1) (fun s : Fin T => s.val) (onLength f hf T)) ∧ ¬ Causal f :=
  exists_readsBelow_not_causal

end Perturbation

section Jacobian

open Lean.Grind (AddCommMonoid Semiring CommSemiring)

variable (κ ι τ ο α : Type) (reach : κ → Nat) (N : Nat)

example [AddCommMonoid τ] [AddCommMonoid ο] [DecidableEq ι] (pos : ι → Nat) (f : (ι → τ) → κ → ο)
    (h : ReadsBelow reach pos f) (zero : ∀ k, f (fun _ => 0) k = 0) (k : κ) (i : ι) (v : τ) (hik : reach k ≤ pos i) :
    f (update (fun _ => 0) i v) k = 0 :=
  h.matrixCausal_response zero k (i, v) hik

example [AddCommMonoid τ] [AddCommMonoid ο] (pos : Fin N → Nat) (f : (Fin N → τ) → κ → ο) (hf : IsAdditive f) :
    ReadsBelow reach pos f ↔ MatrixCausal reach (fun p => pos p.1) (response f) :=
  readsBelow_iff_matrixCausal_response reach pos hf

example [Semiring α] (f : (ι → α) → κ → α) (hf : IsLinear f) : IsAdditive f := hf.isAdditive

example [Semiring α] [DecidableEq ι] (f : (ι → α) → κ → α) (hf : IsLinear f) (k : κ) (i : ι) (v : α) :
    response f k (i, v) = v * jacobian f k i :=
  hf.response_eq k i v

example [Semiring α] (pos : Fin N → Nat) (f : (Fin N → α) → κ → α) (hf : IsLinear f) :
    ReadsBelow reach pos f ↔ MatrixCausal reach pos (jacobian f) :=
  readsBelow_iff_matrixCausal_jacobian reach pos hf

example [Semiring α] (f : (Fin N → α) → κ → α) (hf : IsLinear f) (x : Fin N → α) (k : κ) :
    f x k = finSum fun i => x i * jacobian f k i :=
  hf.eq_sum x k

example [CommSemiring α] (m : Nat) (f : (Fin N → α) → Fin m → α) (hf : IsLinear f) (v : Fin m → α) (x : Fin N → α) :
    (finSum fun k => v k * f x k) = finSum fun i => x i * vecMul v (jacobian f) i :=
  hf.dot_eq v x

example [AddCommMonoid κ] [AddCommMonoid τ] [AddCommMonoid ο] (r : Runner κ τ ο) (h : r.Additive) (T : Nat) :
    IsAdditive (r.outputs 0 T) :=
  h.isAdditive_outputs T

example [AddCommMonoid κ] [AddCommMonoid τ] [AddCommMonoid ο] (r : Runner κ τ ο) (h : r.Additive) (T : Nat)
    (t s : Fin T) (hts : t < s) (v : τ) : response (r.outputs 0 T) t (s, v) = 0 :=
  h.response_lowerTriangular hts v

end Jacobian

section Derivative

open Std Lean.Grind

variable (α κ ι : Type) [Field α] [LE α] [DecidableLE α] [LT α] [LawfulOrderLT α] [IsLinearOrder α] [OrderedRing α]
  [DecidableEq ι] (pos : ι → Nat) (x : ι → α)

example (g : α → α) (a d : α) :
    HasDerivative g a d ↔
      ∀ ε, 0 < ε → ∃ δ, 0 < δ ∧ ∀ h, h ≠ 0 → magnitude h < δ → magnitude ((g (a + h) - g a) / h - d) < ε :=
  Iff.rfl

example (f : (ι → α) → κ → α) (J : κ → ι → α) :
    IsJacobian f x J ↔ ∀ k i, HasDerivative (fun a => f (update x i a) k) (x i) (J k i) :=
  Iff.rfl

example (reach : κ → Nat) (f : (ι → α) → κ → α) (h : ReadsBelow reach pos f) (J : κ → ι → α) (hJ : IsJacobian f x J) :
    MatrixCausal reach pos J :=
  h.matrixCausal hJ

example (m : Nat) (reach : Fin m → Nat) (f : (ι → α) → Fin m → α) (h : ReadsBelow reach pos f) (J : Fin m → ι → α)
    (hJ : IsJacobian f x J) (τ : Nat) (v : Fin m → α) : Passes reach pos J τ v :=
  h.passes hJ τ v

example (f : (ι → α) → κ → α) (hf : IsLinear f) : IsJacobian f x (jacobian f) := hf.isJacobian x

example :
    ∃ (f : (Fin 2 → α) → Fin 2 → α) (x : Fin 2 → α) (J : Fin 2 → Fin 2 → α), IsJacobian f x J ∧
      MatrixCausal (fun t => t.val + 1) (fun s => s.val) J ∧
      ¬ ReadsBelow (fun t => t.val + 1) (fun s => s.val) f :=
  exists_matrixCausal_not_readsBelow

end Derivative

end Scanproof
