/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Program.Box

/-!
# What a box reads, said with coordinates

A box leads from an entry to those that it reads by counters. Here the counters are made visible: an entry reads another exactly
when some values of the counters, each below its size, meet the conditions and lead to both. The boxes of single operations
follow from this one theorem.

## Main definitions

* `Counts axes u`: a value for each axis, below its size.
* `outOf`, `sourceOf`, `conditionsOf`: where the counters lead.

## Main results

* `Box.mem_sources`: what a box reads.
* `Box.mem_sources_free`: the same without conditions.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- A value for each axis, below its size. -/
def Counts : List Axis → List Nat → Prop
  | [], u => u = []
  | axis :: axes, u => ∃ v rest, u = v :: rest ∧ v < axis.size ∧ Counts axes rest

/-- The entry that is computed, from `out` on. -/
def outOf : List Axis → List Nat → Int → Int
  | axis :: axes, v :: u, out => outOf axes u (out + axis.out * v)
  | _, _, out => out

/-- The entry that is read, from `source` on. -/
def sourceOf : List Axis → List Nat → Int → Int
  | axis :: axes, v :: u, source => sourceOf axes u (source + axis.source * v)
  | _, _, source => source

/-- The conditions, from given ones on. -/
def conditionsOf : List Axis → List Nat → List (Int × Condition) → List (Int × Condition)
  | axis :: axes, v :: u, conditions => conditionsOf axes u (advance v axis.terms conditions)
  | _, _, conditions => conditions

private theorem mem_loopSources (axes : List Axis) (o e : Int) : ∀ (out source : Int) (conditions : List (Int × Condition)),
    e ∈ loopSources o axes out source conditions ↔
      ∃ u, Counts axes u ∧ outOf axes u out = o ∧ resolve (sourceOf axes u source) (conditionsOf axes u conditions) = some e := by
  induction axes with
  | nil =>
    intro out source conditions
    constructor
    · intro h
      simp only [loopSources] at h
      split at h
      · next heq => exact ⟨[], rfl, heq, Option.mem_toList.mp h⟩
      · contradiction
    · intro ⟨u, hu, hout, hresolve⟩
      obtain rfl : u = [] := hu
      simp only [loopSources]
      rw [if_pos (show out = o from hout)]
      exact Option.mem_toList.mpr hresolve
  | cons axis axes ih =>
    intro out source conditions
    simp only [loopSources, List.mem_flatMap, List.mem_range]
    constructor
    · intro ⟨v, hv, h⟩
      obtain ⟨u, hu, hout, hresolve⟩ := (ih _ _ _).mp h
      exact ⟨v :: u, ⟨v, u, rfl, hv, hu⟩, hout, hresolve⟩
    · intro ⟨u, ⟨v, rest, hu, hv, hrest⟩, hout, hresolve⟩
      subst hu
      exact ⟨v, hv, (ih _ _ _).mpr ⟨rest, hrest, hout, hresolve⟩⟩

/-- Entry `o` reads entry `e` exactly when some values of the counters meet the conditions and lead to both. -/
theorem Box.mem_sources (box : Box) (o e : Int) :
    e ∈ box.sources o ↔
      ∃ u, Counts box.axes u ∧ outOf box.axes u box.out = o ∧
        resolve (sourceOf box.axes u box.source) (conditionsOf box.axes u box.conditions) = some e :=
  mem_loopSources box.axes o e box.out box.source box.conditions

/-- Without conditions, every pair to which the counters lead is a read. -/
theorem Box.mem_sources_free {box : Box} (h : box.conditions = []) (o e : Int) :
    e ∈ box.sources o ↔
      ∃ u, Counts box.axes u ∧ outOf box.axes u box.out = o ∧ sourceOf box.axes u box.source = e := by
  have none : ∀ (axes : List Axis) u, conditionsOf axes u [] = [] := fun axes u => by
    induction axes generalizing u with
    | nil => rfl
    | cons axis axes ih =>
      cases u with
      | nil => rfl
      | cons v u =>
        have : advance v axis.terms [] = [] := by cases axis.terms <;> rfl
        rw [conditionsOf, this, ih]
  simp only [mem_sources, h, none, resolve, Option.some.injEq]

/-- Some counters, the first one apart. -/
theorem exists_counts_cons {axis : Axis} {axes : List Axis} {P : List Nat → Prop} :
    (∃ u, Counts (axis :: axes) u ∧ P u) ↔ ∃ v, v < axis.size ∧ ∃ u, Counts axes u ∧ P (v :: u) := by
  constructor
  · intro ⟨_, ⟨v, u, hu, hv, hrest⟩, hP⟩
    subst hu
    exact ⟨v, hv, u, hrest, hP⟩
  · intro ⟨v, hv, u, hu, hP⟩
    exact ⟨v :: u, ⟨v, u, rfl, hv, hu⟩, hP⟩

/-- No counters have one value. -/
theorem exists_counts_nil : (∃ u, Counts [] u) ↔ True := iff_true_intro ⟨[], rfl⟩

end Scanproof
