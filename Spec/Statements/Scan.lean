/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Scan.DiagonalParallel
public import Spec.Scan.DiagonalS4
public import Spec.Rounding.PrefixScan

/-!
# Scans, restated

Each public theorem of `Spec.Scan` on affine, parallel and convolutional scans, word for word. Who weakens one breaks the
build here, and finds in one place what the library says.
-/

namespace Scanproof

/-! ## Scan/Diagonal -/

section

variable {α : Type} [Scalar α] {stateDim : Nat}

example (h0 : Tensor α [stateDim]) (ts : List (DiagonalTransition α stateDim)) :
    (diagonalSelectiveScan h0 ts).length = ts.length := by
  apply length_diagonalSelectiveScan <;> assumption

example (h0 : Tensor α [stateDim]) (xs ys : List (DiagonalTransition α stateDim)) :
    runDiagonalTransitions h0 (xs ++ ys) = runDiagonalTransitions (runDiagonalTransitions h0 xs) ys := by
  apply runDiagonalTransitions_append <;> assumption

example (h0 : Tensor α [stateDim]) (xs ys : List (DiagonalTransition α stateDim)) :
    diagonalSelectiveScan h0 (xs ++ ys) =
      diagonalSelectiveScan h0 xs ++ diagonalSelectiveScan (runDiagonalTransitions h0 xs) ys := by
  apply diagonalSelectiveScan_append <;> assumption

end

/-! ## Scan/Tree -/

section

namespace Tree

variable {τ σ : Type}

example (op : τ → τ → τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (tree : Tree τ) (s : σ) :
    act (tree.combine op) s = tree.toList.foldl (fun s t => act t s) s := by
  apply act_combine <;> assumption

example (op : τ → τ → τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (chunks : List (Tree τ)) (s : σ) :
    chunks.foldl (fun s tree => act (tree.combine op) s) s =
      (chunks.flatMap toList).foldl (fun s t => act t s) s := by
  apply act_chunks <;> assumption

end Tree

end

/-! ## Scan/DiagonalTree -/

section

variable {α : Type} [Scalar α] {stateDim : Nat}

example [LawfulScalar α] (later earlier : DiagonalTransition α stateDim)
    (h : Tensor α [stateDim]) : (later.after earlier).apply h = later.apply (earlier.apply h) := by
  apply DiagonalTransition.apply_after <;> assumption

example (h0 : Tensor α [stateDim]) (ts : List (DiagonalTransition α stateDim)) :
    runDiagonalTransitions h0 ts = ts.foldl (fun h t => t.apply h) h0 := by
  apply runDiagonalTransitions_eq_foldl <;> assumption

example [LawfulScalar α] (tree : Tree (DiagonalTransition α stateDim))
    (h0 : Tensor α [stateDim]) :
    (tree.combine DiagonalTransition.after).apply h0 = runDiagonalTransitions h0 tree.toList := by
  apply runDiagonalTransitions_tree <;> assumption

example [LawfulScalar α] (chunks : List (Tree (DiagonalTransition α stateDim)))
    (h0 : Tensor α [stateDim]) :
    chunks.foldl (fun h tree => (tree.combine DiagonalTransition.after).apply h) h0 =
      runDiagonalTransitions h0 (chunks.flatMap Tree.toList) := by
  apply runDiagonalTransitions_chunks <;> assumption

end

/-! ## Scan/Sequential -/

section

variable {τ υ σ : Type}

example (act : τ → σ → σ) (s : σ) : scanStates act s [] = [] := by
  apply scanStates_nil <;> assumption

example (act : τ → σ → σ) (s : σ) (t : τ) (ts : List τ) :
    scanStates act s (t :: ts) = act t s :: scanStates act (act t s) ts := by
  apply scanStates_cons <;> assumption

example (act : τ → σ → σ) (s : σ) (ts : List τ) : (scanStates act s ts).length = ts.length := by
  apply length_scanStates <;> assumption

example (act : τ → σ → σ) (s : σ) (ts : List τ) :
    ((scanRunner act).runList s ts).1 = ts.foldl (fun s t => act t s) s := by
  apply scanRunner_state <;> assumption

example (act : τ → σ → σ) (s : σ) (xs ys : List τ) :
    scanStates act s (xs ++ ys) = scanStates act s xs ++ scanStates act (xs.foldl (fun s t => act t s) s) ys := by
  apply scanStates_append <;> assumption

example (act : τ → σ → σ) (s : σ) (ts : List τ) (i : Nat) (h : i < (scanStates act s ts).length) :
    (scanStates act s ts)[i] = (ts.take (i + 1)).foldl (fun s t => act t s) s := by
  apply getElem_scanStates <;> assumption

example (op : τ → τ → τ) (ts : List τ) : (inclusiveScan op ts).length = ts.length := by
  apply length_inclusiveScan <;> assumption

example (op : τ → τ → τ) (e : τ) (ts : List τ) :
    (exclusiveScan op e ts).length = ts.length := by
  apply length_exclusiveScan <;> assumption

example (op : τ → τ → τ) (e : τ) (ts : List τ) (i : Nat) (h : i < (exclusiveScan op e ts).length) :
    (exclusiveScan op e ts)[i] = (ts.take i).foldl (fun earlier t => op t earlier) e := by
  apply getElem_exclusiveScan <;> assumption

example (op : τ → τ → τ) (e : τ) (ts : List τ) :
    List.zipWith op ts (exclusiveScan op e ts) = scanStates op e ts := by
  apply zipWith_exclusiveScan <;> assumption

example (op : τ → τ → τ) (e : τ) (ts : List τ) :
    exclusiveScan op e ts = (inclusiveScan op (e :: ts)).dropLast := by
  apply exclusiveScan_eq_dropLast <;> assumption

example (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (e : τ) (ts : List τ) :
    (scanStates op e ts).map f = scanStates op' (f e) (ts.map f) := by
  apply map_scanStates <;> assumption

example (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (ts : List τ) :
    (inclusiveScan op ts).map f = inclusiveScan op' (ts.map f) := by
  apply map_inclusiveScan <;> assumption

end

/-! ## Scan/Prefix -/

section

variable {τ σ : Type}

example (ts : List τ) : (prefixes ts).length = ts.length := by
  apply length_prefixes <;> assumption

example (acc : List τ) (ts : List τ) :
    (ts.map ([·])).foldl (fun earlier later => earlier ++ later) acc = acc ++ ts := by
  apply foldl_append_singleton <;> assumption

example (ts : List τ) (i : Nat) (h : i < (prefixes ts).length) :
    (prefixes ts)[i] = ts.take (i + 1) := by
  apply getElem_prefixes <;> assumption

namespace IsPrefixScan

variable {op : τ → τ → τ} {ts ys : List τ}

example (h : IsPrefixScan op ts ys) : ys.length = ts.length := by
  apply length_eq <;> assumption

example (h : IsPrefixScan op ts ys) (i : Nat) (hi : i < ys.length) :
    ∃ tree : Tree τ, tree.toList = ts.take (i + 1) ∧ ys[i] = tree.combine op := by
  apply getElem_eq <;> assumption

example (length_eq : ys.length = ts.length)
    (trees : ∀ i (h : i < ys.length), ∃ tree : Tree τ, tree.toList = ts.take (i + 1) ∧ ys[i] = tree.combine op) :
    IsPrefixScan op ts ys := by
  apply of_getElem <;> assumption

example (h : IsPrefixScan op ts ys) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (s : σ) :
    ys.map (fun t => act t s) = scanStates act s ts := by
  apply map_act <;> assumption

example [Std.Associative op] (h : IsPrefixScan op ts ys) : ys = inclusiveScan op ts := by
  apply eq_inclusiveScan <;> assumption

end IsPrefixScan

example (scan : {τ : Type} → (τ → τ → τ) → List τ → List τ)
    (natural : ∀ {τ υ : Type} (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ),
      (∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) →
      ∀ ts, (scan op ts).map f = scan op' (ts.map f))
    (lists : ∀ {τ : Type} (ts : List τ), scan (fun later earlier => earlier ++ later) (ts.map ([·])) = prefixes ts)
    (op : τ → τ → τ) (ts : List τ) : IsPrefixScan op ts (scan op ts) := by
  apply isPrefixScan_of_natural <;> assumption

example (op : τ → τ → τ) (ts : List τ) : IsPrefixScan op ts (inclusiveScan op ts) := by
  apply isPrefixScan_inclusiveScan <;> assumption

end

/-! ## Scan/OddEven -/

section

variable {τ υ : Type}

example (op : τ → τ → τ) (ts : List τ) : (combinePairs op ts).length = ts.length / 2 := by
  apply length_combinePairs <;> assumption

example (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (ts : List τ) :
    (oddEvenScan op ts).map f = oddEvenScan op' (ts.map f) := by
  apply map_oddEvenScan <;> assumption

example (op : τ → τ → τ) [Std.Associative op] (ts : List τ) :
    oddEvenScan op ts = inclusiveScan op ts := by
  apply oddEvenScan_eq_inclusiveScan <;> assumption

example (op : τ → τ → τ) (ts : List τ) : IsPrefixScan op ts (oddEvenScan op ts) := by
  apply isPrefixScan_oddEvenScan <;> assumption

end

/-! ## Scan/HillisSteele -/

section

variable {τ υ : Type}

example (n : Nat) : n ≤ 2 ^ doublingDepth n := by
  apply le_two_pow_doublingDepth <;> assumption

example {n k : Nat} (h : k < doublingDepth n) : 2 ^ k < n := by
  apply two_pow_lt_of_lt_doublingDepth <;> assumption

example (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (ts : List τ) :
    (hillisSteele op ts).map f = hillisSteele op' (ts.map f) := by
  apply map_hillisSteele <;> assumption

example (op : τ → τ → τ) (ts : List τ) : IsPrefixScan op ts (hillisSteele op ts) := by
  apply isPrefixScan_hillisSteele <;> assumption

example (op : τ → τ → τ) [Std.Associative op] (ts : List τ) :
    hillisSteele op ts = inclusiveScan op ts := by
  apply hillisSteele_eq_inclusiveScan <;> assumption

end

/-! ## Scan/Blelloch -/

section

variable {τ υ σ : Type}

example (op : τ → τ → τ) (ts : List τ) :
    (combineNeighbours op ts).length = (ts.length + 1) / 2 := by
  apply length_combineNeighbours <;> assumption

example (f : τ → υ) (op : τ → τ → τ) (op' : υ → υ → υ)
    (h : ∀ later earlier, f (op later earlier) = op' (f later) (f earlier)) (e : τ) (ts : List τ) :
    (blelloch op e ts).map f = blelloch op' (f e) (ts.map f) := by
  apply map_blelloch <;> assumption

example (op : τ → τ → τ) [Std.Associative op] (e : τ) (ts : List τ) :
    blelloch op e ts = exclusiveScan op e ts := by
  apply blelloch_eq_exclusiveScan <;> assumption

example (op : τ → τ → τ) (e : τ) (ts : List τ) : (blelloch op e ts).length = ts.length := by
  apply length_blelloch <;> assumption

example (op : τ → τ → τ) [Std.Associative op] (e : τ) (ts : List τ) :
    blellochInclusive op e ts = scanStates op e ts := by
  apply blellochInclusive_eq_scanStates <;> assumption

example (op : τ → τ → τ) [Std.Associative op] (e : τ) [Std.LawfulRightIdentity op e]
    (ts : List τ) : blellochInclusive op e ts = inclusiveScan op ts := by
  apply blellochInclusive_eq_inclusiveScan <;> assumption

example (op : τ → τ → τ) (e : τ) (ts : List τ) :
    (blellochInclusive op e ts).length = ts.length := by
  apply length_blellochInclusive <;> assumption

example (op : τ → τ → τ) (e : τ) (ts : List τ) (i : Nat) (h : i < (blelloch op e ts).length) :
    ∃ tree : Tree τ, tree.toList = e :: ts.take i ∧ (blelloch op e ts)[i] = tree.combine op := by
  apply isTree_blelloch <;> assumption

example (op : τ → τ → τ) (e : τ) (right_id : ∀ t, op t e = t) (ts : List τ) :
    IsPrefixScan op ts (blellochInclusive op e ts) := by
  apply isPrefixScan_blellochInclusive <;> assumption

example (op : τ → τ → τ) (e : τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (act_e : ∀ s, act e s = s) (s : σ)
    (ts : List τ) : (blellochInclusive op e ts).map (fun t => act t s) = scanStates act s ts := by
  apply map_act_blellochInclusive <;> assumption

example (op : τ → τ → τ) (e : τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (act_e : ∀ s, act e s = s) (s : σ)
    (ts padding : List τ) :
    ((blellochInclusive op e (ts ++ padding)).take ts.length).map (fun t => act t s) = scanStates act s ts := by
  apply take_blellochInclusive_append <;> assumption

end

/-! ## Scan/Chunked -/

section

variable {α τ σ : Type}

example (c : Nat) (xs : List α) : (chunks c xs).flatten = xs := by
  apply flatten_chunks <;> assumption

example {c : Nat} (hc : 1 ≤ c) (xs : List α) : (chunks c xs).length = (xs.length + c - 1) / c := by
  apply length_chunks <;> assumption

example {c : Nat} (hc : 1 ≤ c) (xs : List α) (i : Nat) (h : i < (chunks c xs).length) :
    (chunks c xs)[i] = (xs.drop (i * c)).take c := by
  apply getElem_chunks <;> assumption

example {c : Nat} (hc : 1 ≤ c) (xs : List α) (i : Nat) (h : i < (chunks c xs).length) :
    (chunks c xs)[i].length = min c (xs.length - i * c) := by
  apply length_getElem_chunks <;> assumption

example (op : τ → τ → τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (scan : List τ → List τ)
    (hscan : ∀ ts, IsPrefixScan op ts (scan ts)) (s : σ) (segments : List (List τ)) :
    segmentedScan scan act s segments = scanStates act s segments.flatten := by
  apply segmentedScan_eq_scanStates <;> assumption

example (op : τ → τ → τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (scan : List τ → List τ)
    (hscan : ∀ ts, IsPrefixScan op ts (scan ts)) (c : Nat) (s : σ) (ts : List τ) :
    chunkedScan scan act c s ts = scanStates act s ts := by
  apply chunkedScan_eq_scanStates <;> assumption

end

/-! ## Scan/Workers -/

section

variable {τ σ : Type}

example (op : τ → τ → τ) (e : τ) (act : τ → σ → σ)
    (act_op : ∀ later earlier s, act (op later earlier) s = act later (act earlier s)) (act_e : ∀ s, act e s = s)
    (scan : List τ → List τ) (hscan : ∀ ts, IsPrefixScan op ts (scan ts)) (s : σ) (pieces : List (List τ)) :
    workersScan scan e act s pieces = scanStates act s pieces.flatten := by
  apply workersScan_eq_scanStates <;> assumption

end

/-! ## Scan/Affine -/

section

open Lean.Grind

namespace TransitionMonoid

variable {τ σ : Type} {op : τ → τ → τ} {e : τ} {act : τ → σ → σ}

example (m : TransitionMonoid op e act) (s : σ) (ts : List τ) :
    act (ts.foldl (fun earlier t => op t earlier) e) s = ts.foldl (fun s t => act t s) s := by
  apply act_foldl <;> assumption

example (m : TransitionMonoid op e act) (s : σ) (ts : List τ) :
    scanStates act s ts = (scanStates op e ts).map fun t => act t s := by
  apply scanStates_eq_map <;> assumption

end TransitionMonoid

section Diagonal

variable {α : Type} [Scalar α] {stateDim : Nat}

example [LawfulScalar α] :
    Std.Associative (DiagonalTransition.after (α := α) (stateDim := stateDim)) := by
  apply DiagonalTransition.associative_after <;> assumption

example [SemiringScalar α] :
    TransitionMonoid (DiagonalTransition.after (α := α) (stateDim := stateDim)) DiagonalTransition.identity
      DiagonalTransition.apply := by
  apply diagonalTransition_monoid <;> assumption

end Diagonal

section General

variable {R : Type} [Semiring R] {n : Nat}

example :
    TransitionMonoid (MatrixTransition.after (R := R) (n := n)) MatrixTransition.identity MatrixTransition.apply := by
  apply matrixTransition_monoid <;> assumption

end General

end

/-! ## Scan/DiagonalParallel -/

section

variable {α : Type} [Scalar α] {stateDim : Nat} (h0 : Tensor α [stateDim]) (ts : List (DiagonalTransition α stateDim))

example : diagonalSelectiveScan h0 ts = scanStates DiagonalTransition.apply h0 ts := by
  apply diagonalSelectiveScan_eq_scanStates <;> assumption

example [LawfulScalar α] {ys : List (DiagonalTransition α stateDim)}
    (h : IsPrefixScan DiagonalTransition.after ts ys) : ys.map (fun t => t.apply h0) = diagonalSelectiveScan h0 ts := by
  apply diagonalSelectiveScan_parallel <;> assumption

example [LawfulScalar α] :
    (hillisSteele DiagonalTransition.after ts).map (fun t => t.apply h0) = diagonalSelectiveScan h0 ts := by
  apply diagonalSelectiveScan_hillisSteele <;> assumption

example [LawfulScalar α] :
    (oddEvenScan DiagonalTransition.after ts).map (fun t => t.apply h0) = diagonalSelectiveScan h0 ts := by
  apply diagonalSelectiveScan_oddEven <;> assumption

example [SemiringScalar α] (padding : List (DiagonalTransition α stateDim)) :
    ((blellochInclusive DiagonalTransition.after DiagonalTransition.identity (ts ++ padding)).take ts.length).map
        (fun t => t.apply h0) =
      diagonalSelectiveScan h0 ts := by
  apply diagonalSelectiveScan_blelloch <;> assumption

example [LawfulScalar α]
    (scan : List (DiagonalTransition α stateDim) → List (DiagonalTransition α stateDim))
    (hscan : ∀ ts, IsPrefixScan DiagonalTransition.after ts (scan ts)) (c : Nat) :
    chunkedScan scan DiagonalTransition.apply c h0 ts = diagonalSelectiveScan h0 ts := by
  apply diagonalSelectiveScan_chunked <;> assumption

example [SemiringScalar α]
    (scan : List (DiagonalTransition α stateDim) → List (DiagonalTransition α stateDim))
    (hscan : ∀ ts, IsPrefixScan DiagonalTransition.after ts (scan ts))
    (pieces : List (List (DiagonalTransition α stateDim))) :
    workersScan scan DiagonalTransition.identity DiagonalTransition.apply h0 pieces =
      diagonalSelectiveScan h0 pieces.flatten := by
  apply diagonalSelectiveScan_workers <;> assumption

section Zero

variable [SemiringScalar α]

example {ys : List (DiagonalTransition α stateDim)}
    (h : IsPrefixScan DiagonalTransition.after ts ys) :
    ys.map (fun t => t.b) = diagonalSelectiveScan (Vec.ofFn fun _ => 0) ts := by
  apply diagonalSelectiveScan_addends <;> assumption

example :
    inclusiveScan DiagonalTransition.after ts =
      List.zipWith DiagonalTransition.mk (inclusiveScan Vec.mul (ts.map fun t => t.a))
        (diagonalSelectiveScan (Vec.ofFn fun _ => 0) ts) := by
  apply inclusiveScan_after <;> assumption

end Zero

end

/-! ## Scan/Convolution -/

section

open Lean.Grind

variable {R : Type} [Semiring R] {inputDim stateDim outputDim : Nat}

example (K : Nat → Matrix R outputDim inputDim) (xs : List (Vec R inputDim)) :
    (causalConvolution K xs).length = xs.length := by
  apply length_causalConvolution <;> assumption

example (K : Nat → Matrix R outputDim inputDim) : Causal (causalConvolution K) := by
  apply causal_causalConvolution <;> assumption

namespace LinearSystem

variable (m : LinearSystem R inputDim stateDim outputDim) (h0 : Vec R stateDim) (x : Nat → Vec R inputDim)

example (t : Nat) :
    m.runner.stateAt h0 x t =
      (m.A.pow t).mulVec h0 + Vec.sumRange 0 t fun s => (m.A.pow (t - 1 - s)).mulVec (m.B.mulVec (x s)) := by
  apply stateAt_eq <;> assumption

example (t : Nat) :
    m.runner.outputAt h0 x t =
      m.C.mulVec ((m.A.pow (t + 1)).mulVec h0) + (Vec.sumRange 0 (t + 1) fun k => (m.kernel k).mulVec (x (t - k))) +
        m.D.mulVec (x t) := by
  apply outputAt_eq <;> assumption

example (xs : List (Vec R inputDim)) :
    (m.runner.runList 0 xs).2 = List.zipWith (· + ·) (causalConvolution m.kernel xs) (xs.map m.D.mulVec) := by
  apply outputs_eq_causalConvolution <;> assumption

end LinearSystem

end

/-! ## Scan/Circular -/

section

open Lean.Grind

variable {R : Type} [Semiring R] {inputDim outputDim : Nat}

example {L : Nat} (K : Nat → Matrix R outputDim inputDim)
    (xs : List (Vec R inputDim)) (hL : 2 * xs.length - 1 ≤ L) : circularConvolution L K xs = causalConvolution K xs := by
  apply circularConvolution_eq_causalConvolution <;> assumption

example {L : Nat → Nat} (hL : ∀ T, 2 * T - 1 ≤ L T) (K : Nat → Matrix R outputDim inputDim) :
    Causal fun xs => circularConvolution (L xs.length) K xs := by
  apply causal_circularConvolution <;> assumption

example :
    ∃ K : Nat → Matrix Int 1 1, ¬Causal fun xs : List (Vec Int 1) => circularConvolution xs.length K xs := by
  apply not_causal_circularConvolution <;> assumption

example :
    ∃ (K : Nat → Matrix Int 1 1) (xs : List (Vec Int 1)),
      xs.length = 3 ∧ circularConvolution (2 * xs.length - 2) K xs ≠ causalConvolution K xs := by
  apply circularConvolution_length_sharp <;> assumption

end

/-! ## Scan/DiagonalS4 -/

section

open Lean.Grind

variable {α : Type} [Scalar α] [SemiringScalar α] {inputDim stateDim outputDim : Nat}

example {m n : Nat} (M : Tensor α [m, n]) (x : Tensor α [n]) : M.matVec x = Matrix.mulVec M x := by
  apply matVec_eq_mulVec <;> assumption

namespace DiagonalS4Spec

variable (m : DiagonalS4Spec α inputDim stateDim outputDim)

example (k : Nat) (o : Fin outputDim) (j : Fin inputDim) :
    ((m.system.kernel k).get o).get j =
      finSum fun i => (m.outProj.get o).get i * (m.a.get i ^ k * (m.inProj.get i).get j) := by
  apply get_kernel <;> assumption

end DiagonalS4Spec

example (m : DiagonalS4Spec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs : List (Tensor α [inputDim])) : m.runList h0 xs = m.system.runner.runList h0 xs := by
  apply diagonalS4_runList_eq_system <;> assumption

example (m : DiagonalS4Spec α inputDim stateDim outputDim)
    (xs : List (Tensor α [inputDim])) :
    (m.runList (Vec.ofFn fun _ => 0) xs).2 =
      List.zipWith Vec.add (causalConvolution m.system.kernel xs) (xs.map m.skip.matVec) := by
  apply diagonalS4_runList_eq_causalConvolution <;> assumption

example (m : DiagonalS4Spec α inputDim stateDim outputDim)
    (xs : List (Tensor α [inputDim])) {L : Nat} (hL : 2 * xs.length - 1 ≤ L) :
    (m.runList (Vec.ofFn fun _ => 0) xs).2 =
      List.zipWith Vec.add (circularConvolution L m.system.kernel xs) (xs.map m.skip.matVec) := by
  apply diagonalS4_runList_eq_circularConvolution <;> assumption

end

/-! ## Rounding/PrefixScan -/

section

open Lean.Grind Std

attribute [local instance] Semiring.natCast

variable {R : Type} [CommRing R] [LE R] [DecidableLE R] [LT R] [LawfulOrderLT R] [IsLinearOrder R] [OrderedRing R]

example {r : Rounding R} {op : R × R → R × R → R × R} (h : r.Combines op) (tree : Tree (R × R)) :
    r.Evaluates tree (tree.combine op) := by
  apply Rounding.Combines.evaluates <;> assumption

example (r : Rounding R) {op : R × R → R × R → R × R} (hop : r.Combines op)
    {ts ys : List (R × R)} (h : IsPrefixScan op ts ys) (i : Nat) (hi : i < ys.length)
    (hη : 8 * (r.w * r.w * r.η) * (((i + 1 : Nat) : R) * ((i + 1 : Nat) : R)) ≤ 1) :
    magnitude (ys[i].2 - (ts.take (i + 1)).foldl (fun h t => affineApply t h) 0) ≤ r.treeBound (ts.take (i + 1)) := by
  apply Rounding.prefixScan_error <;> assumption

example (r : Rounding R) {op : R × R → R × R → R × R} (hop : r.Combines op)
    (ts : List (R × R)) (i : Nat) (hi : i < (hillisSteele op ts).length)
    (hη : 8 * (r.w * r.w * r.η) * (((i + 1 : Nat) : R) * ((i + 1 : Nat) : R)) ≤ 1) :
    magnitude ((hillisSteele op ts)[i].2 - (ts.take (i + 1)).foldl (fun h t => affineApply t h) 0) ≤
      r.treeBound (ts.take (i + 1)) := by
  apply Rounding.hillisSteele_error <;> assumption

example (r : Rounding R) {op : R × R → R × R → R × R} (hop : r.Combines op)
    (ts : List (R × R)) (i : Nat) (hi : i < (oddEvenScan op ts).length)
    (hη : 8 * (r.w * r.w * r.η) * (((i + 1 : Nat) : R) * ((i + 1 : Nat) : R)) ≤ 1) :
    magnitude ((oddEvenScan op ts)[i].2 - (ts.take (i + 1)).foldl (fun h t => affineApply t h) 0) ≤
      r.treeBound (ts.take (i + 1)) := by
  apply Rounding.oddEvenScan_error <;> assumption

end

/-! ## What the algorithms do with five transitions

The trees that they build, so that a change of the algorithm shows as well. `x ⋄ y` is `y` after `x`. -/

section

local infixl:70 " ⋄ " => Tree.node

variable {τ : Type} (a b c d e z : Tree τ)

example : hillisSteele (fun later earlier => earlier ⋄ later) [a, b, c, d, e] =
    [a, a ⋄ b, a ⋄ (b ⋄ c), a ⋄ b ⋄ (c ⋄ d), a ⋄ (b ⋄ c ⋄ (d ⋄ e))] := by
  rw [hillisSteele, show [a, b, c, d, e].length = 5 from rfl, show doublingDepth 5 = 3 by decide]
  rfl

example : oddEvenScan (fun later earlier => earlier ⋄ later) [a, b, c, d, e] =
    [a, a ⋄ b, a ⋄ b ⋄ c, a ⋄ b ⋄ (c ⋄ d), a ⋄ b ⋄ (c ⋄ d) ⋄ e] := by
  simp only [oddEvenScan, combinePairs, fillBetween]

example : upSweep (fun later earlier => earlier ⋄ later) [a, b, c, d, e] =
    [[a, b, c, d, e], [a ⋄ b, c ⋄ d, e], [a ⋄ b ⋄ (c ⋄ d), e], [a ⋄ b ⋄ (c ⋄ d) ⋄ e]] := by
  simp only [upSweep, combineNeighbours]

example : blelloch (fun later earlier => earlier ⋄ later) z [a, b, c, d, e] =
    [z, z ⋄ a, z ⋄ (a ⋄ b), z ⋄ (a ⋄ b) ⋄ c, z ⋄ (a ⋄ b ⋄ (c ⋄ d))] := by
  simp only [blelloch, upSweep, combineNeighbours, downSweep, expand, List.map]

example : chunks 2 [a, b, c, d, e] = [[a, b], [c, d], [e]] := by
  simp only [chunks, List.take, List.drop]

end

end Scanproof
