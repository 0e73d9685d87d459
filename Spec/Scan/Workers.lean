/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Prefix

/-!
# Scans split over workers

Each worker scans its piece from the identity, without knowing what comes before. The totals are exchanged and scanned in
their turn, and each worker applies its own transitions to the state in which its piece is entered. No worker waits for the
states of another.

## Main definitions

* `carries scan e locals`: what each worker has before it, from the scan of the totals.
* `workersScan scan e act s pieces`: the states at every position.

## Main results

* `workersScan_eq_scanStates`: they are those of the sequential scan, for pieces of any lengths, empty ones included.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {τ σ : Type}

/-- Each worker's scan of its piece from the identity: the identity itself, then one combined transition per position. -/
def scanPieces (scan : List τ → List τ) (e : τ) (pieces : List (List τ)) : List (List τ) :=
  pieces.map fun piece => scan (e :: piece)

/-- What lies before each worker: the scan of the workers' totals, from the identity. The last entry is the grand total. -/
def carries (scan : List τ → List τ) (e : τ) (locals : List (List τ)) : List τ :=
  scan (e :: locals.map fun piece => piece.getLastD e)

/-- The states: each worker applies the transitions from its start to the state that its carry makes of `s`. -/
def workersScan (scan : List τ → List τ) (e : τ) (act : τ → σ → σ) (s : σ) (pieces : List (List τ)) : List σ :=
  let locals := scanPieces scan e pieces
  (List.zipWith (fun carry piece => piece.tail.map fun t => act t (act carry s)) (carries scan e locals) locals).flatten

private theorem zipWith_entering (act : τ → σ → σ) (s : σ) (pieces : List (List τ)) :
    (List.zipWith (fun s piece => scanStates act s piece)
      (s :: scanStates (fun piece s => piece.foldl (fun s t => act t s) s) s pieces) pieces).flatten =
      scanStates act s pieces.flatten := by
  induction pieces generalizing s with
  | nil => rfl
  | cons piece pieces ih =>
    rw [scanStates_cons, List.zipWith_cons_cons, List.flatten_cons, List.flatten_cons, ih, scanStates_append]

/--
Split over workers, by any parallel prefix within the pieces and over the totals, the scan gives the states of the sequential
scan at every position, if the identity `e` changes no state.
-/
theorem workersScan_eq_scanStates (op : τ → τ → τ) (e : τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (act_e : ∀ s, act e s = s)
    (scan : List τ → List τ) (hscan : ∀ ts, IsPrefixScan op ts (scan ts)) (s : σ) (pieces : List (List τ)) :
    workersScan scan e act s pieces = scanStates act s pieces.flatten := by
  have hpiece : ∀ s piece, (scan (e :: piece)).map (fun t => act t s) = s :: scanStates act s piece := by
    intro s piece
    rw [(hscan _).map_act act act_op, scanStates_cons, act_e]
  have htotal : ∀ s piece, act ((scan (e :: piece)).getLastD e) s = piece.foldl (fun s t => act t s) s := by
    intro s piece
    have h : ((scan (e :: piece)).map fun t => act t s).getLastD s = piece.foldl (fun s t => act t s) s := by
      rw [hpiece]
      clear hpiece
      induction piece generalizing s with
      | nil => rfl
      | cons t piece ih => exact ih (act t s)
    rw [← h, List.getLastD_eq_getLast?, List.getLastD_eq_getLast?, List.getLast?_map]
    cases (scan (e :: piece)).getLast? with
    | none => exact act_e s
    | some t => rfl
  have hcarries : (carries scan e (scanPieces scan e pieces)).map (fun t => act t s) =
      s :: scanStates (fun piece s => piece.foldl (fun s t => act t s) s) s pieces := by
    rw [carries, hpiece, scanPieces, List.map_map]
    congr 1
    generalize s = s
    induction pieces generalizing s with
    | nil => rfl
    | cons piece pieces ih => simp only [List.map_cons, scanStates_cons, Function.comp_apply, htotal, ih]
  rw [← zipWith_entering, ← hcarries, workersScan, scanPieces, List.zipWith_map_left, List.zipWith_map_right]
  congr 2
  funext carry piece
  rw [List.map_tail, hpiece, List.tail_cons]

end Scanproof
