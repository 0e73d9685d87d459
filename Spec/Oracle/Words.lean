/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.ResidueScalar
public import Spec.Tensor

/-!
# The words of the oracle

How requests to the oracle spell numbers and tensors, and how its answers do.
-/

@[expose] public noncomputable section

namespace Scanproof.Oracle

/-- Scalars that can be read from a word and written as one. -/
class Codec (α : Type) extends Scalar α where
  /-- The number that a word denotes. -/
  parse : String → Option α
  /-- The word that denotes a number. -/
  print : α → String
  /-- The square root, or a surrogate. -/
  sqrt : α → α

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

/-- A residue from a word, where a dash stands for one that is lost. -/
@[noinline] def parseResidue (word : String) : Option (Option Nat) := if word == "-" then some none else word.toNat?.map some

/-- A number over residues from `BITS/VALUE/EXPONENT`, or from `BITS/VALUE/EXPONENT/REST/FACTOR`. -/
@[noinline] def parseResidues (word : String) : Option Residue :=
  match word.splitOn "/" with
  | [bits, value, exponent] =>
    match parseFloat bits, parseResidue value, parseResidue exponent with
    | some float, some value, some exponent => some (Residue.pure float value exponent)
    | _, _, _ => none
  | [bits, value, exponent, rest, factor] =>
    match parseFloat bits, parseResidue value, parseResidue exponent, parseResidue rest, parseResidue factor with
    | some float, some value, some exponent, some (some rest), some (some factor) =>
      some ⟨float, value, exponent, some (rest, factor)⟩
    | some float, some value, some exponent, some none, some none => some ⟨float, value, exponent, none⟩
    | _, _, _, _, _ => none
  | _ => none

/-- The word for a residue. -/
@[noinline] def printResidue (x : Option Nat) : String :=
  match x with
  | some n => toString n
  | none => "-"

/-- A number over residues as `BITS/VALUE/EXPONENT/REST/FACTOR`. -/
@[noinline] def printResidues (x : Residue) : String :=
  let law :=
    match x.law with
    | some (rest, factor) => toString rest ++ "/" ++ toString factor
    | none => "-/-"
  printFloat x.float ++ "/" ++ printResidue x.value ++ "/" ++ printResidue x.exponent ++ "/" ++ law

/-- The surrogate `(1 + x) / 2` of the square root, one step of Newton's iteration from 1. -/
@[noinline] def sqrtRat (x : Rat) : Rat := (1 + x) / 2

/-- Binary64 numbers travel as bit patterns. -/
instance codecFloat : Codec Float where
  toScalar := instScalarFloat
  parse := parseFloat
  print := printFloat
  sqrt := Residue.floatSqrt

/-- Rationals travel as fractions; `exp` and `log` are the surrogates of `exactScalar`. -/
@[reducible] def codecExact : Codec Rat where
  toScalar := exactScalar
  parse := parseRat
  print := printRat
  sqrt := sqrtRat

/-- Residues travel beside the bit pattern of their float. -/
@[reducible] def codecResidue (π : Primes) : Codec Residue where
  toScalar := residueScalar π
  parse := parseResidues
  print := printResidues
  sqrt := Residue.sqrt π

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

/-- The first `count` words as natural numbers, and the rest. -/
def parseDims : (count : Nat) → List String → Option (List Nat × List String)
  | 0, words => some ([], words)
  | _ + 1, [] => none
  | count + 1, word :: words =>
    match word.toNat?, parseDims count words with
    | some n, some (dims, rest) => some (n :: dims, rest)
    | _, _ => none

end Scanproof.Oracle
