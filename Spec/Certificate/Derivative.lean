/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.Jacobian
public import Spec.Certificate.Random
public import Spec.Rounding.Abs

/-!
# Jacobians of nonlinear functions

What a gradient check can and cannot say of any function, at the point where it looks. Where a function reads nothing beyond its
reach, every Jacobian of it is causal, so no probe raises a false alarm. The converse needs linearity: a derivative may vanish at
a point that a dependence passes through.

## Main definitions

* `HasDerivative g a d`: the difference quotients of `g` at `a` have the limit `d`.
* `IsJacobian f x J`: the entries of `J` are the partial derivatives of `f` at `x`.

## Main results

* `ReadsBelow.matrixCausal`, `ReadsBelow.passes`: the Jacobian of a causal function is causal, and passes every probe.
* `IsLinear.isJacobian`: the Jacobian of a linear function, at any point, is the matrix of its unit impulses.
* `exists_matrixCausal_not_readsBelow`: a causal Jacobian at one point does not make a function causal.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind Std

variable {α : Type} [Field α] [LE α] [DecidableLE α] [LT α] [LawfulOrderLT α] [IsLinearOrder α] [OrderedRing α]

/-- The difference quotients of `g` at `a` come as close to `d` as one likes, for steps that are small and not zero. -/
def HasDerivative (g : α → α) (a d : α) : Prop :=
  ∀ ε, 0 < ε → ∃ δ, 0 < δ ∧ ∀ h, h ≠ 0 → magnitude h < δ → magnitude ((g (a + h) - g a) / h - d) < ε

/-- Each entry of `J` is the derivative of an output of `f` by an input, at `x`. -/
def IsJacobian {κ ι : Type} [DecidableEq ι] (f : (ι → α) → κ → α) (x : ι → α) (J : κ → ι → α) : Prop :=
  ∀ k i, HasDerivative (fun a => f (update x i a) k) (x i) (J k i)

private theorem HasDerivative.eq_zero {g : α → α} {a d : α} (hd : HasDerivative g a d) (hg : ∀ b, g b = g a) : d = 0 := by
  rcases IsLinearOrder.le_total (magnitude d) 0 with h | h
  · have := magnitude_nonneg d
    have := le_magnitude d
    have := le_magnitude (-d)
    rw [magnitude_neg] at this
    grind
  · apply Classical.byContradiction
    intro hne
    have pos : 0 < magnitude d := by
      have : magnitude d ≠ 0 := by
        unfold magnitude
        split <;> grind
      grind
    obtain ⟨δ, hδ, near⟩ := hd (magnitude d) pos
    have half : (0 : α) < δ / 2 := by
      have : (0 : α) < 1 := OrderedRing.zero_lt_one
      grind
    have := near (δ / 2) (by grind) (by rw [magnitude_of_nonneg (by grind)]; grind)
    rw [hg (a + δ / 2), show (g a - g a) / (δ / 2) - d = -d by grind, magnitude_neg] at this
    grind

/-- Every Jacobian of a function that reads nothing beyond its reach is causal. -/
theorem ReadsBelow.matrixCausal {κ ι : Type} [DecidableEq ι] {reach : κ → Nat} {pos : ι → Nat} {f : (ι → α) → κ → α}
    (h : ReadsBelow reach pos f) {x : ι → α} {J : κ → ι → α} (hJ : IsJacobian f x J) : MatrixCausal reach pos J := by
  intro k i hik
  refine (hJ k i).eq_zero fun b => h _ _ k fun j hj => ?_
  have : j ≠ i := fun e => by
    subst e
    omega
  rw [update_of_ne _ _ this, update_of_ne _ _ this]

/-- No false alarm: the Jacobian of a function that reads nothing beyond its reach passes the probe of every cut. -/
theorem ReadsBelow.passes {ι : Type} [DecidableEq ι] {m : Nat} {reach : Fin m → Nat} {pos : ι → Nat}
    {f : (ι → α) → Fin m → α} (h : ReadsBelow reach pos f) {x : ι → α} {J : Fin m → ι → α} (hJ : IsJacobian f x J)
    (τ : Nat) (v : Fin m → α) : Passes reach pos J τ v :=
  (h.matrixCausal hJ).passes τ v

/-- The matrix of the unit impulses of a linear function is its Jacobian at every point. -/
theorem IsLinear.isJacobian {κ ι : Type} [DecidableEq ι] {f : (ι → α) → κ → α} (hf : IsLinear f) (x : ι → α) :
    IsJacobian f x (jacobian f) := by
  intro k i ε hε
  refine ⟨1, OrderedRing.zero_lt_one, fun h hne _ => ?_⟩
  have moved : update x i (x i + h) = fun j => update x i (x i) j + impulse i h j := by
    funext j
    by_cases hj : j = i
    · rw [hj, impulse, update_self, update_self, update_self]
    · rw [impulse, update_of_ne _ _ hj, update_of_ne _ _ hj, update_of_ne _ _ hj, Semiring.add_zero]
  have entry : f (impulse i h) k = h * jacobian f k i := hf.response_eq k i h
  dsimp only
  rw [moved, hf.map_add, entry]
  have : (f (update x i (x i)) k + h * jacobian f k i - f (update x i (x i)) k) / h - jacobian f k i = 0 := by grind
  rw [this, magnitude_of_nonneg (IsPreorder.le_refl 0)]
  exact hε

/--
A causal Jacobian at one point does not make a function causal: with `y_0 = x_1 ^ 2`, the Jacobian at zero is zero. More inputs
find the leak, and so does a perturbation.
-/
theorem exists_matrixCausal_not_readsBelow :
    ∃ (f : (Fin 2 → α) → Fin 2 → α) (x : Fin 2 → α) (J : Fin 2 → Fin 2 → α), IsJacobian f x J ∧
      MatrixCausal (fun t => t.val + 1) (fun s => s.val) J ∧
      ¬ ReadsBelow (fun t => t.val + 1) (fun s => s.val) f := by
  refine ⟨fun x _ => x 1 * x 1, fun _ => 0, fun _ _ => 0, fun k i ε hε => ⟨ε, hε, fun h hne hsmall => ?_⟩,
    fun _ _ _ => rfl, fun hreads => ?_⟩
  · dsimp only
    by_cases hi : (1 : Fin 2) = i
    · rw [← hi, update_self, update_self]
      rwa [show ((0 + h) * (0 + h) - 0 * 0) / h - 0 = h by grind]
    · rw [update_of_ne _ _ hi, update_of_ne _ _ hi]
      rw [show ((0 : α) * 0 - 0 * 0) / h - 0 = 0 by grind, magnitude_of_nonneg (IsPreorder.le_refl 0)]
      exact hε
  · have same : (0 : α) * 0 = update (fun _ : Fin 2 => (0 : α)) 1 1 1 *
      update (fun _ : Fin 2 => (0 : α)) 1 1 1 :=
      hreads (fun _ => 0) (update (fun _ => 0) 1 1) 0 fun i hi =>
      (update_of_ne (fun _ => (0 : α)) (i := 1) (j := i) 1 fun e => by subst e; exact absurd hi (by decide)).symm
    simp only [update_self] at same
    have : (0 : α) < 1 := OrderedRing.zero_lt_one
    grind

end Scanproof
