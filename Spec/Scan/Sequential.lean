/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Runner

/-!
# Sequential scans

The scans that every parallel form has to equal. Transitions act on states by `act`, and combine by `op`;
`op later earlier` is `later` after `earlier`. No law is assumed of either.

## Main definitions

* `scanStates act s ts`: the states after each transition, from `s`.
* `inclusiveScan op ts`: position by position, all transitions up to and with that one, combined.
* `exclusiveScan op e ts`: position by position, `e` and all transitions before that one, combined.

## Main results

* `getElem_scanStates`: the state at `i` is the fold of the first `i + 1` transitions.
* `zipWith_exclusiveScan`: combining each transition with the exclusive scan gives the inclusive one.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {τ υ σ : Type}

/-- The runner whose tokens are transitions and whose outputs are the states. -/
def scanRunner (act : τ → σ → σ) : Runner σ τ σ where
  step s t :=
    let s' := act t s
    (s', s')

/-- The states after each transition, from `s` (which is not among them). -/
def scanStates (act : τ → σ → σ) (s : σ) (ts : List τ) : List σ := ((scanRunner act).runList s ts).2

/-- No transition, no state. -/
@[simp] theorem scanStates_nil (act : τ → σ → σ) (s : σ) : scanStates act s [] = [] := rfl

/-- The state after the first transition, then the scan from there. -/
@[simp] theorem scanStates_cons (act : τ → σ → σ) (s : σ) (t : τ) (ts : List τ) :
    scanStates act s (t :: ts) = act t s :: scanStates act (act t s) ts := rfl

/-- One state per transition. -/
@[simp] theorem length_scanStates (act : τ → σ → σ) (s : σ) (ts : List τ) : (scanStates act s ts).length = ts.length :=
  Runner.length_outputs _ s ts

/-- The state that the runner reaches is the fold of the transitions. -/
theorem scanRunner_state (act : τ → σ → σ) (s : σ) (ts : List τ) :
    ((scanRunner act).runList s ts).1 = ts.foldl (fun s t => act t s) s := by
  induction ts generalizing s with
  | nil => rfl
  | cons t ts ih => exact ih (act t s)

/-- The scan of an append is that of the prefix, then that of the rest from the state reached. -/
theorem scanStates_append (act : τ → σ → σ) (s : σ) (xs ys : List τ) :
    scanStates act s (xs ++ ys) = scanStates act s xs ++ scanStates act (xs.foldl (fun s t => act t s) s) ys := by
  rw [← scanRunner_state]
  simp only [scanStates, Runner.runList_append]

/-- The state at position `i` is the fold of the first `i + 1` transitions. -/
theorem getElem_scanStates (act : τ → σ → σ) (s : σ) (ts : List τ) (i : Nat) (h : i < (scanStates act s ts).length) :
    (scanStates act s ts)[i] = (ts.take (i + 1)).foldl (fun s t => act t s) s := by
  induction ts generalizing s i with
  | nil => exact absurd h (Nat.not_lt_zero i)
  | cons t ts ih =>
    cases i with
    | zero => rfl
    | succ i => exact ih (act t s) i (Nat.lt_of_succ_lt_succ h)

/-- Position by position, the transitions up to and with that one, combined from the earliest on. -/
def inclusiveScan (op : τ → τ → τ) : List τ → List τ
  | [] => []
  | t :: ts => t :: scanStates op t ts

/-- Position by position, `e` and the transitions before that one, combined from the earliest on. -/
def exclusiveScan (op : τ → τ → τ) (e : τ) : List τ → List τ
  | [] => []
  | t :: ts => e :: exclusiveScan op (op t e) ts

/-- One combined transition per transition. -/
@[simp] theorem length_inclusiveScan (op : τ → τ → τ) (ts : List τ) : (inclusiveScan op ts).length = ts.length := by
  cases ts with
  | nil => rfl
  | cons t ts => simp only [inclusiveScan, List.length_cons, length_scanStates]

/-- One combined transition per transition. -/
@[simp] theorem length_exclusiveScan (op : τ → τ → τ) (e : τ) (ts : List τ) :
    (exclusiveScan op e ts).length = ts.length := by
  induction ts generalizing e with
  | nil => rfl
  | cons t ts ih => simp only [exclusiveScan, List.length_cons, ih]

/-- What lies before position `i` is the fold of the first `i` transitions from `e`. -/
theorem getElem_exclusiveScan (op : τ → τ → τ) (e : τ) (ts : List τ) (i : Nat) (h : i < (exclusiveScan op e ts).length) :
    (exclusiveScan op e ts)[i] = (ts.take i).foldl (fun earlier t => op t earlier) e := by
  induction ts generalizing e i with
  | nil => exact absurd h (Nat.not_lt_zero i)
  | cons t ts ih =>
    cases i with
    | zero => rfl
    | succ i => exact ih (op t e) i (Nat.lt_of_succ_lt_succ h)

/-- Combining each transition with what the exclusive scan has before it gives the scan that starts with `e`. -/
theorem zipWith_exclusiveScan (op : τ → τ → τ) (e : τ) (ts : List τ) :
    List.zipWith op ts (exclusiveScan op e ts) = scanStates op e ts := by
  induction ts generalizing e with
  | nil => rfl
  | cons t ts ih => simp only [exclusiveScan, List.zipWith_cons_cons, ih, scanStates_cons]

/-- The exclusive scan is the inclusive scan of `e` and the transitions, without the total. -/
theorem exclusiveScan_eq_dropLast (op : τ → τ → τ) (e : τ) (ts : List τ) :
    exclusiveScan op e ts = (inclusiveScan op (e :: ts)).dropLast := by
  induction ts generalizing e with
  | nil => rfl
  | cons t ts ih =>
    rw [exclusiveScan, ih]
    rfl

/-- A map that takes combined transitions to combined images takes the scan to the scan of the images. -/
theorem map_scanStates (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (e : τ) (ts : List τ) :
    (scanStates op e ts).map f = scanStates op' (f e) (ts.map f) := by
  induction ts generalizing e with
  | nil => rfl
  | cons t ts ih => simp only [scanStates_cons, List.map_cons, ih, h]

/-- The same for inclusive scans. -/
theorem map_inclusiveScan (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (ts : List τ) :
    (inclusiveScan op ts).map f = inclusiveScan op' (ts.map f) := by
  cases ts with
  | nil => rfl
  | cons t ts => simp only [inclusiveScan, List.map_cons, map_scanStates f op op' h]

end Scanproof
