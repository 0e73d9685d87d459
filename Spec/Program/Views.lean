/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Program.Index

/-!
# What core operations read: views, joins and reductions

Along one dimension of a tensor, what comes before it and what comes after it are one number each: an entry is (`a`, `t`, `c`) of
a shape (`outer`, `size`, `inner`), at `size * inner * a + inner * t + c`. Each operation is a box, and a theorem says what it reads.

## Main definitions and results

* `Box.pointwise`: entry by entry; reshaping too, since it leaves the order in memory alone.
* `Box.expand`, `Box.slice`, `Box.transpose`: broadcasting, slices with a step (also narrowing, selecting and, with a negative step,
  flipping), and the exchange of two dimensions, of which permutations are made.
* `Box.pad`, `Box.cat`, `Box.select`: padding with constants, a piece of a concatenation, indexing by constants.
* `Box.reduce`, `Box.cumulate`: reductions (sums, means, maxima, norms, softmax) and cumulative sums.
* for each of them `mem_…`: what it reads.
-/

@[expose] public noncomputable section

namespace Scanproof

namespace Box

/-- Entry by entry, `size` of them: pointwise operations, copies, casts and reshaping. -/
def pointwise (size : Nat) : Box where
  axes := [⟨size, 1, 1, []⟩]
  out := 0
  source := 0
  conditions := []

/-- An entry reads the same entry. -/
theorem mem_pointwise (size : Nat) (o e : Int) : e ∈ (pointwise size).sources o ↔ ∃ v : Nat, v < size ∧ (v : Int) = o ∧ (v : Int) = e := by
  simp [mem_sources_free, pointwise, exists_counts_cons, exists_counts_nil, outOf, sourceOf]

/-- Broadcast (`outer`, 1, `inner`) to (`outer`, `size`, `inner`). -/
def expand (outer size inner : Nat) : Box where
  axes := [⟨outer, size * inner, inner, []⟩, ⟨size, inner, 0, []⟩, ⟨inner, 1, 1, []⟩]
  out := 0
  source := 0
  conditions := []

/-- Entry (a, t, c) reads entry (a, 0, c). -/
theorem mem_expand (outer size inner : Nat) (o e : Int) :
    e ∈ (expand outer size inner).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < size ∧ ∃ c : Nat, c < inner ∧
        (size * inner * a + inner * t + c : Int) = o ∧ (inner * a + c : Int) = e := by
  simp [mem_sources_free, expand, exists_counts_cons, exists_counts_nil, outOf, sourceOf]

/-- Take `count` of `size` entries along a dimension, from `start` on, `step` apart. -/
def slice (outer size inner count : Nat) (start step : Int) : Box where
  axes := [⟨outer, count * inner, size * inner, []⟩, ⟨count, inner, inner * step, []⟩, ⟨inner, 1, 1, []⟩]
  out := 0
  source := inner * start
  conditions := []

/-- Entry (a, t, c) reads entry (a, start + step t, c). -/
theorem mem_slice (outer size inner count : Nat) (start step o e : Int) :
    e ∈ (slice outer size inner count start step).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < count ∧ ∃ c : Nat, c < inner ∧
        (count * inner * a + inner * t + c : Int) = o ∧
          (inner * start + size * inner * a + inner * step * t + c : Int) = e := by
  simp [mem_sources_free, slice, exists_counts_cons, exists_counts_nil, outOf, sourceOf]

/-- Exchange two neighbouring dimensions: (`outer`, `rows`, `cols`, `inner`) to (`outer`, `cols`, `rows`, `inner`). -/
def transpose (outer rows cols inner : Nat) : Box where
  axes := [⟨outer, cols * rows * inner, rows * cols * inner, []⟩, ⟨cols, rows * inner, inner, []⟩, ⟨rows, inner, cols * inner, []⟩,
    ⟨inner, 1, 1, []⟩]
  out := 0
  source := 0
  conditions := []

/-- Entry (a, j, i, c) reads entry (a, i, j, c). -/
theorem mem_transpose (outer rows cols inner : Nat) (o e : Int) :
    e ∈ (transpose outer rows cols inner).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ j : Nat, j < cols ∧ ∃ i : Nat, i < rows ∧ ∃ c : Nat, c < inner ∧
        (cols * rows * inner * a + rows * inner * j + inner * i + c : Int) = o ∧
          (rows * cols * inner * a + inner * j + cols * inner * i + c : Int) = e := by
  simp [mem_sources_free, transpose, exists_counts_cons, exists_counts_nil, outOf, sourceOf]

/-- Pad along a dimension with constants: `total` entries, of which the `size` after the first `before` are those of the source. -/
def pad (outer size inner before total : Nat) : Box where
  axes := [⟨outer, total * inner, size * inner, [0]⟩, ⟨total, inner, inner, [1]⟩, ⟨inner, 1, 1, [0]⟩]
  out := 0
  source := -(inner * before)
  conditions := [(-before, .below size)]

/-- Entry (a, t, c) reads entry (a, t - before, c), if there is one. -/
theorem mem_pad (outer size inner before total : Nat) (o e : Int) :
    e ∈ (pad outer size inner before total).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < total ∧ ∃ c : Nat, c < inner ∧
        (total * inner * a + inner * t + c : Int) = o ∧
          (0 ≤ -(before : Int) + t ∧ -(before : Int) + t < size) ∧
            (-(inner * before) + size * inner * a + inner * t + c : Int) = e := by
  simp [mem_sources, pad, exists_counts_cons, exists_counts_nil, outOf, sourceOf, conditionsOf, advance, resolve]

/-- A piece of a concatenation along a dimension: `size` entries of `total`, after the first `before`. -/
def cat (outer size inner before total : Nat) : Box where
  axes := [⟨outer, total * inner, size * inner, []⟩, ⟨size, inner, inner, []⟩, ⟨inner, 1, 1, []⟩]
  out := inner * before
  source := 0
  conditions := []

/-- Entry (a, before + t, c) reads entry (a, t, c) of the piece. -/
theorem mem_cat (outer size inner before total : Nat) (o e : Int) :
    e ∈ (cat outer size inner before total).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < size ∧ ∃ c : Nat, c < inner ∧
        (inner * before + total * inner * a + inner * t + c : Int) = o ∧ (size * inner * a + inner * t + c : Int) = e := by
  simp [mem_sources_free, cat, exists_counts_cons, exists_counts_nil, outOf, sourceOf]

/-- Index a dimension by a table of constants, each multiplied by `inner`. -/
def select (outer size inner : Nat) (table : Array Int) : Box where
  axes := [⟨outer, table.size * inner, size * inner, [0]⟩, ⟨table.size, inner, 0, [1]⟩, ⟨inner, 1, 1, [0]⟩]
  out := 0
  source := 0
  conditions := [(0, .index table)]

/-- Entry (a, t, c) reads entry (a, i, c), where the table holds `inner * i` at t. -/
theorem mem_select (outer size inner : Nat) (table : Array Int) (o e : Int) :
    e ∈ (select outer size inner table).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < table.size ∧ ∃ c : Nat, c < inner ∧
        (table.size * inner * a + inner * t + c : Int) = o ∧ (size * inner * a + c + lookUp table t : Int) = e := by
  simp [mem_sources, select, exists_counts_cons, exists_counts_nil, outOf, sourceOf, conditionsOf, advance, resolve]

/-- Reduce a dimension: (`outer`, `size`, `inner`) to (`outer`, `inner`). -/
def reduce (outer size inner : Nat) : Box where
  axes := [⟨outer, inner, size * inner, []⟩, ⟨size, 0, inner, []⟩, ⟨inner, 1, 1, []⟩]
  out := 0
  source := 0
  conditions := []

/-- Entry (a, c) reads entries (a, t, c) for all t. -/
theorem mem_reduce (outer size inner : Nat) (o e : Int) :
    e ∈ (reduce outer size inner).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < size ∧ ∃ c : Nat, c < inner ∧
        (inner * a + c : Int) = o ∧ (size * inner * a + inner * t + c : Int) = e := by
  simp [mem_sources_free, reduce, exists_counts_cons, exists_counts_nil, outOf, sourceOf]

/-- Accumulate along a dimension. -/
def cumulate (outer size inner : Nat) : Box where
  axes := [⟨outer, size * inner, size * inner, [0]⟩, ⟨size, inner, 0, [1]⟩, ⟨size, 0, inner, [-1]⟩, ⟨inner, 1, 1, [0]⟩]
  out := 0
  source := 0
  conditions := [(0, .below size)]

/-- Entry (a, t, c) reads entries (a, s, c) for s up to t. -/
theorem mem_cumulate (outer size inner : Nat) (o e : Int) :
    e ∈ (cumulate outer size inner).sources o ↔
      ∃ a : Nat, a < outer ∧ ∃ t : Nat, t < size ∧ ∃ s : Nat, s < size ∧ ∃ c : Nat, c < inner ∧
        (size * inner * a + inner * t + c : Int) = o ∧ s ≤ t ∧ (size * inner * a + inner * s + c : Int) = e := by
  have order : ∀ s t : Nat, t < size → ((0 ≤ (t : Int) + -(s : Int) ∧ (t : Int) + -(s : Int) < size) ↔ s ≤ t) := fun s t ht => by omega
  simp [mem_sources, cumulate, exists_counts_cons, exists_counts_nil, outOf, sourceOf, conditionsOf, advance, resolve]
  exact exists_congr fun a => and_congr_right fun _ => exists_congr fun t => and_congr_right fun ht => exists_congr fun s =>
    and_congr_right fun _ => exists_congr fun c => and_congr_right fun _ => and_congr_right fun _ => and_congr_left fun _ => order s t ht

end Box

end Scanproof
