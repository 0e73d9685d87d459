/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causal
public import Spec.Tensor

/-!
# The foundation, restated

Each public theorem of `Spec.Scalar`, `Spec.Tensor`, `Spec.Runner` and `Spec.Causal`, word for word. Who weakens one breaks the build here, and
sees in one place what the library says.
-/

namespace Scanproof

/-! ## Scalar -/

section

variable {α : Type} [Scalar α]

example : @LawfulScalar Rat exactScalar := by
  apply lawfulScalar_exact <;> assumption

end

/-! ## Tensor -/

section

variable {α β γ : Type} {n : Nat}

example (f : Fin n → α) (acc : Array α) (r : Nat) (h : r ≤ n) (hacc : acc.size = n - r) :
    (Vec.pushFrom f acc r h).size = n := by
  apply Vec.size_pushFrom <;> assumption

example (f : Fin n → α) (i : Fin n) : (Vec.ofFn f).get i = f i := by
  apply Vec.get_ofFn <;> assumption

example {v w : Vec α n} (h : ∀ i, v.get i = w.get i) : v = w := by
  apply Vec.ext <;> assumption

example (f : α → β) (v : Vec α n) (i : Fin n) : (v.map f).get i = f (v.get i) := by
  apply Vec.get_map <;> assumption

example (f : α → β → γ) (v : Vec α n) (w : Vec β n) (i : Fin n) :
    (Vec.zipWith f v w).get i = f (v.get i) (w.get i) := by
  apply Vec.get_zipWith <;> assumption

end

/-! ## Runner -/

section

variable {σ ι ο : Type}

example (r : Runner σ ι ο) (s : σ) : r.runList s [] = (s, []) := by
  apply Runner.runList_nil <;> assumption

example (r : Runner σ ι ο) (s : σ) (x : ι) (xs : List ι) :
    r.runList s (x :: xs) =
      ((r.runList (r.step s x).1 xs).1, (r.step s x).2 :: (r.runList (r.step s x).1 xs).2) := by
  apply Runner.runList_cons <;> assumption

example (r : Runner σ ι ο) (s : σ) (xs ys : List ι) :
    r.runList s (xs ++ ys) =
      ((r.runList (r.runList s xs).1 ys).1, (r.runList s xs).2 ++ (r.runList (r.runList s xs).1 ys).2) := by
  apply Runner.runList_append <;> assumption

example (r : Runner σ ι ο) (s : σ) (xs ys : List ι) :
    (r.runList s (xs ++ ys)).1 = (r.runList (r.runList s xs).1 ys).1 := by
  apply Runner.state_append <;> assumption

example (r : Runner σ ι ο) (s : σ) (xs : List ι) :
    (r.runList s xs).2.length = xs.length := by
  apply Runner.length_outputs <;> assumption

example (r : Runner σ ι ο) (s : σ) (xs ys : List ι) :
    (r.runList s (xs ++ ys)).2.take xs.length = (r.runList s xs).2 := by
  apply Runner.take_outputs_append <;> assumption

example (r : Runner σ ι ο) (s : σ) (xs ys : List ι) :
    (r.runList s (xs ++ ys)).2.drop xs.length = (r.runList (r.runList s xs).1 ys).2 := by
  apply Runner.drop_outputs_append <;> assumption

example (r : Runner σ ι ο) (s : σ) (xs : List ι) (k : Nat) :
    (r.runList s xs).2.take k = (r.runList s (xs.take k)).2 := by
  apply Runner.take_outputs <;> assumption

example (r : Runner σ ι ο) (s : σ) (xs : List ι) (k : Nat) :
    (r.runList s xs).2.drop k = (r.runList (r.runList s (xs.take k)).1 (xs.drop k)).2 := by
  apply Runner.drop_outputs <;> assumption

example (r : Runner σ ι ο) (s : σ) (xs : List ι) (i : Nat) (h : i < xs.length) :
    (r.runList s xs).2[i]'(by simpa only [Runner.length_outputs] using h) =
      (r.step (r.runList s (xs.take i)).1 xs[i]).2 := by
  apply Runner.getElem_outputs <;> assumption

example (r : Runner σ ι ο) (s : σ) {xs ys : List ι} {k : Nat} (h : xs.take k = ys.take k) :
    (r.runList s xs).2.take k = (r.runList s ys).2.take k := by
  apply Runner.take_outputs_congr <;> assumption

example : @Runner.runList = @Runner.runListTR := by
  apply Runner.runList_eq_runListTR <;> assumption

end

/-! ## Causal -/

section

variable {ι κ μ ο : Type} {f : List ι → List κ} {g : List κ → List ο}

example (hf : Causal f) (xs : List ι) (k : Nat) : (f xs).take k = f (xs.take k) := by
  apply Causal.take_eq <;> assumption

example (hf : Causal f) {xs ys : List ι} {k : Nat} (h : xs.take k = ys.take k) :
    (f xs).take k = (f ys).take k := by
  apply Causal.take_congr <;> assumption

example (hf : Causal f) (xs : List ι) (i : Nat) (h : i < xs.length) :
    (f xs)[i]? = (f (xs.take (i + 1))).getLast? := by
  apply Causal.getElem_eq <;> assumption

example : Causal fun xs : List ι => xs := by
  apply Causal.id <;> assumption

example (h : ι → ο) : Causal (List.map h) := by
  apply Causal.map <;> assumption

example (hg : Causal g) (hf : Causal f) : Causal fun xs => g (f xs) := by
  apply Causal.comp <;> assumption

example {f' : List ι → List μ} (op : κ → μ → ο) (hf : Causal f) (hf' : Causal f') :
    Causal fun xs => List.zipWith op (f xs) (f' xs) := by
  apply Causal.zipWith <;> assumption

example {f' : List ι → List μ} (hf : Causal f) (hf' : Causal f') : Causal fun xs => (f xs).zip (f' xs) := by
  apply Causal.pair <;> assumption

example {layer : List ι → List ι} (add : ι → ι → ι) (h : Causal layer) :
    Causal fun xs => List.zipWith add xs (layer xs) := by
  apply Causal.residual <;> assumption

example {f' : List ι → List μ} (mul : κ → μ → ο) (hf : Causal f) (hf' : Causal f') :
    Causal fun xs => List.zipWith mul (f xs) (f' xs) := by
  apply Causal.gate <;> assumption

example (first : ι) : Causal fun xs : List ι => (first :: xs).take xs.length := by
  apply Causal.shift <;> assumption

example {layers : List (List ι → List ι)} (h : ∀ layer ∈ layers, Causal layer) :
    Causal fun xs => layers.foldl (fun hidden layer => layer hidden) xs := by
  apply Causal.stack <;> assumption

example {σ ι ο : Type} (r : Runner σ ι ο) (s : σ) : Causal fun xs => (r.runList s xs).2 := by
  apply Runner.causal <;> assumption

example {ι ο : Type} {f : List ι → List ο} :
    Causal f ↔
      (∀ xs, (f xs).length = xs.length) ∧
        ∀ (xs ys : List ι) (k : Nat), xs.take k = ys.take k → (f xs).take k = (f ys).take k := by
  apply causal_iff_take_congr <;> assumption

example {ι ο : Type} {f : List ι → List ο} :
    Causal f ↔ ∃ (σ : Type) (r : Runner σ ι ο) (s : σ), ∀ xs, f xs = (r.runList s xs).2 := by
  apply causal_iff_exists_runner <;> assumption

end

end Scanproof
