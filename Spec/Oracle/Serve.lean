/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Oracle.Words

/-!
# Requests and answers

An oracle is an executable that answers lines with lines. A request is words separated by single spaces, and its answer is `ok`
and numbers, or `error` and a sentence. An empty line or the end of the input ends the process.

A request to run something starts with its scalar type: `float` (binary64; a number is its bit pattern as a decimal integer),
`exact` (`exactScalar`; a number is `P` or `P/Q`) or `field P Q W` (`residueScalar` with these primes; a number is
`BITS/VALUE/EXPONENT`, the bit pattern of its float and its residues, or that and `/REST/FACTOR`, as in answers, where a dash
stands for what is lost). The next word names what is run.
-/

@[expose] public noncomputable section

namespace Scanproof.Oracle

/-- Answer a request to run something in the scalar type that its first words name. -/
def answerRun (run : (α : Type) → Codec α → String → List String → String) : List String → String
  | "float" :: name :: words => run Float codecFloat name words
  | "exact" :: name :: words => run Rat codecExact name words
  | "field" :: words =>
    match parseDims 3 words with
    | some ([p, q, w], name :: words) => run Residue (codecResidue ⟨p, q, w⟩) name words
    | _ => "error expected the primes P and Q, the number W and a name after 'field'"
  | scalar :: _ :: _ => "error unknown scalar type '" ++ scalar ++ "': expected float, exact or field"
  | _ => "error expected a scalar type, a name, dimensions and numbers"

/-- Answer requests until an empty line or the end of the input. -/
partial def serve (answer : String → String) (input output : IO.FS.Stream) : IO Unit := do
  let line ← input.getLine
  let request := line.trimAscii.toString
  if request.isEmpty then return
  output.putStrLn (answer request)
  output.flush
  serve answer input output

/-- Say that the program runs, and answer the requests on the standard input. -/
def serveAll (answer : String → String) : IO Unit := do
  let output ← IO.getStdout
  output.putStrLn "ready"
  output.flush
  serve answer (← IO.getStdin) output

end Scanproof.Oracle
