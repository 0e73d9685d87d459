/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.Choices

/-!
# Zeros of polynomials

A polynomial that is not zero everywhere is zero at few random points. Two programs that are polynomials in their inputs, and
differ somewhere, therefore differ at most random points.

A polynomial is a *function* here, made of constants and variables by sums and products, with a bound on its total degree. It
is not zero when it is not zero at one point of the ring, which may lie outside the finite list that points are drawn from.

## Main definitions

* `IsPolynomial d f`: the function `f` is a polynomial of total degree at most `d`.

## Main results

* `IsPolynomial.countP_eq_zero_le`: a polynomial of total degree at most `d` that is not zero somewhere is zero at no more
  than a fraction `d / S.length` of the points with entries in `S`, over a commutative ring without zero divisors.

## References

* J. T. Schwartz, Fast probabilistic algorithms for verification of polynomial identities, 1980.
* R. Zippel, Probabilistic algorithms for sparse polynomials, 1979.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind (Semiring Ring CommRing AddCommGroup)

variable {α : Type} [CommRing α] {m d e : Nat}

/-- The function `f` of `m` variables is a polynomial of total degree at most `d`. -/
inductive IsPolynomial : Nat → ((Fin m → α) → α) → Prop
  /-- A constant has degree 0. -/
  | const (a : α) : IsPolynomial 0 fun _ => a
  /-- A variable has degree 1. -/
  | var (k : Fin m) : IsPolynomial 1 fun v => v k
  /-- A sum has the degree of both terms. -/
  | add {d : Nat} {f g : (Fin m → α) → α} (hf : IsPolynomial d f) (hg : IsPolynomial d g) :
      IsPolynomial d fun v => f v + g v
  /-- The degrees of factors add. -/
  | mul {d e : Nat} {f g : (Fin m → α) → α} (hf : IsPolynomial d f) (hg : IsPolynomial e g) :
      IsPolynomial (d + e) fun v => f v * g v
  /-- The bound may be larger. -/
  | mono {d e : Nat} {f : (Fin m → α) → α} (hf : IsPolynomial d f) (h : d ≤ e) : IsPolynomial e f

/-! ## Polynomials in the first variable

A polynomial is one in its first variable, whose coefficients are polynomials in the others. -/

/-- The same functions, by nested Horner schemes. -/
private inductive Nested : (m d : Nat) → ((Fin m → α) → α) → Prop
  | point {d : Nat} (f : (Fin 0 → α) → α) : Nested 0 d f
  | free {m : Nat} {f : (Fin (m + 1) → α) → α} {c : (Fin m → α) → α} (hc : Nested m 0 c)
      (h : ∀ x v, f (prepend x v) = c v) : Nested (m + 1) 0 f
  | step {m d : Nat} {f g : (Fin (m + 1) → α) → α} {c : (Fin m → α) → α} (hc : Nested m (d + 1) c)
      (hg : Nested (m + 1) d g) (h : ∀ x v, f (prepend x v) = c v + x * g (prepend x v)) : Nested (m + 1) (d + 1) f

private theorem mul_add_mul (a b c x : α) : a * (b + x * c) = a * b + x * (a * c) := by grind

private theorem add_mul_mul (a b c x : α) : a * c + x * (b * c) = (a + x * b) * c := by grind

private theorem add_add_mul (a b c d x : α) : a + x * c + (b + x * d) = a + b + x * (c + d) := by grind

private theorem eq_add_mul_zero (a x : α) : a = a + x * 0 := by grind

private theorem mul_eq_zero_add (a x : α) : x * a = 0 + x * a := by grind

namespace Nested

private theorem const (a : α) : ∀ m d, Nested m d fun _ => a
  | 0, _ => .point _
  | m + 1, 0 => .free (const a m 0) fun _ _ => rfl
  | m + 1, d + 1 => by
    have zero (d : Nat) : Nested (m + 1) d fun _ => (0 : α) := by
      induction d with
      | zero => exact .free (const 0 m 0) fun _ _ => rfl
      | succ d ih => exact .step (const 0 m _) ih fun _ _ => eq_add_mul_zero _ _
    exact .step (const a m _) (zero d) fun _ _ => eq_add_mul_zero _ _

private theorem embed {c : (Fin m → α) → α} (hc : Nested m d c) {f : (Fin (m + 1) → α) → α}
    (h : ∀ x v, f (prepend x v) = c v) : Nested (m + 1) d f := by
  cases d with
  | zero => exact .free hc h
  | succ d => exact .step hc (const 0 _ _) fun x v => (h x v).trans (eq_add_mul_zero _ _)

private theorem succ {f : (Fin m → α) → α} (h : Nested m d f) : Nested m (d + 1) f := by
  induction h with
  | point f => exact .point f
  | free _ h ih => exact embed ih h
  | step _ _ h ih ih' => exact .step ih ih' h

private theorem mono {f : (Fin m → α) → α} (h : Nested m d f) (hde : d ≤ e) : Nested m e f := by
  induction hde with
  | refl => exact h
  | step _ ih => exact ih.succ

private theorem congr {f g : (Fin (m + 1) → α) → α} (hf : Nested (m + 1) d f)
    (h : ∀ x v, f (prepend x v) = g (prepend x v)) : Nested (m + 1) d g := by
  cases hf with
  | free hc hf => exact .free hc fun x v => by rw [← h, hf]
  | step hc hg hf => exact .step hc hg fun x v => by rw [← h, hf]

private theorem add {f g : (Fin m → α) → α} (hf : Nested m d f) (hg : Nested m d g) :
    Nested m d fun v => f v + g v := by
  induction hf with
  | point f => exact .point _
  | free _ h ih =>
    cases hg with
    | free hc' h' => exact .free (ih hc') fun x v => by rw [h, h']
  | step _ _ h ih ih' =>
    cases hg with
    | step hc' hg' h' => exact .step (ih hc') (ih' hg') fun x v => by rw [h, h', add_add_mul]

private theorem scale (mul : ∀ {d e : Nat} {f g : (Fin m → α) → α}, Nested m d f → Nested m e g →
      Nested m (d + e) fun v => f v * g v) {c : (Fin m → α) → α} (hc : Nested m d c) {f : (Fin (m + 1) → α) → α}
    (hf : Nested (m + 1) e f) {h : (Fin (m + 1) → α) → α} (hh : ∀ x v, h (prepend x v) = c v * f (prepend x v)) :
    Nested (m + 1) (d + e) h := by
  induction e generalizing f h with
  | zero =>
    cases hf with
    | free hc' h' => exact embed (mul hc hc') fun x v => by rw [hh, h']
  | succ e ih =>
    cases hf with
    | step hc' hg' h' =>
      rename_i g c'
      have first : Nested m (d + e + 1) _ := mul (e := e + 1) hc hc'
      refine .step first (ih hg' (h := fun v => c (fun k => v k.succ) * g v) fun _ _ => rfl) fun x v => ?_
      rw [hh, h']
      exact mul_add_mul _ _ _ _

private theorem mul {f g : (Fin m → α) → α} (hf : Nested m d f) (hg : Nested m e g) :
    Nested m (d + e) fun v => f v * g v := by
  induction m generalizing d e with
  | zero => exact .point _
  | succ m ihm =>
    induction d generalizing f with
    | zero =>
      cases hf with
      | free hc h => exact scale ihm hc hg fun x v => by rw [h]
    | succ d ih =>
      cases hf with
      | step hc hg' h =>
        rename_i f' c
        have first := scale ihm hc hg (h := fun v => c (fun k => v k.succ) * g v) fun _ _ => rfl
        have later : Nested (m + 1) (d + e + 1) fun v => v 0 * (f' v * g v) :=
          .step (const 0 _ _) (ih hg') fun _ _ => mul_eq_zero_add _ _
        refine (first.add (later.mono (Nat.le_of_eq (Nat.add_right_comm d e 1)))).congr fun x v => ?_
        change c v * g (prepend x v) + x * (f' (prepend x v) * g (prepend x v)) = _
        rw [h]
        exact add_mul_mul _ _ _ _

private theorem var : ∀ {m : Nat} (k : Fin m), Nested (α := α) m 1 fun v => v k
  | m + 1, k => by
    refine Fin.cases ?_ (fun k => ?_) k
    · exact .step (const 0 _ _) (const 1 _ _) fun x _ => (Semiring.mul_one x).symm.trans (mul_eq_zero_add _ _)
    · exact embed (var k) fun _ _ => rfl

private theorem _root_.Scanproof.IsPolynomial.nested {f : (Fin m → α) → α} (h : IsPolynomial d f) : Nested m d f := by
  induction h with
  | const a => exact const a _ _
  | var k => exact var k
  | add _ _ hf hg => exact hf.add hg
  | mul _ _ hf hg => exact hf.mul hg
  | mono _ h hf => exact hf.mono h

end Nested

/-! ## Zeros in the first variable -/

/-- `c 0 + c 1 x + … + c n x^n`. -/
private def horner (c : Nat → α) : Nat → α → α
  | 0, _ => c 0
  | n + 1, x => c 0 + x * horner (fun j => c (j + 1)) n x

private theorem horner_succ (c : Nat → α) (n : Nat) (x : α) :
    horner c (n + 1) x = c 0 + x * horner (fun j => c (j + 1)) n x := rfl

private theorem horner_of_zero {c : Nat → α} {n : Nat} (h : c (n + 1) = 0) (x : α) :
    horner c (n + 1) x = horner c n x := by
  induction n generalizing c with
  | zero =>
    simp only [horner]
    rw [h]
    grind
  | succ n ih => rw [horner, ih h, horner]

private theorem horner_sub (c : Nat → α) (n : Nat) (r : α) :
    ∃ q : Nat → α, q n = c (n + 1) ∧ ∀ x, horner c (n + 1) x - horner c (n + 1) r = (x - r) * horner q n x := by
  induction n generalizing c with
  | zero => exact ⟨fun _ => c 1, rfl, fun x => by simp only [horner]; grind⟩
  | succ n ih =>
    obtain ⟨q, hq, h⟩ := ih fun j => c (j + 1)
    refine ⟨fun j => j.casesOn (horner (fun j => c (j + 1)) (n + 1) r) q, hq, fun x => ?_⟩
    have := h x
    rw [horner_succ c (n + 1) x, horner_succ c (n + 1) r]
    change _ = (x - r) * (horner (fun j => c (j + 1)) (n + 1) r + x * horner q n x)
    generalize horner (fun j => c (j + 1)) (n + 1) x = a, horner (fun j => c (j + 1)) (n + 1) r = b,
      horner q n x = z, c 0 = c at *
    clear h hq ih
    grind

variable [DecidableEq α] (domain : ∀ a b : α, a * b = 0 → a = 0 ∨ b = 0)
include domain

private theorem countP_horner_eq_zero_le {S : List α} (hS : S.Nodup) {c : Nat → α} {n : Nat} (h : c n ≠ 0) :
    S.countP (fun x => decide (horner c n x = 0)) ≤ n := by
  induction n generalizing c S with
  | zero =>
    refine Nat.le_of_eq (List.countP_eq_zero.2 fun x _ hx => h ?_)
    exact decide_eq_true_iff.1 hx
  | succ n ih =>
    induction S with
    | nil => exact Nat.zero_le _
    | cons r S ihS =>
      obtain ⟨hr, hS⟩ := List.nodup_cons.1 hS
      rw [List.countP_cons]
      split
      · rename_i zero
        have zero := decide_eq_true_iff.1 zero
        obtain ⟨q, hq, split⟩ := horner_sub c n r
        refine Nat.succ_le_succ (Nat.le_trans (List.countP_mono_left fun x hx hxz => ?_) (ih hS (c := q) (hq ▸ h)))
        have hxz := decide_eq_true_iff.1 hxz
        have := split x
        rw [hxz, zero] at this
        refine decide_eq_true ((domain _ _ (this.symm.trans (AddCommGroup.sub_self 0))).resolve_left fun e => hr ?_)
        exact AddCommGroup.sub_eq_zero_iff.1 e ▸ hx
      · exact ihS hS

omit domain [DecidableEq α] in
private theorem Nested.coefficients {f : (Fin (m + 1) → α) → α} (h : Nested (m + 1) d f) :
    ∃ c : Nat → (Fin m → α) → α, (∀ j, j ≤ d → Nested m (d - j) (c j)) ∧
      ∀ x v, f (prepend x v) = horner (fun j => c j v) d x := by
  induction d generalizing f with
  | zero =>
    cases h with
    | free hc h => exact ⟨fun _ => _, fun j _ => by rw [Nat.zero_sub]; exact hc, h⟩
  | succ d ih =>
    cases h with
    | step hc hg h =>
      rename_i g c₀
      obtain ⟨c, hc', hf⟩ := ih hg
      refine ⟨fun j => j.casesOn c₀ c, fun j hj => ?_, fun x v => ?_⟩
      · cases j with
        | zero => exact hc
        | succ j => exact Nat.add_sub_add_right d 1 j ▸ hc' j (Nat.le_of_succ_le_succ hj)
      · rw [h, hf]
        rfl

/-! ## Zeros in all variables -/

private theorem Nested.countP_eq_zero_le {S : List α} (hS : S.Nodup) {f : (Fin m → α) → α} (h : Nested m d f)
    {v : Fin m → α} (hv : f v ≠ 0) :
    (choices S m).countP (fun v => decide (f v = 0)) * S.length ≤ d * S.length ^ m := by
  induction m generalizing d with
  | zero =>
    have : (choices S 0).countP (fun v => decide (f v = 0)) = 0 := by
      refine List.countP_eq_zero.2 fun w _ hw => hv ?_
      rw [show v = w from funext fun k => k.elim0]
      exact decide_eq_true_iff.1 hw
    rw [this, Nat.zero_mul]
    exact Nat.zero_le _
  | succ m ih =>
    obtain ⟨c, hc, hf⟩ := h.coefficients
    have leading (n : Nat) (hn : n ≤ d) (hf : ∀ x w, f (prepend x w) = horner (fun j => c j w) n x)
        (hcn : ¬ ∀ w, c n w = 0) :
        (choices S (m + 1)).countP (fun v => decide (f v = 0)) * S.length ≤ d * S.length ^ (m + 1) := by
      obtain ⟨w, hw⟩ := Classical.not_forall.1 hcn
      have rare := ih (hc n hn) hw
      have few := countP_choices_succ_le (S := S) (q := n) (fun v => decide (f v = 0)) (fun w => decide (c n w = 0))
        fun w hw => by
          simp only [hf]
          exact countP_horner_eq_zero_le domain hS (c := fun j => c j w) (of_decide_eq_false hw)
      rw [Nat.pow_succ, ← Nat.mul_assoc]
      refine Nat.mul_le_mul_right _ (Nat.le_trans few (Nat.le_trans (Nat.add_le_add_right rare _) ?_))
      rw [← Nat.add_mul, Nat.sub_add_cancel hn]
      exact Nat.le_refl _
    have down (n : Nat) (hn : n ≤ d) (hf : ∀ x w, f (prepend x w) = horner (fun j => c j w) n x) :
        (choices S (m + 1)).countP (fun v => decide (f v = 0)) * S.length ≤ d * S.length ^ (m + 1) := by
      induction n with
      | zero =>
        refine leading 0 hn hf fun zero => hv ?_
        rw [show v = prepend (v 0) (fun k => v k.succ) from funext fun k => Fin.cases rfl (fun _ => rfl) k, hf]
        exact zero _
      | succ n ihn =>
        by_cases zero : ∀ w, c (n + 1) w = 0
        · exact ihn (Nat.le_of_succ_le hn) fun x w => (hf x w).trans (horner_of_zero (zero w) x)
        · exact leading _ hn hf zero
    exact down d (Nat.le_refl d) hf

/--
A polynomial of total degree at most `d` that is not zero at one point of the ring is zero at no more than `d` in `S.length`
of the points with entries in `S`. (Schwartz and Zippel.)
-/
theorem IsPolynomial.countP_eq_zero_le {S : List α} (hS : S.Nodup) {f : (Fin m → α) → α} (h : IsPolynomial d f)
    {v : Fin m → α} (hv : f v ≠ 0) :
    (choices S m).countP (fun v => decide (f v = 0)) * S.length ≤ d * S.length ^ m :=
  h.nested.countP_eq_zero_le domain hS hv

end Scanproof
