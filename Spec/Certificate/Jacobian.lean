/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Certificate.Perturbation
public import Spec.Certificate.VecMul

/-!
# From functions to matrices

Causality is a property of functions, and cuts look at matrices. For linear functions they say the same: a linear function
reads nothing beyond its reach exactly when its Jacobian passes every cut. Of a function that is merely additive, the columns
are its responses to impulses: the blocks of the Jacobian, for tokens of any kind.

## Main definitions

* `impulse i v`: `v` at input `i`, zero elsewhere.
* `IsAdditive f`, `IsLinear f`: what is assumed of a function of families.
* `response f`: the matrix of the outputs of all impulses. Its columns are indexed by an input and a value.
* `jacobian f`: the matrix of the outputs of the unit impulses.
* `Runner.Additive`: a runner whose step is additive, in the state and the token together.

## Main results

* `ReadsBelow.matrixCausal_response`, `readsBelow_iff_matrixCausal_response`: an additive function reads nothing beyond its
  reach exactly when its impulse responses are causal.
* `readsBelow_iff_matrixCausal_jacobian`: the same of a linear function and its Jacobian; with `matrixCausal_iff_cuts`, exactly
  when every cut is clear.
* `IsLinear.eq_sum`, `IsLinear.dot_eq`: a linear function is its Jacobian, and `vecMul v (jacobian f)` is the gradient of the
  sum of its outputs weighted by the cotangent `v`.
* `Runner.Additive.isAdditive_outputs`, `Runner.Additive.response_lowerTriangular`: the Jacobian of a linear runner is block
  lower triangular.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind (AddCommMonoid Semiring CommSemiring)

section Additive

variable {κ ι τ ο : Type} [AddCommMonoid τ] [AddCommMonoid ο]

/-- The inputs that are `v` at `i` and zero elsewhere. -/
def impulse [DecidableEq ι] (i : ι) (v : τ) : ι → τ := update (fun _ => 0) i v

/-- A function of families that takes zero to zero and sums to sums. -/
structure IsAdditive (f : (ι → τ) → κ → ο) : Prop where
  /-- Inputs that are all zero give outputs that are all zero. -/
  map_zero : ∀ k, f (fun _ => 0) k = 0
  /-- The outputs of a sum are the sums of the outputs. -/
  map_add : ∀ x y k, f (fun i => x i + y i) k = f x k + f y k

/-- Entry `(k, (i, v))` is output `k` for the impulse `v` at input `i`. -/
def response [DecidableEq ι] (f : (ι → τ) → κ → ο) (k : κ) (p : ι × τ) : ο := f (impulse p.1 p.2) k

/-- Where a function that takes zero to zero reads nothing beyond its reach, its impulse responses are causal. -/
theorem ReadsBelow.matrixCausal_response [DecidableEq ι] {reach : κ → Nat} {pos : ι → Nat} {f : (ι → τ) → κ → ο}
    (h : ReadsBelow reach pos f) (zero : ∀ k, f (fun _ => 0) k = 0) :
    MatrixCausal reach (fun p => pos p.1) (response f) := by
  intro k p hp
  refine (h (impulse p.1 p.2) (fun _ => 0) k fun j hj => update_of_ne (fun _ => 0) p.2 fun e => ?_).trans (zero k)
  subst e
  exact Nat.not_le_of_lt hj hp

/-- An additive function reads nothing beyond its reach exactly when its impulse responses are causal. -/
theorem readsBelow_iff_matrixCausal_response {N : Nat} (reach : κ → Nat) (pos : Fin N → Nat)
    {f : (Fin N → τ) → κ → ο} (hf : IsAdditive f) :
    ReadsBelow reach pos f ↔ MatrixCausal reach (fun p => pos p.1) (response f) := by
  refine ⟨fun h => h.matrixCausal_response hf.map_zero, fun h => (readsBelow_iff_update reach pos f).2 ?_⟩
  intro x i v k hik
  have split (v : τ) : f (update x i v) k = f (update x i 0) k := by
    have : update x i v = fun j => update x i 0 j + impulse i v j := by
      funext j
      by_cases hj : j = i
      · rw [hj, impulse, update_self, update_self, update_self, AddCommMonoid.add_comm, AddCommMonoid.add_zero]
      · rw [impulse, update_of_ne _ _ hj, update_of_ne _ _ hj, update_of_ne _ _ hj, AddCommMonoid.add_zero]
    rw [this, hf.map_add, show f (impulse i v) k = 0 from h k (i, v) hik, AddCommMonoid.add_zero]
  have self : update x i (x i) = x := by
    funext j
    by_cases hj : j = i
    · rw [hj, update_self]
    · exact update_of_ne _ _ hj
  rw [split v, ← split (x i), self]

end Additive

section Linear

variable {κ ι α : Type} [Semiring α]

/-- A function of families of numbers that takes sums to sums and multiples to multiples. -/
structure IsLinear (f : (ι → α) → κ → α) : Prop where
  /-- The outputs of a sum are the sums of the outputs. -/
  map_add : ∀ x y k, f (fun i => x i + y i) k = f x k + f y k
  /-- The outputs of a multiple are the multiples of the outputs. -/
  map_mul : ∀ c x k, f (fun i => c * x i) k = c * f x k

/-- Entry `(k, i)` is output `k` for the unit impulse at input `i`. -/
def jacobian [DecidableEq ι] (f : (ι → α) → κ → α) (k : κ) (i : ι) : α := f (impulse i 1) k

/-- Linear functions are additive. -/
theorem IsLinear.isAdditive {f : (ι → α) → κ → α} (hf : IsLinear f) : IsAdditive f where
  map_zero k := by
    have := hf.map_mul 0 (fun _ => 0) k
    simpa only [Semiring.zero_mul] using this
  map_add := hf.map_add

/-- The response of a linear function to an impulse is a multiple of an entry of its Jacobian. -/
theorem IsLinear.response_eq [DecidableEq ι] {f : (ι → α) → κ → α} (hf : IsLinear f) (k : κ) (i : ι) (v : α) :
    response f k (i, v) = v * jacobian f k i := by
  rw [response, jacobian, ← hf.map_mul]
  congr 1
  funext j
  by_cases hj : j = i
  · rw [hj, impulse, impulse, update_self, update_self, Semiring.mul_one]
  · rw [impulse, impulse, update_of_ne _ _ hj, update_of_ne _ _ hj, Semiring.mul_zero]

/-- A linear function reads nothing beyond its reach exactly when its Jacobian is causal. -/
theorem readsBelow_iff_matrixCausal_jacobian {N : Nat} (reach : κ → Nat) (pos : Fin N → Nat) {f : (Fin N → α) → κ → α}
    (hf : IsLinear f) : ReadsBelow reach pos f ↔ MatrixCausal reach pos (jacobian f) := by
  rw [readsBelow_iff_matrixCausal_response reach pos hf.isAdditive]
  constructor
  · intro h k i hik
    exact h k (i, 1) hik
  · intro h k p hp
    rw [hf.response_eq k p.1 p.2, h k p.1 hp, Semiring.mul_zero]

/-- A linear function is its Jacobian. -/
theorem IsLinear.eq_sum {N : Nat} {f : (Fin N → α) → κ → α} (hf : IsLinear f) (x : Fin N → α) (k : κ) :
    f x k = finSum fun i => x i * jacobian f k i := by
  induction N with
  | zero =>
    rw [finSum_zero, ← hf.isAdditive.map_zero k]
    congr 1
    funext i
    exact i.elim0
  | succ N ih =>
    have tail : IsLinear fun y : Fin N → α => f (prepend 0 y) := by
      constructor
      · intro y z k
        rw [← hf.map_add]
        congr 1
        funext i
        exact Fin.cases (Semiring.add_zero 0).symm (fun _ => rfl) i
      · intro c y k
        rw [← hf.map_mul]
        congr 1
        funext i
        exact Fin.cases (Semiring.mul_zero c).symm (fun _ => rfl) i
    have split : x = fun i => impulse 0 (x 0) i + prepend 0 (fun i => x i.succ) i := by
      funext i
      refine Fin.cases ?_ (fun i => ?_) i
      · exact (Semiring.add_zero _).symm
      · rw [impulse, update_of_ne _ _ (Fin.succ_ne_zero i), Semiring.add_comm, Semiring.add_zero]
        rfl
    have column (i : Fin N) : jacobian (fun y : Fin N → α => f (prepend 0 y)) k i = jacobian f k i.succ := by
      rw [jacobian, jacobian]
      congr 1
      funext j
      refine Fin.cases ?_ (fun j => ?_) j
      · exact (update_of_ne (fun _ => (0 : α)) 1 fun e => Fin.succ_ne_zero i e.symm).symm
      · by_cases hj : j = i
        · rw [hj]
          exact (update_self (fun _ => (0 : α)) i 1).trans (update_self (fun _ => (0 : α)) i.succ 1).symm
        · exact (update_of_ne (fun _ => (0 : α)) 1 hj).trans
            (update_of_ne (fun _ => (0 : α)) 1 fun e => hj (Fin.succ_inj.1 e)).symm
    rw [finSum_succ, ← hf.response_eq, ← finSum_congr fun i => congrArg (x i.succ * ·) (column i), ← ih tail]
    conv => lhs; rw [split]
    exact hf.map_add _ _ _

end Linear

/--
With the Jacobian of a linear function, the vector-Jacobian product `vecMul v (jacobian f)` is the gradient of the sum of the
outputs weighted by the cotangent `v`.
-/
theorem IsLinear.dot_eq {α : Type} [CommSemiring α] {m N : Nat} {f : (Fin N → α) → Fin m → α} (hf : IsLinear f)
    (v : Fin m → α) (x : Fin N → α) :
    (finSum fun k => v k * f x k) = finSum fun i => x i * vecMul v (jacobian f) i := by
  have left (k : Fin m) : v k * f x k = finSum fun i => x i * (v k * jacobian f k i) := by
    rw [hf.eq_sum x k, finSum, mul_sumOver, finSum]
    refine sumOver_congr fun i _ => ?_
    rw [← Semiring.mul_assoc, CommSemiring.mul_comm (v k), Semiring.mul_assoc]
  rw [finSum_congr left]
  simp only [finSum, vecMul]
  rw [sumOver_comm]
  exact sumOver_congr fun i _ => (mul_sumOver _ _ _).symm

/-! ## Linear runners -/

namespace Runner

variable {σ τ ο : Type} [AddCommMonoid σ] [AddCommMonoid τ] [AddCommMonoid ο]

/-- A runner whose step is additive, in the state and the token together: a linear recurrence with a linear read-out. -/
structure Additive (r : Runner σ τ ο) : Prop where
  /-- From the zero state, a zero token gives the zero state and a zero output. -/
  step_zero : r.step 0 0 = (0, 0)
  /-- The step of a sum is the sum of the steps. -/
  step_add : ∀ s s' x x', r.step (s + s') (x + x') =
    ((r.step s x).1 + (r.step s' x').1, (r.step s x).2 + (r.step s' x').2)

private theorem Additive.runList_zero {r : Runner σ τ ο} (h : r.Additive) (n : Nat) :
    r.runList 0 (List.replicate n 0) = (0, List.replicate n 0) := by
  induction n with
  | zero => rfl
  | succ n ih => rw [List.replicate_succ, runList_cons, h.step_zero, ih, List.replicate_succ]

private theorem Additive.outputs_zipWith {r : Runner σ τ ο} (h : r.Additive) (s s' : σ) (xs ys : List τ)
    (hlen : xs.length = ys.length) :
    (r.runList (s + s') (List.zipWith (· + ·) xs ys)).2 =
      List.zipWith (· + ·) (r.runList s xs).2 (r.runList s' ys).2 := by
  induction xs generalizing s s' ys with
  | nil => rfl
  | cons x xs ih =>
    cases ys with
    | nil => exact absurd hlen (Nat.succ_ne_zero _)
    | cons y ys =>
      rw [List.zipWith_cons_cons, runList_cons, runList_cons, runList_cons, h.step_add, List.zipWith_cons_cons,
        ih _ _ _ (Nat.succ.inj hlen)]

/-- From the zero state, the outputs of an additive runner are an additive function of the tokens. -/
theorem Additive.isAdditive_outputs {r : Runner σ τ ο} (h : r.Additive) (T : Nat) : IsAdditive (r.outputs 0 T) where
  map_zero t := by
    have : List.ofFn (fun _ : Fin T => (0 : τ)) = List.replicate T 0 :=
      List.ext_getElem (by simp) fun s _ _ => by rw [List.getElem_ofFn, List.getElem_replicate]
    simp only [outputs, onLength, this, h.runList_zero, List.getElem_replicate]
  map_add x y t := by
    have : List.ofFn (fun i => x i + y i) = List.zipWith (· + ·) (List.ofFn x) (List.ofFn y) := by
      refine List.ext_getElem (by simp) fun s _ _ => ?_
      simp only [List.getElem_ofFn, List.getElem_zipWith]
    have sum := h.outputs_zipWith 0 0 (List.ofFn x) (List.ofFn y) (by simp only [List.length_ofFn])
    rw [AddCommMonoid.add_zero, ← this] at sum
    simp only [outputs, onLength, sum, List.getElem_zipWith]

/-- The Jacobian of an additive runner is block lower triangular: a token at `s` leaves nothing at the outputs `t < s`. -/
theorem Additive.response_lowerTriangular {r : Runner σ τ ο} (h : r.Additive) {T : Nat} {t s : Fin T} (hts : t < s)
    (v : τ) : response (r.outputs 0 T) t (s, v) = 0 :=
  (r.readsBelow 0 T).matrixCausal_response (h.isAdditive_outputs T).map_zero t (s, v) hts

/-- The linear recurrence `h' = a h + b x`, `y = c h' + d x` is an additive runner. -/
example {α : Type} [Semiring α] (a b c d : α) :
    Runner.Additive (⟨fun h x => (a * h + b * x, c * (a * h + b * x) + d * x)⟩ : Runner α α α) where
  step_zero := by simp only [Semiring.mul_zero, Semiring.add_zero]
  step_add s s' x x' := by
    simp only [Prod.mk.injEq]
    constructor <;> grind

end Runner

end Scanproof
