module

--IMPORTS
public meta import Lean

/-! Describes declarations of the imported modules, one line of JSON each. Lists are walked by plain recursion: Lean as
WebAssembly has no compiled code for the specialised loops of other modules. -/

public meta section

open Lean Meta Elab Term

namespace Catalogue

def nameText : Name → String
  | .anonymous => ""
  | .str .anonymous s => s
  | .str p s => nameText p ++ "." ++ s
  | .num p n => nameText p ++ "." ++ toString n

/-- Axioms among the names; the others are theorems and definitions whose bodies are not loaded. -/
def axiomTexts (env : Environment) : List Name → List Json
  | [] => []
  | n :: rest =>
    match getOriginalConstKind? env n with
    | some .axiom => .str (nameText n) :: axiomTexts env rest
    | some _ => axiomTexts env rest
    | none => .str (nameText n) :: axiomTexts env rest

def kind (env : Environment) (n : Name) : ConstantInfo → String
  | .thmInfo _ => "theorem"
  | .axiomInfo _ => "axiom"
  | .opaqueInfo _ => "opaque"
  | .inductInfo _ => if isClass env n then "class" else if isStructure env n then "structure" else "inductive"
  | .defnInfo _ =>
    if env.isProjectionFn n then "field" else if isInstanceCore env n then "instance" else "definition"
  | _ => "other"

def describe (n : Name) : MetaM Unit := do
  let env ← getEnv
  match env.find? n with
  | none => IO.println (Json.compress (Json.mkObj [("unknown", .str (nameText n))]))
  | some info =>
    let signature ← PrettyPrinter.ppSignature n
    let axioms ← collectAxioms n
    IO.println (Json.compress (Json.mkObj [
      ("name", .str (nameText n)),
      ("kind", .str (kind env n info)),
      ("statement", .str signature.fmt.pretty),
      ("axioms", .arr (List.toArray (axiomTexts env axioms.toList)))]))

def describeAll : List Syntax → MetaM Unit
  | [] => pure ()
  | name :: rest => do
    describe name.getId
    describeAll rest

/-- All axioms that some declarations rest on; an axiom rests on itself. -/
def axiomsOf : List Name → List Name → MetaM (List Name)
  | [], found => return found
  | n :: rest, found => do
    let axioms ← collectAxioms n
    axiomsOf rest (union axioms.toList found)
where
  union : List Name → List Name → List Name
    | [], found => found
    | n :: rest, found => if found.elem n then union rest found else union rest (n :: found)

/-- The constants in the body of a declaration. -/
def inBody : ConstantInfo → List Name
  | .thmInfo i => i.value.getUsedConstants.toList
  | .defnInfo i => i.value.getUsedConstants.toList
  | .opaqueInfo i => i.value.getUsedConstants.toList
  | _ => []

/-- Puts those of some constants that modules below `root` declare before `others`. -/
def ownOf (env : Environment) (root : Name) (others : List Json) : List Name → List Json
  | [] => others
  | n :: rest =>
    match env.getModuleIdxFor? n with
    | none => ownOf env root others rest
    | some index =>
      match env.header.moduleNames[index]? with
      | some name =>
        if name.getRoot == root then .str (nameText n) :: ownOf env root others rest else ownOf env root others rest
      | none => ownOf env root others rest

/-- For every constant, the public and the private ones, the constants of the library that it mentions. -/
def tellUses (root : Name) : List Name → MetaM Unit
  | [] => pure ()
  | n :: rest => do
    let env ← getEnv
    match env.find? n with
    | none => pure ()
    | some info =>
      match ownOf env root (ownOf env root [] (inBody info)) info.type.getUsedConstants.toList with
      | [] => pure ()
      | uses =>
        IO.println (Json.compress (Json.mkObj [
          ("constant", .str (nameText n)),
          ("uses", .arr (List.toArray uses))]))
    tellUses root rest

/-- For every module, what its declarations mention, and the axioms that they rest on, the private ones too. -/
def auditAll : List Syntax → MetaM Unit
  | [] => pure ()
  | name :: rest => do
    let env ← getEnv
    match env.getModuleIdx? name.getId with
    | none => throwError "no such module"
    | some index =>
      match env.header.moduleData[index]? with
      | none => throwError "no data of the module"
      | some data =>
        tellUses name.getId.getRoot data.constNames.toList
        let axioms ← axiomsOf data.constNames.toList []
        IO.println (Json.compress (Json.mkObj [
          ("module", .str (nameText name.getId)),
          ("axioms", .arr (List.toArray (axiomTexts env axioms)))]))
    auditAll rest

syntax (name := describeSyntax) "describe! " ident* : term
syntax (name := auditSyntax) "audit! " ident* : term

@[term_elab describeSyntax] def elabDescribe : TermElab := fun stx _ => do
  describeAll stx[1].getArgs.toList
  return mkConst ``True.intro

@[term_elab auditSyntax] def elabAudit : TermElab := fun stx _ => do
  IO.println (Json.compress (Json.mkObj [("lean", .str Lean.versionString)]))
  auditAll stx[1].getArgs.toList
  return mkConst ``True.intro

end Catalogue

end

