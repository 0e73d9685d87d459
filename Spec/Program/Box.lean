/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

/-!
# Boxes of reads

Tensors lie in memory row by row, so that an entry is a number. What one operation reads of one tensor is then a few nested
loops: for all values of some counters, entry `out + Σ cᵢ uᵢ` reads entry `source + Σ dᵢ uᵢ`, with the coefficients that PyTorch
calls strides. Slices, pads, permutations, broadcasts, reductions, matrix products and convolutions are such loops; *conditions*
leave out what lies in the padding or is masked, and tables hold constant indices.

## Main definitions

* `Condition`, `Axis`, `Box`: the loops.
* `Box.sources box o`: the entries that entry `o` reads.
* `Box.fold`: run the loops. A counter that nothing depends on is run through once.

## Main results

* `Box.fold_spec`: what each step of `fold` establishes, and no step destroys, holds of all reads at the end.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- The entry of a table, zero outside. -/
def lookUp (table : Array Int) (i : Int) : Int :=
  if h : 0 ≤ i ∧ i.toNat < table.size then table[i.toNat]'h.2 else 0

/-- What is asked of a number that is linear in the counters. -/
inductive Condition where
  /-- It lies between zero and a bound: inside the tensor, not in the padding. -/
  | below (bound : Int)
  /-- The table has no zero there: not masked. -/
  | mask (table : Array Int)
  /-- Nothing; the table's entry there is added to the entry that is read: indexing by constants. -/
  | index (table : Array Int)

/-- A counter: it runs from zero to `size - 1`, and each number that the loops compute is linear in it. -/
structure Axis where
  /-- How many values it takes. -/
  size : Nat
  /-- Its coefficient in the entry that is computed. -/
  out : Int
  /-- Its coefficient in the entry that is read. -/
  source : Int
  /-- Its coefficients in the numbers that the conditions speak of; those that are not given are zero. -/
  terms : List Int

/-- What an operation reads of one tensor. -/
structure Box where
  /-- The counters, outermost first. -/
  axes : List Axis
  /-- The entry that is computed when all counters are zero. -/
  out : Int
  /-- The entry that is read when all counters are zero. -/
  source : Int
  /-- The conditions, each with its number when all counters are zero. -/
  conditions : List (Int × Condition)

/-- Conditions whose numbers have advanced by `v` steps of the given coefficients. -/
def advance (v : Int) : List Int → List (Int × Condition) → List (Int × Condition)
  | _, [] => []
  | [], rest => rest
  | c :: terms, (n, condition) :: rest => (n + c * v, condition) :: advance v terms rest

/-- The entry that is read, if the conditions are met: `source`, shifted by the tables of indices. -/
def resolve (source : Int) : List (Int × Condition) → Option Int
  | [] => some source
  | (n, .below bound) :: rest => if 0 ≤ n ∧ n < bound then resolve source rest else none
  | (n, .mask table) :: rest => if lookUp table n = 0 then none else resolve source rest
  | (n, .index table) :: rest => resolve (source + lookUp table n) rest

/-- The entries that the loops read for entry `o`, from given numbers on. -/
def loopSources (o : Int) : List Axis → Int → Int → List (Int × Condition) → List Int
  | [], out, source, conditions => if out = o then (resolve source conditions).toList else []
  | axis :: axes, out, source, conditions =>
    (List.range axis.size).flatMap fun v : Nat =>
      loopSources o axes (out + axis.out * v) (source + axis.source * v) (advance v axis.terms conditions)

/-- The entries of the source that entry `o` of the result reads. -/
def Box.sources (box : Box) (o : Int) : List Int := loopSources o box.axes box.out box.source box.conditions

/-- Whether all numbers are zero. -/
def allZero : List Int → Bool
  | [] => true
  | c :: rest => c == 0 && allZero rest

/-- How often to run through a counter: once is enough if nothing depends on it. -/
def Axis.runs (axis : Axis) : Nat :=
  if axis.out == 0 && axis.source == 0 && allZero axis.terms then min axis.size 1 else axis.size

section Loops

variable {σ : Type} (f : σ → Int → Int → σ)

/-- Run the loops, and apply `f` to each entry that is computed and each that it reads. -/
def foldLoops : List Axis → Int → Int → List (Int × Condition) → σ → σ
  | [], out, source, conditions, s =>
    match resolve source conditions with
    | some entry => f s out entry
    | none => s
  | axis :: axes, out, source, conditions, s => runThrough axis axes axis.runs out source conditions s
where
  /-- Run through a counter, of whose values `left` are left. -/
  runThrough (axis : Axis) (axes : List Axis) : Nat → Int → Int → List (Int × Condition) → σ → σ
    | 0, _, _, _, s => s
    | left + 1, out, source, conditions, s =>
      runThrough axis axes left (out + axis.out) (source + axis.source) (advance 1 axis.terms conditions)
        (foldLoops axes out source conditions s)

/-- Apply `f` to each entry of the result and each that it reads; a pair may come several times. -/
def Box.fold (box : Box) (s : σ) : σ := foldLoops f box.axes box.out box.source box.conditions s

end Loops

private theorem advance_zero (terms : List Int) (conditions : List (Int × Condition)) :
    advance 0 terms conditions = conditions := by
  induction conditions generalizing terms with
  | nil => cases terms <;> rfl
  | cons first rest ih =>
    cases terms with
    | nil => rfl
    | cons c terms => simp only [advance, Int.mul_zero, Int.add_zero, ih]

private theorem advance_advance (v w : Int) (terms : List Int) (conditions : List (Int × Condition)) :
    advance v terms (advance w terms conditions) = advance (w + v) terms conditions := by
  induction conditions generalizing terms with
  | nil => cases terms <;> rfl
  | cons first rest ih =>
    cases terms with
    | nil => rfl
    | cons c terms => simp only [advance, ih, Int.mul_add, Int.add_assoc]

private theorem advance_allZero {terms : List Int} (h : allZero terms = true) (v : Int) (conditions : List (Int × Condition)) :
    advance v terms conditions = conditions := by
  induction conditions generalizing terms with
  | nil => cases terms <;> rfl
  | cons first rest ih =>
    cases terms with
    | nil => rfl
    | cons c terms =>
      simp only [allZero, Bool.and_eq_true, beq_iff_eq] at h
      simp only [advance, h.1, Int.zero_mul, Int.add_zero, ih h.2]

section Spec

variable {σ : Type} {f : σ → Int → Int → σ} {Inv : σ → Prop} {Q : Int → Int → σ → Prop}

private structure Keeps (f : σ → Int → Int → σ) (Inv : σ → Prop) (Q : Int → Int → σ → Prop) (g : σ → σ) : Prop where
  inv : ∀ s, Inv s → Inv (g s)
  old : ∀ s o e, Inv s → Q o e s → Q o e (g s)

private theorem fold_aux (inv : ∀ s o e, Inv s → Inv (f s o e)) (new : ∀ s o e, Inv s → Q o e (f s o e))
    (old : ∀ s o e o' e', Inv s → Q o e s → Q o e (f s o' e')) (axes : List Axis) :
    ∀ (out source : Int) (conditions : List (Int × Condition)),
      Keeps f Inv Q (fun s => foldLoops f axes out source conditions s) ∧
        ∀ s, Inv s → ∀ o, ∀ e ∈ loopSources o axes out source conditions, Q o e (foldLoops f axes out source conditions s) := by
  induction axes with
  | nil =>
    intro out source conditions
    simp only [foldLoops, loopSources]
    cases resolve source conditions with
    | none => exact ⟨⟨fun _ h => h, fun _ _ _ _ h => h⟩, fun s _ o e he => by split at he <;> contradiction⟩
    | some entry =>
      refine ⟨⟨fun s => inv s out entry, fun s o e => old s o e out entry⟩, fun s hs o e he => ?_⟩
      split at he
      · next heq =>
        obtain rfl := heq
        obtain rfl := List.mem_singleton.mp he
        exact new s out e hs
      · contradiction
  | cons axis axes ih =>
    have through : ∀ (left : Nat) (out source : Int) (conditions : List (Int × Condition)),
        Keeps f Inv Q (fun s => foldLoops.runThrough f axis axes left out source conditions s) ∧
          ∀ s, Inv s → ∀ v : Nat, v < left → ∀ o, ∀ e ∈ loopSources o axes (out + axis.out * v) (source + axis.source * v)
            (advance v axis.terms conditions), Q o e (foldLoops.runThrough f axis axes left out source conditions s) := by
      intro left
      induction left with
      | zero =>
        intro out source conditions
        simp only [foldLoops.runThrough]
        exact ⟨⟨fun _ h => h, fun _ _ _ _ h => h⟩, fun _ _ v hv => absurd hv (Nat.not_lt_zero v)⟩
      | succ left ihl =>
        intro out source conditions
        simp only [foldLoops.runThrough]
        obtain ⟨first, reads⟩ := ih out source conditions
        obtain ⟨later, laterReads⟩ := ihl (out + axis.out) (source + axis.source) (advance 1 axis.terms conditions)
        refine ⟨⟨fun s h => later.inv _ (first.inv s h), fun s o e h hq => later.old _ o e (first.inv s h) (first.old s o e h hq)⟩,
          fun s hs v hv o e he => ?_⟩
        cases v with
        | zero =>
          rw [Int.natCast_zero, Int.mul_zero, Int.add_zero, Int.mul_zero, Int.add_zero, advance_zero] at he
          exact later.old _ o e (first.inv s hs) (reads s hs o e he)
        | succ v =>
          refine laterReads _ (first.inv s hs) v (Nat.lt_of_succ_lt_succ hv) o e ?_
          rw [advance_advance, Int.add_assoc, Int.add_assoc]
          rw [Int.natCast_succ, Int.mul_add, Int.mul_add, Int.mul_one, Int.mul_one] at he
          rw [Int.add_comm axis.out, Int.add_comm axis.source, Int.add_comm 1]
          exact he
    intro out source conditions
    simp only [foldLoops]
    obtain ⟨keeps, reads⟩ := through axis.runs out source conditions
    refine ⟨keeps, fun s hs o e he => ?_⟩
    rw [loopSources, List.mem_flatMap] at he
    obtain ⟨v, hv, he⟩ := he
    have hv := List.mem_range.mp hv
    by_cases still : (axis.out == 0 && axis.source == 0 && allZero axis.terms) = true
    · have hruns : axis.runs = min axis.size 1 := if_pos still
      simp only [Bool.and_eq_true, beq_iff_eq] at still
      refine reads s hs 0 (by rw [hruns]; omega) o e ?_
      rw [still.1.1, still.1.2, advance_allZero still.2, Int.zero_mul] at he ⊢
      exact he
    · have hruns : axis.runs = axis.size := if_neg still
      exact reads s hs v (hruns ▸ hv) o e he

/--
What each step of the loops establishes of its entries, and no other step destroys, holds at the end of every entry and each
that it reads. The steps may rely on an invariant.
-/
theorem Box.fold_spec (inv : ∀ s o e, Inv s → Inv (f s o e)) (new : ∀ s o e, Inv s → Q o e (f s o e))
    (old : ∀ s o e o' e', Inv s → Q o e s → Q o e (f s o' e')) (box : Box) {s : σ} (hs : Inv s) (o : Int) :
    ∀ e ∈ box.sources o, Q o e (box.fold f s) :=
  (fold_aux inv new old box.axes box.out box.source box.conditions).2 s hs o

/-- The loops keep an invariant that each step keeps. -/
theorem Box.fold_inv (inv : ∀ s o e, Inv s → Inv (f s o e)) (box : Box) {s : σ} (hs : Inv s) : Inv (box.fold f s) :=
  (fold_aux (Q := fun _ _ _ => True) inv (fun _ _ _ _ => trivial) (fun _ _ _ _ _ _ _ => trivial) box.axes box.out box.source
    box.conditions).1.inv s hs

/-- The loops keep what they have established before. -/
theorem Box.fold_old (inv : ∀ s o e, Inv s → Inv (f s o e)) (Old : σ → Prop) (old : ∀ s o e, Inv s → Old s → Old (f s o e))
    (box : Box) {s : σ} (hs : Inv s) (h : Old s) : Old (box.fold f s) :=
  (box.fold_inv (Inv := fun s => Inv s ∧ Old s) (fun s o e hs => ⟨inv s o e hs.1, old s o e hs.1 hs.2⟩) ⟨hs, h⟩).2

end Spec

end Scanproof
