/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Program.Checker

/-!
# Recorded programs as text

A listing is written as words, one statement after another (`docs/reference/program-format.md`):

    array N V …                                   a table; tables are numbered from 0
    input UNIT TABLE                              an input, and the labels of its entries
    compute UNIT PERIOD READS                     another tensor, followed by as many reads
    read SOURCE OUT FROM AXES CONDITIONS          loops, followed by as many axes and conditions
    goal TENSOR UNIT TABLE OUT FROM AXES CONDITIONS    what is asked of an output
    axis SIZE OUT FROM TERM …                     one term for each condition
    below START BOUND | mask START TABLE | index START TABLE
    end

## Main definitions

* `parseListing`: from words to a listing.
* `Listing.answer`: the answer of the oracle, with the way of the first label that is not allowed.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- What is left of the words after something was read, or why it could not be. -/
abbrev Parse (α : Type) := List String → Except String (α × List String)

/-- An integer. -/
def parseInt (what : String) : Parse Int
  | [] => .error ("expected " ++ what ++ ", and the text ends")
  | word :: words =>
    match word.toInt? with
    | some n => .ok (n, words)
    | none => .error ("expected " ++ what ++ ", got '" ++ word ++ "'")

/-- A natural number. -/
def parseNat (what : String) : Parse Nat
  | [] => .error ("expected " ++ what ++ ", and the text ends")
  | word :: words =>
    match word.toNat? with
    | some n => .ok (n, words)
    | none => .error ("expected " ++ what ++ ", got '" ++ word ++ "'")

/-- A given word. -/
def parseWord (expected : String) : Parse Unit
  | [] => .error ("expected '" ++ expected ++ "', and the text ends")
  | word :: words => if word == expected then .ok ((), words) else .error ("expected '" ++ expected ++ "', got '" ++ word ++ "'")

/-- So many integers, appended to `acc`. -/
def parseTable (acc : Array Int) : (count : Nat) → Parse (Array Int)
  | 0, words => .ok (acc, words)
  | count + 1, words =>
    match parseInt "an entry of a table" words with
    | .ok (n, rest) => parseTable (acc.push n) count rest
    | .error why => .error why

/-- A table by its number. -/
def parseTableNumber (tables : Array (Array Int)) : Parse (Array Int) := fun words =>
  match parseNat "the number of a table" words with
  | .error why => .error why
  | .ok (n, rest) =>
    if h : n < tables.size then .ok (tables[n], rest)
    else .error ("there is no table " ++ toString n ++ " yet")

/-- The last `left` entries of a table as labels; nothing if one is negative. -/
def toLabels (table : Array Int) (acc : Array Nat) : (left : Nat) → Option (Array Nat)
  | 0 => some acc
  | left + 1 =>
    let v := lookUp table (table.size - (left + 1) : Nat)
    if v < 0 then none else toLabels table (acc.push v.toNat) left

/-- A layout: its unit and its table of labels. -/
def parseLayout (tables : Array (Array Int)) : Parse Layout := fun words =>
  match parseNat "the unit of a layout" words with
  | .error why => .error why
  | .ok (unit, rest) =>
    match parseTableNumber tables rest with
    | .error why => .error why
    | .ok (table, rest) =>
      match toLabels table #[] table.size with
      | none => .error "a label is negative"
      | some labels =>
        if unit == 0 || labels.size == 0 then .error "a layout has an empty unit or no label" else .ok (⟨unit, labels⟩, rest)

/-- So many coefficients of an axis. -/
def parseTerms : (count : Nat) → Parse (List Int)
  | 0, words => .ok ([], words)
  | count + 1, words =>
    match parseInt "a term of an axis" words with
    | .error why => .error why
    | .ok (term, rest) =>
      match parseTerms count rest with
      | .error why => .error why
      | .ok (terms, rest) => .ok (term :: terms, rest)

/-- So many axes, with as many terms each as there are conditions. -/
def parseAxes (conditions : Nat) : (count : Nat) → Parse (List Axis)
  | 0, words => .ok ([], words)
  | count + 1, words =>
    match parseWord "axis" words with
    | .error why => .error why
    | .ok (_, rest) =>
      match parseNat "the size of an axis" rest with
      | .error why => .error why
      | .ok (size, rest) =>
        match parseTerms (conditions + 2) rest with
        | .error why => .error why
        | .ok (out :: source :: terms, rest) =>
          match parseAxes conditions count rest with
          | .error why => .error why
          | .ok (axes, rest) => .ok (⟨size, out, source, terms⟩ :: axes, rest)
        | .ok _ => .error "an axis needs two coefficients"

/-- So many conditions. -/
def parseConditions (tables : Array (Array Int)) : (count : Nat) → Parse (List (Int × Condition))
  | 0, words => .ok ([], words)
  | _ + 1, [] => .error "expected a condition, and the text ends"
  | count + 1, kind :: words =>
    match parseInt "the start of a condition" words with
    | .error why => .error why
    | .ok (start, rest) =>
      let condition : Except String (Condition × List String) :=
        if kind == "below" then
          match parseInt "a bound" rest with
          | .error why => .error why
          | .ok (bound, rest) => .ok (.below bound, rest)
        else if kind == "mask" || kind == "index" then
          match parseTableNumber tables rest with
          | .error why => .error why
          | .ok (table, rest) => .ok (if kind == "mask" then .mask table else .index table, rest)
        else .error ("expected below, mask or index, got '" ++ kind ++ "'")
      match condition with
      | .error why => .error why
      | .ok (condition, rest) =>
        match parseConditions tables count rest with
        | .error why => .error why
        | .ok (conditions, rest) => .ok ((start, condition) :: conditions, rest)

/-- A box: where it starts, its axes and its conditions. -/
def parseBox (tables : Array (Array Int)) : Parse Box := fun words =>
  match parseInt "the first entry that is computed" words with
  | .error why => .error why
  | .ok (out, rest) =>
    match parseInt "the first entry that is read" rest with
    | .error why => .error why
    | .ok (source, rest) =>
      match parseNat "a number of axes" rest with
      | .error why => .error why
      | .ok (axisCount, rest) =>
        match parseNat "a number of conditions" rest with
        | .error why => .error why
        | .ok (conditionCount, rest) =>
          match parseAxes conditionCount axisCount rest with
          | .error why => .error why
          | .ok (axes, rest) =>
            match parseConditions tables conditionCount rest with
            | .error why => .error why
            | .ok (conditions, rest) => .ok (⟨axes, out, source, conditions⟩, rest)

/-- So many reads, of tensors with numbers below `tensors`. -/
def parseReads (tables : Array (Array Int)) (tensors : Nat) : (count : Nat) → Parse (List (Nat × Box))
  | 0, words => .ok ([], words)
  | count + 1, words =>
    match parseWord "read" words with
    | .error why => .error why
    | .ok (_, rest) =>
      match parseNat "the number of a tensor" rest with
      | .error why => .error why
      | .ok (source, rest) =>
        if source < tensors then
          match parseBox tables rest with
          | .error why => .error why
          | .ok (box, rest) =>
            match parseReads tables tensors count rest with
            | .error why => .error why
            | .ok (reads, rest) => .ok ((source, box) :: reads, rest)
        else .error ("tensor " ++ toString tensors ++ " reads tensor " ++ toString source ++ ", which is not earlier")

/-- The elements of a list in the other order, before those of `acc`. -/
def reversed {α : Type} (acc : List α) : List α → List α
  | [] => acc
  | x :: xs => reversed (x :: acc) xs

/-- What has been read so far; the newest declaration and goal come first. -/
structure Draft where
  /-- The tables. -/
  tables : Array (Array Int)
  /-- How many tensors there are. -/
  tensors : Nat
  /-- The tensors, newest first. -/
  declarations : List Declaration
  /-- The goals, newest first. -/
  goals : List Goal

/-- One statement, whose first word has been read. -/
def parseStatement (draft : Draft) (kind : String) : Parse Draft := fun words =>
  if kind == "array" then
    match parseNat "the size of a table" words with
    | .error why => .error why
    | .ok (size, rest) =>
      match parseTable #[] size rest with
      | .error why => .error why
      | .ok (table, rest) => .ok ({ draft with tables := draft.tables.push table }, rest)
  else if kind == "input" then
    match parseLayout draft.tables words with
    | .error why => .error why
    | .ok (layout, rest) =>
      .ok ({ draft with tensors := draft.tensors + 1, declarations := .input layout :: draft.declarations }, rest)
  else if kind == "compute" then
    match parseNat "the unit of a layout" words with
    | .error why => .error why
    | .ok (unit, rest) =>
      match parseNat "the period of a layout" rest with
      | .error why => .error why
      | .ok (period, rest) =>
        match parseNat "a number of reads" rest with
        | .error why => .error why
        | .ok (count, rest) =>
          match parseReads draft.tables draft.tensors count rest with
          | .error why => .error why
          | .ok (reads, rest) =>
            if unit == 0 || period == 0 then .error "a layout has an empty unit or no label"
            else
              .ok ({ draft with
                tensors := draft.tensors + 1, declarations := .compute unit period reads :: draft.declarations }, rest)
  else if kind == "goal" then
    match parseNat "the number of a tensor" words with
    | .error why => .error why
    | .ok (tensor, rest) =>
      if tensor < draft.tensors then
        match parseLayout draft.tables rest with
        | .error why => .error why
        | .ok (allowed, rest) =>
          match parseBox draft.tables rest with
          | .error why => .error why
          | .ok (box, rest) => .ok ({ draft with goals := ⟨tensor, box, allowed⟩ :: draft.goals }, rest)
      else .error ("a goal asks about tensor " ++ toString tensor ++ ", which does not exist")
  else .error ("expected array, input, compute, goal or end, got '" ++ kind ++ "'")

/-- The statements up to `end`, and nothing after it. -/
partial def parseListing (draft : Draft) : List String → Except String Listing
  | [] => .error "the text ends without 'end'"
  | kind :: words =>
    if kind == "end" then
      match words with
      | [] =>
        match draft.goals with
        | [] => .error "nothing is asked: there is no goal"
        | goals => .ok ⟨reversed [] draft.declarations, reversed [] goals⟩
      | word :: _ => .error ("'" ++ word ++ "' stands after 'end'")
    else
      match parseStatement draft kind words with
      | .error why => .error why
      | .ok (draft, rest) => parseListing draft rest

/-- A place whose label is not allowed: among the labels of the output, and among those that are allowed. -/
structure Offence where
  /-- The place among the allowed labels. -/
  asked : Nat
  /-- The place among the labels of the output. -/
  found : Nat

/-- The first place of an output whose label is not allowed. -/
def Goal.offence (layouts : Array Layout) (goal : Goal) : Option Offence :=
  let source := layoutAt layouts goal.tensor
  let outScale := goal.box.outScale goal.allowed
  let sourceScale := goal.box.sourceScale source
  let outUnit := outScale.rest
  let sourceUnit := sourceScale.rest
  (goal.box.onLabels outScale sourceScale).fold
    (fun first o e =>
      match first with
      | some offence => some offence
      | none =>
        let asked := place outUnit goal.allowed.labels.size o
        let found := place sourceUnit source.labels.size e
        if natAt source.labels found ≤ natAt goal.allowed.labels asked then none else some ⟨asked, found⟩)
    none

/-- The tensor and the place from which place `at` of a tensor has its label of at least `label`, if any. -/
def origin (layouts : Array Layout) (unit period «at» label : Nat) : List (Nat × Box) → Option (Nat × Nat)
  | [] => none
  | (k, box) :: reads =>
    let source := layoutAt layouts k
    let outScale := box.outScale ⟨unit, zeroLabels period #[]⟩
    let sourceScale := box.sourceScale source
    let outUnit := outScale.rest
    let sourceUnit := sourceScale.rest
    let found : Option Nat := (box.onLabels outScale sourceScale).fold
      (fun first o e =>
        match first with
        | some i => some i
        | none =>
          let i := place sourceUnit source.labels.size e
          if place outUnit period o == «at» && label ≤ natAt source.labels i then some i else none)
      none
    match found with
    | some i => some (k, i)
    | none => origin layouts unit period «at» label reads

/-- The way of a label, from a place of tensor `k` back to an input, in words; `earlier` are the tensors up to `k`, newest first. -/
def way (layouts : Array Layout) (label : Nat) (said : String) (k «at» : Nat) : List Declaration → Nat → String
  | [], _ => said
  | declaration :: earlier, here =>
    if here - 1 == k then
      let said := said ++ " " ++ toString k ++ ":" ++ toString «at»
      match declaration with
      | .input _ => said
      | .compute unit period reads =>
        match origin layouts unit period «at» label reads with
        | some (source, i) => way layouts label said source i earlier (here - 1)
        | none => said
    else way layouts label said k «at» earlier (here - 1)

/-- The number of elements of a list, added to `acc`. -/
def countFrom {α : Type} (acc : Nat) : List α → Nat
  | [] => acc
  | _ :: xs => countFrom (acc + 1) xs

/-- The first goal that is not met, with its number, in words. -/
def sayOffence (listing : Listing) (layouts : Array Layout) (number : Nat) : List Goal → String
  | [] => ""
  | goal :: goals =>
    match goal.offence layouts with
    | none => sayOffence listing layouts (number + 1) goals
    | some offence =>
      let label := natAt (layoutAt layouts goal.tensor).labels offence.found
      " " ++ toString number ++ " " ++ toString goal.tensor ++ " " ++ toString offence.asked ++ " " ++
        toString (natAt goal.allowed.labels offence.asked) ++ " " ++ toString label ++
        way layouts label "" goal.tensor offence.found (reversed [] listing.declarations)
          (countFrom 0 listing.declarations)

/--
The answer about a listing: `established` if `Listing.check` succeeds; otherwise `refused`, the number of the first goal that
is not met, its tensor, the place and the label that is allowed there, the label that was found, and its way back to an input
as words `tensor:place`.
-/
def Listing.answer (listing : Listing) : String :=
  if listing.check then "ok established"
  else "ok refused" ++ sayOffence listing listing.layouts 0 listing.goals

/-- The answer to a request about a program in version 1 of the format. -/
def answerProgram (version : String) (words : List String) : String :=
  if version == "1" then
    match parseListing ⟨#[], 0, [], []⟩ words with
    | .error why => "error " ++ why
    | .ok listing => listing.answer
  else "error the format of programs has version 1, not " ++ version

end Scanproof
