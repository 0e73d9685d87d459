/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Program.Causal
public import Spec.Program.Layout

/-!
# A checker of programs, and why to believe it

A listing is what is recorded of a PyTorch program: which tensors are inputs, with the label of each entry, and what each other
tensor reads. `Listing.check` computes the labels of all tensors, the greatest label that an entry reads, and compares those of
the outputs with what is allowed. It runs in the oracle; the theorem is about the same function.

## Main definitions

* `Declaration`, `Goal`, `Listing`: a recorded program, and what is asked of it.
* `Listing.toProgram`: the program that a listing stands for, with any operations.
* `Listing.check`: whether the labels of all outputs are allowed.

## Main results

* `Listing.certified`: the labels that are computed are certified.
* `Listing.check_sound`: if the check succeeds, outputs depend only on inputs with allowed labels, whatever the operations and
  the scalars are.
* `Listing.check_causal`: the same in the words of `Causal`.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- A tensor of a listing. -/
inductive Declaration where
  /-- An input, with the labels of its entries. -/
  | input (layout : Layout)
  /-- A tensor that reads earlier ones. Its labels are to be stored once for `unit` entries, and to repeat after `period`. -/
  | compute (unit period : Nat) (reads : List (Nat × Box))

/-- What is asked: entry `e` of `tensor` may have a label up to that of `o` in `allowed`, for all pairs `o`, `e` of the loops. -/
structure Goal where
  /-- The output. -/
  tensor : Nat
  /-- Which entries are asked about, each with its place among the allowed labels. -/
  box : Box
  /-- The allowed labels. -/
  allowed : Layout

/-- A recorded program and what is asked of it. -/
structure Listing where
  /-- The tensors, in the order in which they are computed. -/
  declarations : List Declaration
  /-- What is asked. -/
  goals : List Goal

/-- The layout at a place, empty outside. -/
def layoutAt (layouts : Array Layout) (k : Nat) : Layout :=
  if h : k < layouts.size then layouts[k] else ⟨1, #[]⟩

/-- So many zeros. -/
def zeroLabels : Nat → Array Nat → Array Nat
  | 0, acc => acc
  | n + 1, acc => zeroLabels n (acc.push 0)

/-- Raise a label to `v`, if it is lower. -/
def raise (labels : Array Nat) (i v : Nat) : Array Nat :=
  if h : i < labels.size then if labels[i] < v then labels.set i v h else labels else labels

/-- Raise the labels of a tensor to those of the entries that it reads of one source. -/
def readLabels (unit : Nat) (source : Layout) (box : Box) (labels : Array Nat) : Array Nat :=
  let outScale := box.outScale ⟨unit, labels⟩
  let sourceScale := box.sourceScale source
  let outUnit := outScale.rest
  let sourceUnit := sourceScale.rest
  let period := labels.size
  (box.onLabels outScale sourceScale).fold
    (fun labels o e => raise labels (place outUnit period o) (natAt source.labels (place sourceUnit source.labels.size e))) labels

/-- Raise the labels of a tensor to those of all entries that it reads; reads of tensors that are not earlier count for nothing. -/
def readAll (layouts : Array Layout) (unit : Nat) : List (Nat × Box) → Array Nat → Array Nat
  | [], labels => labels
  | (k, box) :: reads, labels =>
    readAll layouts unit reads
      (if k < layouts.size then readLabels unit (layoutAt layouts k) box labels else labels)

/-- The labels of a tensor, from those of the earlier ones. -/
def Declaration.layout (layouts : Array Layout) : Declaration → Layout
  | .input layout => layout
  | .compute unit period reads => ⟨unit, readAll layouts unit reads (zeroLabels period #[])⟩

/-- The labels of some more tensors. -/
def layoutsFrom : List Declaration → Array Layout → Array Layout
  | [], layouts => layouts
  | declaration :: rest, layouts => layoutsFrom rest (layouts.push (declaration.layout layouts))

/-- The labels of all tensors. -/
def Listing.layouts (listing : Listing) : Array Layout := layoutsFrom listing.declarations #[]

/-- Whether a tensor's labels repeat after some number of entries. -/
def Declaration.ok : Declaration → Bool
  | .input layout => layout.ok
  | .compute unit period _ => 0 < unit && 0 < period

/-- Whether all tensors' labels repeat after some number of entries. -/
def declarationsOk : List Declaration → Bool
  | [] => true
  | declaration :: rest => declaration.ok && declarationsOk rest

/-- Whether the labels of an output are allowed. -/
def Goal.met (layouts : Array Layout) (goal : Goal) : Bool :=
  let source := layoutAt layouts goal.tensor
  let outScale := goal.box.outScale goal.allowed
  let sourceScale := goal.box.sourceScale source
  let outUnit := outScale.rest
  let sourceUnit := sourceScale.rest
  goal.allowed.ok && source.ok &&
    (goal.box.onLabels outScale sourceScale).fold
      (fun ok o e =>
        ok && natAt source.labels (place sourceUnit source.labels.size e) ≤
          natAt goal.allowed.labels (place outUnit goal.allowed.labels.size o))
      true

/-- Whether the labels of all outputs are allowed. -/
def goalsMet (layouts : Array Layout) : List Goal → Bool
  | [] => true
  | goal :: goals => goal.met layouts && goalsMet layouts goals

/-- Whether outputs depend only on inputs with allowed labels, as far as reading can tell. -/
def Listing.check (listing : Listing) : Bool :=
  declarationsOk listing.declarations && goalsMet listing.layouts listing.goals

/-- The entries that an entry reads, each with its tensor. -/
def readEntries (reads : List (Nat × Box)) (o : Int) : List (Nat × Int) :=
  reads.flatMap fun read => (read.2.sources o).map fun e => (read.1, e)

/-- The program that a listing stands for, its entries computed by any operations from any scalars. -/
def Listing.toProgram {α : Type} (listing : Listing) (ops : Nat → Int → List α → α) : Program Int α where
  node k :=
    match listing.declarations[k]? with
    | some (.input _) => .input
    | some (.compute _ _ reads) => .compute (readEntries reads) (ops k)
    | none => .compute (fun _ => []) (ops k)

/-- The label of an entry of a tensor. -/
def Listing.label (listing : Listing) (k : Nat) (e : Int) : Nat := (layoutAt listing.layouts k).label e

private theorem size_raise (labels : Array Nat) (i v : Nat) : (raise labels i v).size = labels.size := by
  unfold raise
  split
  · split
    · exact Array.size_set ..
    · rfl
  · rfl

private theorem natAt_raise_self {labels : Array Nat} {i : Nat} (v : Nat) (h : i < labels.size) :
    v ≤ natAt (raise labels i v) i := by
  unfold natAt
  rw [dif_pos (by rw [size_raise]; exact h)]
  unfold raise
  simp only [dif_pos h]
  split
  · simp
  · next hv => exact Nat.not_lt.mp hv

private theorem natAt_raise (labels : Array Nat) (i v j : Nat) : natAt labels j ≤ natAt (raise labels i v) j := by
  unfold natAt
  split
  · next hj =>
    rw [dif_pos (by rw [size_raise]; exact hj)]
    unfold raise
    split
    · next hi =>
      split
      · next hv =>
        rw [Array.getElem_set]
        split
        · next heq => subst heq; exact Nat.le_of_lt hv
        · exact Nat.le_refl _
      · exact Nat.le_refl _
    · exact Nat.le_refl _
  · exact Nat.zero_le _

private theorem place_lt (unit : Nat) {period : Nat} (h : 0 < period) (e : Int) : place unit period e < period := by
  unfold place
  have := Int.emod_lt_of_pos (e / unit) (show (0 : Int) < period by omega)
  omega

private theorem size_zeroLabels (n : Nat) (acc : Array Nat) : (zeroLabels n acc).size = acc.size + n := by
  induction n generalizing acc with
  | zero => rfl
  | succ n ih => rw [zeroLabels, ih, Array.size_push, Nat.add_right_comm, Nat.add_assoc]

private theorem readLabels_spec {unit : Nat} (hunit : 0 < unit) {source : Layout} (hsource : 0 < source.unit) (box : Box)
    {labels : Array Nat} (hsize : 0 < labels.size) :
    (readLabels unit source box labels).size = labels.size ∧
      (∀ j, natAt labels j ≤ natAt (readLabels unit source box labels) j) ∧
      ∀ o, ∀ e ∈ box.sources o, source.label e ≤ Layout.label ⟨unit, readLabels unit source box labels⟩ o := by
  have size : (readLabels unit source box labels).size = labels.size :=
    Box.fold_inv (Inv := fun s : Array Nat => s.size = labels.size) (fun _ _ _ hs => (size_raise ..).trans hs) _ rfl
  refine ⟨size, fun j => ?_, fun o e he => ?_⟩
  · exact Box.fold_old (Inv := fun _ => True) (fun _ _ _ _ => trivial) (fun s : Array Nat => natAt labels j ≤ natAt s j)
      (fun s _ _ _ h => Nat.le_trans h (natAt_raise s _ _ j)) _ trivial (Nat.le_refl _)
  · obtain ⟨o', e', he', ho, hplace⟩ := box.onLabels_sources (out := ⟨unit, labels⟩) (source := source) hunit hsource he
    have spec := Box.fold_spec (Inv := fun s : Array Nat => s.size = labels.size)
      (f := fun s o e => raise s (place (box.outScale ⟨unit, labels⟩).rest labels.size o)
        (natAt source.labels (place (box.sourceScale source).rest source.labels.size e)))
      (Q := fun o e s => natAt source.labels (place (box.sourceScale source).rest source.labels.size e) ≤
        natAt s (place (box.outScale ⟨unit, labels⟩).rest labels.size o))
      (fun _ _ _ hs => (size_raise ..).trans hs)
      (fun s o e hs => natAt_raise_self _ (by rw [hs]; exact place_lt _ hsize o))
      (fun s o e o' e' _ h => Nat.le_trans h (natAt_raise s _ _ _)) _ (s := labels) rfl o' e' he'
    show natAt source.labels _ ≤ natAt (readLabels unit source box labels) (place unit (readLabels unit source box labels).size o)
    rw [size, hplace, ho]
    exact spec

private theorem readAll_spec {layouts : Array Layout} {unit : Nat} (hunit : 0 < unit)
    (hlayouts : ∀ k, k < layouts.size → 0 < (layoutAt layouts k).unit) (reads : List (Nat × Box)) {labels : Array Nat}
    (hsize : 0 < labels.size) :
    (readAll layouts unit reads labels).size = labels.size ∧
      (∀ j, natAt labels j ≤ natAt (readAll layouts unit reads labels) j) ∧
      ∀ read ∈ reads, read.1 < layouts.size → ∀ o, ∀ e ∈ read.2.sources o,
        (layoutAt layouts read.1).label e ≤ Layout.label ⟨unit, readAll layouts unit reads labels⟩ o := by
  induction reads generalizing labels with
  | nil => exact ⟨rfl, fun _ => Nat.le_refl _, fun _ h => absurd h List.not_mem_nil⟩
  | cons read reads ih =>
    obtain ⟨k, box⟩ := read
    rw [readAll]
    split
    · next hk =>
      obtain ⟨size, grows, reads'⟩ := readLabels_spec hunit (hlayouts k hk) box hsize
      obtain ⟨sizes, growsAll, readsAll⟩ := ih (labels := readLabels unit (layoutAt layouts k) box labels) (by rw [size]; exact hsize)
      refine ⟨sizes.trans size, fun j => Nat.le_trans (grows j) (growsAll j), fun read hread hlt o e he => ?_⟩
      rcases List.mem_cons.mp hread with rfl | hread
      · refine Nat.le_trans (reads' o e he) ?_
        have := growsAll (place unit (readLabels unit (layoutAt layouts k) box labels).size o)
        unfold Layout.label
        simp only [sizes]
        exact this
      · exact readsAll read hread hlt o e he
    · next hk =>
      obtain ⟨sizes, growsAll, readsAll⟩ := ih hsize
      refine ⟨sizes, growsAll, fun read hread hlt o e he => ?_⟩
      rcases List.mem_cons.mp hread with rfl | hread
      · exact absurd hlt hk
      · exact readsAll read hread hlt o e he

/-- What the labels of tensor `k` must satisfy. -/
private def Settled (declaration : Declaration) (layouts : Array Layout) (k : Nat) : Prop :=
  0 < (layoutAt layouts k).unit ∧
    match declaration with
    | .input layout => layoutAt layouts k = layout
    | .compute _ _ reads => ∀ read ∈ reads, read.1 < k → ∀ o, ∀ e ∈ read.2.sources o,
        (layoutAt layouts read.1).label e ≤ (layoutAt layouts k).label o

private theorem layoutAt_push {layouts : Array Layout} {k : Nat} (h : k < layouts.size) (layout : Layout) :
    layoutAt (layouts.push layout) k = layoutAt layouts k := by
  unfold layoutAt
  rw [dif_pos h, dif_pos (by rw [Array.size_push]; omega), Array.getElem_push_lt h]

private theorem layoutAt_push_size (layouts : Array Layout) (layout : Layout) :
    layoutAt (layouts.push layout) layouts.size = layout := by
  unfold layoutAt
  rw [dif_pos (by rw [Array.size_push]; omega), Array.getElem_push_eq]

private theorem settled_push {declaration : Declaration} {layouts : Array Layout} {k : Nat} (hk : k < layouts.size)
    (h : Settled declaration layouts k) (layout : Layout) : Settled declaration (layouts.push layout) k := by
  unfold Settled at *
  rw [layoutAt_push hk]
  refine ⟨h.1, ?_⟩
  cases declaration with
  | input _ => exact h.2
  | compute unit period reads =>
    intro read hread hlt
    rw [layoutAt_push (Nat.lt_trans hlt hk)]
    exact h.2 read hread hlt

private theorem layoutsFrom_settled (rest done : List Declaration) {layouts : Array Layout} (hok : declarationsOk rest = true)
    (hsize : layouts.size = done.length) (h : ∀ k (hk : k < done.length), Settled done[k] layouts k) :
    (layoutsFrom rest layouts).size = (done ++ rest).length ∧
      ∀ k (hk : k < (done ++ rest).length), Settled (done ++ rest)[k] (layoutsFrom rest layouts) k := by
  induction rest generalizing done layouts with
  | nil =>
    rw [layoutsFrom]
    simp only [List.append_nil]
    exact ⟨hsize, h⟩
  | cons declaration rest ih =>
    rw [declarationsOk, Bool.and_eq_true] at hok
    have units : ∀ k, k < layouts.size → 0 < (layoutAt layouts k).unit := fun k hk => (h k (hsize ▸ hk)).1
    have new : Settled declaration (layouts.push (declaration.layout layouts)) layouts.size := by
      unfold Settled
      rw [layoutAt_push_size]
      cases declaration with
      | input layout =>
        have hok := hok.1
        simp only [Declaration.ok, Layout.ok, Bool.and_eq_true, decide_eq_true_eq] at hok
        exact ⟨hok.1, rfl⟩
      | compute unit period reads =>
        have hok := hok.1
        simp only [Declaration.ok, Bool.and_eq_true, decide_eq_true_eq] at hok
        refine ⟨hok.1, fun read hread hlt o e he => ?_⟩
        rw [layoutAt_push hlt]
        exact (readAll_spec hok.1 units reads (by rw [size_zeroLabels]; simpa using hok.2)).2.2 read hread hlt o e he
    have step := ih (done ++ [declaration]) (layouts := layouts.push (declaration.layout layouts)) hok.2
      (by rw [Array.size_push, List.length_append, hsize]; rfl) (fun k hk => by
        by_cases hlt : k < done.length
        · rw [List.getElem_append_left hlt]
          exact settled_push (hsize ▸ hlt) (h k hlt) _
        · have heq : k = done.length := by
            rw [List.length_append] at hk
            simp only [List.length_cons, List.length_nil] at hk
            omega
          subst heq
          rw [List.getElem_concat_length rfl]
          exact hsize ▸ new)
    rw [layoutsFrom]
    simpa only [List.append_assoc, List.singleton_append] using step

private theorem Listing.settled {listing : Listing} (hok : declarationsOk listing.declarations = true) {k : Nat}
    {declaration : Declaration} (hk : listing.declarations[k]? = some declaration) : Settled declaration listing.layouts k := by
  obtain ⟨_, all⟩ := layoutsFrom_settled listing.declarations [] hok (layouts := #[]) rfl (fun k hk => absurd hk (Nat.not_lt_zero k))
  obtain ⟨hlt, rfl⟩ := List.getElem?_eq_some_iff.mp hk
  exact all k hlt

/-- The labels that are computed are certified: each is at least the label of every input entry that is read, directly or not. -/
theorem Listing.certified {α : Type} {listing : Listing} (hok : declarationsOk listing.declarations = true)
    (ops : Nat → Int → List α → α) :
    (listing.toProgram ops).Certified fun k e k' e' => listing.label k' e' ≤ listing.label k e where
  input _ _ _ := Nat.le_refl _
  read k reads op hk o q hq hlt k' e' hle := by
    refine Nat.le_trans hle ?_
    unfold Listing.toProgram at hk
    simp only at hk
    split at hk
    · contradiction
    · next unit period boxes hdecl =>
      obtain ⟨rfl, _⟩ := Node.compute.inj hk
      obtain ⟨read, hread, hmem⟩ := List.mem_flatMap.mp hq
      obtain ⟨e, he, rfl⟩ := List.mem_map.mp hmem
      exact (listing.settled hok hdecl).2 read hread hlt o e he
    · obtain ⟨rfl, _⟩ := Node.compute.inj hk
      contradiction

private theorem Goal.met_spec {layouts : Array Layout} {goal : Goal} (h : goal.met layouts = true) {o e : Int}
    (he : e ∈ goal.box.sources o) : (layoutAt layouts goal.tensor).label e ≤ goal.allowed.label o := by
  unfold Goal.met at h
  simp only [Bool.and_eq_true, Layout.ok, decide_eq_true_eq] at h
  obtain ⟨⟨⟨hallowed, _⟩, ⟨hsource, _⟩⟩, hfold⟩ := h
  obtain ⟨o', e', he', ho, hplace⟩ :=
    goal.box.onLabels_sources (out := goal.allowed) (source := layoutAt layouts goal.tensor) hallowed hsource he
  have spec := Box.fold_spec (Inv := fun _ : Bool => True)
    (f := fun ok o e =>
        ok && natAt (layoutAt layouts goal.tensor).labels (place (goal.box.sourceScale (layoutAt layouts goal.tensor)).rest (layoutAt layouts goal.tensor).labels.size e) ≤
          natAt goal.allowed.labels (place (goal.box.outScale goal.allowed).rest goal.allowed.labels.size o))
    (Q := fun o e ok => ok = true →
      natAt (layoutAt layouts goal.tensor).labels (place (goal.box.sourceScale (layoutAt layouts goal.tensor)).rest (layoutAt layouts goal.tensor).labels.size e) ≤
          natAt goal.allowed.labels (place (goal.box.outScale goal.allowed).rest goal.allowed.labels.size o))
    (fun _ _ _ _ => trivial)
    (fun s o e _ hs => by
      rw [Bool.and_eq_true, decide_eq_true_eq] at hs
      exact hs.2)
    (fun s o e o' e' _ hq hs => by
      rw [Bool.and_eq_true] at hs
      exact hq hs.1) _ (s := true) trivial o' e' he' hfold
  unfold Layout.label
  rw [hplace, ho]
  exact spec

private theorem goalsMet_spec {layouts : Array Layout} {goals : List Goal} (h : goalsMet layouts goals = true) :
    ∀ goal ∈ goals, goal.met layouts = true := by
  induction goals with
  | nil => exact fun _ h => absurd h List.not_mem_nil
  | cons first goals ih =>
    rw [goalsMet, Bool.and_eq_true] at h
    intro goal hgoal
    rcases List.mem_cons.mp hgoal with rfl | hgoal
    · exact h.1
    · exact ih h.2 goal hgoal

/-- The input entries whose declared labels are at most `bound`. -/
def Listing.Within (listing : Listing) (bound k : Nat) (i : Int) : Prop :=
  ∃ layout, listing.declarations[k]? = some (.input layout) ∧ layout.label i ≤ bound

/--
If the check succeeds, then each output entry that is asked about depends only on input entries whose labels are allowed, for
every input, every interpretation of the operations, and every type of scalars.
-/
theorem Listing.check_sound {listing : Listing} (h : listing.check = true) {goal : Goal} (hgoal : goal ∈ listing.goals)
    {o e : Int} (he : e ∈ goal.box.sources o) {α : Type} (ops : Nat → Int → List α → α) :
    DependsOnly (fun x => (listing.toProgram ops).value x goal.tensor e) (listing.Within (goal.allowed.label o)) := by
  rw [Listing.check, Bool.and_eq_true] at h
  refine (((Listing.certified h.1 ops).inter (.inputs _)).dependsOnly goal.tensor e).mono fun k i hi => ?_
  obtain ⟨hle, hinput⟩ := hi
  unfold Listing.toProgram at hinput
  simp only at hinput
  split at hinput
  · next layout hk =>
    refine ⟨layout, hk, ?_⟩
    have := Nat.le_trans hle (Goal.met_spec (goalsMet_spec h.2 goal hgoal) he)
    rwa [Listing.label, (listing.settled h.1 hk).2] at this
  · contradiction
  · contradiction

/--
In the words of `Causal`: labels are positions, and the output at position `t` consists of entries that were asked about, with
allowed labels of at most `t`.
-/
theorem Listing.check_causal {listing : Listing} (h : listing.check = true) {outs : Nat → List (Nat × Int)}
    (asked : ∀ t, ∀ e ∈ outs t, ∃ goal ∈ listing.goals, goal.tensor = e.1 ∧
      ∃ o, e.2 ∈ goal.box.sources o ∧ goal.allowed.label o ≤ t)
    {α τ : Type} (ops : Nat → Int → List α → α) (load : Option τ → Nat → Int → α) {time : Nat → Int → Nat}
    (positions : ∀ k layout, listing.declarations[k]? = some (.input layout) → ∀ i, time k i = layout.label i) :
    Causal ((listing.toProgram ops).runList load time outs) :=
  Program.causal_of_dependsOnly load fun t e he => by
    obtain ⟨goal, hgoal, htensor, o, hmem, hle⟩ := asked t e he
    rw [← htensor]
    refine (Listing.check_sound h hgoal hmem ops).mono fun k i hi => ?_
    obtain ⟨layout, hk, hlabel⟩ := hi
    rw [positions k layout hk]
    exact Nat.le_trans hlabel hle

end Scanproof
