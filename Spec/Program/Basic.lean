/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

/-!
# Programs, and what their entries read

What PyTorch computes at a given shape is a straight-line program of tensor operations: each entry of each tensor is
computed from entries of earlier tensors, and *which* entries does not depend on any value. That is all a program is here.
The operations are arbitrary functions and the scalars an arbitrary type, so what is proved of the reads holds for every
operation, every parameter and every number format.

## Main definitions

* `Node`, `Program`: tensors, one after another, each an input or computed entry by entry from earlier ones.
* `Program.value`: the value of an entry, for given inputs.
* `DependsOnly f allowed`: changing inputs that are not allowed leaves the result of `f` alone.
* `Program.Certified`: for each entry a set of input entries, which holds the sets of all entries that it reads.

## Main results

* `Program.Certified.dependsOnly`: the value of an entry depends only on the input entries in its set.
* `Program.Certified.value_congr`: the same for labels in any order: inputs that agree where the label is at most `r k i` give
  entry `i` of tensor `k` the same value.
* `DependsOnly.inter`: what depends only on either of two sets depends only on what they share.
-/

@[expose] public section

namespace Scanproof

/-- A tensor of a program, with entries indexed by `ι`: given from outside, or computed entry by entry. -/
inductive Node (ι α : Type) where
  /-- An input. -/
  | input
  /-- Entry `i` is `op i` of the entries `reads i`, each named by its tensor and its index there. -/
  | compute (reads : ι → List (Nat × ι)) (op : ι → List α → α)

/-- Tensors numbered in the order in which they are computed. -/
structure Program (ι α : Type) where
  /-- The tensor of each number. -/
  node : Nat → Node ι α

/-- Changing inputs that are not allowed leaves the result of `f` alone. -/
def DependsOnly {ι α β : Type} (f : (Nat → ι → α) → β) (allowed : Nat → ι → Prop) : Prop :=
  ∀ ⦃x x' : Nat → ι → α⦄, (∀ k i, allowed k i → x k i = x' k i) → f x = f x'

namespace DependsOnly

variable {ι α β γ : Type} {f : (Nat → ι → α) → β} {allowed larger : Nat → ι → Prop}

/-- To allow more is to claim less. -/
theorem mono (h : DependsOnly f allowed) (le : ∀ k i, allowed k i → larger k i) : DependsOnly f larger :=
  fun _ _ agree => h fun k i hi => agree k i (le k i hi)

/-- What depends only on one set, and only on another, depends only on the inputs in both. -/
theorem inter (h : DependsOnly f allowed) (h' : DependsOnly f larger) :
    DependsOnly f fun k i => allowed k i ∧ larger k i := by
  classical
  intro x x' agree
  let between : Nat → ι → α := fun k i => if allowed k i then x k i else x' k i
  have left : f x = f between := h fun k i hi => (if_pos hi).symm
  have right : f between = f x' := h' fun k i hi => by
    by_cases hk : allowed k i
    · exact (if_pos hk).trans (agree k i ⟨hk, hi⟩)
    · exact if_neg hk
  exact left.trans right

/-- What is computed from a result depends on nothing else. -/
theorem comp (h : DependsOnly f allowed) (g : β → γ) : DependsOnly (fun x => g (f x)) allowed :=
  fun _ _ agree => congrArg g (h agree)

end DependsOnly

namespace Program

variable {ι α : Type}

/-- The value of entry `i` of tensor `k` for inputs `x`. A read of a tensor that is not earlier counts for nothing. -/
def value (p : Program ι α) (x : Nat → ι → α) (k : Nat) (i : ι) : α :=
  match p.node k with
  | .input => x k i
  | .compute reads op => op i ((reads i).filterMap fun q => if _ : q.1 < k then some (value p x q.1 q.2) else none)
termination_by k

/-- An entry of an input is what was given. -/
theorem value_input {p : Program ι α} {k : Nat} (h : p.node k = .input) (x : Nat → ι → α) (i : ι) :
    p.value x k i = x k i := by
  rw [value, h]

/-- A computed entry is its operation, applied to the values of the earlier entries that it reads. -/
theorem value_compute {p : Program ι α} {k : Nat} {reads : ι → List (Nat × ι)} {op : ι → List α → α}
    (h : p.node k = .compute reads op) (x : Nat → ι → α) (i : ι) :
    p.value x k i = op i (((reads i).filter fun q => q.1 < k).map fun q => p.value x q.1 q.2) := by
  rw [value, h]
  show op i _ = op i _
  rw [← List.filterMap_eq_map, List.filterMap_filter]
  congr 2
  funext q
  by_cases hq : q.1 < k <;> simp [hq]

/--
A set of input entries for each entry of the program. The set of an input entry holds that entry, and the set of a computed
one holds the sets of all that it reads.
-/
structure Certified (p : Program ι α) (allowed : Nat → ι → Nat → ι → Prop) : Prop where
  /-- An input entry reads itself. -/
  input : ∀ k i, p.node k = .input → allowed k i k i
  /-- A computed entry may read what the entries that it reads may. -/
  read : ∀ k reads op, p.node k = .compute reads op → ∀ i, ∀ q ∈ reads i, q.1 < k →
    ∀ k' i', allowed q.1 q.2 k' i' → allowed k i k' i'

namespace Certified

variable {p : Program ι α}

/-- The value of an entry depends only on the input entries in its set, whatever the operations and the scalars are. -/
theorem dependsOnly {allowed : Nat → ι → Nat → ι → Prop} (h : p.Certified allowed) (k : Nat) (i : ι) :
    DependsOnly (fun x => p.value x k i) (allowed k i) := by
  intro x x' agree
  show p.value x k i = p.value x' k i
  induction k using Nat.strongRecOn generalizing i with
  | ind k ih =>
    match hk : p.node k with
    | .input => rw [value_input hk, value_input hk, agree k i (h.input k i hk)]
    | .compute reads op =>
      rw [value_compute hk, value_compute hk]
      congr 1
      apply List.map_congr_left
      intro q hq
      obtain ⟨hmem, hlt⟩ := List.mem_filter.mp hq
      have hlt := of_decide_eq_true hlt
      exact ih q.1 hlt q.2 fun k' i' hi => agree k' i' (h.read k reads op hk i q hmem hlt k' i' hi)

/--
Labels instead of sets: an input entry has a label `time`, an entry of the program a label `r` that is at least those of all
it reads. Any order will do, and of the order only transitivity is used.
-/
theorem of_labels {L : Type} [LE L] (trans : ∀ {a b c : L}, a ≤ b → b ≤ c → a ≤ c) (time r : Nat → ι → L)
    (input : ∀ k i, p.node k = .input → time k i ≤ r k i)
    (read : ∀ k reads op, p.node k = .compute reads op → ∀ i, ∀ q ∈ reads i, q.1 < k → r q.1 q.2 ≤ r k i) :
    p.Certified fun k i k' i' => time k' i' ≤ r k i where
  input := input
  read k reads op hk i q hq hlt _ _ hle := trans hle (read k reads op hk i q hq hlt)

/-- Inputs that agree where the label is at most `r k i` give entry `i` of tensor `k` the same value. -/
theorem value_congr {L : Type} [LE L] {time r : Nat → ι → L} (h : p.Certified fun k i k' i' => time k' i' ≤ r k i) (k : Nat) (i : ι)
    {x x' : Nat → ι → α} (agree : ∀ k' i', time k' i' ≤ r k i → x k' i' = x' k' i') : p.value x k i = p.value x' k i :=
  h.dependsOnly k i agree

/-- A value depends on inputs only: what stands for a computed tensor among the given values counts for nothing. -/
theorem inputs (p : Program ι α) : p.Certified fun _ _ k' _ => p.node k' = .input where
  input _ _ hk := hk
  read _ _ _ _ _ _ _ _ _ _ h := h

/-- What two analyses of one program establish apart, they establish together. -/
theorem inter {allowed allowed' : Nat → ι → Nat → ι → Prop} (h : p.Certified allowed) (h' : p.Certified allowed') :
    p.Certified fun k i k' i' => allowed k i k' i' ∧ allowed' k i k' i' where
  input k i hk := ⟨h.input k i hk, h'.input k i hk⟩
  read k reads op hk i q hq hlt k' i' hi :=
    ⟨h.read k reads op hk i q hq hlt k' i' hi.1, h'.read k reads op hk i q hq hlt k' i' hi.2⟩

end Certified

end Program

end Scanproof
