/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causality.Streaming
public import Spec.Models.DiagonalS4
public import Spec.Models.MambaBlock
public import Spec.Models.SelectiveMambaBlock

/-!
# Streaming of the models

Instances of the lemmas on runners, under names to cite. No law of arithmetic is assumed: they hold in floating point. Each
equation is of pairs, so it says two things: the outputs are the same, and so is the final state, which a fresh run over all
tokens would recompute.

## Main results

For `diagonalS4_runList`, `compactMamba_runList` and `selectiveMamba_runListAux`, and all but the last for
`selectiveMamba_runList`:

* `…_flatten`: chunked prefill, of any number of pieces of any lengths, is one pass.
* `…_decode`: decoding token after token is one pass.
* `…_prefill_decode`: prefill and then decoding is one pass.
* `…_prefill_pieces_decode`: prefill in pieces and then decoding is one pass.

For the selective Mamba block with its convolution state in a ring, see `selectiveMamba_prefill_decode_ring`.
-/

@[expose] public section

namespace Scanproof

/-! ## Diagonal S4 -/

section

variable {α : Type} [Scalar α] {inputDim stateDim outputDim : Nat}

/-- Chunked prefill of diagonal S4: pieces of any lengths, each from the state after the last, are one pass. -/
theorem diagonalS4_runList_flatten (m : DiagonalS4Spec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (ps : List (List (Tensor α [inputDim]))) :
    m.runList h0 ps.flatten =
      ((m.runner.pieces.runList h0 ps).1, (m.runner.pieces.runList h0 ps).2.flatten) :=
  m.runner.runList_flatten h0 ps

/-- Decoding diagonal S4 token after token is one pass. -/
theorem diagonalS4_runList_decode (m : DiagonalS4Spec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs : List (Tensor α [inputDim])) : m.runner.decode (h0, []) xs = m.runList h0 xs :=
  m.runner.decode_eq_runList h0 xs

/-- Prefill of `xs` and then decoding of `ys`, token after token from the cached state, is one pass over `xs ++ ys`. -/
theorem diagonalS4_runList_prefill_decode (m : DiagonalS4Spec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs ys : List (Tensor α [inputDim])) :
    m.runner.decode (m.runList h0 xs) ys = m.runList h0 (xs ++ ys) :=
  m.runner.prefill_decode h0 xs ys

/-- Prefill in pieces of any lengths and then decoding, token after token, is one pass over all tokens. -/
theorem diagonalS4_runList_prefill_pieces_decode
    (m : DiagonalS4Spec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (ps : List (List (Tensor α [inputDim]))) (ys : List (Tensor α [inputDim])) :
    m.runner.decode ((m.runner.pieces.runList h0 ps).1, (m.runner.pieces.runList h0 ps).2.flatten) ys =
      m.runList h0 (ps.flatten ++ ys) :=
  m.runner.prefill_pieces_decode h0 ps ys

end

/-! ## The compact Mamba block -/

section

variable {α : Type} [Scalar α] {inputDim stateDim outputDim : Nat}

/-- Chunked prefill of the compact Mamba block: pieces of any lengths, each from the state after the last, are one pass. -/
theorem compactMamba_runList_flatten (m : MambaBlockSpec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (ps : List (List (Tensor α [inputDim]))) :
    m.runList h0 ps.flatten =
      ((m.runner.pieces.runList h0 ps).1, (m.runner.pieces.runList h0 ps).2.flatten) :=
  m.runner.runList_flatten h0 ps

/-- Decoding the compact Mamba block token after token is one pass. -/
theorem compactMamba_runList_decode (m : MambaBlockSpec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs : List (Tensor α [inputDim])) : m.runner.decode (h0, []) xs = m.runList h0 xs :=
  m.runner.decode_eq_runList h0 xs

/-- Prefill of `xs` and then decoding of `ys`, token after token from the cached state, is one pass over `xs ++ ys`. -/
theorem compactMamba_runList_prefill_decode
    (m : MambaBlockSpec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs ys : List (Tensor α [inputDim])) :
    m.runner.decode (m.runList h0 xs) ys = m.runList h0 (xs ++ ys) :=
  m.runner.prefill_decode h0 xs ys

/-- Prefill in pieces of any lengths and then decoding, token after token, is one pass over all tokens. -/
theorem compactMamba_runList_prefill_pieces_decode
    (m : MambaBlockSpec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (ps : List (List (Tensor α [inputDim]))) (ys : List (Tensor α [inputDim])) :
    m.runner.decode ((m.runner.pieces.runList h0 ps).1, (m.runner.pieces.runList h0 ps).2.flatten) ys =
      m.runList h0 (ps.flatten ++ ys) :=
  m.runner.prefill_pieces_decode h0 ps ys

end

/-! ## The selective Mamba block -/

section

variable {α : Type} [Scalar α] {inputDim innerDim stateDim outputDim convWidth : Nat}

/-- Chunked prefill of the selective Mamba block: pieces of any lengths, each from the states after the last, are one pass. -/
theorem selectiveMamba_runListAux_flatten (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (ps : List (List (Tensor α [inputDim]))) :
    m.runListAux h0 history ps.flatten =
      ((m.runner.pieces.runList (h0, history) ps).1, (m.runner.pieces.runList (h0, history) ps).2.flatten) :=
  m.runner.runList_flatten (h0, history) ps

/-- Decoding the selective Mamba block token after token is one pass. -/
theorem selectiveMamba_runListAux_decode (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (xs : List (Tensor α [inputDim])) : m.runner.decode ((h0, history), []) xs = m.runListAux h0 history xs :=
  m.runner.decode_eq_runList (h0, history) xs

/-- Prefill of `xs` and then decoding of `ys`, token after token from the cached state, is one pass over `xs ++ ys`. -/
theorem selectiveMamba_runListAux_prefill_decode
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (xs ys : List (Tensor α [inputDim])) :
    m.runner.decode (m.runListAux h0 history xs) ys = m.runListAux h0 history (xs ++ ys) :=
  m.runner.prefill_decode (h0, history) xs ys

/-- Prefill in pieces of any lengths and then decoding, token after token, is one pass over all tokens. -/
theorem selectiveMamba_runListAux_prefill_pieces_decode
    (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim]))
    (ps : List (List (Tensor α [inputDim]))) (ys : List (Tensor α [inputDim])) :
    m.runner.decode
        ((m.runner.pieces.runList (h0, history) ps).1, (m.runner.pieces.runList (h0, history) ps).2.flatten) ys =
      m.runListAux h0 history (ps.flatten ++ ys) :=
  m.runner.prefill_pieces_decode (h0, history) ps ys

/-- Chunked prefill of the selective Mamba block from the empty history: pieces of any lengths are one pass. -/
theorem selectiveMamba_runList_flatten (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (ps : List (List (Tensor α [inputDim]))) :
    m.runList h0 ps.flatten = ((m.runner.pieces.runList (h0, []) ps).1, (m.runner.pieces.runList (h0, []) ps).2.flatten) :=
  selectiveMamba_runListAux_flatten m h0 [] ps

/-- Decoding the selective Mamba block token after token, from the empty history, is one pass. -/
theorem selectiveMamba_runList_decode (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (xs : List (Tensor α [inputDim])) :
    m.runner.decode ((h0, []), []) xs = m.runList h0 xs :=
  selectiveMamba_runListAux_decode m h0 [] xs

/-- Prefill of `xs` from the empty history and then decoding of `ys`, token after token, is one pass over `xs ++ ys`. -/
theorem selectiveMamba_runList_prefill_decode (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (xs ys : List (Tensor α [inputDim])) :
    m.runner.decode (m.runList h0 xs) ys = m.runList h0 (xs ++ ys) :=
  selectiveMamba_runListAux_prefill_decode m h0 [] xs ys

end

end Scanproof
