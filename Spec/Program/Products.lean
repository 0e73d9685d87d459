/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Program.Index

/-!
# What core operations read: matrix products, convolutions, masked products

## Main definitions and results

* `Box.productLeft`, `Box.productRight`: the two sides of a batched matrix product.
* `Box.conv1d`: a convolution over time, with padding, stride, dilation and groups.
* `Box.masked`: a matrix product whose left side is known to be zero where a table is.
* for each of them `mem_…`: what it reads.
* `Box.conv1d_causal`: a convolution of stride 1 that is padded on the left only reads no later position.
-/

@[expose] public noncomputable section

namespace Scanproof

namespace Box

/-- The left side of a product (`batch`, `rows`, `inner`) × (`batch`, `inner`, `cols`). -/
def productLeft (batch rows inner cols : Nat) : Box where
  axes := [⟨batch, rows * cols, rows * inner, []⟩, ⟨rows, cols, inner, []⟩, ⟨cols, 1, 0, []⟩, ⟨inner, 0, 1, []⟩]
  out := 0
  source := 0
  conditions := []

/-- Entry (b, i, j) reads entries (b, i, k) of the left side, for all k. -/
theorem mem_productLeft (batch rows inner cols : Nat) (o e : Int) :
    e ∈ (productLeft batch rows inner cols).sources o ↔
      ∃ b : Nat, b < batch ∧ ∃ i : Nat, i < rows ∧ ∃ j : Nat, j < cols ∧ ∃ k : Nat, k < inner ∧
        (rows * cols * b + cols * i + j : Int) = o ∧ (rows * inner * b + inner * i + k : Int) = e := by
  simp [mem_sources_free, productLeft, exists_counts_cons, exists_counts_nil, outOf, sourceOf]

/-- The right side of a product (`batch`, `rows`, `inner`) × (`batch`, `inner`, `cols`). -/
def productRight (batch rows inner cols : Nat) : Box where
  axes := [⟨batch, rows * cols, inner * cols, []⟩, ⟨rows, cols, 0, []⟩, ⟨cols, 1, 1, []⟩, ⟨inner, 0, cols, []⟩]
  out := 0
  source := 0
  conditions := []

/-- Entry (b, i, j) reads entries (b, k, j) of the right side, for all k. -/
theorem mem_productRight (batch rows inner cols : Nat) (o e : Int) :
    e ∈ (productRight batch rows inner cols).sources o ↔
      ∃ b : Nat, b < batch ∧ ∃ i : Nat, i < rows ∧ ∃ j : Nat, j < cols ∧ ∃ k : Nat, k < inner ∧
        (rows * cols * b + cols * i + j : Int) = o ∧ (inner * cols * b + j + cols * k : Int) = e := by
  simp [mem_sources_free, productRight, exists_counts_cons, exists_counts_nil, outOf, sourceOf]

/-- The right side of a product whose left side is known to be zero where the table (`rows`, `inner`) is. -/
def masked (batch rows inner cols : Nat) (table : Array Int) : Box where
  axes := [⟨batch, rows * cols, inner * cols, [0]⟩, ⟨rows, cols, 0, [inner]⟩, ⟨cols, 1, 1, [0]⟩, ⟨inner, 0, cols, [1]⟩]
  out := 0
  source := 0
  conditions := [(0, .mask table)]

/-- Entry (b, i, j) reads entries (b, k, j) of the right side, for all k at which row i of the table has no zero. -/
theorem mem_masked (batch rows inner cols : Nat) (table : Array Int) (o e : Int) :
    e ∈ (masked batch rows inner cols table).sources o ↔
      ∃ b : Nat, b < batch ∧ ∃ i : Nat, i < rows ∧ ∃ j : Nat, j < cols ∧ ∃ k : Nat, k < inner ∧
        (rows * cols * b + cols * i + j : Int) = o ∧ lookUp table (inner * i + k) ≠ 0 ∧
          (inner * cols * b + j + cols * k : Int) = e := by
  simp [mem_sources, masked, exists_counts_cons, exists_counts_nil, outOf, sourceOf, conditionsOf, advance, resolve]

/--
A convolution of (`batch`, `groups` × `ins`, `size`) to (`batch`, `groups` × `outs`, `count`) with `taps` taps, `before` entries of
padding on the left and any on the right.
-/
def conv1d (batch groups ins outs size count taps before stride dilation : Nat) : Box where
  axes := [⟨batch, groups * outs * count, groups * ins * size, [0]⟩, ⟨groups, outs * count, ins * size, [0]⟩,
    ⟨outs, count, 0, [0]⟩, ⟨ins, 0, size, [0]⟩, ⟨count, 1, stride, [stride]⟩, ⟨taps, 0, dilation, [dilation]⟩]
  out := 0
  source := -before
  conditions := [(-before, .below size)]

/--
Entry (b, g, j, t) reads, for all channels i of its group and all taps k, the entry (b, g, i, s) with
s = stride t + dilation k - before, if there is one.
-/
theorem mem_conv1d (batch groups ins outs size count taps before stride dilation : Nat) (o e : Int) :
    e ∈ (conv1d batch groups ins outs size count taps before stride dilation).sources o ↔
      ∃ b : Nat, b < batch ∧ ∃ g : Nat, g < groups ∧ ∃ j : Nat, j < outs ∧ ∃ i : Nat, i < ins ∧ ∃ t : Nat, t < count ∧
        ∃ k : Nat, k < taps ∧ (groups * outs * count * b + outs * count * g + count * j + t : Int) = o ∧
          (0 ≤ -(before : Int) + stride * t + dilation * k ∧ -(before : Int) + stride * t + dilation * k < size) ∧
            (-(before : Int) + groups * ins * size * b + ins * size * g + size * i + stride * t + dilation * k : Int) = e := by
  simp [mem_sources, conv1d, exists_counts_cons, exists_counts_nil, outOf, sourceOf, conditionsOf, advance, resolve]

/-- With stride 1 and all padding on the left, entry (b, g, j, t) reads entries (b, g, i, s) with s up to t only. -/
theorem conv1d_causal {batch groups ins outs size count taps before dilation : Nat} (padded : dilation * (taps - 1) ≤ before) {o e : Int}
    (h : e ∈ (conv1d batch groups ins outs size count taps before 1 dilation).sources o) :
    ∃ b g j i t s : Nat, (groups * outs * count * b + outs * count * g + count * j + t : Int) = o ∧ t < count ∧ s ≤ t ∧
      (groups * ins * size * b + ins * size * g + size * i + s : Int) = e := by
  obtain ⟨b, _, g, _, j, _, i, _, t, ht, k, hk, ho, ⟨hlow, _⟩, he⟩ := (mem_conv1d ..).mp h
  have tap : dilation * k ≤ dilation * (taps - 1) := Nat.mul_le_mul_left dilation (by omega)
  have cast : ((dilation * k : Nat) : Int) = dilation * k := Int.natCast_mul ..
  simp only [Int.natCast_one, Int.one_mul] at hlow he
  refine ⟨b, g, j, i, t, (-(before : Int) + t + dilation * k).toNat, ho, ht, by omega, ?_⟩
  rw [← he]
  omega

end Box

end Scanproof
