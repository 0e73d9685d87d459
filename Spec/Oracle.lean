/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Models.DiagonalS4
public import Spec.Models.MambaBlock
public import Spec.Models.MambaCheckpoint
public import Spec.Program.Format

/-!
# The numeric oracle

An executable that runs the list runners, and the checker of programs, on request. One request is one line of words
separated by single spaces. A request to run a model is

    SCALAR MODEL DIM … NUMBER …

`SCALAR` is `float` (binary64; a number is its bit pattern as a decimal integer) or `exact` (`exactScalar`; a number is
`P` or `P/Q`). `MODEL` and its dimensions are

    s4          inputDim stateDim outputDim tokens
    compact     inputDim stateDim outputDim tokens
    selective   inputDim innerDim stateDim outputDim convWidth dtRank historyLength tokens
    checkpoint  inputDim innerDim stateDim outputDim convWidth dtRank historyLength tokens

The numbers are the parameters in the order of the structure's fields, then the initial state, the history (newest
first; `selective` and `checkpoint` only) and the tokens, each tensor in row-major order. The answer is one line: `ok`
and the numbers of the outputs, the final state and the final history; or `error` and a sentence. An empty line or the
end of the input ends the process.

The other kind of request asks `Listing.check` about a recorded program, in the words of `Spec.Program.Format`:

    program VERSION STATEMENT …

and is answered by `ok established`, by `ok refused` and the way of the first label that is not allowed, or by `error`.
-/

@[expose] public noncomputable section

namespace Scanproof.Oracle

/-- Scalars that can be read from a word and written as one. -/
class Codec (α : Type) extends Scalar α where
  /-- The number that a word denotes. -/
  parse : String → Option α
  /-- The word that denotes a number. -/
  print : α → String

/-- A binary64 number from its bit pattern, a decimal integer below `2^64`. -/
@[noinline] def parseFloat (word : String) : Option Float :=
  match word.toNat? with
  | some bits => if bits < 18446744073709551616 then some (Float.ofBits (UInt64.ofNat bits)) else none
  | none => none

/-- The bit pattern of a binary64 number, as a decimal integer. -/
@[noinline] def printFloat (x : Float) : String := toString x.toBits.toNat

/-- A rational from `P` or `P/Q`. -/
@[noinline] def parseRat (word : String) : Option Rat :=
  match word.splitOn "/" with
  | [p] =>
    match p.toInt? with
    | some n => some (mkRat n 1)
    | none => none
  | [p, q] =>
    match p.toInt?, q.toNat? with
    | some n, some d => if d = 0 then none else some (mkRat n d)
    | _, _ => none
  | _ => none

/-- A rational as `P/Q`. -/
@[noinline] def printRat (x : Rat) : String := toString x.num ++ "/" ++ toString x.den

/-- Binary64 numbers travel as bit patterns. -/
instance codecFloat : Codec Float where
  toScalar := instScalarFloat
  parse := parseFloat
  print := printFloat

/-- Rationals travel as fractions; `exp` and `log` are the surrogates of `exactScalar`. -/
@[reducible] def codecExact : Codec Rat where
  toScalar := exactScalar
  parse := parseRat
  print := printRat

variable {α : Type} [Codec α]

/-- The numbers that a list of words denotes, appended to `acc`; the first word that denotes none otherwise. -/
def parseNumbers (acc : Array α) : List String → Except String (Array α)
  | [] => .ok acc
  | word :: words =>
    match Codec.parse word with
    | some x => parseNumbers (acc.push x) words
    | none => .error word

/-- The number of entries of a tensor. -/
def volume : List Nat → Nat
  | [] => 1
  | n :: shape => n * volume shape

/-- The tensor whose entries stand in `numbers` from `start` on, in row-major order. -/
def readTensor (numbers : Array α) : (shape : List Nat) → (start : Nat) → Tensor α shape
  | [], start => if h : start < numbers.size then numbers[start] else 0
  | _ :: shape, start => Vec.ofFn fun i => readTensor numbers shape (start + i.val * volume shape)

/-- `count` tensors of one shape that stand one after another, followed by those of `later`. -/
def readTensors (numbers : Array α) (shape : List Nat) (start : Nat) (later : List (Tensor α shape)) :
    (count : Nat) → List (Tensor α shape)
  | 0 => later
  | count + 1 =>
    readTensors numbers shape start (readTensor numbers shape (start + count * volume shape) :: later) count

/-- Append the words for the entries of a tensor, in row-major order. -/
def printTensor (answer : String) : (shape : List Nat) → Tensor α shape → String
  | [], x => answer ++ " " ++ Codec.print x
  | n :: shape, v => printFrom answer shape v n (Nat.le_refl n)
where
  /-- Append the words for the last `r` entries of a vector of tensors. -/
  printFrom (answer : String) (shape : List Nat) {n : Nat} (v : Vec (Tensor α shape) n) : (r : Nat) → r ≤ n → String
    | 0, _ => answer
    | r + 1, h => printFrom (printTensor answer shape (v.get ⟨n - (r + 1), by omega⟩)) shape v r (by omega)

/-- Append the words for a list of tensors. -/
def printTensors (answer : String) (shape : List Nat) : List (Tensor α shape) → String
  | [] => answer
  | x :: xs => printTensors (printTensor answer shape x) shape xs

/-- The total number of entries of some tensors. -/
def volumes : List (List Nat) → Nat
  | [] => 0
  | shape :: shapes => volume shape + volumes shapes

/-- Where the tensor at position `k` starts when tensors of these shapes stand one after another. -/
def offset : List (List Nat) → Nat → Nat
  | [], _ => 0
  | _ :: _, 0 => 0
  | shape :: shapes, k + 1 => volume shape + offset shapes k

/-- Run `answer` if there are as many numbers as the shapes need; say how many were expected otherwise. -/
def withNumbers (numbers : Array α) (shapes : List (List Nat)) (answer : Unit → String) : String :=
  let needed := volumes shapes
  if numbers.size = needed then answer ()
  else "error expected " ++ toString needed ++ " numbers for these dimensions, got " ++ toString numbers.size

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

/-- The first `count` words as natural numbers, and the rest. -/
def parseDims : (count : Nat) → List String → Option (List Nat × List String)
  | 0, words => some ([], words)
  | _ + 1, [] => none
  | count + 1, word :: words =>
    match word.toNat?, parseDims count words with
    | some n, some (dims, rest) => some (n :: dims, rest)
    | _, _ => none

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
  | scalar :: model :: words =>
    if scalar == "program" then answerProgram model words
    else if scalar == "float" then answerModel Float model words
    else if scalar == "exact" then
      let _ := codecExact
      answerModel Rat model words
    else "error unknown scalar type '" ++ scalar ++ "': expected float or exact"
  | _ => "error expected a scalar type, a model, its dimensions and numbers"

/-- Answer requests until an empty line or the end of the input. -/
partial def serve (input output : IO.FS.Stream) : IO Unit := do
  let line ← input.getLine
  let request := line.trimAscii.toString
  if request.isEmpty then return
  output.putStrLn (answer request)
  output.flush
  serve input output

end Scanproof.Oracle

/-- Answer requests on the standard input. -/
def main : IO Unit := do
  let output ← IO.getStdout
  output.putStrLn "ready"
  output.flush
  Scanproof.Oracle.serve (← IO.getStdin) output
