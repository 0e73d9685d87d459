/-! Shows the multiplications that a run of each model executes, appended to the amalgamated runners.

Writes `MODEL TOKENS` before and `end` after each run, and one `*` for every multiplication in between, each on a line of
the standard error. A tensor that recomputed its entries at every look-up would make the number of multiplications grow
faster than the number of tokens. -/

open Scanproof

@[noinline] def shownMul (x y : Int) : Int := dbgTrace "*" fun _ => x * y
@[noinline] def intAdd (x y : Int) : Int := x + y
@[noinline] def intNeg (x : Int) : Int := -x
@[noinline] def intDiv (x y : Int) : Int := x / y
@[noinline] def intCast (n : Nat) : Int := n
@[noinline] def intExp (x : Int) : Int := x % 3
@[noinline] def intLog (x : Int) : Int := x % 5
@[noinline] def intLt (x y : Int) : Bool := x < y

instance : Scalar Int where
  zero := 0
  one := 1
  add := intAdd
  mul := shownMul
  neg := intNeg
  div := intDiv
  natCast := intCast
  exp := intExp
  log := intLog
  lt := intLt

def entriesOf (n : Nat) : Tensor Int [n] := Vec.ofFn fun i => intCast (i.val % 2)

def matrixOf (m n : Nat) : Tensor Int [m, n] := Vec.ofFn fun _ => entriesOf n

def tokens : Nat → List (Tensor Int [2])
  | 0 => []
  | n + 1 => (Vec.ofFn fun i => intCast ((n + i.val) % 2)) :: tokens n

def total : List (Tensor Int [2]) → Int → Int
  | [], acc => acc
  | y :: ys, acc => total ys (acc + y.get 0)

@[noinline] def runS4 (xs : List (Tensor Int [2])) : List (Tensor Int [2]) :=
  let m : DiagonalS4Spec Int 2 3 2 := ⟨matrixOf 3 2, entriesOf 3, matrixOf 2 3, matrixOf 2 2⟩
  (m.runList (entriesOf 3) xs).2

@[noinline] def runCompact (xs : List (Tensor Int [2])) : List (Tensor Int [2]) :=
  let m : MambaBlockSpec Int 2 3 2 :=
    ⟨matrixOf 3 2, matrixOf 3 2, entriesOf 3, entriesOf 3, entriesOf 3, entriesOf 3, matrixOf 2 3⟩
  (m.runList (entriesOf 3) xs).2

@[noinline] def runSelective (xs : List (Tensor Int [2])) : List (Tensor Int [2]) :=
  let m : SelectiveMambaBlockSpec Int 2 3 2 2 4 :=
    ⟨1, matrixOf 3 2, entriesOf 3, matrixOf 3 2, entriesOf 3, matrixOf 3 4, entriesOf 3, matrixOf 1 3, matrixOf 3 1,
      entriesOf 3, matrixOf 2 3, matrixOf 2 3, matrixOf 3 2, entriesOf 3, matrixOf 2 3, entriesOf 2⟩
  (m.runList (matrixOf 3 2) xs).2

def report (model : String) (length : Nat) (run : List (Tensor Int [2]) → List (Tensor Int [2])) : IO Unit := do
  IO.eprintln s!"{model} {length}"
  let sum := total (run (tokens length)) 0
  IO.eprintln s!"end {sum}"

def reports (length : Nat) : IO Unit := do
  report "s4" length runS4
  report "compact" length runCompact
  report "selective" length runSelective

public def main : IO Unit := do
  reports 1
  reports 20
  reports 40
