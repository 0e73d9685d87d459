/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.Rational
public import Spec.ResidueScalar

/-!
# Residues modulo a prime are a field

The numbers below a prime `p` are a field, with the inverse `a ^ (p - 2)` that residues compute. So theorems about rational
expressions over a field (`Spec.Certificate.Rational`) hold of residues.

## Main definitions

* `IsPrime p`: the number `p` is a prime.
* `primeField`: the field with the elements `Fin p`.

## Main results

* `IsPrime.pow_pred_mod`: the little theorem of Fermat.
* `primeField_inv_val`: the inverse is the power that residues compute.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

/-- The number is a prime: at least 2, and divided by 1 and by itself only. -/
structure IsPrime (p : Nat) : Prop where
  /-- A prime is at least 2. -/
  two_le : 2 ≤ p
  /-- A divisor is 1 or the prime itself. -/
  eq_one_or_self : ∀ d, d ∣ p → d = 1 ∨ d = p

namespace IsPrime

variable {p : Nat}

/-- A prime that divides a product divides one of the factors. (Euclid.) -/
theorem dvd_or_dvd (h : IsPrime p) {a b : Nat} (hab : p ∣ a * b) : p ∣ a ∨ p ∣ b := by
  rcases h.eq_one_or_self _ (Nat.gcd_dvd_left p a) with one | self
  · exact Or.inr (Nat.Coprime.dvd_of_dvd_mul_left (Nat.coprime_iff_gcd_eq_one.2 one) hab)
  · exact Or.inl (self ▸ Nat.gcd_dvd_right p a)

private def product : List Nat → Nat
  | [] => 1
  | x :: xs => x * product xs

private theorem product_perm {l l' : List Nat} (h : l.Perm l') : product l = product l' := by
  induction h with
  | nil => rfl
  | cons x _ ih => rw [product, product, ih]
  | swap x y l => simp only [product, Nat.mul_left_comm]
  | trans _ _ ih ih' => exact ih.trans ih'

private theorem product_map (a : Nat) (l : List Nat) :
    product (l.map fun x => a * x % p) % p = a ^ l.length * product l % p := by
  induction l with
  | nil => simp [product]
  | cons x l ih =>
    rw [List.map_cons, product, Nat.mod_mul_mod, Nat.mul_mod, ih, ← Nat.mul_mod, List.length_cons, product, Nat.pow_succ]
    congr 1
    simp only [Nat.mul_assoc, Nat.mul_comm, Nat.mul_left_comm]

private theorem not_dvd_product (h : IsPrime p) {l : List Nat} (hl : ∀ x ∈ l, ¬ p ∣ x) : ¬ p ∣ product l := by
  induction l with
  | nil =>
    intro one
    have := Nat.le_of_dvd Nat.one_pos one
    have := h.two_le
    omega
  | cons x l ih =>
    intro both
    exact (h.dvd_or_dvd both).elim (hl x List.mem_cons_self) (ih fun y hy => hl y (List.mem_cons_of_mem _ hy))

private theorem perm_of_subset {l l' : List Nat} (nodup : l.Nodup) (sub : ∀ x ∈ l, x ∈ l') (length : l'.length ≤ l.length) :
    l.Perm l' := by
  induction l generalizing l' with
  | nil =>
    cases l' with
    | nil => exact .nil
    | cons => exact absurd length (Nat.not_succ_le_zero _)
  | cons a l ih =>
    obtain ⟨ha, nodup⟩ := List.nodup_cons.1 nodup
    have mem := sub a List.mem_cons_self
    have rest : l.Perm (l'.erase a) := by
      refine ih nodup (fun x hx => (List.mem_erase_of_ne (show x ≠ a from fun e => ha (by rw [← e]; exact hx))).2 (sub x (List.mem_cons_of_mem _ hx))) ?_
      rw [List.length_erase_of_mem mem]
      exact Nat.sub_le_of_le_add length
    exact (rest.cons a).trans (List.perm_cons_erase mem).symm

private theorem perm_map (h : IsPrime p) {a : Nat} (ha : ¬ p ∣ a) :
    ((List.range' 1 (p - 1)).map fun x => a * x % p).Perm (List.range' 1 (p - 1)) := by
  have two := h.two_le
  have below {x : Nat} (hx : x ∈ List.range' 1 (p - 1)) : 1 ≤ x ∧ x < p := by
    have := List.mem_range'_1.1 hx
    omega
  have ordered {x y : Nat} (hy : y < p) (hxy : x < y) : a * x % p ≠ a * y % p := by
    intro same
    have : p ∣ a * (y - x) := by
      rw [Nat.mul_sub]
      exact Nat.dvd_of_mod_eq_zero (Nat.sub_mod_eq_zero_of_mod_eq same.symm)
    have := Nat.le_of_dvd (by omega) ((h.dvd_or_dvd this).resolve_left ha)
    omega
  refine perm_of_subset ?_ (fun y hy => ?_) (by simp)
  · refine List.pairwise_map.2 (List.Pairwise.imp_of_mem (fun {x y} hx hy hxy => ?_) List.nodup_range')
    rcases Nat.lt_or_gt_of_ne hxy with lt | gt
    · exact ordered (below hy).2 lt
    · exact (ordered (below hx).2 gt).symm
  · obtain ⟨x, hx, rfl⟩ := List.mem_map.1 hy
    have := below hx
    have positive : a * x % p ≠ 0 := by
      intro zero
      have := Nat.le_of_dvd (by omega) ((h.dvd_or_dvd (Nat.dvd_of_mod_eq_zero zero)).resolve_left ha)
      omega
    have := Nat.mod_lt (a * x) (show p > 0 by omega)
    exact List.mem_range'_1.2 (by omega)

/-- The power `p - 1` of a number that is not divided by the prime `p` is one modulo `p`. (Fermat.) -/
theorem pow_pred_mod (h : IsPrime p) {a : Nat} (ha : a % p ≠ 0) : a ^ (p - 1) % p = 1 := by
  have two := h.two_le
  have ha : ¬ p ∣ a := fun divides => ha (Nat.mod_eq_zero_of_dvd divides)
  have positive : 0 < a := Nat.pos_of_ne_zero fun zero => ha (zero ▸ Nat.dvd_zero p)
  have large : ¬ p ∣ product (List.range' 1 (p - 1)) := h.not_dvd_product fun x hx divides => by
    have := List.mem_range'_1.1 hx
    have := Nat.le_of_dvd (by omega) divides
    omega
  have same : a ^ (p - 1) * product (List.range' 1 (p - 1)) % p = 1 * product (List.range' 1 (p - 1)) % p := by
    have := product_map (p := p) a (List.range' 1 (p - 1))
    rw [product_perm (h.perm_map ha), List.length_range'] at this
    rw [← this, Nat.one_mul]
  have divides : p ∣ a ^ (p - 1) - 1 := by
    have := Nat.dvd_of_mod_eq_zero (Nat.sub_mod_eq_zero_of_mod_eq same)
    rw [← Nat.sub_mul] at this
    exact (h.dvd_or_dvd this).resolve_right large
  obtain ⟨k, hk⟩ := divides
  have : a ^ (p - 1) = 1 + p * k := by
    have := Nat.pow_pos (n := p - 1) positive
    omega
  rw [this, Nat.add_mul_mod_self_left, Nat.mod_eq_of_lt (by omega)]

end IsPrime

/-! ## The field -/

namespace PrimeField

variable {p : Nat}

/-- The inverse of a residue, by the power that `Residue.inverse` computes; zero for zero. -/
def inv (a : Fin p) : Fin p :=
  if a.val = 0 then a else ⟨powMod p a.val (p - 2), by rw [powMod_eq]; exact Nat.mod_lt _ a.pos⟩

/-- The power of a residue with a whole exponent. -/
def zpow (a : Fin p) : Int → Fin p
  | .ofNat n => ⟨a.val ^ n % p, Nat.mod_lt _ a.pos⟩
  | .negSucc n => inv ⟨a.val ^ (n + 1) % p, Nat.mod_lt _ a.pos⟩

private theorem mul_inv_val (h : IsPrime p) {a : Fin p} (ha : a.val ≠ 0) : a.val * (inv a).val % p = 1 := by
  have two := h.two_le
  rw [inv, if_neg ha]
  change a.val * powMod p a.val (p - 2) % p = 1
  rw [powMod_eq, Nat.mul_mod_mod, ← Nat.pow_succ', show (p - 2).succ = p - 1 by omega]
  exact h.pow_pred_mod (by rw [Nat.mod_eq_of_lt a.isLt]; exact ha)

private theorem inv_unique (h : IsPrime p) {a b : Fin p} (hab : a.val * b.val % p = 1) : inv a = b := by
  have two := h.two_le
  have ha : a.val ≠ 0 := fun zero => by simp [zero] at hab
  refine Fin.ext ?_
  have left : (inv a).val * (a.val * b.val) % p = (inv a).val := by
    rw [← Nat.mul_mod_mod, hab, Nat.mul_one, Nat.mod_eq_of_lt (inv a).isLt]
  have right : (inv a).val * (a.val * b.val) % p = b.val := by
    rw [← Nat.mul_assoc, Nat.mul_comm (inv a).val, ← Nat.mod_mul_mod, mul_inv_val h ha, Nat.one_mul,
      Nat.mod_eq_of_lt b.isLt]
  exact left.symm.trans right

private theorem inv_inv (h : IsPrime p) (a : Fin p) : inv (inv a) = a := by
  by_cases ha : a.val = 0
  · simp [inv, ha]
  · exact inv_unique h (by rw [Nat.mul_comm]; exact mul_inv_val h ha)

end PrimeField

open PrimeField in
/-- The residues modulo a prime are a field. Its sums and products are those of `Fin p`. -/
@[reducible] def primeField {p : Nat} (h : IsPrime p) : Field (Fin p) :=
  haveI : NeZero p := ⟨by have := h.two_le; omega⟩
  { toCommRing := Lean.Grind.Fin.instCommRingFinOfNeZeroNat p
    inv := inv
    div a b := a * inv b
    zpow := ⟨zpow⟩
    div_eq_mul_inv := fun _ _ => rfl
    zero_ne_one := fun same => by
      have := congrArg Fin.val same
      have two := h.two_le
      change 0 % p = 1 % p at this
      rw [Nat.zero_mod, Nat.mod_eq_of_lt (by omega)] at this
      omega
    inv_zero := by
      change inv (0 : Fin p) = 0
      simp [inv]
    mul_inv_cancel := fun {a} ha => by
      have nonzero : a.val ≠ 0 := fun zero => ha (Fin.ext (by rw [zero]; exact (Nat.zero_mod p).symm))
      refine Fin.ext ?_
      change a.val * (inv a).val % p = 1 % p
      rw [mul_inv_val h nonzero, Nat.mod_eq_of_lt (by have := h.two_le; omega)]
    zpow_zero := fun a => Fin.ext (by change a.val ^ 0 % p = 1 % p; rw [Nat.pow_zero])
    zpow_succ := fun a n => Fin.ext (by
      change a.val ^ (n + 1) % p = a.val ^ n % p * a.val % p
      rw [Nat.pow_succ, Nat.mod_mul_mod])
    zpow_neg := fun a n => by
      change zpow a (-n) = inv (zpow a n)
      cases n with
      | ofNat n =>
        cases n with
        | zero =>
          have two := h.two_le
          refine (inv_unique h ?_).symm
          change a.val ^ 0 % p * (a.val ^ 0 % p) % p = 1
          simp [Nat.mod_eq_of_lt (show 1 < p by omega)]
        | succ n => rfl
      | negSucc n => exact (inv_inv h _).symm }

/-- The inverse of a residue other than zero is the power `p - 2`, which residues compute. -/
theorem primeField_inv_val {p : Nat} (h : IsPrime p) {a : Fin p} (ha : a.val ≠ 0) :
    letI := primeField h
    (a⁻¹).val = powMod p a.val (p - 2) := by
  change (PrimeField.inv a).val = _
  rw [PrimeField.inv, if_neg ha]

end Scanproof
