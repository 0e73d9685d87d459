module

public import Spec.Models.DiagonalS4
public import Spec.Models.MambaBlock
public import Spec.Models.SelectiveMambaBlock

/-!
# How much work a run does

A program that shows every multiplication that a run of a model executes. A request is a line `MODEL TOKENS`; the answer is
a checksum, and meanwhile one line `*` for each multiplication has gone to the standard error.
-/

public section

namespace Scanproof.Work

@[noinline] def mulInt (x y : Int) : Int := dbgTrace "*" fun _ => x * y
@[noinline] def addInt (x y : Int) : Int := x + y
@[noinline] def negInt (x : Int) : Int := -x
@[noinline] def divInt (x y : Int) : Int := x / y
@[noinline] def castInt (n : Nat) : Int := n
@[noinline] def expInt (x : Int) : Int := x % 3
@[noinline] def logInt (x : Int) : Int := x % 5
@[noinline] def maxInt (x y : Int) : Int := if x < y then y else x
@[noinline] def softplusInt (x : Int) : Int := x % 7

instance : Scalar Int where
  zero := 0
  one := 1
  add := addInt
  mul := mulInt
  neg := negInt
  div := divInt
  natCast := castInt
  exp := expInt
  log := logInt
  max := maxInt
  softplus := softplusInt

def vector (n : Nat) : Tensor Int [n] := Vec.ofFn fun i => castInt (i.val % 2)

def matrix (m n : Nat) : Tensor Int [m, n] := Vec.ofFn fun _ => vector n

def tokens (acc : List (Tensor Int [2])) : Nat → List (Tensor Int [2])
  | 0 => acc
  | n + 1 => tokens ((Vec.ofFn fun i => castInt ((n + i.val) % 2)) :: acc) n

def total (sum : Int) : List (Tensor Int [2]) → Int
  | [] => sum
  | y :: ys => total (sum + y.get 0) ys

@[noinline] def runS4 (xs : List (Tensor Int [2])) : Int :=
  let m : DiagonalS4Spec Int 2 3 2 := ⟨matrix 3 2, vector 3, matrix 2 3, matrix 2 2⟩
  total 0 (m.runList (vector 3) xs).2

@[noinline] def runCompact (xs : List (Tensor Int [2])) : Int :=
  let m : MambaBlockSpec Int 2 3 2 :=
    ⟨matrix 3 2, matrix 3 2, vector 3, vector 3, vector 3, vector 3, matrix 2 3⟩
  total 0 (m.runList (vector 3) xs).2

@[noinline] def runSelective (xs : List (Tensor Int [2])) : Int :=
  let m : SelectiveMambaBlockSpec Int 2 3 2 2 4 :=
    ⟨1, matrix 3 2, vector 3, matrix 3 2, vector 3, matrix 3 4, vector 3, matrix 1 3, matrix 3 1, vector 3,
      matrix 2 3, matrix 2 3, matrix 3 2, vector 3, matrix 2 3, vector 2⟩
  total 0 (m.runList (matrix 3 2) xs).2

def checksum (model : String) (xs : List (Tensor Int [2])) : Int :=
  if model == "s4" then runS4 xs else if model == "compact" then runCompact xs else runSelective xs

partial def serve (input output : IO.FS.Stream) : IO Unit := do
  let line ← input.getLine
  match line.trimAscii.toString.splitOn " " with
  | [model, length] =>
    match length.toNat? with
    | some n => output.putStrLn (toString (checksum model (tokens [] n)))
    | none => output.putStrLn "not a number"
    output.flush
    serve input output
  | _ => return

end Scanproof.Work

def main : IO Unit := do
  let output ← IO.getStdout
  output.putStrLn "ready"
  output.flush
  Scanproof.Work.serve (← IO.getStdin) output
