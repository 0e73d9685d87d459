/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.RingScalar
public import Spec.Scan.Diagonal

/-!
# The adjoint of the diagonal scan

Reverse-mode differentiation of `h_t = a_t ⊙ h_(t-1) + b_t` is a diagonal scan again, run backwards: with the cotangent `w_t`
of each state and `w` of the last one besides (a kernel returns it on its own),

    g_t = a_(t+1) ⊙ g_(t+1) + w_t        from w, where the decay after the last token is one

is the cotangent of `b_t`, `g_t ⊙ h_(t-1)` that of `a_t`, and `a_0 ⊙ g_0` that of the initial state. So what is proved of any
form of the diagonal scan, and of its rounding, holds of its gradient.

## Main definitions

* `tangentTransitions`: the transitions of the changes of the states, for given changes of the transitions.
* `adjointTransitions`: the transitions of the adjoint scan, last token first.
* `diagonalScanVjp`: the cotangents `g_0, g_1, …` of the inputs; `diagonalScanPullback`: that of the initial state.

## Main results

* `diagonalScan_tangent`: the tangent scan is the change of the scan, to first order.
* `diagonalScan_adjoint`: the changes of the states, weighted by their cotangents, sum to those of the transitions and of the
  initial state, weighted by theirs.
* `diagonalScan_vjp_inputs`, `diagonalScan_vjp_decays`, `diagonalScan_vjp_state`: the vector-Jacobian products one by one.
* `diagonalScanVjp_eq_scan`: the cotangents of the inputs are the states of the adjoint scan.
* `diagonalScanVjp_append`: they depend on later transitions and cotangents only.
* `diagonalScanVjp_zero`: outputs that are not asked for send nothing back.

## References

* E. Martin, C. Cundy, *Parallelizing Linear Recurrent Neural Nets Over Sequence Length*, ICLR 2018, section 2.2.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {α : Type} [Scalar α] {n : Nat}

/--
The transitions of the changes of the states, from the state `h0` and for the changes `ds` of the transitions `ts`: the decay
is kept, and what is added is the change of the transition, applied to the state before it.
-/
def tangentTransitions (h0 : Tensor α [n]) :
    (ts ds : List (DiagonalTransition α n)) → List (DiagonalTransition α n)
  | t :: ts, d :: ds => ⟨t.a, d.apply h0⟩ :: tangentTransitions (t.apply h0) ts ds
  | _, _ => []

/-- The transitions of the adjoint scan for the cotangents `ws` of the states, last token first. -/
def adjointTransitions : (ts : List (DiagonalTransition α n)) → (ws : List (Tensor α [n])) → List (DiagonalTransition α n)
  | _ :: t :: ts, w :: ws => adjointTransitions (t :: ts) ws ++ [⟨t.a, w⟩]
  | [_], w :: _ => [⟨Vec.ofFn fun _ => 1, w⟩]
  | _, _ => []

/-- The cotangent of the initial state, from the cotangents `ws` of the states and `w` of the last one besides. -/
def diagonalScanPullback (w : Tensor α [n]) : (ts : List (DiagonalTransition α n)) → (ws : List (Tensor α [n])) → Tensor α [n]
  | t :: ts, v :: ws => t.a.mul ((diagonalScanPullback w ts ws).add v)
  | _, _ => w

/-- The cotangents of the inputs, from the cotangents `ws` of the states and `w` of the last one besides. -/
def diagonalScanVjp (w : Tensor α [n]) : (ts : List (DiagonalTransition α n)) → (ws : List (Tensor α [n])) → List (Tensor α [n])
  | _ :: ts, v :: ws => (diagonalScanPullback w ts ws).add v :: diagonalScanVjp w ts ws
  | _, _ => []

/-- One cotangent for each transition. -/
theorem length_diagonalScanVjp (w : Tensor α [n]) (ts : List (DiagonalTransition α n)) (ws : List (Tensor α [n]))
    (h : ws.length = ts.length) : (diagonalScanVjp w ts ws).length = ts.length := by
  induction ts generalizing ws with
  | nil => rfl
  | cons t ts ih =>
    cases ws with
    | nil => exact absurd h (Nat.succ_ne_zero _).symm
    | cons v ws => simp only [diagonalScanVjp, List.length_cons, ih ws (Nat.succ.inj h)]

/-! ## What a cotangent depends on -/

/--
The cotangents from a token on depend on nothing before it, whether transitions or cotangents: the adjoint is causal in
reversed time. No law of arithmetic is assumed.
-/
theorem diagonalScanVjp_append (w : Tensor α [n]) (ts ts' : List (DiagonalTransition α n)) (ws ws' : List (Tensor α [n]))
    (h : ws.length = ts.length) :
    diagonalScanVjp w (ts ++ ts') (ws ++ ws') =
      diagonalScanVjp (diagonalScanPullback w ts' ws') ts ws ++ diagonalScanVjp w ts' ws' := by
  have pullback : ∀ (ts : List (DiagonalTransition α n)) (ws : List (Tensor α [n])), ws.length = ts.length →
      diagonalScanPullback w (ts ++ ts') (ws ++ ws') = diagonalScanPullback (diagonalScanPullback w ts' ws') ts ws := by
    intro ts
    induction ts with
    | nil =>
      intro ws h
      rw [List.length_eq_zero_iff.mp h]
      rfl
    | cons t ts ih =>
      intro ws h
      cases ws with
      | nil => exact absurd h (Nat.succ_ne_zero _).symm
      | cons v ws => simp only [List.cons_append, diagonalScanPullback, ih ws (Nat.succ.inj h)]
  induction ts generalizing ws with
  | nil =>
    rw [List.length_eq_zero_iff.mp h]
    rfl
  | cons t ts ih =>
    cases ws with
    | nil => exact absurd h (Nat.succ_ne_zero _).symm
    | cons v ws =>
      simp only [List.cons_append, diagonalScanVjp, ih ws (Nat.succ.inj h), pullback ts ws (Nat.succ.inj h)]

/-- The cotangent of an input does not depend on its own transition. -/
theorem diagonalScanVjp_cons (w : Tensor α [n]) (t t' : DiagonalTransition α n) (ts : List (DiagonalTransition α n))
    (ws : List (Tensor α [n])) : diagonalScanVjp w (t :: ts) ws = diagonalScanVjp w (t' :: ts) ws := by
  cases ws <;> rfl

/-! ## It is a scan run backwards -/

section Laws

open Lean.Grind

variable [CommSemiringScalar α]

private theorem one_apply (w v : Tensor α [n]) : DiagonalTransition.apply ⟨Vec.ofFn fun _ => 1, v⟩ w = w.add v := by
  apply Vec.ext
  intro i
  simp only [DiagonalTransition.apply, Vec.mul, Vec.add, Vec.get_zipWith, Vec.get_ofFn]
  rw [CommSemiringScalar.mul_comm, CommSemiringScalar.mul_one]

private theorem adjoint_run (w : Tensor α [n]) (t : DiagonalTransition α n) (ts : List (DiagonalTransition α n))
    (v : Tensor α [n]) (ws : List (Tensor α [n])) (h : ws.length = ts.length) :
    runDiagonalTransitions w (adjointTransitions (t :: ts) (v :: ws)) = (diagonalScanPullback w ts ws).add v ∧
      diagonalSelectiveScan w (adjointTransitions (t :: ts) (v :: ws)) = (diagonalScanVjp w (t :: ts) (v :: ws)).reverse := by
  induction ts generalizing t v ws with
  | nil =>
    rw [List.length_eq_zero_iff.mp h]
    have step := one_apply w v
    exact ⟨step, congrArg (fun h => [h]) step⟩
  | cons t' ts ih =>
    cases ws with
    | nil => exact absurd h (Nat.succ_ne_zero _).symm
    | cons v' ws =>
      obtain ⟨state, states⟩ := ih t' v' ws (Nat.succ.inj h)
      constructor
      · rw [adjointTransitions, runDiagonalTransitions_append, state]
        rfl
      · rw [adjointTransitions, diagonalSelectiveScan_append, state, states]
        simp only [diagonalScanVjp, List.reverse_cons]
        rfl

/-- The cotangents of the inputs are the states of the adjoint scan, which runs from the last token to the first. -/
theorem diagonalScanVjp_eq_scan (w : Tensor α [n]) (ts : List (DiagonalTransition α n)) (ws : List (Tensor α [n]))
    (h : ws.length = ts.length) :
    diagonalScanVjp w ts ws = (diagonalSelectiveScan w (adjointTransitions ts ws)).reverse := by
  cases ts with
  | nil =>
    rw [List.length_eq_zero_iff.mp h]
    rfl
  | cons t ts =>
    cases ws with
    | nil => exact absurd h (Nat.succ_ne_zero _).symm
    | cons v ws => rw [(adjoint_run w t ts v ws (Nat.succ.inj h)).2, List.reverse_reverse]

/-- The cotangent of the first input is the final state of the adjoint scan. -/
theorem diagonalScanVjp_head (w : Tensor α [n]) (t : DiagonalTransition α n) (ts : List (DiagonalTransition α n))
    (v : Tensor α [n]) (ws : List (Tensor α [n])) (h : ws.length = ts.length) :
    (diagonalScanVjp w (t :: ts) (v :: ws)).head? =
      some (runDiagonalTransitions w (adjointTransitions (t :: ts) (v :: ws))) := by
  rw [(adjoint_run w t ts v ws h).1]
  rfl

/-- The cotangent of the initial state is the first decay times the cotangent of the first input. -/
theorem diagonalScanPullback_cons (w : Tensor α [n]) (t : DiagonalTransition α n) (ts : List (DiagonalTransition α n))
    (v : Tensor α [n]) (ws : List (Tensor α [n])) (h : ws.length = ts.length) :
    diagonalScanPullback w (t :: ts) (v :: ws) =
      t.a.mul (runDiagonalTransitions w (adjointTransitions (t :: ts) (v :: ws))) := by
  rw [(adjoint_run w t ts v ws h).1, diagonalScanPullback]

/-! ## Tangents and cotangents pair -/

private theorem dot_add (x y z : Vec α n) : x.dot (y.add z) = x.dot y + x.dot z := by
  simp only [dot_eq_finSum, Vec.add, Vec.get_zipWith, finSum, ← sumOver_add]
  exact sumOver_congr fun i _ => LawfulScalar.mul_add _ _ _

private theorem dot_comm (x y : Vec α n) : x.dot y = y.dot x := by
  simp only [dot_eq_finSum]
  exact finSum_congr fun i => CommSemiringScalar.mul_comm _ _

private theorem add_dot (x y z : Vec α n) : (x.add y).dot z = x.dot z + y.dot z := by
  rw [dot_comm, dot_add, dot_comm z, dot_comm z]

private theorem mul_dot (a x y : Vec α n) : (a.mul x).dot y = x.dot (a.mul y) := by
  simp only [dot_eq_finSum, Vec.mul, Vec.get_zipWith]
  refine finSum_congr fun i => ?_
  rw [CommSemiringScalar.mul_comm (a.get i) (x.get i), LawfulScalar.mul_assoc]

private theorem dot_mul (g a h : Vec α n) : g.dot (a.mul h) = (g.mul h).dot a := by
  simp only [dot_eq_finSum, Vec.mul, Vec.get_zipWith]
  refine finSum_congr fun i => ?_
  rw [CommSemiringScalar.mul_comm (a.get i), LawfulScalar.mul_assoc]

/-- The sum of the dot products of corresponding vectors: how a list of cotangents weighs a list of changes. -/
def pairing (ws xs : List (Tensor α [n])) : α := sumOver (ws.zip xs) fun p => p.1.dot p.2

private theorem pairing_cons (w x : Tensor α [n]) (ws xs : List (Tensor α [n])) :
    pairing (w :: ws) (x :: xs) = w.dot x + pairing ws xs := rfl

private theorem regroup {R : Type} [CommSemiring R] (va vc p pa pc : R) :
    va + vc + (p + (pa + pc)) = pc + vc + p + (pa + va) := by grind

/--
The states' changes, weighted by the cotangents `ws` and `w`, sum to the changes of the transitions and of the initial state,
weighted by the cotangents that the adjoint scan gives. A change `d` of a transition counts as `d` applied to the state before
it, `δa ⊙ h + δb`.
-/
theorem diagonalScan_adjoint (h0 dh0 w : Tensor α [n]) (ts ds : List (DiagonalTransition α n)) (ws : List (Tensor α [n]))
    (hd : ds.length = ts.length) (hw : ws.length = ts.length) :
    pairing ws (diagonalSelectiveScan dh0 (tangentTransitions h0 ts ds)) +
        w.dot (runDiagonalTransitions dh0 (tangentTransitions h0 ts ds)) =
      pairing (diagonalScanVjp w ts ws) ((tangentTransitions h0 ts ds).map fun t => t.b) +
        (diagonalScanPullback w ts ws).dot dh0 := by
  induction ts generalizing h0 dh0 ds ws with
  | nil =>
    rw [List.length_eq_zero_iff.mp hd, List.length_eq_zero_iff.mp hw]
    rfl
  | cons t ts ih =>
    cases ds with
    | nil => exact absurd hd (Nat.succ_ne_zero _).symm
    | cons d ds =>
      cases ws with
      | nil => exact absurd hw (Nat.succ_ne_zero _).symm
      | cons v ws =>
        have rest := ih (t.apply h0) ((t.a.mul dh0).add (d.apply h0)) ds ws (Nat.succ.inj hd) (Nat.succ.inj hw)
        have scan : diagonalSelectiveScan dh0 (tangentTransitions h0 (t :: ts) (d :: ds)) =
            (t.a.mul dh0).add (d.apply h0) ::
              diagonalSelectiveScan ((t.a.mul dh0).add (d.apply h0)) (tangentTransitions (t.apply h0) ts ds) := rfl
        have run : runDiagonalTransitions dh0 (tangentTransitions h0 (t :: ts) (d :: ds)) =
            runDiagonalTransitions ((t.a.mul dh0).add (d.apply h0)) (tangentTransitions (t.apply h0) ts ds) := rfl
        rw [scan, run, pairing_cons, LawfulScalar.add_assoc, rest, tangentTransitions, List.map_cons, diagonalScanVjp,
          pairing_cons, diagonalScanPullback]
        rw [dot_add v, dot_add (diagonalScanPullback w ts ws), add_dot _ v, mul_dot t.a, add_dot _ v]
        exact regroup (R := α) _ _ _ _ _

private theorem tangentTransitions_inputs (h0 : Tensor α [n]) (ts : List (DiagonalTransition α n))
    (dbs : List (Tensor α [n])) (h : dbs.length = ts.length) :
    (tangentTransitions h0 ts (dbs.map fun db => ⟨Vec.ofFn fun _ => 0, db⟩)).map (fun t => t.b) = dbs := by
  induction ts generalizing h0 dbs with
  | nil =>
    rw [List.length_eq_zero_iff.mp h]
    rfl
  | cons t ts ih =>
    cases dbs with
    | nil => exact absurd h (Nat.succ_ne_zero _).symm
    | cons db dbs =>
      have entry : DiagonalTransition.apply ⟨Vec.ofFn fun _ => 0, db⟩ h0 = db := by
        apply Vec.ext
        intro i
        simp only [DiagonalTransition.apply, Vec.mul, Vec.add, Vec.get_zipWith, Vec.get_ofFn]
        rw [CommSemiringScalar.mul_comm, CommSemiringScalar.mul_zero, CommSemiringScalar.add_comm,
          CommSemiringScalar.add_zero]
      rw [List.map_cons, tangentTransitions, List.map_cons, ih _ dbs (Nat.succ.inj h), entry]

private theorem pairing_decays (h0 : Tensor α [n]) (ts : List (DiagonalTransition α n)) (das gs : List (Tensor α [n]))
    (h : das.length = ts.length) :
    pairing gs ((tangentTransitions h0 ts (das.map fun da => ⟨da, Vec.ofFn fun _ => 0⟩)).map fun t => t.b) =
      pairing (List.zipWith Vec.mul gs (h0 :: diagonalSelectiveScan h0 ts)) das := by
  induction ts generalizing h0 das gs with
  | nil =>
    rw [List.length_eq_zero_iff.mp h]
    simp only [List.map_nil, tangentTransitions, pairing, List.zip_nil_right]
  | cons t ts ih =>
    cases das with
    | nil => exact absurd h (Nat.succ_ne_zero _).symm
    | cons da das =>
      cases gs with
      | nil => rfl
      | cons g gs =>
        have entry : DiagonalTransition.apply ⟨da, Vec.ofFn fun _ => 0⟩ h0 = da.mul h0 := by
          apply Vec.ext
          intro i
          simp only [DiagonalTransition.apply, Vec.mul, Vec.add, Vec.get_zipWith, Vec.get_ofFn, CommSemiringScalar.add_zero]
        have rest := ih (t.apply h0) das gs (Nat.succ.inj h)
        have scan : diagonalSelectiveScan h0 (t :: ts) = t.apply h0 :: diagonalSelectiveScan (t.apply h0) ts := rfl
        rw [scan, List.map_cons, tangentTransitions, List.map_cons, pairing_cons, List.zipWith_cons_cons, pairing_cons, rest,
          entry, dot_mul]

private theorem dot_zero (v : Tensor α [n]) : v.dot (Vec.ofFn fun _ => 0) = 0 := by
  rw [dot_eq_finSum]
  refine (finSum_congr fun i => ?_).trans (sumOver_zero _)
  rw [Vec.get_ofFn]
  exact CommSemiringScalar.mul_zero _

private theorem zero_dot (v : Tensor α [n]) : Vec.dot (Vec.ofFn fun _ => (0 : α)) v = 0 := (dot_comm _ _).trans (dot_zero v)

/--
The vector-Jacobian product of the scan in its inputs: changes `dbs` of the inputs alone, weighted by the states of the adjoint
scan, give the changes of the states, weighted by their cotangents `ws` and, for the last one, `w`.
-/
theorem diagonalScan_vjp_inputs (h0 w : Tensor α [n]) (ts : List (DiagonalTransition α n)) (ws dbs : List (Tensor α [n]))
    (hw : ws.length = ts.length) (hb : dbs.length = ts.length) :
    let changes := tangentTransitions h0 ts (dbs.map fun db => ⟨Vec.ofFn fun _ => 0, db⟩)
    pairing ws (diagonalSelectiveScan (Vec.ofFn fun _ => 0) changes) +
        w.dot (runDiagonalTransitions (Vec.ofFn fun _ => 0) changes) =
      pairing (diagonalSelectiveScan w (adjointTransitions ts ws)).reverse dbs := by
  intro changes
  rw [diagonalScan_adjoint h0 _ w ts _ ws (by rw [List.length_map]; exact hb) hw, tangentTransitions_inputs h0 ts dbs hb,
    dot_zero, CommSemiringScalar.add_zero, diagonalScanVjp_eq_scan w ts ws hw]

/--
The vector-Jacobian product of the scan in its decays: changes `das` of the decays alone, weighted by the states `g_t` of the
adjoint scan times the states `h_(t-1)` of the scan, give the changes of the states, weighted by their cotangents.
-/
theorem diagonalScan_vjp_decays (h0 w : Tensor α [n]) (ts : List (DiagonalTransition α n)) (ws das : List (Tensor α [n]))
    (hw : ws.length = ts.length) (ha : das.length = ts.length) :
    let changes := tangentTransitions h0 ts (das.map fun da => ⟨da, Vec.ofFn fun _ => 0⟩)
    pairing ws (diagonalSelectiveScan (Vec.ofFn fun _ => 0) changes) +
        w.dot (runDiagonalTransitions (Vec.ofFn fun _ => 0) changes) =
      pairing (List.zipWith Vec.mul (diagonalSelectiveScan w (adjointTransitions ts ws)).reverse
        (h0 :: diagonalSelectiveScan h0 ts)) das := by
  intro changes
  rw [diagonalScan_adjoint h0 _ w ts _ ws (by rw [List.length_map]; exact ha) hw, dot_zero, CommSemiringScalar.add_zero,
    diagonalScanVjp_eq_scan w ts ws hw, pairing_decays h0 ts das _ ha]

/-- The vector-Jacobian product of the scan in its initial state: the first decay times the cotangent of the first input. -/
theorem diagonalScan_vjp_state (h0 dh0 w : Tensor α [n]) (ts : List (DiagonalTransition α n)) (ws : List (Tensor α [n]))
    (hw : ws.length = ts.length) :
    let changes := tangentTransitions h0 ts (ts.map fun _ => ⟨Vec.ofFn fun _ => 0, Vec.ofFn fun _ => 0⟩)
    pairing ws (diagonalSelectiveScan dh0 changes) + w.dot (runDiagonalTransitions dh0 changes) =
      (diagonalScanPullback w ts ws).dot dh0 := by
  intro changes
  have same : (ts.map fun _ => (⟨Vec.ofFn fun _ => 0, Vec.ofFn fun _ => 0⟩ : DiagonalTransition α n)) =
      (ts.map fun _ => Vec.ofFn fun _ => 0).map fun db => ⟨Vec.ofFn fun _ => 0, db⟩ := by
    rw [List.map_map]
    rfl
  have none : ∀ (gs : List (Tensor α [n])) (l : List (DiagonalTransition α n)),
      pairing gs (l.map fun _ => Vec.ofFn fun _ => 0) = 0 := by
    intro gs
    induction gs with
    | nil => exact fun _ => rfl
    | cons g gs ih =>
      intro l
      cases l with
      | nil => rfl
      | cons _ l =>
        rw [List.map_cons, pairing_cons, dot_zero, ih, CommSemiringScalar.add_zero]
  rw [diagonalScan_adjoint h0 dh0 w ts _ ws (List.length_map _) hw, same,
    tangentTransitions_inputs h0 ts _ (List.length_map _), none, CommSemiringScalar.add_comm, CommSemiringScalar.add_zero]

/-- Where no later state is asked for, nothing is sent back: cotangents that are zero from a token on give zero there. -/
theorem diagonalScanVjp_zero (ts : List (DiagonalTransition α n)) :
    diagonalScanVjp (Vec.ofFn fun _ => 0) ts (ts.map fun _ => Vec.ofFn fun _ => 0) = ts.map fun _ => Vec.ofFn fun _ => 0 := by
  have pullback : ∀ ts : List (DiagonalTransition α n),
      diagonalScanPullback (Vec.ofFn fun _ => 0) ts (ts.map fun _ => Vec.ofFn fun _ => 0) = Vec.ofFn fun _ => 0 := by
    intro ts
    induction ts with
    | nil => rfl
    | cons t ts ih =>
      rw [List.map_cons, diagonalScanPullback, ih]
      apply Vec.ext
      intro i
      simp only [Vec.mul, Vec.add, Vec.get_zipWith, Vec.get_ofFn, CommSemiringScalar.add_zero, CommSemiringScalar.mul_zero]
  induction ts with
  | nil => rfl
  | cons t ts ih =>
    rw [List.map_cons, diagonalScanVjp, ih, pullback]
    congr 1
    apply Vec.ext
    intro i
    simp only [Vec.add, Vec.get_zipWith, Vec.get_ofFn, CommSemiringScalar.add_zero]

/-! ## The tangent scan is the change of the scan, to first order -/

/-- The change of a vector by a multiple of another. -/
def moved (ε : α) (x dx : Vec α n) : Vec α n := Vec.ofFn fun i => x.get i + ε * dx.get i

/-- The change of a transition by a multiple of another. -/
def DiagonalTransition.moved (ε : α) (t d : DiagonalTransition α n) : DiagonalTransition α n :=
  ⟨Scanproof.moved ε t.a d.a, Scanproof.moved ε t.b d.b⟩

private theorem moved_entry {R : Type} [CommSemiring R] (ε a da b db h dh : R) (hε : ε * ε = 0) :
    (a + ε * da) * (h + ε * dh) + (b + ε * db) = a * h + b + ε * (a * dh + (da * h + db)) := by
  have : (a + ε * da) * (h + ε * dh) + (b + ε * db) =
      a * h + b + ε * (a * dh + (da * h + db)) + ε * ε * (da * dh) := by grind
  rw [this, hε]
  grind

/--
For `ε` whose square is zero, as in forward-mode differentiation, changing the initial state by `ε dh0` and each transition by
`ε d` changes each state by `ε` times that of the tangent scan.
-/
theorem diagonalScan_tangent (ε : α) (hε : ε * ε = 0) (h0 dh0 : Tensor α [n]) (ts ds : List (DiagonalTransition α n)) :
    diagonalSelectiveScan (moved ε h0 dh0) (List.zipWith (DiagonalTransition.moved ε) ts ds) =
      List.zipWith (moved ε) (diagonalSelectiveScan h0 ts) (diagonalSelectiveScan dh0 (tangentTransitions h0 ts ds)) := by
  induction ts generalizing h0 dh0 ds with
  | nil => rfl
  | cons t ts ih =>
    cases ds with
    | nil => rfl
    | cons d ds =>
      have step : (t.moved ε d).apply (moved ε h0 dh0) =
          moved ε (t.apply h0) (DiagonalTransition.apply ⟨t.a, d.apply h0⟩ dh0) := by
        apply Vec.ext
        intro i
        simp only [DiagonalTransition.apply, DiagonalTransition.moved, moved, Vec.mul, Vec.add, Vec.get_zipWith, Vec.get_ofFn]
        exact moved_entry (R := α) _ _ _ _ _ _ _ hε
      have rest := ih (t.apply h0) (DiagonalTransition.apply ⟨t.a, d.apply h0⟩ dh0) ds
      rw [← step] at rest
      exact congr (congrArg List.cons step) rest

end Laws

end Scanproof
