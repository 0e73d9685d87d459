/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Runner

/-!
# Streaming

A sequence may be processed at once, in pieces, or token after token from a cache. For a runner these are the same, to
the bit, since no law of arithmetic is used. Models and kernels inherit what is proved here.

## Main definitions

* `Runner.pieces`: the runner whose tokens are pieces of a sequence.
* `Runner.decode`: one step after another, from a run that has begun.
* `Runner.generate`, `Runner.regenerate`: choosing each next token from the last output, from a cache or by computing all anew.
* `Runner.comp`: one runner after another.

## Main results

* `Runner.runList_flatten`: processing any pieces, one after another, is one pass.
* `Runner.decode_eq_runList`: decoding token after token is one pass.
* `Runner.prefill_decode`: prefill and then decode is one pass.
* `Runner.prefill_pieces_decode`: so is chunked prefill and then decode.
* `Runner.state_eq_foldl`: the state is what the steps alone make of the tokens.
* `Runner.generate_eq_regenerate`: generation from a cache chooses the tokens of generation without one.
* `Runner.runList_comp`: token after token through two runners is one whole run after the other.
* `Runner.runList_of_step`: a runner that represents the states of another one otherwise computes the same outputs.
* `Runner.prefill_decode_of_step`: prefill by one runner and decode by another that represents its state is one pass.
-/

@[expose] public noncomputable section

namespace Scanproof.Runner

variable {σ τ ι ο : Type}

/-! ## Pieces -/

/-- The runner whose tokens are pieces of a sequence: each is run from the state after the one before. -/
def pieces (r : Runner σ ι ο) : Runner σ (List ι) (List ο) where
  step := r.runList

/-- Processing pieces of any lengths, empty ones included, one after another, is one pass over their concatenation. -/
theorem runList_flatten (r : Runner σ ι ο) (s : σ) (ps : List (List ι)) :
    r.runList s ps.flatten = ((r.pieces.runList s ps).1, (r.pieces.runList s ps).2.flatten) := by
  induction ps generalizing s with
  | nil => rfl
  | cons p ps ih => simp only [List.flatten_cons, runList_append, ih, runList_cons, pieces]

/-! ## One token after another -/

/-- One more token: step from the state, and append the output to those already there. -/
def decodeStep (r : Runner σ ι ο) (run : σ × List ο) (x : ι) : σ × List ο :=
  let next := r.step run.1 x
  (next.1, run.2 ++ [next.2])

/-- The decoding loop: one token after another, from a state and the outputs so far. -/
def decode (r : Runner σ ι ο) (run : σ × List ο) (xs : List ι) : σ × List ο := xs.foldl r.decodeStep run

/-- Decoding appends the outputs of one pass from the state at hand, and ends in its state. -/
theorem decode_eq (r : Runner σ ι ο) (run : σ × List ο) (xs : List ι) :
    r.decode run xs = ((r.runList run.1 xs).1, run.2 ++ (r.runList run.1 xs).2) := by
  induction xs generalizing run with
  | nil => simp only [decode, List.foldl_nil, runList_nil, List.append_nil]
  | cons x xs ih =>
    rw [decode, List.foldl_cons, ← decode, ih]
    simp only [decodeStep, runList_cons, List.append_assoc, List.cons_append, List.nil_append]

/-- Decoding token after token, from the start, is one pass. -/
theorem decode_eq_runList (r : Runner σ ι ο) (s : σ) (xs : List ι) : r.decode (s, []) xs = r.runList s xs := by
  rw [decode_eq, List.nil_append]

/-- Prefill of `xs` and then decoding of `ys`, token after token from the cached state, is one pass over `xs ++ ys`. -/
theorem prefill_decode (r : Runner σ ι ο) (s : σ) (xs ys : List ι) :
    r.decode (r.runList s xs) ys = r.runList s (xs ++ ys) := by
  rw [decode_eq, runList_append]

/-- Prefill in pieces of any lengths and then decoding, token after token, is one pass over all tokens. -/
theorem prefill_pieces_decode (r : Runner σ ι ο) (s : σ) (ps : List (List ι)) (ys : List ι) :
    r.decode ((r.pieces.runList s ps).1, (r.pieces.runList s ps).2.flatten) ys = r.runList s (ps.flatten ++ ys) := by
  rw [← prefill_decode, runList_flatten]

/-- The final state is what the steps alone make of the tokens: no output enters it, and nothing else is remembered. -/
theorem state_eq_foldl (r : Runner σ ι ο) (s : σ) (xs : List ι) :
    (r.runList s xs).1 = xs.foldl (fun s x => (r.step s x).1) s := by
  induction xs generalizing s with
  | nil => rfl
  | cons x xs ih => exact ih _

/-! ## Generation -/

/--
The `n` tokens that are chosen one after another, each from the output for the token before it, which is `x` at first, from the
cached state `s`. `choose` is told how many tokens are yet to come after the one it chooses, so that it may draw on noise.
-/
def generate (r : Runner σ ι ο) (choose : Nat → ο → ι) (s : σ) (x : ι) : (n : Nat) → List ι
  | 0 => []
  | n + 1 =>
    let next := r.step s x
    let chosen := choose n next.2
    chosen :: r.generate choose next.1 chosen n

/-- The same without a cache: for each token, `f` computes the outputs of all tokens so far anew. -/
def regenerate (f : List ι → List ο) (choose : Nat → ο → ι) (xs : List ι) : (n : Nat) → List ι
  | 0 => []
  | n + 1 =>
    match (f xs).getLast? with
    | none => []
    | some output =>
      let chosen := choose n output
      chosen :: regenerate f choose (xs ++ [chosen]) n

/-- Generation from the state that a prompt reached chooses the tokens of generation that computes all outputs anew. -/
theorem generate_eq_regenerate (r : Runner σ ι ο) (choose : Nat → ο → ι) (s : σ) (prompt : List ι) (x : ι) (n : Nat) :
    r.generate choose (r.runList s prompt).1 x n = regenerate (fun xs => (r.runList s xs).2) choose (prompt ++ [x]) n := by
  induction n generalizing prompt x with
  | zero => rfl
  | succ n ih =>
    have hlast : (r.runList s (prompt ++ [x])).2.getLast? = some (r.step (r.runList s prompt).1 x).2 := by
      rw [runList_append, runList_cons, runList_nil, List.getLast?_concat]
    have hstate : (r.step (r.runList s prompt).1 x).1 = (r.runList s (prompt ++ [x])).1 := by
      rw [runList_append, runList_cons, runList_nil]
    simp only [generate, regenerate, hlast, hstate, ih]

/-! ## One runner after another -/

/-- The runner that hands each output of `first` to `second`. -/
def comp {κ : Type} (second : Runner τ κ ο) (first : Runner σ ι κ) : Runner (σ × τ) ι ο where
  step state x :=
    let middle := first.step state.1 x
    let last := second.step state.2 middle.2
    ((middle.1, last.1), last.2)

/-- Token after token through two runners is a run of the first over all tokens, and one of the second over its outputs. -/
theorem runList_comp {κ : Type} (second : Runner τ κ ο) (first : Runner σ ι κ) (s : σ) (t : τ) (xs : List ι) :
    (second.comp first).runList (s, t) xs =
      (((first.runList s xs).1, (second.runList t (first.runList s xs).2).1),
        (second.runList t (first.runList s xs).2).2) := by
  induction xs generalizing s t with
  | nil => rfl
  | cons x xs ih => simp only [runList_cons, comp] at ih ⊢; simp only [ih]

/-! ## Another representation of the state -/

/--
If each step of `r'` is the step of `r` on the state that `f` reads off, then a run of `r'` gives the outputs of `r`, and
`f` reads off the final state of `r`.
-/
theorem runList_of_step {r : Runner σ ι ο} {r' : Runner τ ι ο} {f : τ → σ}
    (hstep : ∀ t x, r.step (f t) x = (f (r'.step t x).1, (r'.step t x).2)) (t : τ) (xs : List ι) :
    r.runList (f t) xs = (f (r'.runList t xs).1, (r'.runList t xs).2) := by
  induction xs generalizing t with
  | nil => rfl
  | cons x xs ih => simp only [runList_cons, hstep, ih]

/--
Prefill by `r`, hand its state over to `r'`, which represents it otherwise, and decode there: the outputs are those of one
pass of `r`, and `f` reads off its final state.
-/
theorem prefill_decode_of_step {r : Runner σ ι ο} {r' : Runner τ ι ο} {f : τ → σ}
    (hstep : ∀ t x, r.step (f t) x = (f (r'.step t x).1, (r'.step t x).2)) (s : σ) (t : τ) (xs ys : List ι)
    (hand_over : f t = (r.runList s xs).1) :
    r.runList s (xs ++ ys) =
      (f (r'.decode (t, (r.runList s xs).2) ys).1, (r'.decode (t, (r.runList s xs).2) ys).2) := by
  rw [decode_eq, runList_append, ← hand_over, runList_of_step hstep]

end Scanproof.Runner
