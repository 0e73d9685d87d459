/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Models.DiagonalS4
public import Spec.Models.MambaBlock
public import Spec.Models.MambaCheckpoint
public import Spec.Oracle.Serve
public import Spec.Program.Format

/-!
# The numeric oracle

An executable that runs the list runners of models, and the checker of programs, on request. (`Spec.Oracle.Kernels` is another
one, for kernels.) A request is a line, as `Spec.Oracle.Serve` says. A request to run a model is

    SCALAR MODEL DIM … NUMBER …

`MODEL` and its dimensions are

    s4          inputDim stateDim outputDim tokens
    compact     inputDim stateDim outputDim tokens
    selective   inputDim innerDim stateDim outputDim convWidth dtRank historyLength tokens
    checkpoint  inputDim innerDim stateDim outputDim convWidth dtRank historyLength tokens

The numbers are the parameters in the order of the structure's fields, then the initial state, the history (newest
first; `selective` and `checkpoint` only) and the tokens, each tensor in row-major order. The answer is one line: `ok`
and the numbers of the outputs, the final state and the final history; or `error` and a sentence.

The other kind of request asks `Listing.check` about a recorded program, in the words of `Spec.Program.Format`:

    program VERSION STATEMENT …

and is answered by `ok established`, by `ok refused` and the way of the first label that is not allowed, or by `error`.
-/

@[expose] public noncomputable section

namespace Scanproof.Oracle

variable {α : Type} [Codec α]

/-- Answer a request for `DiagonalS4Spec.runList`. -/
def answerS4 (numbers : Array α) (i s o tokens : Nat) : String :=
  let shapes := [[s, i], [s], [o, s], [o, i], [s], [tokens, i]]
  withNumbers numbers shapes fun _ =>
    let m : DiagonalS4Spec α i s o :=
      { inProj := readTensor numbers [s, i] (offset shapes 0)
        a := readTensor numbers [s] (offset shapes 1)
        outProj := readTensor numbers [o, s] (offset shapes 2)
        skip := readTensor numbers [o, i] (offset shapes 3) }
    let result := m.runList (readTensor numbers [s] (offset shapes 4))
      (readTensors numbers [i] (offset shapes 5) [] tokens)
    printTensor (printTensors "ok" [o] result.2) [s] result.1

/-- Answer a request for `MambaBlockSpec.runList`. -/
def answerCompact (numbers : Array α) (i s o tokens : Nat) : String :=
  let shapes := [[s, i], [s, i], [s], [s], [s], [s], [o, s], [s], [tokens, i]]
  withNumbers numbers shapes fun _ =>
    let m : MambaBlockSpec α i s o :=
      { inProj := readTensor numbers [s, i] (offset shapes 0)
        gateProj := readTensor numbers [s, i] (offset shapes 1)
        a := readTensor numbers [s] (offset shapes 2)
        b := readTensor numbers [s] (offset shapes 3)
        c := readTensor numbers [s] (offset shapes 4)
        d := readTensor numbers [s] (offset shapes 5)
        outProj := readTensor numbers [o, s] (offset shapes 6) }
    let result := m.runList (readTensor numbers [s] (offset shapes 7))
      (readTensors numbers [i] (offset shapes 8) [] tokens)
    printTensor (printTensors "ok" [o] result.2) [s] result.1

/-- Run a selective block on the state, history and tokens that start at `start`, and print the result. -/
def runSelective {i e s o w : Nat} (m : SelectiveMambaBlockSpec α i e s o w) (numbers : Array α)
    (historyLength tokens start : Nat) : String :=
  let afterState := start + volume [e, s]
  let afterHistory := afterState + volume [historyLength, e]
  let result := m.runListAux (readTensor numbers [e, s] start) (readTensors numbers [e] afterState [] historyLength)
    (readTensors numbers [i] afterHistory [] tokens)
  printTensors (printTensor (printTensors "ok" [o] result.2) [e, s] result.1.1) [e] result.1.2

/-- Answer a request for `SelectiveMambaBlockSpec.runListAux`. -/
def answerSelective (numbers : Array α) (i e s o w r historyLength tokens : Nat) : String :=
  let shapes :=
    [[e, i], [e], [e, i], [e], [e, w], [e], [r, e], [e, r], [e], [s, e], [s, e], [e, s], [e], [o, e], [o],
      [e, s], [historyLength, e], [tokens, i]]
  withNumbers numbers shapes fun _ =>
    let m : SelectiveMambaBlockSpec α i e s o w :=
      { dtRank := r
        inProj := readTensor numbers [e, i] (offset shapes 0)
        inBias := readTensor numbers [e] (offset shapes 1)
        gateProj := readTensor numbers [e, i] (offset shapes 2)
        gateBias := readTensor numbers [e] (offset shapes 3)
        convWeight := readTensor numbers [e, w] (offset shapes 4)
        convBias := readTensor numbers [e] (offset shapes 5)
        dtDown := readTensor numbers [r, e] (offset shapes 6)
        dtUp := readTensor numbers [e, r] (offset shapes 7)
        dtBias := readTensor numbers [e] (offset shapes 8)
        bProj := readTensor numbers [s, e] (offset shapes 9)
        cProj := readTensor numbers [s, e] (offset shapes 10)
        A := readTensor numbers [e, s] (offset shapes 11)
        D := readTensor numbers [e] (offset shapes 12)
        outProj := readTensor numbers [o, e] (offset shapes 13)
        outBias := readTensor numbers [o] (offset shapes 14) }
    runSelective m numbers historyLength tokens (offset shapes 15)

/-- Answer a request for `runListAux` of the block that a checkpoint means. -/
def answerCheckpoint (numbers : Array α) (i e s o w r historyLength tokens : Nat) : String :=
  let shapes :=
    [[2 * e, i], [2 * e], [e, w], [e], [r + 2 * s, e], [e, r], [e], [e, s], [e], [o, e], [o],
      [e, s], [historyLength, e], [tokens, i]]
  withNumbers numbers shapes fun _ =>
    let p : MambaCheckpoint α i e s o w r :=
      { inProjWeight := readTensor numbers [2 * e, i] (offset shapes 0)
        inProjBias := readTensor numbers [2 * e] (offset shapes 1)
        convWeight := readTensor numbers [e, w] (offset shapes 2)
        convBias := readTensor numbers [e] (offset shapes 3)
        xProjWeight := readTensor numbers [r + 2 * s, e] (offset shapes 4)
        dtProjWeight := readTensor numbers [e, r] (offset shapes 5)
        dtProjBias := readTensor numbers [e] (offset shapes 6)
        A_log := readTensor numbers [e, s] (offset shapes 7)
        D := readTensor numbers [e] (offset shapes 8)
        outProjWeight := readTensor numbers [o, e] (offset shapes 9)
        outProjBias := readTensor numbers [o] (offset shapes 10) }
    runSelective p.toSpec numbers historyLength tokens (offset shapes 11)

/-- Answer a request about the model called `model`. -/
def answerModel (α : Type) [Codec α] (model : String) (words : List String) : String :=
  let dimCount :=
    if model == "s4" || model == "compact" then 4
    else if model == "selective" || model == "checkpoint" then 8
    else 0
  if dimCount == 0 then "error unknown model '" ++ model ++ "': expected s4, compact, selective or checkpoint"
  else
    match parseDims dimCount words with
    | none => "error model " ++ model ++ " needs " ++ toString dimCount ++ " dimensions, each a natural number"
    | some (dims, rest) =>
      match parseNumbers (α := α) #[] rest with
      | .error word => "error '" ++ word ++ "' is not a number of the requested scalar type"
      | .ok numbers =>
        match dims with
        | [i, s, o, tokens] =>
          if model == "s4" then answerS4 numbers i s o tokens else answerCompact numbers i s o tokens
        | [i, e, s, o, w, r, historyLength, tokens] =>
          if model == "selective" then answerSelective numbers i e s o w r historyLength tokens
          else answerCheckpoint numbers i e s o w r historyLength tokens
        | _ => "error unexpected number of dimensions"

/-- The answer to one request. -/
def answer (request : String) : String :=
  match request.splitOn " " with
  | "program" :: version :: words => answerProgram version words
  | ["program"] => answerProgram "" []
  | words => answerRun (fun α _ => answerModel α) words

end Scanproof.Oracle

/-- Answer requests on the standard input. -/
def main : IO Unit := Scanproof.Oracle.serveAll Scanproof.Oracle.answer
