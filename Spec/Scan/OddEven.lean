/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.Prefix

/-!
# The odd-even scan

Combine neighbours, scan the pairs, and fill in the positions between: the recursion behind `associative_scan` in JAX and
`associative_states` here. Any length, no identity, at most `2n` combinations in a depth of about `2 log₂ n`.

## Main definitions

* `oddEvenScan op ts`: the scan.

## Main results

* `isPrefixScan_oddEvenScan`: it is a parallel prefix, without any law.
* `oddEvenScan_eq_inclusiveScan`: the sequential scan, where `op` is associative.

## References

* R. E. Ladner, M. J. Fischer, *Parallel Prefix Computation*, J. ACM 27(4), 1980.
* G. E. Blelloch, *Prefix Sums and Their Applications*, CMU-CS-90-190, 1990.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {τ υ : Type}

/-- Combine the first with the second, the third with the fourth and so on; an odd last one is left out. -/
def combinePairs (op : τ → τ → τ) : List τ → List τ
  | x :: y :: ts => op y x :: combinePairs op ts
  | [_] => []
  | [] => []

/-- There are half as many pairs. -/
theorem length_combinePairs (op : τ → τ → τ) (ts : List τ) : (combinePairs op ts).length = ts.length / 2 := by
  fun_induction combinePairs op ts with
  | case1 x y ts ih => simp only [List.length_cons, ih]; omega
  | case2 => simp only [List.length_nil, List.length_cons, Nat.reduceAdd, Nat.reduceDiv]
  | case3 => simp only [List.length_nil, Nat.zero_div]

/--
The prefixes at odd positions, with those at the even ones between: each is combined with the next transition, and what
that gives stands before the next prefix.
-/
def fillBetween (op : τ → τ → τ) : (odd rest : List τ) → List τ
  | p :: odd, t :: _ :: rest => p :: op t p :: fillBetween op odd rest
  | p :: _, [t] => [p, op t p]
  | p :: _, [] => [p]
  | [], _ => []

/-- Scan the pairs, and fill in the positions between. -/
def oddEvenScan (op : τ → τ → τ) : List τ → List τ
  | x :: y :: ts => x :: fillBetween op (oddEvenScan op (combinePairs op (x :: y :: ts))) ts
  | [x] => [x]
  | [] => []
termination_by ts => ts.length
decreasing_by
  simp only [length_combinePairs, List.length_cons]
  omega

private theorem map_combinePairs (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (ts : List τ) :
    (combinePairs op ts).map f = combinePairs op' (ts.map f) := by
  fun_induction combinePairs op ts with
  | case1 x y ts ih => simp only [List.map_cons, combinePairs, ih, h]
  | case2 => rfl
  | case3 => rfl

private theorem map_fillBetween (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (odd rest : List τ) :
    (fillBetween op odd rest).map f = fillBetween op' (odd.map f) (rest.map f) := by
  fun_induction fillBetween op odd rest with
  | case1 p odd t u rest ih => simp only [List.map_cons, fillBetween, ih, h]
  | case2 p odd t => simp only [List.map_cons, List.map_nil, fillBetween, h]
  | case3 p odd => simp only [List.map_cons, List.map_nil, fillBetween]
  | case4 rest => simp only [List.map_nil, fillBetween]

/-- A map that takes combined transitions to combined images takes the scan to the scan of the images. -/
theorem map_oddEvenScan (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (ts : List τ) :
    (oddEvenScan op ts).map f = oddEvenScan op' (ts.map f) := by
  fun_induction oddEvenScan op ts with
  | case1 x y ts ih =>
    rw [map_combinePairs f op op' h] at ih
    simp only [List.map_cons] at ih ⊢
    rw [oddEvenScan, map_fillBetween f op op' h, ih]
  | case2 x => rw [List.map_cons, List.map_nil, oddEvenScan]
  | case3 => rw [List.map_nil, oddEvenScan]

private theorem fillBetween_scanStates (op : τ → τ → τ) [Std.Associative op] (p : τ) (ts : List τ) :
    fillBetween op (p :: scanStates op p (combinePairs op ts)) ts = p :: scanStates op p ts := by
  fun_induction combinePairs op ts generalizing p with
  | case1 x y ts ih =>
    simp only [scanStates_cons, fillBetween, ih, Std.Associative.assoc (op := op)]
  | case2 => rfl
  | case3 => rfl

/-- Where `op` is associative, the odd-even scan is the sequential scan. -/
theorem oddEvenScan_eq_inclusiveScan (op : τ → τ → τ) [Std.Associative op] (ts : List τ) :
    oddEvenScan op ts = inclusiveScan op ts := by
  fun_induction oddEvenScan op ts with
  | case1 x y ts ih =>
    simp only [combinePairs, inclusiveScan] at ih ⊢
    rw [ih, fillBetween_scanStates, scanStates_cons]
  | case2 => rfl
  | case3 => rfl

/-- The odd-even scan is a parallel prefix: every result is the value of a tree over its prefix. -/
theorem isPrefixScan_oddEvenScan (op : τ → τ → τ) (ts : List τ) : IsPrefixScan op ts (oddEvenScan op ts) :=
  isPrefixScan_of_natural oddEvenScan map_oddEvenScan
    (fun {τ} _ =>
      have : Std.Associative fun later earlier : List τ => earlier ++ later := ⟨fun _ _ _ => (List.append_assoc ..).symm⟩
      oddEvenScan_eq_inclusiveScan _ _)
    op ts

end Scanproof
