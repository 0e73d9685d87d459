/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Program.Complete
public import Spec.Program.Mamba
public import Spec.Program.Mask
public import Spec.Program.Products
public import Spec.Program.Sharp
public import Spec.Program.Views

/-!
# Programs, restated

Each public theorem of `Spec.Program`, word for word.
Who weakens one breaks the build here, and finds in one place what the library says.
-/

namespace Scanproof

/-! ## Program/Basic -/

section

open DependsOnly

variable {ι α β γ : Type} {f : (Nat → ι → α) → β} {allowed larger : Nat → ι → Prop}

example (h : DependsOnly f allowed) (le : ∀ k i, allowed k i → larger k i) : DependsOnly f larger := by
  apply DependsOnly.mono <;> assumption

example (h : DependsOnly f allowed) (h' : DependsOnly f larger) :
    DependsOnly f fun k i => allowed k i ∧ larger k i := by
  apply DependsOnly.inter <;> assumption

example (h : DependsOnly f allowed) (g : β → γ) : DependsOnly (fun x => g (f x)) allowed := by
  apply DependsOnly.comp <;> assumption

end

section

open Program

variable {ι α : Type}

example {p : Program ι α} {k : Nat} (h : p.node k = .input) (x : Nat → ι → α) (i : ι) :
    p.value x k i = x k i := by
  apply Program.value_input <;> assumption

example {p : Program ι α} {k : Nat} {reads : ι → List (Nat × ι)} {op : ι → List α → α}
    (h : p.node k = .compute reads op) (x : Nat → ι → α) (i : ι) :
    p.value x k i = op i (((reads i).filter fun q => q.1 < k).map fun q => p.value x q.1 q.2) := by
  apply Program.value_compute <;> assumption

end

section

open Program Program.Certified

variable {ι α : Type}

variable {p : Program ι α}

example {allowed : Nat → ι → Nat → ι → Prop} (h : p.Certified allowed) (k : Nat) (i : ι) :
    DependsOnly (fun x => p.value x k i) (allowed k i) := by
  apply Program.Certified.dependsOnly <;> assumption

example {L : Type} [LE L] (trans : ∀ {a b c : L}, a ≤ b → b ≤ c → a ≤ c) (time r : Nat → ι → L)
    (input : ∀ k i, p.node k = .input → time k i ≤ r k i)
    (read : ∀ k reads op, p.node k = .compute reads op → ∀ i, ∀ q ∈ reads i, q.1 < k → r q.1 q.2 ≤ r k i) :
    p.Certified fun k i k' i' => time k' i' ≤ r k i := by
  exact Program.Certified.of_labels trans time r input read

example {L : Type} [LE L] {time r : Nat → ι → L} (h : p.Certified fun k i k' i' => time k' i' ≤ r k i) (k : Nat) (i : ι)
    {x x' : Nat → ι → α} (agree : ∀ k' i', time k' i' ≤ r k i → x k' i' = x' k' i') : p.value x k i = p.value x' k i := by
  exact h.value_congr k i agree

example (p : Program ι α) : p.Certified fun _ _ k' _ => p.node k' = .input := by
  apply Program.Certified.inputs <;> assumption

example {allowed allowed' : Nat → ι → Nat → ι → Prop} (h : p.Certified allowed) (h' : p.Certified allowed') :
    p.Certified fun k i k' i' => allowed k i k' i' ∧ allowed' k i k' i' := by
  apply Program.Certified.inter <;> assumption

end

/-! ## Program/Sharp -/

section

open Program

variable {ι α : Type}

example (p : Program ι α) : p.Certified fun k i k' i' => p.Reaches k' i' k i := by
  apply Program.certified_reaches <;> assumption

example {p : Program ι α} {allowed : Nat → ι → Nat → ι → Prop} (h : p.Certified allowed) {k : Nat} {i : ι}
    {k' : Nat} {i' : ι} (hr : p.Reaches k' i' k i) : allowed k i k' i' := by
  apply Program.Certified.reaches_le <;> assumption

example {β : Type} {p : Program ι α} (ops : Nat → ι → List β → β) {k : Nat} (h : p.node k = .input) :
    (p.withOperations ops).node k = .input := by
  apply Program.withOperations_input <;> assumption

example {β : Type} {p : Program ι α} (ops : Nat → ι → List β → β) {k : Nat}
    {reads : ι → List (Nat × ι)} {op : ι → List α → α} (h : p.node k = .compute reads op) :
    (p.withOperations ops).node k = .compute reads (ops k) := by
  apply Program.withOperations_compute <;> assumption

example {β : Type} {p : Program ι α} {allowed : Nat → ι → Nat → ι → Prop} (h : p.Certified allowed)
    (ops : Nat → ι → List β → β) : (p.withOperations ops).Certified allowed := by
  apply Program.Certified.withOperations <;> assumption

example (p : Program ι α) (k : Nat) (i : ι) (allowed : Nat → ι → Prop) :
    (∀ (β : Type) (ops : Nat → ι → List β → β), DependsOnly (fun x => (p.withOperations ops).value x k i) allowed) ↔
      ∀ k' i', p.Reaches k' i' k i → allowed k' i' := by
  apply Program.dependsOnly_iff_reaches <;> assumption

end

/-! ## Program/Causal -/

section

open Program

variable {ι α τ : Type}

variable {p : Program ι α} {time : Nat → ι → Nat} {outs : Nat → List (Nat × ι)}

example (load : Option τ → Nat → ι → α)
    (h : ∀ t, ∀ e ∈ outs t, DependsOnly (fun x => p.value x e.1 e.2) fun k i => time k i ≤ t) :
    Causal (p.runList load time outs) := by
  apply Program.causal_of_dependsOnly <;> assumption

example {r : Nat → ι → Nat} (h : p.Certified fun k i k' i' => time k' i' ≤ r k i) (load : Option τ → Nat → ι → α)
    (outs_le : ∀ t, ∀ e ∈ outs t, r e.1 e.2 ≤ t) : Causal (p.runList load time outs) := by
  apply Program.causal <;> assumption

example {r : Nat → ι → Nat} (h : p.Certified fun k i k' i' => time k' i' ≤ r k i) (load : Option τ → Nat → ι → α)
    (outs_le : ∀ t, ∀ e ∈ outs t, r e.1 e.2 ≤ t) {xs ys : List τ} {k : Nat} (agree : xs.take k = ys.take k) :
    (p.runList load time outs xs).take k = (p.runList load time outs ys).take k := by
  apply Program.take_congr <;> assumption

example {family : Nat → Program ι α} (load : Option τ → Nat → ι → α)
    (h : ∀ n, ∀ t, ∀ e ∈ outs t, DependsOnly (fun x => (family n).value x e.1 e.2) fun k i => time k i ≤ t)
    (repeats : ∀ m n, m ≤ n → ∀ x, ∀ t < m, ∀ e ∈ outs t, (family n).value x e.1 e.2 = (family m).value x e.1 e.2) :
    Causal fun xs : List τ => (family xs.length).runList load time outs xs := by
  apply Program.causal_family <;> assumption

end

section

open Program Program.Certified

variable {ι α τ : Type}

variable {p : Program ι α} {B : Type} {row : Nat → ι → B} {r : Nat → ι → Option B}

example (input : ∀ k i, p.node k = .input → r k i = some (row k i))
    (read : ∀ k reads op, p.node k = .compute reads op → ∀ i, ∀ q ∈ reads i, q.1 < k → r q.1 q.2 = none ∨ r q.1 q.2 = r k i) :
    p.Certified fun k i k' i' => r k i = some (row k' i') := by
  apply Program.Certified.of_rows <;> assumption

example (h : p.Certified fun k i k' i' => r k i = some (row k' i')) {k : Nat} {i : ι} {b : B} (hb : r k i = some b)
    {x x' : Nat → ι → α} (agree : ∀ k' i', row k' i' = b → x k' i' = x' k' i') : p.value x k i = p.value x' k i := by
  apply Program.Certified.own_row <;> assumption

example {time label : Nat → ι → Nat} (hdoc : p.Certified fun k i k' i' => r k i = some (row k' i'))
    (htime : p.Certified fun k i k' i' => time k' i' ≤ label k i) {k : Nat} {i : ι} {d : B} (hd : r k i = some d) {t : Nat}
    (ht : label k i ≤ t) {x x' : Nat → ι → α} (agree : ∀ k' i', row k' i' = d → time k' i' ≤ t → x k' i' = x' k' i') :
    p.value x k i = p.value x' k i := by
  apply Program.Certified.own_document <;> assumption

end

section

open DependsOnly

example {ι α β : Type} {f : (Nat → ι → α) → β} {label : Nat → ι → Nat} {b : Nat}
    (upTo : DependsOnly f fun k i => label k i ≤ b) (fromOn : DependsOnly f fun k i => b ≤ label k i) :
    DependsOnly f fun k i => label k i = b := by
  apply DependsOnly.own <;> assumption

end

/-! ## Program/Complete -/

section

example {α : Type} (op : Nat → List α → α) :
    (prefixProgram op).Certified fun _ t _ s => s ≤ t := by
  apply prefixProgram_certified <;> assumption

example {ι ο : Type} [Nonempty ο] {f : List ι → List ο} :
    Causal f ↔
      ∃ (α : Type) (p : Program Nat α) (load : Option ι → Nat → Nat → α) (outs : Nat → List (Nat × Nat)) (store : List α → ο),
        (p.Certified fun _ t _ s => s ≤ t) ∧ (∀ t, ∀ e ∈ outs t, e.2 ≤ t) ∧
          ∀ xs, f xs = (p.runList load (fun _ s => s) outs xs).map store := by
  apply causal_iff_exists_program <;> assumption

example {σ ι ο : Type} [Nonempty ο] (r : Runner σ ι ο) (s : σ) :
    ∃ (α : Type) (p : Program Nat α) (load : Option ι → Nat → Nat → α) (outs : Nat → List (Nat × Nat)) (store : List α → ο),
      (p.Certified fun _ t _ s => s ≤ t) ∧ (∀ t, ∀ e ∈ outs t, e.2 ≤ t) ∧
        ∀ xs, (r.runList s xs).2 = (p.runList load (fun _ s => s) outs xs).map store := by
  apply Runner.exists_program <;> assumption

end

/-! ## Program/Box -/

section

open Box

variable {σ : Type} {f : σ → Int → Int → σ} {Inv : σ → Prop} {Q : Int → Int → σ → Prop}

example (inv : ∀ s o e, Inv s → Inv (f s o e)) (new : ∀ s o e, Inv s → Q o e (f s o e))
    (old : ∀ s o e o' e', Inv s → Q o e s → Q o e (f s o' e')) (box : Box) {s : σ} (hs : Inv s) (o : Int) :
    ∀ e ∈ box.sources o, Q o e (box.fold f s) := by
  apply Box.fold_spec <;> assumption

example (inv : ∀ s o e, Inv s → Inv (f s o e)) (box : Box) {s : σ} (hs : Inv s) : Inv (box.fold f s) := by
  apply Box.fold_inv <;> assumption

example (inv : ∀ s o e, Inv s → Inv (f s o e)) (Old : σ → Prop) (old : ∀ s o e, Inv s → Old s → Old (f s o e))
    (box : Box) {s : σ} (hs : Inv s) (h : Old s) : Old (box.fold f s) := by
  apply Box.fold_old <;> assumption

end

/-! ## Program/Layout -/

section

open Box

example (box : Box) {out source : Layout} (hout : 0 < out.unit) (hsource : 0 < source.unit) {o e : Int}
    (h : e ∈ box.sources o) :
    ∃ o' e', e' ∈ (box.onLabels (box.outScale out) (box.sourceScale source)).sources o' ∧
      place out.unit out.labels.size o = place (box.outScale out).rest out.labels.size o' ∧
      place source.unit source.labels.size e = place (box.sourceScale source).rest source.labels.size e' := by
  apply Box.onLabels_sources <;> assumption

end

/-! ## Program/Index -/

section

open Box

example (box : Box) (o e : Int) :
    e ∈ box.sources o ↔
      ∃ u, Counts box.axes u ∧ outOf box.axes u box.out = o ∧
        resolve (sourceOf box.axes u box.source) (conditionsOf box.axes u box.conditions) = some e := by
  apply Box.mem_sources <;> assumption

example {box : Box} (h : box.conditions = []) (o e : Int) :
    e ∈ box.sources o ↔
      ∃ u, Counts box.axes u ∧ outOf box.axes u box.out = o ∧ sourceOf box.axes u box.source = e := by
  apply Box.mem_sources_free <;> assumption

example {axis : Axis} {axes : List Axis} {P : List Nat → Prop} :
    (∃ u, Counts (axis :: axes) u ∧ P u) ↔ ∃ v, v < axis.size ∧ ∃ u, Counts axes u ∧ P (v :: u) := by
  apply exists_counts_cons <;> assumption

example : (∃ u, Counts [] u) ↔ True := by
  apply exists_counts_nil <;> assumption

end

/-! ## Program/Views -/

section

open Box

example (size : Nat) (o e : Int) : e ∈ (pointwise size).sources o ↔ ∃ v : Nat, v < size ∧ (v : Int) = o ∧ (v : Int) = e := by
  apply Box.mem_pointwise <;> assumption

example (outer size inner : Nat) (o e : Int) :
    e ∈ (expand outer size inner).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < size ∧ ∃ c : Nat, c < inner ∧
        (size * inner * a + inner * t + c : Int) = o ∧ (inner * a + c : Int) = e := by
  apply Box.mem_expand <;> assumption

example (outer size inner count : Nat) (start step o e : Int) :
    e ∈ (slice outer size inner count start step).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < count ∧ ∃ c : Nat, c < inner ∧
        (count * inner * a + inner * t + c : Int) = o ∧
          (inner * start + size * inner * a + inner * step * t + c : Int) = e := by
  apply Box.mem_slice <;> assumption

example (outer rows cols inner : Nat) (o e : Int) :
    e ∈ (transpose outer rows cols inner).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ j : Nat, j < cols ∧ ∃ i : Nat, i < rows ∧ ∃ c : Nat, c < inner ∧
        (cols * rows * inner * a + rows * inner * j + inner * i + c : Int) = o ∧
          (rows * cols * inner * a + inner * j + cols * inner * i + c : Int) = e := by
  apply Box.mem_transpose <;> assumption

example (outer size inner before total : Nat) (o e : Int) :
    e ∈ (pad outer size inner before total).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < total ∧ ∃ c : Nat, c < inner ∧
        (total * inner * a + inner * t + c : Int) = o ∧
          (0 ≤ -(before : Int) + t ∧ -(before : Int) + t < size) ∧
            (-(inner * before) + size * inner * a + inner * t + c : Int) = e := by
  apply Box.mem_pad <;> assumption

example (outer size inner before total : Nat) (o e : Int) :
    e ∈ (cat outer size inner before total).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < size ∧ ∃ c : Nat, c < inner ∧
        (inner * before + total * inner * a + inner * t + c : Int) = o ∧ (size * inner * a + inner * t + c : Int) = e := by
  apply Box.mem_cat <;> assumption

example (outer size inner : Nat) (table : Array Int) (o e : Int) :
    e ∈ (select outer size inner table).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < table.size ∧ ∃ c : Nat, c < inner ∧
        (table.size * inner * a + inner * t + c : Int) = o ∧ (size * inner * a + c + lookUp table t : Int) = e := by
  apply Box.mem_select <;> assumption

example (outer size inner : Nat) (o e : Int) :
    e ∈ (reduce outer size inner).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < size ∧ ∃ c : Nat, c < inner ∧
        (inner * a + c : Int) = o ∧ (size * inner * a + inner * t + c : Int) = e := by
  apply Box.mem_reduce <;> assumption

example (outer size inner : Nat) (o e : Int) :
    e ∈ (cumulate outer size inner).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < size ∧ ∃ s : Nat, s < size ∧ ∃ c : Nat, c < inner ∧
        (size * inner * a + inner * t + c : Int) = o ∧ s ≤ t ∧ (size * inner * a + inner * s + c : Int) = e := by
  apply Box.mem_cumulate <;> assumption

end

/-! ## Program/Products -/

section

open Box

example (batch rows inner cols : Nat) (o e : Int) :
    e ∈ (productLeft batch rows inner cols).sources o ↔
      ∃ b : Nat, b < batch ∧ ∃ i : Nat, i < rows ∧ ∃ j : Nat, j < cols ∧ ∃ k : Nat, k < inner ∧
        (rows * cols * b + cols * i + j : Int) = o ∧ (rows * inner * b + inner * i + k : Int) = e := by
  apply Box.mem_productLeft <;> assumption

example (batch rows inner cols : Nat) (o e : Int) :
    e ∈ (productRight batch rows inner cols).sources o ↔
      ∃ b : Nat, b < batch ∧ ∃ i : Nat, i < rows ∧ ∃ j : Nat, j < cols ∧ ∃ k : Nat, k < inner ∧
        (rows * cols * b + cols * i + j : Int) = o ∧ (inner * cols * b + j + cols * k : Int) = e := by
  apply Box.mem_productRight <;> assumption

example (batch rows inner cols : Nat) (table : Array Int) (o e : Int) :
    e ∈ (masked batch rows inner cols table).sources o ↔
      ∃ b : Nat, b < batch ∧ ∃ i : Nat, i < rows ∧ ∃ j : Nat, j < cols ∧ ∃ k : Nat, k < inner ∧
        (rows * cols * b + cols * i + j : Int) = o ∧ lookUp table (inner * i + k) ≠ 0 ∧
          (inner * cols * b + j + cols * k : Int) = e := by
  apply Box.mem_masked <;> assumption

example (batch groups ins outs size count taps before stride dilation : Nat) (o e : Int) :
    e ∈ (conv1d batch groups ins outs size count taps before stride dilation).sources o ↔
      ∃ b : Nat, b < batch ∧ ∃ g : Nat, g < groups ∧ ∃ j : Nat, j < outs ∧ ∃ i : Nat, i < ins ∧ ∃ t : Nat, t < count ∧
        ∃ k : Nat, k < taps ∧ (groups * outs * count * b + outs * count * g + count * j + t : Int) = o ∧
          (0 ≤ -(before : Int) + stride * t + dilation * k ∧ -(before : Int) + stride * t + dilation * k < size) ∧
            (-(before : Int) + groups * ins * size * b + ins * size * g + size * i + stride * t + dilation * k : Int) = e := by
  apply Box.mem_conv1d <;> assumption

example {batch groups ins outs size count taps before dilation : Nat} (padded : dilation * (taps - 1) ≤ before) {o e : Int}
    (h : e ∈ (conv1d batch groups ins outs size count taps before 1 dilation).sources o) :
    ∃ b g j i t s : Nat, (groups * outs * count * b + outs * count * g + count * j + t : Int) = o ∧ t < count ∧ s ≤ t ∧
      (groups * ins * size * b + ins * size * g + size * i + s : Int) = e := by
  apply Box.conv1d_causal <;> assumption

end

/-! ## Program/Checker -/

section

open Listing

example {α : Type} {listing : Listing} (hok : declarationsOk listing.declarations = true)
    (ops : Nat → Int → List α → α) :
    (listing.toProgram ops).Certified fun k e k' e' => listing.label k' e' ≤ listing.label k e := by
  apply Listing.certified <;> assumption

example {listing : Listing} (h : listing.check = true) {goal : Goal} (hgoal : goal ∈ listing.goals)
    {o e : Int} (he : e ∈ goal.box.sources o) {α : Type} (ops : Nat → Int → List α → α) :
    DependsOnly (fun x => (listing.toProgram ops).value x goal.tensor e) (listing.Within (goal.allowed.label o)) := by
  apply Listing.check_sound <;> assumption

example {listing : Listing} (h : listing.check = true) {outs : Nat → List (Nat × Int)}
    (asked : ∀ t, ∀ e ∈ outs t, ∃ goal ∈ listing.goals, goal.tensor = e.1 ∧
      ∃ o, e.2 ∈ goal.box.sources o ∧ goal.allowed.label o ≤ t)
    {α τ : Type} (ops : Nat → Int → List α → α) (load : Option τ → Nat → Int → α) {time : Nat → Int → Nat}
    (positions : ∀ k layout, listing.declarations[k]? = some (.input layout) → ∀ i, time k i = layout.label i) :
    Causal ((listing.toProgram ops).runList load time outs) := by
  apply Listing.check_causal <;> assumption

end

/-! ## Program/Mask -/

section

open Program Program.ReadsLess

variable {ι α : Type}

example {p q : Program ι α} {x : Nat → ι → α} (h : p.ReadsLess q x) (k : Nat) (i : ι) :
    p.value x k i = q.value x k i := by
  apply Program.ReadsLess.value_eq <;> assumption

example {p q : Program ι α} {fine : (Nat → ι → α) → Prop} (h : ∀ x, fine x → p.ReadsLess q x)
    {k : Nat} {i : ι} {allowed : Nat → ι → Prop} (hq : DependsOnly (fun x => q.value x k i) allowed) :
    DependsOnlyOn fine (fun x => p.value x k i) allowed := by
  apply Program.ReadsLess.dependsOnlyOn <;> assumption

end

section

open Listing

example {listing : Listing} (h : listing.check = true) {goal : Goal} (hgoal : goal ∈ listing.goals)
    {o e : Int} (he : e ∈ goal.box.sources o) {α : Type} (ops : Nat → Int → List α → α) {p : Program Int α}
    {fine : (Nat → Int → α) → Prop} (less : ∀ x, fine x → p.ReadsLess (listing.toProgram ops) x) :
    DependsOnlyOn fine (fun x => p.value x goal.tensor e) (listing.Within (goal.allowed.label o)) := by
  apply Listing.check_masked <;> assumption

example {J α : Type} (add mul : α → α → α) (zero : α) (js : List J) (kept : J → Bool) (weight factor : J → α)
    (zero_mul : ∀ j ∈ js, kept j = false → mul zero (factor j) = zero) (add_zero : ∀ s, add s zero = s) (s : α) :
    (js.map fun j => mul (if kept j then weight j else zero) (factor j)).foldl add s =
      ((js.filter kept).map fun j => mul (weight j) (factor j)).foldl add s := by
  apply sum_masked <;> assumption

end

section

open SoftmaxOps

variable {α J : Type} (ops : SoftmaxOps α)

variable {ops} {js : List J} {kept : J → Bool} {score value : J → α}

example {m z : α} (hm : ops.top (js.filter kept) score = m) (hz : ops.normaliser (js.filter kept) score m = z)
    {masked : α → Prop} (laws : ops.MaskLaws m z masked) (values : ∀ j ∈ js, kept j = false → masked (value j)) :
    ops.attend js (ops.mask kept score) value = ops.attend (js.filter kept) score value := by
  apply SoftmaxOps.attend_masked <;> assumption

end

section

variable {α τ : Type} (ops : SoftmaxOps α) (score : τ → τ → α) (value : τ → α)

variable {ops score value}

example (laws : AttentionLaws ops score value) {xs : List τ} {t : Nat} {query : τ}
    (hquery : xs[t]? = some query) :
    maskedAttentionAt ops score value xs t query = ops.attend (xs.take (t + 1)) (score query) value := by
  apply maskedAttentionAt_eq <;> assumption

example (laws : AttentionLaws ops score value) : Causal (maskedAttention ops score value) := by
  apply maskedAttention_causal <;> assumption

end

section

/-- The laws of masks can hold: natural numbers with truncated subtraction, and zero for minus infinity. -/
example {τ : Type} (score : τ → τ → Nat) (value : τ → Nat) :
    AttentionLaws ⟨0, 0, (· + ·), (· - ·), (· * ·), (· / ·), fun a => a, max⟩ score value := fun _ _ _ =>
  ⟨Nat.max_zero, Nat.zero_sub _, Nat.add_zero, Nat.zero_div _, fun v _ => Nat.zero_mul v⟩

end

/-! ## Program/Stages -/

section

example {α : Type} {stages : List Stage} {kinds : List Kind} (h : stageKinds stages = some kinds)
    (ops : Nat → Place → List α → α) :
    (stageProgram stages ops).Certified fun k i _ i' => i'.row + 1 ≤ stageBound kinds k i := by
  apply stageProgram_certified <;> assumption

example {α τ : Type} {stages : List Stage} {kinds : List Kind} (h : stageKinds stages = some kinds)
    {stage delay : Nat} (hstage : kinds[stage]? = some (.time delay)) (width : Nat) (ops : Nat → Place → List α → α)
    (load : Option τ → Nat → Place → α) :
    Causal ((stageProgram stages ops).runList load (fun _ i => i.row) (stageOutputs stage width)) := by
  apply stageProgram_causal <;> assumption

end

/-! ## Program/Mamba -/

section

example (width taps : Nat) :
    stageKinds (mambaStages width taps) =
      some [.time 0, .time 0, .time 0, .time (taps - 1), .time 0, .time 0, .time 0, .time 0, .time 0, .time 0, .time 0, .time 0] := by
  apply stageKinds_mamba <;> assumption

example (width taps size : Nat) :
    stageKinds (mamba2Stages width taps size) =
      some [.time 0, .time 0, .time (taps - 1), .time 0, .time 0, .chunked size, .chunked size, .chunked size, .chunked size,
        .chunkEnd size, .chunkStart size, .chunked size, .chunked size, .time 0, .time 0, .time 0] := by
  apply stageKinds_mamba2 <;> assumption

example {α τ : Type} (width taps outputs : Nat) (ops : Nat → Place → List α → α)
    (load : Option τ → Nat → Place → α) :
    Causal ((stageProgram (mambaStages width taps) ops).runList load (fun _ i => i.row) (stageOutputs 11 outputs)) := by
  apply mambaProgram_causal <;> assumption

example {α τ : Type} (width taps size outputs : Nat) (ops : Nat → Place → List α → α)
    (load : Option τ → Nat → Place → α) :
    Causal ((stageProgram (mamba2Stages width taps size) ops).runList load (fun _ i => i.row) (stageOutputs 15 outputs)) := by
  apply mamba2Program_causal <;> assumption

example (pad taps : Nat) (h : pad + 1 < taps) :
    stageKinds [.input, .padLeft pad 0, .taps taps 1 1] = none := by
  apply stageKinds_centred <;> assumption

end

end Scanproof
