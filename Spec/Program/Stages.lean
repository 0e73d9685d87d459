/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Program.Causal

/-!
# Stages of any length

The programs of sequence models are made of few stages, and each says the same at every length: pad on the left, convolve, scan,
cut into chunks, sum within a chunk, pass the states of chunks on, flatten. This is a language of such stages, with a check that
looks at the stages only. If it succeeds, the model is causal at every length, and for every chunk size and width that was
checked.

## Main definitions

* `Place`: an entry by row, column and channel; a row is a position or a chunk, a column a position within a chunk.
* `Stage`, `Stage.reads`: the stages, and what each reads.
* `Kind`, `Kind.bound`: how far a stage's entries may look.
* `stageKinds`: the check; it computes the kind of each stage.
* `stageProgram`: the program of a list of stages, with any operations.

## Main results

* `stageProgram_certified`: the kinds that are computed are certified.
* `stageProgram_causal`: a program whose last stage is of the kind `time` is causal, at every length.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- An entry of a stage. -/
structure Place where
  /-- The position, or the chunk. -/
  row : Nat
  /-- The position within the chunk; zero where there are no chunks. -/
  col : Nat
  /-- The channel. -/
  channel : Nat

/-- What a stage does; `source`, `sources` and `state` are numbers of earlier stages, `width` a number of channels. -/
inductive Stage where
  /-- The tokens. -/
  | input
  /-- A function of the same entry of each source. -/
  | pointwise (sources : List Nat)
  /-- A function of the first `width` channels of each source at the same place: linear layers, norms, products with a state. -/
  | project (width : Nat) (sources : List Nat)
  /-- `count` positions of padding before the first. -/
  | padLeft (count source : Nat)
  /-- A function of `count` positions, the own one first, `dilation` apart: a convolution without padding. -/
  | taps (count dilation source : Nat)
  /-- A function of all positions up to the own one, all channels of them: a scan, a cumulative sum, masked attention. -/
  | scan (width source : Nat)
  /-- Cut the positions into chunks of `size`. -/
  | chunk (size source : Nat)
  /-- A function of all positions of the chunk up to the own one. -/
  | withinChunk (width source : Nat)
  /-- A function of a whole chunk. -/
  | chunkState (width size source : Nat)
  /-- A function of all earlier chunks. -/
  | passState (width source : Nat)
  /-- A function of the same place and of its chunk's state. -/
  | join (width source state : Nat)
  /-- Lay chunks of `size` end to end. -/
  | flatten (size source : Nat)

/-- The channels of a place of a stage. -/
def channels (width stage : Nat) (i : Place) : List (Nat × Place) :=
  (List.range width).map fun d => (stage, { i with channel := d })

/-- The entries that an entry of a stage reads, each with its stage. -/
def Stage.reads : Stage → Place → List (Nat × Place)
  | .input, _ => []
  | .pointwise sources, i => sources.map fun s => (s, i)
  | .project width sources, i => sources.flatMap fun s => channels width s i
  | .padLeft count s, i => if count ≤ i.row then [(s, { i with row := i.row - count })] else []
  | .taps count dilation s, i => (List.range count).map fun j => (s, { i with row := i.row + j * dilation })
  | .scan width s, i => (List.range (i.row + 1)).flatMap fun t => channels width s { i with row := t }
  | .chunk size s, i => [(s, { i with row := size * i.row + i.col, col := 0 })]
  | .withinChunk width s, i => (List.range (i.col + 1)).flatMap fun m => channels width s { i with col := m }
  | .chunkState width size s, i => (List.range size).flatMap fun m => channels width s { i with col := m }
  | .passState width s, i => (List.range i.row).flatMap fun c => channels width s { i with row := c }
  | .join width s state, i => channels width s i ++ channels width state { i with col := 0 }
  | .flatten size s, i => [(s, { i with row := i.row / size, col := i.row % size })]

/-- How far the entries of a stage may look. -/
inductive Kind where
  /-- Rows are positions; an entry looks at its own position and earlier ones, less the last `delay`. -/
  | time (delay : Nat)
  /-- Rows are chunks, columns positions in them; an entry looks at its own position and earlier ones. -/
  | chunked (size : Nat)
  /-- Rows are chunks; an entry looks at its own chunk and earlier ones. -/
  | chunkEnd (size : Nat)
  /-- Rows are chunks; an entry looks at earlier chunks. -/
  | chunkStart (size : Nat)

/-- How many positions, from the first on, an entry may look at. -/
def Kind.bound : Kind → Place → Nat
  | .time delay, i => i.row + 1 - delay
  | .chunked size, i => size * i.row + i.col + 1
  | .chunkEnd size, i => size * i.row + size
  | .chunkStart size, i => size * i.row

/-- The kind of a function of entries of two kinds. -/
def Kind.meet : Kind → Kind → Option Kind
  | .time d, .time e => some (.time (min d e))
  | .chunked a, .chunked b => if a = b then some (.chunked a) else none
  | .chunkEnd a, .chunkEnd b => if a = b then some (.chunkEnd a) else none
  | .chunkStart a, .chunkStart b => if a = b then some (.chunkStart a) else none
  | _, _ => none

/-- The kind of a function of the same place of several stages; at least one. -/
def meetAll (kinds : List Kind) : List Nat → Option Kind
  | [] => none
  | [s] => kinds[s]?
  | s :: sources =>
    match kinds[s]?, meetAll kinds sources with
    | some a, some b => a.meet b
    | _, _ => none

/-- The kind of a stage, from the kinds of the earlier ones; none if it may look ahead, or if the sources do not fit. -/
def Stage.kind (kinds : List Kind) : Stage → Option Kind
  | .input => some (.time 0)
  | .pointwise sources => meetAll kinds sources
  | .project _ sources => meetAll kinds sources
  | .padLeft count s =>
    match kinds[s]? with
    | some (.time delay) => some (.time (delay + count))
    | _ => none
  | .taps count dilation s =>
    match kinds[s]? with
    | some (.time delay) => if (count - 1) * dilation ≤ delay then some (.time (delay - (count - 1) * dilation)) else none
    | _ => none
  | .scan _ s =>
    match kinds[s]? with
    | some (.time delay) => some (.time delay)
    | _ => none
  | .chunk size s =>
    match kinds[s]? with
    | some (.time _) => some (.chunked size)
    | _ => none
  | .withinChunk _ s =>
    match kinds[s]? with
    | some (.chunked size) => some (.chunked size)
    | _ => none
  | .chunkState _ size s =>
    match kinds[s]? with
    | some (.chunked size') => if size = size' then some (.chunkEnd size) else none
    | _ => none
  | .passState _ s =>
    match kinds[s]? with
    | some (.chunkEnd size) => some (.chunkStart size)
    | _ => none
  | .join _ s state =>
    match kinds[s]?, kinds[state]? with
    | some (.chunked size), some (.chunkStart size') => if size = size' then some (.chunked size) else none
    | _, _ => none
  | .flatten size s =>
    match kinds[s]? with
    | some (.chunked size') => if size = size' then some (.time 0) else none
    | _ => none

/-- The kinds of some more stages, after those of the earlier ones. -/
def stageKindsFrom : List Stage → List Kind → Option (List Kind)
  | [], kinds => some kinds
  | stage :: stages, kinds =>
    match stage.kind kinds with
    | some kind => stageKindsFrom stages (kinds ++ [kind])
    | none => none

/-- The kinds of all stages; none if one of them may look ahead. -/
def stageKinds (stages : List Stage) : Option (List Kind) := stageKindsFrom stages []

/-- The program of a list of stages, its entries computed by any operations. -/
def stageProgram {α : Type} (stages : List Stage) (ops : Nat → Place → List α → α) : Program Place α where
  node k :=
    match stages[k]? with
    | some .input => .input
    | some stage => .compute stage.reads (ops k)
    | none => .compute (fun _ => []) (ops k)

private theorem meet_le {a b c : Kind} (h : a.meet b = some c) (i : Place) : a.bound i ≤ c.bound i ∧ b.bound i ≤ c.bound i := by
  unfold Kind.meet at h
  split at h
  · obtain rfl := Option.some.inj h
    simp only [Kind.bound]
    omega
  all_goals first
    | contradiction
    | (split at h
       · next heq =>
         obtain rfl := Option.some.inj h
         subst heq
         exact ⟨Nat.le_refl _, Nat.le_refl _⟩
       · contradiction)

private theorem meetAll_le {kinds : List Kind} {sources : List Nat} {c : Kind} (h : meetAll kinds sources = some c) :
    ∀ s ∈ sources, ∃ a, kinds[s]? = some a ∧ ∀ i, a.bound i ≤ c.bound i := by
  induction sources generalizing c with
  | nil => exact fun _ hs => absurd hs List.not_mem_nil
  | cons first rest ih =>
    intro s hs
    cases rest with
    | nil =>
      obtain rfl := List.mem_singleton.mp hs
      exact ⟨c, h, fun _ => Nat.le_refl _⟩
    | cons second rest =>
      rw [meetAll] at h
      split at h
      · next a b ha hb =>
        rcases List.mem_cons.mp hs with rfl | hs
        · exact ⟨a, ha, fun i => (meet_le h i).1⟩
        · obtain ⟨a', ha', hle⟩ := ih hb s hs
          exact ⟨a', ha', fun i => Nat.le_trans (hle i) (meet_le h i).2⟩
      · contradiction
      · simp

private theorem bound_channel (kind : Kind) (i : Place) (d : Nat) : kind.bound { i with channel := d } = kind.bound i := by
  cases kind <;> rfl

private theorem mem_channels {width stage : Nat} {i : Place} {q : Nat × Place} (h : q ∈ channels width stage i) :
    ∃ d, q = (stage, { i with channel := d }) := by
  obtain ⟨d, _, rfl⟩ := List.mem_map.mp h
  exact ⟨d, rfl⟩

private theorem Stage.kind_le {stage : Stage} {kinds : List Kind} {c : Kind} (h : stage.kind kinds = some c) (i : Place) :
    ∀ q ∈ stage.reads i, ∃ a, kinds[q.1]? = some a ∧ a.bound q.2 ≤ c.bound i := by
  intro q hq
  cases stage with
  | input => exact absurd hq List.not_mem_nil
  | pointwise sources =>
    obtain ⟨s, hs, rfl⟩ := List.mem_map.mp hq
    obtain ⟨a, ha, hle⟩ := meetAll_le h s hs
    exact ⟨a, ha, hle i⟩
  | project width sources =>
    obtain ⟨s, hs, hq⟩ := List.mem_flatMap.mp hq
    obtain ⟨d, rfl⟩ := mem_channels hq
    obtain ⟨a, ha, hle⟩ := meetAll_le h s hs
    exact ⟨a, ha, by rw [bound_channel]; exact hle i⟩
  | padLeft count s =>
    simp only [Stage.kind] at h
    split at h
    · next delay hs =>
      obtain rfl := Option.some.inj h
      simp only [Stage.reads] at hq
      split at hq
      · obtain rfl := List.mem_singleton.mp hq
        refine ⟨_, hs, ?_⟩
        simp only [Kind.bound]
        omega
      · contradiction
    · contradiction
  | taps count dilation s =>
    simp only [Stage.kind] at h
    split at h
    · next delay hs =>
      split at h
      · next hle =>
        obtain rfl := Option.some.inj h
        obtain ⟨j, hj, rfl⟩ := List.mem_map.mp hq
        have hj := List.mem_range.mp hj
        have : j * dilation ≤ (count - 1) * dilation := Nat.mul_le_mul_right dilation (by omega)
        refine ⟨_, hs, ?_⟩
        simp only [Kind.bound]
        omega
      · contradiction
    · contradiction
  | scan width s =>
    simp only [Stage.kind] at h
    split at h
    · next delay hs =>
      obtain rfl := Option.some.inj h
      obtain ⟨t, ht, hq⟩ := List.mem_flatMap.mp hq
      obtain ⟨d, rfl⟩ := mem_channels hq
      have ht := List.mem_range.mp ht
      refine ⟨_, hs, ?_⟩
      simp only [Kind.bound]
      omega
    · contradiction
  | chunk size s =>
    simp only [Stage.kind] at h
    split at h
    · next delay hs =>
      obtain rfl := Option.some.inj h
      obtain rfl := List.mem_singleton.mp hq
      refine ⟨_, hs, ?_⟩
      simp only [Kind.bound]
      omega
    · contradiction
  | withinChunk width s =>
    simp only [Stage.kind] at h
    split at h
    · next size hs =>
      obtain rfl := Option.some.inj h
      obtain ⟨m, hm, hq⟩ := List.mem_flatMap.mp hq
      obtain ⟨d, rfl⟩ := mem_channels hq
      have hm := List.mem_range.mp hm
      refine ⟨_, hs, ?_⟩
      simp only [Kind.bound]
      omega
    · contradiction
  | chunkState width size s =>
    simp only [Stage.kind] at h
    split at h
    · next size' hs =>
      split at h
      · next heq =>
        obtain rfl := Option.some.inj h
        subst heq
        obtain ⟨m, hm, hq⟩ := List.mem_flatMap.mp hq
        obtain ⟨d, rfl⟩ := mem_channels hq
        have hm := List.mem_range.mp hm
        refine ⟨_, hs, ?_⟩
        simp only [Kind.bound]
        omega
      · contradiction
    · contradiction
  | passState width s =>
    simp only [Stage.kind] at h
    split at h
    · next size hs =>
      obtain rfl := Option.some.inj h
      obtain ⟨c, hc, hq⟩ := List.mem_flatMap.mp hq
      obtain ⟨d, rfl⟩ := mem_channels hq
      have hc := List.mem_range.mp hc
      refine ⟨_, hs, ?_⟩
      simp only [Kind.bound]
      rw [← Nat.mul_succ]
      exact Nat.mul_le_mul_left size hc
    · contradiction
  | join width s state =>
    simp only [Stage.kind] at h
    split at h
    · next size size' hs hstate =>
      split at h
      · next heq =>
        obtain rfl := Option.some.inj h
        subst heq
        rcases List.mem_append.mp hq with hq | hq
        · obtain ⟨d, rfl⟩ := mem_channels hq
          exact ⟨_, hs, Nat.le_refl _⟩
        · obtain ⟨d, rfl⟩ := mem_channels hq
          refine ⟨_, hstate, ?_⟩
          simp only [Kind.bound]
          omega
      · contradiction
    · contradiction
  | flatten size s =>
    simp only [Stage.kind] at h
    split at h
    · next size' hs =>
      split at h
      · next heq =>
        obtain rfl := Option.some.inj h
        subst heq
        obtain rfl := List.mem_singleton.mp hq
        refine ⟨_, hs, ?_⟩
        simp only [Kind.bound]
        rw [Nat.div_add_mod]
        omega
      · contradiction
    · contradiction

private theorem stageKindsFrom_spec (stages done : List Stage) {kinds result : List Kind}
    (h : stageKindsFrom stages kinds = some result) (len : kinds.length = done.length)
    (hdone : ∀ (k : Nat) stage, done[k]? = some stage → ∃ c, kinds[k]? = some c ∧ ∃ before, stage.kind before = some c ∧
      ∀ j < k, before[j]? = kinds[j]?) :
    result.length = (done ++ stages).length ∧
    ∀ (k : Nat) stage, (done ++ stages)[k]? = some stage → ∃ c, result[k]? = some c ∧ ∃ before, stage.kind before = some c ∧
      ∀ j < k, before[j]? = result[j]? := by
  induction stages generalizing done kinds with
  | nil =>
    obtain rfl := Option.some.inj h
    simp only [List.append_nil]
    exact ⟨len, hdone⟩
  | cons stage stages ih =>
    rw [stageKindsFrom] at h
    split at h
    · next kind hkind =>
      have step := ih (done ++ [stage]) (kinds := kinds ++ [kind]) h
        (by simp only [List.length_append, List.length_cons, List.length_nil, len]) (fun k s hs => by
          by_cases hlt : k < done.length
          · rw [List.getElem?_append_left hlt] at hs
            obtain ⟨c, hc, before, hb, agree⟩ := hdone k s hs
            refine ⟨c, by rw [List.getElem?_append_left (len ▸ hlt)]; exact hc, before, hb, fun j hj => ?_⟩
            rw [agree j hj, List.getElem?_append_left (by omega)]
          · rw [List.getElem?_append_right (Nat.not_lt.mp hlt)] at hs
            have hk : k = done.length := by
              have := (List.getElem?_eq_some_iff.mp hs).1
              simp only [List.length_cons, List.length_nil] at this
              omega
            subst hk
            rw [Nat.sub_self] at hs
            obtain rfl := Option.some.inj hs
            refine ⟨kind, by rw [← len, List.getElem?_concat_length], kinds, hkind, fun j hj => ?_⟩
            rw [List.getElem?_append_left (by omega)])
      simpa only [List.append_assoc, List.singleton_append] using step
    · contradiction

/-- How many positions an entry of a stage may look at, by the computed kinds. -/
def stageBound (kinds : List Kind) (k : Nat) (i : Place) : Nat :=
  match kinds[k]? with
  | some kind => kind.bound i
  | none => 0

/-- The computed kinds are certified: an entry depends only on tokens at positions below its bound. -/
theorem stageProgram_certified {α : Type} {stages : List Stage} {kinds : List Kind} (h : stageKinds stages = some kinds)
    (ops : Nat → Place → List α → α) :
    (stageProgram stages ops).Certified fun k i _ i' => i'.row + 1 ≤ stageBound kinds k i := by
  obtain ⟨_, spec⟩ := stageKindsFrom_spec stages [] (kinds := []) h rfl fun _ _ hs => by simp at hs
  rw [List.nil_append] at spec
  constructor
  · intro k i hk
    unfold stageProgram at hk
    simp only at hk
    split at hk
    · next hs =>
      obtain ⟨c, hc, _, hkind, _⟩ := spec k _ hs
      obtain rfl := Option.some.inj hkind
      rw [stageBound, hc]
      exact Nat.le_refl _
    · contradiction
    · contradiction
  · intro k reads op hk i q hq hlt _ i' hle
    refine Nat.le_trans hle ?_
    unfold stageProgram at hk
    simp only at hk
    split at hk
    · contradiction
    · next stage _ hs =>
      obtain ⟨rfl, _⟩ := Node.compute.inj hk
      obtain ⟨c, hc, before, hkind, agree⟩ := spec k stage hs
      obtain ⟨a, ha, hle⟩ := Stage.kind_le hkind i q hq
      rw [agree q.1 hlt] at ha
      rw [stageBound, stageBound, ha, hc]
      exact hle
    · obtain ⟨rfl, _⟩ := Node.compute.inj hk
      contradiction

/-- The outputs at a position: the first `width` channels of a stage. -/
def stageOutputs (stage width t : Nat) : List (Nat × Place) := channels width stage ⟨t, 0, 0⟩

/--
If the check of the stages succeeds and finds that a stage is of the kind `time`, then that stage is causal: at every length,
for every operation of every stage, over every type of scalars.
-/
theorem stageProgram_causal {α τ : Type} {stages : List Stage} {kinds : List Kind} (h : stageKinds stages = some kinds)
    {stage delay : Nat} (hstage : kinds[stage]? = some (.time delay)) (width : Nat) (ops : Nat → Place → List α → α)
    (load : Option τ → Nat → Place → α) :
    Causal ((stageProgram stages ops).runList load (fun _ i => i.row) (stageOutputs stage width)) :=
  Program.causal_of_dependsOnly load fun t e he => by
    obtain ⟨d, rfl⟩ := mem_channels he
    refine ((stageProgram_certified h ops).dependsOnly stage ⟨t, 0, d⟩).mono fun _ i hle => ?_
    rw [stageBound, hstage] at hle
    simp only [Kind.bound] at hle
    omega

end Scanproof
