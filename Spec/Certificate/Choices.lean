/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

/-!
# Finite choices

A draw of `m` values, each uniformly from a finite list `S` and independently, is one of the `S.length ^ m` families of
values from `S`, all equally likely. Probabilities over such draws are counts of families, and no measure is needed.

## Main definitions

* `choices S m`: every family of `m` values from `S`, once each when `S` has no duplicates.

## Main results

* `mem_choices`, `nodup_choices`, `length_choices`: that is what it lists.
* `countP_choices_forall`: independent conditions multiply.
* `countP_choices_succ_le`: a condition that few first values can meet, unless the others satisfy a rare condition, is rare.
* `countP_choices_line_mul_le`, `countP_choices_mul_length_le`: a condition that at most `q` values of some entry can meet,
  whatever the other entries are, holds for at most `q` in `S.length` families.
-/

@[expose] public noncomputable section

namespace Scanproof

variable {β : Type}

/-- The family whose first value is `x` and whose other values are those of `v`. -/
def prepend {m : Nat} (x : β) (v : Fin m → β) : Fin (m + 1) → β := Fin.cases x v

/-- Every family of `m` values from the list `S`. -/
def choices (S : List β) : (m : Nat) → List (Fin m → β)
  | 0 => [fun k => k.elim0]
  | m + 1 => S.flatMap fun x => (choices S m).map (prepend x)

private theorem prepend_zero {m : Nat} (x : β) (v : Fin m → β) : prepend x v 0 = x := rfl

private theorem prepend_succ {m : Nat} (x : β) (v : Fin m → β) (k : Fin m) : prepend x v k.succ = v k := rfl

private theorem prepend_eta {m : Nat} (v : Fin (m + 1) → β) : prepend (v 0) (fun k => v k.succ) = v :=
  funext fun k => Fin.cases rfl (fun _ => rfl) k

private theorem prepend_inj {m : Nat} {x y : β} {v w : Fin m → β} (h : prepend x v = prepend y w) : x = y ∧ v = w :=
  ⟨congrFun h 0, funext fun k => congrFun h k.succ⟩

/-- There are `S.length ^ m` families. -/
theorem length_choices (S : List β) (m : Nat) : (choices S m).length = S.length ^ m := by
  induction m with
  | zero => rfl
  | succ m ih =>
    rw [choices, Nat.pow_succ, Nat.mul_comm, ← ih]
    clear ih
    generalize choices S m = L
    induction S with
    | nil => simp only [List.flatMap_nil, List.length_nil, Nat.zero_mul]
    | cons x S ihS =>
      rw [List.flatMap_cons, List.length_append, List.length_map, ihS, List.length_cons, Nat.succ_mul, Nat.add_comm]

/-- They are the families all of whose values are in `S`. -/
theorem mem_choices {S : List β} {m : Nat} {v : Fin m → β} : v ∈ choices S m ↔ ∀ k, v k ∈ S := by
  induction m with
  | zero => exact ⟨fun _ k => k.elim0, fun _ => List.mem_singleton.2 (funext fun k => k.elim0)⟩
  | succ m ih =>
    simp only [choices, List.mem_flatMap, List.mem_map]
    constructor
    · rintro ⟨x, hx, w, hw, rfl⟩ k
      exact Fin.cases hx (fun k => ih.1 hw k) k
    · intro h
      exact ⟨v 0, h 0, _, ih.2 fun k => h k.succ, prepend_eta v⟩

/-- No family is listed twice when `S` has no duplicates. -/
theorem nodup_choices {S : List β} (hS : S.Nodup) (m : Nat) : (choices S m).Nodup := by
  induction m with
  | zero => exact List.pairwise_singleton _ _
  | succ m ih =>
    refine List.pairwise_flatMap.2 ⟨fun x _ => ?_, hS.imp fun {x y} hxy v hv w hw hvw => ?_⟩
    · exact ih.map _ fun v w hvw h => hvw (prepend_inj h).2
    · obtain ⟨v', _, rfl⟩ := List.mem_map.1 hv
      obtain ⟨w', _, rfl⟩ := List.mem_map.1 hw
      exact hxy (prepend_inj hvw).1

private theorem countP_flatMap_map {γ δ : Type} (p : δ → Bool) (f : β → γ → δ) (S : List β) (L : List γ) :
    (S.flatMap fun x => L.map (f x)).countP p = (S.map fun x => L.countP fun v => p (f x v)).sum := by
  simp only [List.countP_flatMap, Function.comp_def, List.countP_map]

/--
Independent conditions multiply: the families all of whose values satisfy `p` are as many as the `m`-th power of the
number of values that do.
-/
theorem countP_choices_forall (p : β → Bool) (S : List β) (m : Nat) :
    (choices S m).countP (fun v => decide (∀ k, p (v k) = true)) = S.countP p ^ m := by
  induction m with
  | zero => rfl
  | succ m ih =>
    have split (x : β) (v : Fin m → β) :
        decide (∀ k, p (prepend x v k) = true) = (p x && decide (∀ k, p (v k) = true)) := by
      rw [Bool.eq_iff_iff, decide_eq_true_iff, Bool.and_eq_true, decide_eq_true_iff, Fin.forall_fin_succ]
      rfl
    rw [choices, countP_flatMap_map, Nat.pow_succ, Nat.mul_comm, ← ih]
    simp only [split]
    clear ih
    generalize choices S m = L
    induction S with
    | nil => simp only [List.map_nil, List.sum_nil, List.countP_nil, Nat.zero_mul]
    | cons x S ihS =>
      rw [List.map_cons, List.sum_cons, ihS]
      cases hx : p x <;> simp [hx, Nat.succ_mul, Nat.add_comm]

private theorem sum_map_le {γ : Type} (f : γ → Nat) (c : Nat) (L : List γ) (h : ∀ v ∈ L, f v ≤ c) :
    (L.map f).sum ≤ L.length * c := by
  induction L with
  | nil => simp
  | cons v L ih =>
    rw [List.map_cons, List.sum_cons, List.length_cons, Nat.succ_mul, Nat.add_comm]
    exact Nat.add_le_add (ih fun w hw => h w (List.mem_cons_of_mem v hw)) (h v List.mem_cons_self)

private theorem sum_map_mul {γ : Type} (f : γ → Nat) (c : Nat) (L : List γ) :
    (L.map f).sum * c = (L.map fun v => f v * c).sum := by
  induction L with
  | nil => simp
  | cons v L ih => simp [Nat.add_mul, ih]

private theorem sum_countP_comm {γ : Type} (p : β → γ → Bool) (S : List β) (L : List γ) :
    (S.map fun x => L.countP (p x)).sum = (L.map fun v => S.countP fun x => p x v).sum := by
  induction S with
  | nil =>
    induction L with
    | nil => rfl
    | cons v L ih => simpa using ih
  | cons x S ih =>
    rw [List.map_cons, List.sum_cons, ih]
    clear ih
    induction L with
    | nil => rfl
    | cons v L ih =>
      simp only [List.countP_cons, List.map_cons, List.sum_cons] at ih ⊢
      omega

private theorem sum_map_le_countP_mul {γ : Type} (f : γ → Nat) (z : γ → Bool) (c q : Nat) (L : List γ)
    (hc : ∀ v, f v ≤ c) (hq : ∀ v, z v = false → f v ≤ q) : (L.map f).sum ≤ L.countP z * c + q * L.length := by
  induction L with
  | nil => simp
  | cons v L ih =>
    rw [List.map_cons, List.sum_cons, List.countP_cons, List.length_cons, Nat.mul_succ]
    cases hz : z v with
    | false =>
      have := hq v hz
      rw [if_neg (by simp), Nat.add_zero]
      omega
    | true =>
      have := hc v
      rw [if_pos rfl, Nat.succ_mul]
      omega

/--
If the other values leave at most `q` first values with which a family satisfies `p`, unless those others satisfy `z`, then
the families that satisfy `p` are at most the families of others that satisfy `z`, with any first value, and `q` for each
family of others.
-/
theorem countP_choices_succ_le {S : List β} {m q : Nat} (p : (Fin (m + 1) → β) → Bool) (z : (Fin m → β) → Bool)
    (h : ∀ v, z v = false → S.countP (fun x => p (prepend x v)) ≤ q) :
    (choices S (m + 1)).countP p ≤ (choices S m).countP z * S.length + q * S.length ^ m := by
  rw [choices, countP_flatMap_map, sum_countP_comm, ← length_choices S m]
  exact sum_map_le_countP_mul _ z _ _ _ (fun _ => List.countP_le_length) h

private theorem countP_le_one {S : List β} (hS : S.Nodup) (p : β → Bool)
    (h : ∀ x y, p x = true → p y = true → x = y) : S.countP p ≤ 1 := by
  induction S with
  | nil => exact Nat.zero_le 1
  | cons x S ih =>
    obtain ⟨hx, hS⟩ := List.nodup_cons.1 hS
    rw [List.countP_cons]
    split
    · rename_i px
      have : S.countP p = 0 := List.countP_eq_zero.2 fun y hy py => hx (h x y px py ▸ hy)
      omega
    · exact ih hS

/--
If the other values of a family, whatever they are, leave at most `q` values of entry `k` with which it satisfies `p`, at most
`q` families in `S.length` satisfy `p`. A line runs through the values of entry `k` and holds the others.
-/
theorem countP_choices_line_mul_le {S : List β} {m q : Nat} (p : (Fin m → β) → Bool) (k : Fin m)
    (h : ∀ line : β → Fin m → β, (∀ x, line x k = x) → (∀ x y j, j ≠ k → line x j = line y j) →
      S.countP (fun x => p (line x)) ≤ q) :
    (choices S m).countP p * S.length ≤ q * S.length ^ m := by
  induction m with
  | zero => exact k.elim0
  | succ m ih =>
    rw [choices, countP_flatMap_map, Nat.pow_succ, ← Nat.mul_assoc]
    apply Fin.cases (motive := fun i => i = k → _) _ _ k rfl
    · rintro rfl
      apply Nat.mul_le_mul_right
      rw [sum_countP_comm, Nat.mul_comm q, ← length_choices]
      refine sum_map_le _ q _ fun v _ => h (fun x => prepend x v) (fun _ => rfl) fun x y j hj => ?_
      exact Fin.cases (fun h => absurd rfl h) (fun _ _ => rfl) j hj
    · rintro i rfl
      rw [sum_map_mul, Nat.mul_comm _ S.length]
      refine sum_map_le _ _ _ fun x _ => ih _ i fun line hi hline => ?_
      refine h (fun y => prepend x (line y)) hi fun y z j hj => ?_
      exact Fin.cases (fun _ => rfl) (fun j hj => hline y z j fun e => hj (congrArg Fin.succ e)) j hj

/--
If the other values of a family leave at most one value of entry `k` with which it satisfies `p`, at most one family in
`S.length` satisfies `p`.
-/
theorem countP_choices_mul_length_le {S : List β} (hS : S.Nodup) {m : Nat} (p : (Fin m → β) → Bool) (k : Fin m)
    (h : ∀ v w, p v = true → p w = true → (∀ j, j ≠ k → v j = w j) → v k = w k) :
    (choices S m).countP p * S.length ≤ S.length ^ m := by
  rw [← Nat.one_mul (S.length ^ m)]
  refine countP_choices_line_mul_le p k fun line hk hline => countP_le_one hS _ fun x y hx hy => ?_
  rw [← hk x, ← hk y]
  exact h _ _ hx hy (hline x y)

end Scanproof
