/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Program.Box

/-!
# Labels that repeat, and loops over them

The labels of a tensor hardly differ: over time, and neither over channels nor over examples. A *layout* stores them once: entry
`e` has the label at `e / unit % period`. Loops over entries become loops over labels, by far fewer: counters that change no
label fall away.

## Main definitions

* `Layout`, `Layout.label`: labels that repeat.
* `Box.onLabels`: the loops of a box, of labels instead of entries.

## Main results

* `Box.onLabels_sources`: each read of a box is among the reads of labels.
-/

@[expose] public section

namespace Scanproof

/-- Labels of the entries of a tensor: each counts for `unit` entries in a row, and after the last the first comes again. -/
structure Layout where
  /-- How many entries in a row share a label. -/
  unit : Nat
  /-- The labels that repeat. -/
  labels : Array Nat

/-- The entry of an array, zero outside. -/
def natAt (labels : Array Nat) (i : Nat) : Nat :=
  if h : i < labels.size then labels[i] else 0

/-- Which of `period` labels an entry has. -/
def place (unit period : Nat) (e : Int) : Nat := ((e / unit) % period).toNat

/-- The label of an entry. -/
def Layout.label (layout : Layout) (e : Int) : Nat := natAt layout.labels (place layout.unit layout.labels.size e)

/-- Whether labels repeat after some number of entries; no label at all means nothing. -/
def Layout.ok (layout : Layout) : Bool := 0 < layout.unit && 0 < layout.labels.size

/-- How the coefficients in a number change when labels replace entries. -/
structure Scale where
  /-- Entries in a row that share a label. -/
  unit : Nat
  /-- Labels that repeat. -/
  period : Nat
  /-- Whether the counters that move within a unit never leave it, so that the number may be divided by the unit. -/
  whole : Bool

/-- A coefficient after the change; zero if it changes no label. -/
def Scale.coefficient (scale : Scale) (c : Int) : Int :=
  if scale.whole then
    if c % scale.unit = 0 then if c / scale.unit % scale.period = 0 then 0 else c / scale.unit else 0
  else if c % (scale.unit * scale.period) = 0 then 0
  else c

/-- The number after the change, when all counters are zero. -/
def Scale.start (scale : Scale) (e : Int) : Int := if scale.whole then e / scale.unit else e

/-- The unit after the change. -/
def Scale.rest (scale : Scale) : Nat := if scale.whole then 1 else scale.unit

/-- How far the counters that move within a unit go, at most; at least a unit, if one goes backwards. -/
def fineSpan (unit : Nat) : List (Nat × Int) → Int
  | [] => 0
  | (size, c) :: axes =>
    (if c % unit = 0 then 0 else if c < 0 then (unit : Int) else c * ((size - 1 : Nat) : Int)) + fineSpan unit axes

/-- The scale for a number that starts at `e` and has the given coefficients. -/
def Scale.of (layout : Layout) (e : Int) (axes : List (Nat × Int)) (indexed : Bool) : Scale where
  unit := layout.unit
  period := layout.labels.size
  whole := !indexed && decide (e % layout.unit + fineSpan layout.unit axes < layout.unit)

/-- The counters' sizes and their coefficients in the entry that is computed. -/
def outCoefficients : List Axis → List (Nat × Int)
  | [] => []
  | axis :: axes => (axis.size, axis.out) :: outCoefficients axes

/-- The counters' sizes and their coefficients in the entry that is read. -/
def sourceCoefficients : List Axis → List (Nat × Int)
  | [] => []
  | axis :: axes => (axis.size, axis.source) :: sourceCoefficients axes

/-- Whether the entry that is read depends on a table. -/
def indexed : List (Int × Condition) → Bool
  | [] => false
  | (_, .index _) :: _ => true
  | (_, .below _) :: rest => indexed rest
  | (_, .mask _) :: rest => indexed rest

/-- Axes with other coefficients. -/
def rescale (out source : Scale) : List Axis → List Axis
  | [] => []
  | axis :: axes =>
    { axis with out := out.coefficient axis.out, source := source.coefficient axis.source } :: rescale out source axes

/-- The loops of a box, with numbers that have the same labels. -/
def Box.onLabels (box : Box) (out source : Scale) : Box where
  axes := rescale out source box.axes
  out := out.start box.out
  source := source.start box.source
  conditions := box.conditions

/-- The scale of what a box computes. -/
def Box.outScale (box : Box) (layout : Layout) : Scale :=
  .of layout box.out (outCoefficients box.axes) false

/-- The scale of what a box reads. -/
def Box.sourceScale (box : Box) (layout : Layout) : Scale :=
  .of layout box.source (sourceCoefficients box.axes) (indexed box.conditions)

/-- The number `e'` after the change stands for the number `e` before, and will whatever the remaining counters add. -/
private def Follows (scale : Scale) (axes : List (Nat × Int)) (e e' : Int) : Prop :=
  if scale.whole then
    ∃ x y : Int, e = scale.unit * x + y ∧ 0 ≤ y ∧ y + fineSpan scale.unit axes < scale.unit ∧ (scale.period : Int) ∣ x - e'
  else ((scale.unit * scale.period : Nat) : Int) ∣ e - e'

private theorem fineSpan_nonneg (unit : Nat) (axes : List (Nat × Int)) : 0 ≤ fineSpan unit axes := by
  induction axes with
  | nil => exact Int.le_refl 0
  | cons first axes ih =>
    obtain ⟨size, c⟩ := first
    unfold fineSpan
    refine Int.add_nonneg ?_ ih
    split
    · exact Int.le_refl 0
    · split
      · exact Int.natCast_nonneg unit
      · next h => exact Int.mul_nonneg (Int.not_lt.mp h) (Int.natCast_nonneg _)

private theorem follows_start {layout : Layout} (hunit : 0 < layout.unit) (e : Int) (axes : List (Nat × Int)) (indexed : Bool) :
    Follows (.of layout e axes indexed) axes e ((Scale.of layout e axes indexed).start e) := by
  unfold Follows Scale.start
  split
  · next h =>
    simp only [Scale.of, Bool.and_eq_true, decide_eq_true_eq] at h ⊢
    refine ⟨e / layout.unit, e % layout.unit, (Int.mul_ediv_add_emod e layout.unit).symm, ?_, h.2, ?_⟩
    · exact Int.emod_nonneg e (by omega)
    · rw [Int.sub_self]
      exact Int.dvd_zero _
  · rw [Int.sub_self]
    exact Int.dvd_zero _

private theorem follows_step {scale : Scale} {size : Nat} {c : Int} {axes : List (Nat × Int)} {e e' : Int}
    (h : Follows scale ((size, c) :: axes) e e') {v : Nat} (hv : v < size) :
    Follows scale axes (e + c * v) (e' + scale.coefficient c * v) := by
  unfold Follows Scale.coefficient at *
  split
  · next hw =>
    rw [if_pos hw] at h
    obtain ⟨x, y, rfl, hy, hspan, hdvd⟩ := h
    have hrest := fineSpan_nonneg scale.unit axes
    unfold fineSpan at hspan
    split
    · next hc =>
      rw [if_pos hc, Int.zero_add] at hspan
      have hcq : c = scale.unit * (c / scale.unit) := (Int.mul_ediv_cancel' (Int.dvd_of_emod_eq_zero hc)).symm
      refine ⟨x + c / scale.unit * v, y, ?_, hy, hspan, ?_⟩
      · rw [Int.mul_add, ← Int.mul_assoc, ← hcq]
        omega
      · split
        · next hm =>
          have : x + c / scale.unit * v - (e' + 0 * v) = x - e' + c / scale.unit * v := by omega
          rw [this]
          exact Int.dvd_add hdvd (Int.dvd_mul_of_dvd_left (Int.dvd_of_emod_eq_zero hm))
        · have : x + c / scale.unit * v - (e' + c / scale.unit * v) = x - e' := by omega
          rw [this]
          exact hdvd
    · next hc =>
      rw [if_neg hc] at hspan
      split at hspan
      · exfalso
        omega
      · next hneg =>
        have hle : c * v ≤ c * ((size - 1 : Nat) : Int) :=
          Int.mul_le_mul_of_nonneg_left (by omega) (Int.not_lt.mp hneg)
        have hnonneg : 0 ≤ c * v := Int.mul_nonneg (Int.not_lt.mp hneg) (Int.natCast_nonneg v)
        refine ⟨x, y + c * v, by omega, by omega, by omega, ?_⟩
        rw [Int.zero_mul, Int.add_zero]
        exact hdvd
  · next hw =>
    rw [if_neg hw] at h
    split
    · next hc =>
      have : e + c * v - (e' + 0 * v) = e - e' + c * v := by omega
      rw [this]
      exact Int.dvd_add h (Int.dvd_mul_of_dvd_left (Int.dvd_of_emod_eq_zero (by simpa only [Int.natCast_mul] using hc)))
    · have : e + c * v - (e' + c * v) = e - e' := by omega
      rw [this]
      exact h

private theorem follows_end {scale : Scale} (hunit : 0 < scale.unit) {e e' : Int} (h : Follows scale [] e e') :
    place scale.unit scale.period e = place scale.rest scale.period e' := by
  unfold Follows at h
  unfold place Scale.rest
  split at h
  · next hw =>
    rw [if_pos hw]
    obtain ⟨x, y, rfl, hy, hspan, hdvd⟩ := h
    simp only [fineSpan, Int.add_zero] at hspan
    have hdiv : (scale.unit * x + y) / (scale.unit : Int) = x := by
      rw [Int.mul_add_ediv_left _ _ (by omega), Int.ediv_eq_zero_of_lt hy hspan, Int.add_zero]
    rw [hdiv, Int.natCast_one, Int.ediv_one]
    rw [Int.emod_eq_emod_iff_emod_sub_eq_zero.mpr (Int.emod_eq_zero_of_dvd hdvd)]
  · next hw =>
    rw [if_neg hw]
    obtain ⟨z, hz⟩ := h
    have he : e = e' + scale.unit * (scale.period * z) := by
      rw [← Int.mul_assoc, ← Int.natCast_mul, ← hz]
      omega
    rw [he, Int.add_mul_ediv_left _ _ (by omega), Int.add_mul_emod_self_left]

private theorem follows_shift {scale : Scale} (hwhole : scale.whole = false) {axes : List (Nat × Int)} {e e' : Int} (d : Int)
    (h : Follows scale axes e e') : Follows scale axes (e + d) (e' + d) := by
  unfold Follows at *
  rw [if_neg (by rw [hwhole]; exact Bool.false_ne_true)] at *
  have : e + d - (e' + d) = e - e' := by omega
  rw [this]
  exact h

private theorem resolve_shift {source e : Int} {conditions : List (Int × Condition)} (h : resolve source conditions = some e) :
    ∃ d : Int, e = source + d ∧ (∀ source', resolve source' conditions = some (source' + d)) ∧
      (indexed conditions = false → d = 0) := by
  induction conditions generalizing source with
  | nil =>
    obtain rfl := Option.some.inj h
    exact ⟨0, (Int.add_zero source).symm, fun source' => by rw [resolve, Int.add_zero], fun _ => rfl⟩
  | cons first rest ih =>
    obtain ⟨n, condition⟩ := first
    cases condition with
    | below bound =>
      simp only [resolve, indexed] at h ⊢
      split at h
      · next hn =>
        obtain ⟨d, hd, all, zero⟩ := ih h
        exact ⟨d, hd, fun source' => by rw [if_pos hn, all], zero⟩
      · contradiction
    | mask table =>
      simp only [resolve, indexed] at h ⊢
      split at h
      · contradiction
      · next hn =>
        obtain ⟨d, hd, all, zero⟩ := ih h
        exact ⟨d, hd, fun source' => by rw [if_neg hn, all], zero⟩
    | index table =>
      simp only [resolve, indexed] at h ⊢
      obtain ⟨d, hd, all, _⟩ := ih h
      exact ⟨lookUp table n + d, by omega, fun source' => by rw [all, Int.add_assoc], fun h => absurd h (by decide)⟩

private theorem indexed_advance (v : Int) (terms : List Int) (conditions : List (Int × Condition)) :
    indexed (advance v terms conditions) = indexed conditions := by
  induction conditions generalizing terms with
  | nil => cases terms <;> rfl
  | cons first rest ih =>
    obtain ⟨n, condition⟩ := first
    cases terms with
    | nil => rfl
    | cons c terms => cases condition <;> simp only [advance, indexed, ih]

private theorem loopSources_rescale {out source : Scale} (hout : 0 < out.unit) (hsource : 0 < source.unit) (axes : List Axis) :
    ∀ {o e o' e' : Int} {conditions : List (Int × Condition)} {target entry : Int},
      (source.whole = true → indexed conditions = false) →
      Follows out (outCoefficients axes) o o' → Follows source (sourceCoefficients axes) e e' →
      entry ∈ loopSources target axes o e conditions →
        ∃ target' entry', entry' ∈ loopSources target' (rescale out source axes) o' e' conditions ∧
          place out.unit out.period target = place out.rest out.period target' ∧
          place source.unit source.period entry = place source.rest source.period entry' := by
  induction axes with
  | nil =>
    intro o e o' e' conditions target entry hindexed ho he hmem
    simp only [loopSources] at hmem
    split at hmem
    · next heq =>
      subst heq
      obtain ⟨d, rfl, all, zero⟩ := resolve_shift (Option.mem_toList.mp hmem)
      refine ⟨o', e' + d, ?_, follows_end hout ho, follows_end hsource ?_⟩
      · simp only [rescale, loopSources, ↓reduceIte, all, Option.mem_toList]
      · cases hw : source.whole with
        | true =>
          rw [zero (hindexed hw), Int.add_zero, Int.add_zero]
          exact he
        | false => exact follows_shift hw d he
    · contradiction
  | cons axis axes ih =>
    intro o e o' e' conditions target entry hindexed ho he hmem
    simp only [loopSources, List.mem_flatMap, List.mem_range] at hmem
    obtain ⟨v, hv, hmem⟩ := hmem
    obtain ⟨target', entry', hmem', hplaces⟩ :=
      ih (fun hw => by rw [indexed_advance]; exact hindexed hw) (follows_step ho hv) (follows_step he hv) hmem
    refine ⟨target', entry', ?_, hplaces⟩
    simp only [rescale, loopSources, List.mem_flatMap, List.mem_range]
    exact ⟨v, hv, hmem'⟩

/--
The loops of labels leave out no read: if entry `o` reads entry `e`, then the loops of labels have a pair of numbers with the
same labels.
-/
theorem Box.onLabels_sources (box : Box) {out source : Layout} (hout : 0 < out.unit) (hsource : 0 < source.unit) {o e : Int}
    (h : e ∈ box.sources o) :
    ∃ o' e', e' ∈ (box.onLabels (box.outScale out) (box.sourceScale source)).sources o' ∧
      place out.unit out.labels.size o = place (box.outScale out).rest out.labels.size o' ∧
      place source.unit source.labels.size e = place (box.sourceScale source).rest source.labels.size e' := by
  refine loopSources_rescale (out := box.outScale out) (source := box.sourceScale source) hout hsource box.axes ?_
    (follows_start hout box.out _ _) (follows_start hsource box.source _ _) h
  intro hw
  simp only [sourceScale, Scale.of, Bool.and_eq_true, Bool.not_eq_true'] at hw
  exact hw.1

end Scanproof
