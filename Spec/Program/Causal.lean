/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.Program.Basic

/-!
# What certified programs do not read: the future, other examples, other documents

Three questions that users ask of a model are one question of a program, with three ways to label its inputs: by time, by
example of the batch, by document of a packed row.

## Main definitions

* `Program.runList`: a program as a function from the tokens of a sequence to its outputs.

## Main results

* `Program.causal`: labels of outputs that do not exceed the outputs' positions make the function `Causal`.
* `Program.take_congr`: inputs of one length that agree on a prefix give outputs that agree on it.
* `Program.causal_family`: programs that differ by length are one causal function if longer ones repeat shorter ones.
* `Program.Certified.of_rows`, `Program.Certified.own_row`: an example of a batch reads itself only.
* `Program.Certified.own_document`: a document of a packed row reads its own past only.
* `DependsOnly.own`: two one-sided answers, at most and at least, make one two-sided answer.
-/

@[expose] public section

namespace Scanproof

namespace Program

variable {ι α τ : Type}

/--
A program as a function of a sequence of tokens. Entry `i` of input `k` is loaded from the token at position `time k i`, or
from none beyond the end; the output at position `t` holds the values of the entries `outs t`.
-/
noncomputable def runList (p : Program ι α) (load : Option τ → Nat → ι → α) (time : Nat → ι → Nat) (outs : Nat → List (Nat × ι))
    (xs : List τ) : List (List α) :=
  (List.range xs.length).map fun t => (outs t).map fun e => p.value (fun k i => load xs[time k i]? k i) e.1 e.2

section Time

variable {p : Program ι α} {time : Nat → ι → Nat} {outs : Nat → List (Nat × ι)}

/-- Entries at position `t` that depend only on inputs at positions up to `t` make a causal function. -/
theorem causal_of_dependsOnly (load : Option τ → Nat → ι → α)
    (h : ∀ t, ∀ e ∈ outs t, DependsOnly (fun x => p.value x e.1 e.2) fun k i => time k i ≤ t) :
    Causal (p.runList load time outs) where
  length_eq xs := by rw [runList, List.length_map, List.length_range]
  take_append xs ys := by
    rw [runList, runList, ← List.map_take, List.take_range, List.length_append, Nat.min_eq_left (Nat.le_add_right _ _)]
    apply List.map_congr_left
    intro t ht
    apply List.map_congr_left
    intro e he
    refine h t e he fun k i hle => ?_
    rw [List.getElem?_append_left (Nat.lt_of_le_of_lt hle (List.mem_range.mp ht))]

/--
A program whose labels are certified, and whose outputs at position `t` have labels of at most `t`, is causal: for every
input, every operation, every type of scalars.
-/
theorem causal {r : Nat → ι → Nat} (h : p.Certified fun k i k' i' => time k' i' ≤ r k i) (load : Option τ → Nat → ι → α)
    (outs_le : ∀ t, ∀ e ∈ outs t, r e.1 e.2 ≤ t) : Causal (p.runList load time outs) :=
  causal_of_dependsOnly load fun t e he => (h.dependsOnly e.1 e.2).mono fun _ _ hle => Nat.le_trans hle (outs_le t e he)

/-- The same for one length, as tests see it: inputs that agree on a prefix give outputs that agree on it. -/
theorem take_congr {r : Nat → ι → Nat} (h : p.Certified fun k i k' i' => time k' i' ≤ r k i) (load : Option τ → Nat → ι → α)
    (outs_le : ∀ t, ∀ e ∈ outs t, r e.1 e.2 ≤ t) {xs ys : List τ} {k : Nat} (agree : xs.take k = ys.take k) :
    (p.runList load time outs xs).take k = (p.runList load time outs ys).take k :=
  (causal h load outs_le).take_congr agree

/--
A model records one program for each length. Together they are one causal function if each is certified, and if the program
of a longer sequence gives the positions of a shorter one the values that the shorter one's program gives them.
-/
theorem causal_family {family : Nat → Program ι α} (load : Option τ → Nat → ι → α)
    (h : ∀ n, ∀ t, ∀ e ∈ outs t, DependsOnly (fun x => (family n).value x e.1 e.2) fun k i => time k i ≤ t)
    (repeats : ∀ m n, m ≤ n → ∀ x, ∀ t < m, ∀ e ∈ outs t, (family n).value x e.1 e.2 = (family m).value x e.1 e.2) :
    Causal fun xs : List τ => (family xs.length).runList load time outs xs where
  length_eq xs := by rw [runList, List.length_map, List.length_range]
  take_append xs ys := by
    rw [(causal_of_dependsOnly load (h (xs ++ ys).length)).take_append xs ys, runList, runList]
    apply List.map_congr_left
    intro t ht
    apply List.map_congr_left
    intro e he
    exact repeats _ _ (by rw [List.length_append]; exact Nat.le_add_right _ _) _ t (List.mem_range.mp ht) e he

end Time

namespace Certified

variable {p : Program ι α} {B : Type} {row : Nat → ι → B} {r : Nat → ι → Option B}

/--
Labels by example: each input entry belongs to a `row`, each entry of the program to one row or, if it reads no input, to none.
It is enough that each entry reads entries of its own row and of none.
-/
theorem of_rows (input : ∀ k i, p.node k = .input → r k i = some (row k i))
    (read : ∀ k reads op, p.node k = .compute reads op → ∀ i, ∀ q ∈ reads i, q.1 < k → r q.1 q.2 = none ∨ r q.1 q.2 = r k i) :
    p.Certified fun k i k' i' => r k i = some (row k' i') where
  input := input
  read k reads op hk i q hq hlt k' i' h := by
    rcases read k reads op hk i q hq hlt with hnone | heq
    · rw [hnone] at h
      contradiction
    · exact heq ▸ h

/-- An entry of example `b` is the same whatever the other examples of the batch are. -/
theorem own_row (h : p.Certified fun k i k' i' => r k i = some (row k' i')) {k : Nat} {i : ι} {b : B} (hb : r k i = some b)
    {x x' : Nat → ι → α} (agree : ∀ k' i', row k' i' = b → x k' i' = x' k' i') : p.value x k i = p.value x' k i :=
  h.dependsOnly k i fun k' i' hi => agree k' i' (Option.some.inj (hi.symm.trans hb))

/--
An entry of document `d` of a packed row, with a label of at most `t`, is the same whatever the other documents are and
whatever follows position `t`.
-/
theorem own_document {time label : Nat → ι → Nat} (hdoc : p.Certified fun k i k' i' => r k i = some (row k' i'))
    (htime : p.Certified fun k i k' i' => time k' i' ≤ label k i) {k : Nat} {i : ι} {d : B} (hd : r k i = some d) {t : Nat}
    (ht : label k i ≤ t) {x x' : Nat → ι → α} (agree : ∀ k' i', row k' i' = d → time k' i' ≤ t → x k' i' = x' k' i') :
    p.value x k i = p.value x' k i :=
  (hdoc.inter htime).dependsOnly k i fun k' i' hi =>
    agree k' i' (Option.some.inj (hi.1.symm.trans hd)) (Nat.le_trans hi.2 ht)

end Certified

end Program

/-- What depends only on labels up to `b`, and only on labels from `b` on, depends only on inputs whose label is `b`. -/
theorem DependsOnly.own {ι α β : Type} {f : (Nat → ι → α) → β} {label : Nat → ι → Nat} {b : Nat}
    (upTo : DependsOnly f fun k i => label k i ≤ b) (fromOn : DependsOnly f fun k i => b ≤ label k i) :
    DependsOnly f fun k i => label k i = b :=
  (upTo.inter fromOn).mono fun _ _ h => Nat.le_antisymm h.1 h.2

end Scanproof
