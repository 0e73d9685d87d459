/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Matrix
public import Spec.RingScalar
public import Spec.Scan.DiagonalTree
public import Spec.Scan.Sequential

/-!
# Affine transitions form a monoid

Transitions that combine associatively, with an identity, act on states; the sequential scan is the fold of that monoid. Two
instances: diagonal transitions `h ↦ a ⊙ h + b`, and matrix transitions `h ↦ A h + b` over any semiring.

## Main definitions

* `TransitionMonoid op e act`: `op` and `e` make the transitions a monoid, and `act` lets it act on states.
* `DiagonalTransition.identity`: the diagonal transition that changes nothing.
* `MatrixTransition`: `h ↦ A h + b` for a square matrix `A`.

## Main results

* `TransitionMonoid.act_foldl`, `TransitionMonoid.scanStates_eq_map`: the sequential scan is a fold of the monoid.
* `diagonalTransition_monoid`, `matrixTransition_monoid`: the instances.

## References

* G. E. Blelloch, *Prefix Sums and Their Applications*, CMU-CS-90-190, 1990, section 1.4.1.
-/

@[expose] public noncomputable section

namespace Scanproof

open Lean.Grind

/-- The transitions form a monoid with product `op` and identity `e`, and `act` lets it act on states. -/
structure TransitionMonoid {τ σ : Type} (op : τ → τ → τ) (e : τ) (act : τ → σ → σ) : Prop where
  /-- Combining is associative. -/
  assoc : ∀ a b c, op (op a b) c = op a (op b c)
  /-- The identity changes no transition from the left. -/
  left_id : ∀ t, op e t = t
  /-- The identity changes no transition from the right. -/
  right_id : ∀ t, op t e = t
  /-- A combined transition acts as `earlier`, and then `later`. -/
  act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)
  /-- The identity changes no state. -/
  act_e : ∀ s, act e s = s

namespace TransitionMonoid

variable {τ σ : Type} {op : τ → τ → τ} {e : τ} {act : τ → σ → σ}

/-- The final state of the sequential scan is the action of the product of all transitions. -/
theorem act_foldl (m : TransitionMonoid op e act) (s : σ) (ts : List τ) :
    act (ts.foldl (fun earlier t => op t earlier) e) s = ts.foldl (fun s t => act t s) s := by
  have h : ∀ p, act (ts.foldl (fun earlier t => op t earlier) p) s = ts.foldl (fun s t => act t s) (act p s) := by
    induction ts with
    | nil => exact fun _ => rfl
    | cons t ts ih =>
      intro p
      rw [List.foldl_cons, List.foldl_cons, ih, m.act_op]
  rw [h, m.act_e]

/-- The states of the sequential scan are the running products of the transitions, each applied to the first state. -/
theorem scanStates_eq_map (m : TransitionMonoid op e act) (s : σ) (ts : List τ) :
    scanStates act s ts = (scanStates op e ts).map fun t => act t s := by
  apply List.ext_getElem
  · rw [List.length_map, length_scanStates, length_scanStates]
  · intro i _ _
    rw [List.getElem_map, getElem_scanStates, getElem_scanStates, m.act_foldl]

end TransitionMonoid

section Diagonal

variable {α : Type} [Scalar α] {stateDim : Nat}

/-- The diagonal transition with factors one and addends zero. -/
def DiagonalTransition.identity : DiagonalTransition α stateDim := ⟨Vec.ofFn fun _ => 1, Vec.ofFn fun _ => 0⟩

/-- Combining diagonal transitions is associative, in lawful arithmetic. -/
instance DiagonalTransition.associative_after [LawfulScalar α] :
    Std.Associative (DiagonalTransition.after (α := α) (stateDim := stateDim)) where
  assoc t u v := by
    simp only [after, mk.injEq]
    constructor
    · apply Vec.ext
      intro i
      simp only [Vec.mul, Vec.get_zipWith, LawfulScalar.mul_assoc]
    · apply Vec.ext
      intro i
      simp only [Vec.mul, Vec.add, Vec.get_zipWith, LawfulScalar.mul_add, LawfulScalar.mul_assoc, LawfulScalar.add_assoc]

/-- Diagonal transitions are a monoid that acts on states, in exact arithmetic. -/
theorem diagonalTransition_monoid [SemiringScalar α] :
    TransitionMonoid (DiagonalTransition.after (α := α) (stateDim := stateDim)) DiagonalTransition.identity
      DiagonalTransition.apply := by
  have zero_add : ∀ x : α, 0 + x = x := fun x => (SemiringScalar.add_comm _ _).trans (SemiringScalar.add_zero x)
  refine ⟨Std.Associative.assoc, fun t => ?_, fun t => ?_, DiagonalTransition.apply_after, fun h => ?_⟩
  · obtain ⟨a, b⟩ := t
    simp only [DiagonalTransition.after, DiagonalTransition.identity, DiagonalTransition.mk.injEq]
    constructor
    · apply Vec.ext
      intro i
      simp only [Vec.mul, Vec.get_zipWith, Vec.get_ofFn, SemiringScalar.one_mul]
    · apply Vec.ext
      intro i
      simp only [Vec.mul, Vec.add, Vec.get_zipWith, Vec.get_ofFn, SemiringScalar.one_mul, SemiringScalar.add_zero]
  · obtain ⟨a, b⟩ := t
    simp only [DiagonalTransition.after, DiagonalTransition.identity, DiagonalTransition.mk.injEq]
    constructor
    · apply Vec.ext
      intro i
      simp only [Vec.mul, Vec.get_zipWith, Vec.get_ofFn, SemiringScalar.mul_one]
    · apply Vec.ext
      intro i
      simp only [Vec.mul, Vec.add, Vec.get_zipWith, Vec.get_ofFn, SemiringScalar.mul_zero, zero_add]
  · apply Vec.ext
    intro i
    simp only [DiagonalTransition.apply, DiagonalTransition.identity, Vec.mul, Vec.add, Vec.get_zipWith, Vec.get_ofFn,
      SemiringScalar.one_mul, SemiringScalar.add_zero]

end Diagonal

section General

variable {R : Type} [Semiring R] {n : Nat}

/-- The affine map `h ↦ A h + b` of one token, for a square matrix `A`. -/
structure MatrixTransition (R : Type) (n : Nat) where
  /-- The matrix that takes the state on. -/
  A : Matrix R n n
  /-- What the token adds to the state. -/
  b : Vec R n

namespace MatrixTransition

/-- The state `A h + b`. -/
def apply (t : MatrixTransition R n) (h : Vec R n) : Vec R n := t.A.mulVec h + t.b

/-- The transition that is `earlier`, and then `later`. -/
def after (later earlier : MatrixTransition R n) : MatrixTransition R n :=
  ⟨later.A.mul earlier.A, later.A.mulVec earlier.b + later.b⟩

/-- The transition that changes nothing. -/
def identity : MatrixTransition R n := ⟨Matrix.one, 0⟩

end MatrixTransition

/-- Matrix transitions over any semiring are a monoid that acts on states. -/
theorem matrixTransition_monoid :
    TransitionMonoid (MatrixTransition.after (R := R) (n := n)) MatrixTransition.identity MatrixTransition.apply where
  assoc t u v := by
    simp only [MatrixTransition.after, Matrix.mul_assoc, Matrix.mul_mulVec, Matrix.mulVec_add, Vec.add_assoc]
  left_id t := by
    simp only [MatrixTransition.after, MatrixTransition.identity, Matrix.one_mul, Matrix.one_mulVec, Vec.add_zero]
  right_id t := by
    simp only [MatrixTransition.after, MatrixTransition.identity, Matrix.mul_one, Matrix.mulVec_zero, Vec.zero_add]
  act_op later earlier h := by
    simp only [MatrixTransition.apply, MatrixTransition.after, Matrix.mul_mulVec, Matrix.mulVec_add, Vec.add_assoc]
  act_e h := by
    simp only [MatrixTransition.apply, MatrixTransition.identity, Matrix.one_mulVec, Vec.add_zero]

end General

end Scanproof
