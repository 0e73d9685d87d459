/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

/-!
# List runners

A causal sequence model is a state machine: a step takes a state and a token to the next state and an output. `runList`
runs it over a list. Everything that holds of every such machine is proved here once, and models inherit it.

## Main definitions

* `Runner`: a state machine, given by its step.
* `Runner.runList`: the final state and the outputs, one per token.

## Main results

* `Runner.runList_append`: running `xs ++ ys` is running `ys` from the state after `xs`.
* `Runner.length_outputs`: one output per token.
* `Runner.take_outputs_append`: future tokens cannot change past outputs.
* `Runner.take_outputs_congr`: inputs that agree on a prefix give outputs that agree on it.
* `Runner.getElem_outputs`: the output at `i` is one step from the state after the first `i` tokens.
-/

@[expose] public section

namespace Scanproof

/-- A state machine with states `σ`, tokens `ι` and outputs `ο`. -/
structure Runner (σ ι ο : Type) where
  /-- From a state and a token to the next state and the token's output. -/
  step : σ → ι → σ × ο

namespace Runner

variable {σ ι ο : Type}

/-- Run over a list of tokens from a state: the final state and the outputs in order. -/
def runList (r : Runner σ ι ο) (s : σ) : List ι → σ × List ο
  | [] => (s, [])
  | x :: xs =>
    let next := r.step s x
    let rest := r.runList next.1 xs
    (rest.1, next.2 :: rest.2)

/-- No token: the state stays, and there is no output. -/
@[simp] theorem runList_nil (r : Runner σ ι ο) (s : σ) : r.runList s [] = (s, []) := rfl

/-- One step, then the rest. -/
@[simp] theorem runList_cons (r : Runner σ ι ο) (s : σ) (x : ι) (xs : List ι) :
    r.runList s (x :: xs) =
      ((r.runList (r.step s x).1 xs).1, (r.step s x).2 :: (r.runList (r.step s x).1 xs).2) := rfl

/-- Running `xs ++ ys` is running `ys` from the state after `xs`: what makes cached decoding right. -/
theorem runList_append (r : Runner σ ι ο) (s : σ) (xs ys : List ι) :
    r.runList s (xs ++ ys) =
      ((r.runList (r.runList s xs).1 ys).1, (r.runList s xs).2 ++ (r.runList (r.runList s xs).1 ys).2) := by
  induction xs generalizing s with
  | nil => rfl
  | cons x xs ih => simp only [List.cons_append, runList_cons, ih]

/-- The state after `xs ++ ys` is the state after `ys` from the state after `xs`. -/
theorem state_append (r : Runner σ ι ο) (s : σ) (xs ys : List ι) :
    (r.runList s (xs ++ ys)).1 = (r.runList (r.runList s xs).1 ys).1 := by
  simp only [runList_append]

/-- One output per token. -/
@[simp] theorem length_outputs (r : Runner σ ι ο) (s : σ) (xs : List ι) :
    (r.runList s xs).2.length = xs.length := by
  induction xs generalizing s with
  | nil => rfl
  | cons x xs ih => simp only [runList_cons, List.length_cons, ih]

/-- Appending future tokens `ys` cannot change the outputs already produced for `xs`. -/
theorem take_outputs_append (r : Runner σ ι ο) (s : σ) (xs ys : List ι) :
    (r.runList s (xs ++ ys)).2.take xs.length = (r.runList s xs).2 := by
  simp only [runList_append]
  rw [← length_outputs r s xs, List.take_left]

/-- The outputs for `ys` after `xs` are those of `ys` alone from the state after `xs`. -/
theorem drop_outputs_append (r : Runner σ ι ο) (s : σ) (xs ys : List ι) :
    (r.runList s (xs ++ ys)).2.drop xs.length = (r.runList (r.runList s xs).1 ys).2 := by
  simp only [runList_append]
  rw [← length_outputs r s xs, List.drop_left]

/-- The first `k` outputs are the outputs of the first `k` tokens. -/
theorem take_outputs (r : Runner σ ι ο) (s : σ) (xs : List ι) (k : Nat) :
    (r.runList s xs).2.take k = (r.runList s (xs.take k)).2 := by
  induction xs generalizing s k with
  | nil => simp only [runList_nil, List.take_nil]
  | cons x xs ih =>
    cases k with
    | zero => rfl
    | succ k => simp only [runList_cons, List.take_succ_cons, ih]

/-- The outputs after the first `k` are those of the later tokens from the state after the first `k`. -/
theorem drop_outputs (r : Runner σ ι ο) (s : σ) (xs : List ι) (k : Nat) :
    (r.runList s xs).2.drop k = (r.runList (r.runList s (xs.take k)).1 (xs.drop k)).2 := by
  induction xs generalizing s k with
  | nil => simp only [runList_nil, List.drop_nil, List.take_nil]
  | cons x xs ih =>
    cases k with
    | zero => rfl
    | succ k => simp only [runList_cons, List.take_succ_cons, List.drop_succ_cons, ih]

/-- The output at position `i` is that of one step from the state after the first `i` tokens. -/
theorem getElem_outputs (r : Runner σ ι ο) (s : σ) (xs : List ι) (i : Nat) (h : i < xs.length) :
    (r.runList s xs).2[i]'(by simpa only [length_outputs] using h) =
      (r.step (r.runList s (xs.take i)).1 xs[i]).2 := by
  induction xs generalizing s i with
  | nil => exact absurd h (Nat.not_lt_zero i)
  | cons x xs ih =>
    cases i with
    | zero => rfl
    | succ i =>
      simp only [runList_cons, List.getElem_cons_succ, List.take_succ_cons]
      exact ih _ i (Nat.lt_of_succ_lt_succ h)

/-- Two inputs that agree on their first `k` tokens give outputs that agree on the first `k`. -/
theorem take_outputs_congr (r : Runner σ ι ο) (s : σ) {xs ys : List ι} {k : Nat} (h : xs.take k = ys.take k) :
    (r.runList s xs).2.take k = (r.runList s ys).2.take k := by
  rw [take_outputs, take_outputs, h]

/-! ## The executable form

`runList` as written needs stack in proportion to the length; compiled and interpreted code runs this loop instead. -/

/-- The elements of the first list, last one first, then the second list. -/
def reverseOnto : List ο → List ο → List ο
  | [], ys => ys
  | x :: xs, ys => reverseOnto xs (x :: ys)

private theorem reverseOnto_eq (xs ys : List ο) : reverseOnto xs ys = xs.reverse ++ ys := by
  induction xs generalizing ys with
  | nil => rfl
  | cons x xs ih =>
    simp only [reverseOnto, ih, List.reverse_cons, List.append_assoc, List.cons_append, List.nil_append]

/-- `runList` as a loop; `acc` holds the outputs so far, newest first. -/
def runListLoop (r : Runner σ ι ο) (s : σ) (acc : List ο) : List ι → σ × List ο
  | [] => (s, reverseOnto acc [])
  | x :: xs =>
    let next := r.step s x
    r.runListLoop next.1 (next.2 :: acc) xs

/-- `runList` in constant stack. -/
def runListTR (r : Runner σ ι ο) (s : σ) (xs : List ι) : σ × List ο := r.runListLoop s [] xs

private theorem runListLoop_eq (r : Runner σ ι ο) (s : σ) (acc : List ο) (xs : List ι) :
    r.runListLoop s acc xs = ((r.runList s xs).1, acc.reverse ++ (r.runList s xs).2) := by
  induction xs generalizing s acc with
  | nil => simp only [runListLoop, reverseOnto_eq, runList_nil, List.append_nil]
  | cons x xs ih =>
    simp only [runListLoop, ih, runList_cons, List.reverse_cons, List.append_assoc, List.cons_append,
      List.nil_append]

/-- The loop computes `runList`. -/
@[csimp] theorem runList_eq_runListTR : @runList = @runListTR := by
  funext σ ι ο r s xs
  simp only [runListTR, runListLoop_eq, List.reverse_nil, List.nil_append]

end Runner

end Scanproof
