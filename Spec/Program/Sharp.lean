/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Program.Basic

/-!
# Reading is exact when the operations are unknown

Who does not know what the operations are can say no more than what they read: an entry that reaches an input is changed by
it, under some operations with the same reads. A verdict "not established" is never the fault of the way of reading.

## Main definitions

* `Program.Reaches`: an entry is an input entry, or reads an entry that reaches it.
* `Program.withOperations`: the same reads, other operations and scalars.

## Main results

* `Program.certified_reaches`, `Program.Certified.reaches_le`: the input entries that are reached are the least certified sets.
* `Program.dependsOnly_iff_reaches`: an entry depends only on a set, for all operations, exactly when it reaches nothing else.
-/

@[expose] public section

namespace Scanproof

namespace Program

variable {ι α : Type}

/-- Entry `i` of tensor `k` is the input entry `(k', i')`, or reads, directly or not, from it. -/
inductive Reaches (p : Program ι α) (k' : Nat) (i' : ι) : Nat → ι → Prop where
  /-- An input entry reaches itself. -/
  | input : p.node k' = .input → Reaches p k' i' k' i'
  /-- What an entry reads, it reaches. -/
  | read (k : Nat) (i : ι) (reads : ι → List (Nat × ι)) (op : ι → List α → α) (q : Nat × ι) :
      p.node k = .compute reads op → q ∈ reads i → q.1 < k → Reaches p k' i' q.1 q.2 → Reaches p k' i' k i

/-- The input entries that are reached make certified sets. -/
theorem certified_reaches (p : Program ι α) : p.Certified fun k i k' i' => p.Reaches k' i' k i where
  input _ _ hk := .input hk
  read k reads op hk i q hq hlt _ _ h := .read k i reads op q hk hq hlt h

/-- Certified sets hold all input entries that are reached. -/
theorem Certified.reaches_le {p : Program ι α} {allowed : Nat → ι → Nat → ι → Prop} (h : p.Certified allowed) {k : Nat} {i : ι}
    {k' : Nat} {i' : ι} (hr : p.Reaches k' i' k i) : allowed k i k' i' := by
  induction hr with
  | input hk => exact h.input k' i' hk
  | read k i reads op q hk hq hlt _ ih => exact h.read k reads op hk i q hq hlt k' i' ih

/-- The same tensors with the same reads, their entries computed by `ops` from another type of scalars. -/
def withOperations {β : Type} (p : Program ι α) (ops : Nat → ι → List β → β) : Program ι β where
  node k :=
    match p.node k with
    | .input => .input
    | .compute reads _ => .compute reads (ops k)

/-- Other operations do not change what is an input. -/
theorem withOperations_input {β : Type} {p : Program ι α} (ops : Nat → ι → List β → β) {k : Nat} (h : p.node k = .input) :
    (p.withOperations ops).node k = .input := by
  simp only [withOperations, h]

/-- Other operations do not change what is read. -/
theorem withOperations_compute {β : Type} {p : Program ι α} (ops : Nat → ι → List β → β) {k : Nat}
    {reads : ι → List (Nat × ι)} {op : ι → List α → α} (h : p.node k = .compute reads op) :
    (p.withOperations ops).node k = .compute reads (ops k) := by
  simp only [withOperations, h]

/-- Certificates are about reads alone. -/
theorem Certified.withOperations {β : Type} {p : Program ι α} {allowed : Nat → ι → Nat → ι → Prop} (h : p.Certified allowed)
    (ops : Nat → ι → List β → β) : (p.withOperations ops).Certified allowed where
  input k i hk := by
    match hp : p.node k with
    | .input => exact h.input k i hp
    | .compute reads op => rw [withOperations_compute ops hp] at hk; contradiction
  read k reads op hk := by
    match hp : p.node k with
    | .input => rw [withOperations_input ops hp] at hk; contradiction
    | .compute reads' op' =>
      rw [withOperations_compute ops hp] at hk
      obtain ⟨rfl, rfl⟩ := Node.compute.inj hk
      exact h.read k reads' op' hp

/-- With the disjunction for every operation, a reached input entry that is true makes the entry true. -/
private theorem value_any {p : Program ι α} {k' : Nat} {i' : ι} {k : Nat} {i : ι} (hr : p.Reaches k' i' k i)
    {x : Nat → ι → Bool} (hx : x k' i' = true) : (p.withOperations fun _ _ args => args.any id).value x k i = true := by
  induction hr with
  | input hk => rw [value_input (withOperations_input _ hk), hx]
  | read k i reads op q hk hq hlt _ ih =>
    rw [value_compute (withOperations_compute _ hk), List.any_eq_true]
    exact ⟨true, List.mem_map.mpr ⟨q, List.mem_filter.mpr ⟨hq, decide_eq_true hlt⟩, ih⟩, rfl⟩

/-- With the disjunction for every operation, inputs that are all false make every entry false. -/
private theorem value_any_false (p : Program ι α) (k : Nat) (i : ι) :
    (p.withOperations fun _ _ args => args.any id).value (fun _ _ => false) k i = false := by
  induction k using Nat.strongRecOn generalizing i with
  | ind k ih =>
    match hp : p.node k with
    | .input => rw [value_input (withOperations_input _ hp)]
    | .compute reads op =>
      rw [value_compute (withOperations_compute _ hp), List.any_eq_false]
      intro b hb
      obtain ⟨q, hq, rfl⟩ := List.mem_map.mp hb
      rw [ih q.1 (of_decide_eq_true (List.mem_filter.mp hq).2) q.2]
      exact Bool.false_ne_true

/--
An entry depends only on the allowed input entries, whatever the operations and the scalars are, exactly when it reaches no
other input entry.
-/
theorem dependsOnly_iff_reaches (p : Program ι α) (k : Nat) (i : ι) (allowed : Nat → ι → Prop) :
    (∀ (β : Type) (ops : Nat → ι → List β → β), DependsOnly (fun x => (p.withOperations ops).value x k i) allowed) ↔
      ∀ k' i', p.Reaches k' i' k i → allowed k' i' := by
  classical
  constructor
  · intro h k' i' hr
    refine Classical.byContradiction fun hnot => ?_
    let x : Nat → ι → Bool := fun m j => decide (m = k' ∧ j = i')
    have agree : ∀ m j, allowed m j → x m j = false := fun m j hm =>
      decide_eq_false fun ⟨hk, hi⟩ => hnot (hk ▸ hi ▸ hm)
    have same := h Bool (fun _ _ args => args.any id) (x := x) (x' := fun _ _ => false) agree
    have seen := value_any hr (x := x) (decide_eq_true ⟨rfl, rfl⟩)
    have unseen := value_any_false p k i
    exact Bool.false_ne_true (unseen.symm.trans (same.symm.trans seen))
  · intro h β ops
    exact ((p.certified_reaches.withOperations ops).dependsOnly k i).mono h

end Program

end Scanproof
