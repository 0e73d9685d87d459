/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Natural.Hom
public import Spec.Scan.GeneralizedDelta
public import Spec.Scan.LinearRecurrence
public import Spec.Scan.MinGru
public import Spec.Scan.Mlstm
public import Spec.Scan.Rwkv6

/-!
# Scans on images

For each recurrent family, a homomorphism of scalars maps a run to the run on the images of state and tokens. No law of
arithmetic is assumed of either scalar.

## Main definitions

* `DiagonalTransition.map`, `MinGruToken.map`, `LinearAttentionToken.map`, `Rwkv6Token.map`, `MlstmToken.map`,
  `MlstmLogToken.map`, `MlstmGateToken.map`, `MlstmState.map`, `DeltaToken.map`, `GeneralizedDeltaToken.map`, `CombaToken.map`: the image of each entry.

## Main results

* `linearState_map`, `runDiagonalTransitions_map`, `diagonalSelectiveScan_map`, `minGru_map`, `linearAttention_map`, `rwkv6_map`,
  `mlstm_map`, `stabilisedMlstm_map`, `preactivatedMlstm_map`, `deltaRule_map`, `generalizedDeltaRule_map`, `comba_map`: the run on images is the image
  of the run.
* `glaToken_map`, `rgLruToken_map`, `ofScalar_map`, `mlstmToken_map`, `gatedDeltaToken_map`, `deltaNetToken_map`: the tokens of the
  members of a family, so that gated linear attention, RG-LRU, retention and Gated DeltaNet are included.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- A map that keeps sums and products maps the linear recurrence to the recurrence of the images. -/
theorem linearState_map {R S : Type} [Lean.Grind.Semiring R] [Lean.Grind.Semiring S] (f : R → S)
    (add : ∀ x y, f (x + y) = f x + f y) (mul : ∀ x y, f (x * y) = f x * f y) (a b : Nat → R) (h0 : R) (t : Nat) :
    linearState (fun s => f (a s)) (fun s => f (b s)) (f h0) t = f (linearState a b h0 t) := by
  induction t with
  | zero => rfl
  | succ t ih => rw [linearState, linearState, ih, add, mul]

variable {α β : Type} {n keyDim valueDim : Nat}

/-! ## Diagonal scans -/

/-- The image of both coefficients. -/
def DiagonalTransition.map (f : α → β) (t : DiagonalTransition α n) : DiagonalTransition β n := ⟨t.a.map f, t.b.map f⟩

/-- The image of gate and candidate. -/
def MinGruToken.map (f : α → β) (t : MinGruToken α n) : MinGruToken β n := ⟨t.z.map f, t.candidate.map f⟩

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β)

/-- The image of a transition takes the image of a state to the image of the next one. -/
theorem DiagonalTransition.apply_map (t : DiagonalTransition α n) (h : Tensor α [n]) :
    (t.map f).apply (h.map f) = (t.apply h).map f := by
  simp only [apply, map, f.mul_map, f.add_map]

private theorem diagonalScanRunner_map (h : Tensor α [n]) (ts : List (DiagonalTransition α n)) :
    (diagonalScanRunner β n).runList (h.map f) (ts.map (·.map f)) =
      (((diagonalScanRunner α n).runList h ts).1.map f, ((diagonalScanRunner α n).runList h ts).2.map (Vec.map f)) :=
  Runner.runList_map (fun h t => by simp only [diagonalScanRunner, t.apply_map f h]) h ts

/-- The state after the images of some transitions is the image of the state after them. -/
theorem runDiagonalTransitions_map (h0 : Tensor α [n]) (ts : List (DiagonalTransition α n)) :
    runDiagonalTransitions (h0.map f) (ts.map (·.map f)) = (runDiagonalTransitions h0 ts).map f :=
  congrArg Prod.fst (diagonalScanRunner_map f h0 ts)

/-- The diagonal scan of images is the image of the scan. -/
theorem diagonalSelectiveScan_map (h0 : Tensor α [n]) (ts : List (DiagonalTransition α n)) :
    diagonalSelectiveScan (h0.map f) (ts.map (·.map f)) = (diagonalSelectiveScan h0 ts).map (Vec.map f) :=
  congrArg Prod.snd (diagonalScanRunner_map f h0 ts)

/-- minGRU on images is the image of the run. -/
theorem minGru_map (h0 : Tensor α [n]) (ts : List (MinGruToken α n)) :
    minGru (h0.map f) (ts.map (·.map f)) = ((minGru h0 ts).1.map f, (minGru h0 ts).2.map (Vec.map f)) := by
  refine Runner.runList_map (fun h t => ?_) h0 ts
  have transition : (t.map f).transition = t.transition.map f := by
    simp [MinGruToken.transition, MinGruToken.map, DiagonalTransition.map, f.mul_map, Vec.map_map]
  simp only [minGruRunner, diagonalScanRunner, transition, DiagonalTransition.apply_map f]

end

/-! ## Linear attention -/

/-- The image of decay, query, key and value. -/
def LinearAttentionToken.map (f : α → β) (t : LinearAttentionToken α keyDim valueDim) : LinearAttentionToken β keyDim valueDim :=
  ⟨t.decay.map (Vec.map f), t.q.map f, t.k.map f, t.v.map f⟩

/-- The image of receptance, key, value and decay. -/
def Rwkv6Token.map (f : α → β) (t : Rwkv6Token α keyDim valueDim) : Rwkv6Token β keyDim valueDim :=
  ⟨t.w.map f, t.r.map f, t.k.map f, t.v.map f⟩

/-- The image of gates, floor, `eps`, query, key and value. -/
def MlstmToken.map (f : α → β) (t : MlstmToken α keyDim valueDim) : MlstmToken β keyDim valueDim :=
  ⟨f t.f, f t.i, f t.floor, f t.eps, t.q.map f, t.k.map f, t.v.map f⟩

/-- The image of the logarithms of the gates, `eps`, query, key and value. -/
def MlstmLogToken.map (f : α → β) (t : MlstmLogToken α keyDim valueDim) : MlstmLogToken β keyDim valueDim :=
  ⟨f t.logF, f t.logI, f t.eps, t.q.map f, t.k.map f, t.v.map f⟩

/-- The image of the gates before their activations, `eps`, query, key and value. -/
def MlstmGateToken.map (f : α → β) (t : MlstmGateToken α keyDim valueDim) : MlstmGateToken β keyDim valueDim :=
  ⟨f t.forget, f t.input, f t.eps, t.q.map f, t.k.map f, t.v.map f⟩

/-- The image of memory and normaliser. -/
def MlstmState.map (f : α → β) (s : MlstmState α keyDim valueDim) : MlstmState β keyDim valueDim :=
  ⟨s.memory.map (Vec.map f), s.normalizer.map (Vec.map f)⟩

/-- The token with one decay for the whole state, from images, is the image of the token. -/
theorem ofScalar_map (f : α → β) (a : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    .ofScalar (f a) (q.map f) (k.map f) (v.map f) = (LinearAttentionToken.ofScalar a q k v).map f := by
  simp only [LinearAttentionToken.ofScalar, LinearAttentionToken.map, Vec.map_ofFn]

/-- The token of gated linear attention, from images, is the image of the token. -/
theorem glaToken_map (f : α → β) (a q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    glaToken (a.map f) (q.map f) (k.map f) (v.map f) = (glaToken a q k v).map f := by
  simp only [glaToken, LinearAttentionToken.map, Vec.map_ofFn, Vec.get_map]

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β)

/-- The token of the real-gated linear recurrent unit, from images, is the image of the token. -/
theorem rgLruToken_map (a u : Tensor α [valueDim]) : rgLruToken (a.map f) (u.map f) = (rgLruToken a u).map f := by
  simp only [rgLruToken, LinearAttentionToken.map, Vec.map_ofFn, f.map_one]

/-- The token of the memory of mLSTM, from images, is the image of the token. -/
theorem mlstmToken_map (g i : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    mlstmToken (f g) (f i) (q.map f) (k.map f) (v.map f) = (mlstmToken g i q k v).map f := by
  rw [mlstmToken, mlstmToken, ← ofScalar_map]
  exact congrArg (LinearAttentionToken.ofScalar _ _ · _) (Vec.map_comm (fun x => (f.map_mul i x).symm) k)

/-- The step of linear attention on images is the image of the step. -/
theorem linearAttentionStep_map (h : Tensor α [keyDim, valueDim]) (t : LinearAttentionToken α keyDim valueDim) :
    linearAttentionStep (h.map (Vec.map f)) (t.map f) =
      ((linearAttentionStep h t).1.map (Vec.map f), (linearAttentionStep h t).2.map f) := by
  simp [linearAttentionStep, LinearAttentionToken.map, Vec.map_ofFn]

/-- Linear attention on images is the image of the run. -/
theorem linearAttention_map (h0 : Tensor α [keyDim, valueDim]) (ts : List (LinearAttentionToken α keyDim valueDim)) :
    linearAttention (h0.map (Vec.map f)) (ts.map (·.map f)) =
      ((linearAttention h0 ts).1.map (Vec.map f), (linearAttention h0 ts).2.map (Vec.map f)) :=
  Runner.runList_map (linearAttentionStep_map f) h0 ts

/-- RWKV-6 on images is the image of the run. -/
theorem rwkv6_map (u : Tensor α [keyDim]) (h0 : Tensor α [keyDim, valueDim]) (ts : List (Rwkv6Token α keyDim valueDim)) :
    rwkv6 (u.map f) (h0.map (Vec.map f)) (ts.map (·.map f)) =
      ((rwkv6 u h0 ts).1.map (Vec.map f), (rwkv6 u h0 ts).2.map (Vec.map f)) := by
  refine Runner.runList_map (fun h t => ?_) h0 ts
  have token : (t.map f).toGla = t.toGla.map f := glaToken_map f t.w t.r t.k t.v
  simp only [rwkv6Runner, rwkv6Step, token, linearAttentionStep_map f]
  simp [Rwkv6Token.map, Vec.map_ofFn]

/-- The step of mLSTM on images is the image of the step. -/
theorem mlstmStep_map (s : MlstmState α keyDim valueDim) (t : MlstmToken α keyDim valueDim) :
    mlstmStep (s.map f) (t.map f) = ((mlstmStep s t).1.map f, (mlstmStep s t).2.map f) := by
  have memory : (t.map f).toMemory = t.toMemory.map f := mlstmToken_map f t.f t.i t.q t.k t.v
  have ones : (Vec.ofFn fun _ => 1 : Tensor β [1]) = (Vec.ofFn fun _ => 1 : Tensor α [1]).map f := by
    rw [Vec.map_ofFn, f.map_one]
  have normalizer : (t.map f).toNormalizer = t.toNormalizer.map f := by
    rw [MlstmToken.toNormalizer, mlstmNormalizerToken, ones]
    exact mlstmToken_map f t.f t.i t.q t.k _
  simp only [mlstmStep, memory, normalizer, MlstmState.map, linearAttentionStep_map f]
  simp [MlstmToken.map, Vec.map_map]

/-- mLSTM on images is the image of the run. -/
theorem mlstm_map (s : MlstmState α keyDim valueDim) (ts : List (MlstmToken α keyDim valueDim)) :
    mlstm (s.map f) (ts.map (·.map f)) = ((mlstm s ts).1.map f, (mlstm s ts).2.map (Vec.map f)) :=
  Runner.runList_map (mlstmStep_map f) s ts

/-- The stabilised mLSTM on images is the image of the run. -/
theorem stabilisedMlstm_map (s : MlstmState α keyDim valueDim) (m : α) (ts : List (MlstmLogToken α keyDim valueDim)) :
    stabilisedMlstm (s.map f, f m) (ts.map (·.map f)) =
      (((stabilisedMlstm (s, m) ts).1.1.map f, f (stabilisedMlstm (s, m) ts).1.2),
        (stabilisedMlstm (s, m) ts).2.map (Vec.map f)) := by
  refine Runner.runList_map (r := stabilisedMlstmRunner α keyDim valueDim) (s := fun s => (s.1.map f, f s.2))
    (fun s t => ?_) (s, m) ts
  have maximum : (t.map f).maximum (f s.2) = f (t.maximum s.2) := by simp [MlstmLogToken.maximum, MlstmLogToken.map]
  have token : (t.map f).toToken (f s.2) = (t.toToken s.2).map f := by
    simp only [MlstmLogToken.toToken, maximum]
    simp [MlstmToken.map, MlstmLogToken.map]
  simp only [stabilisedMlstmRunner, stabilisedMlstmStep, maximum, token, mlstmStep_map f]

/-- mLSTM of gates before their activations, on images, is the image of the run. -/
theorem preactivatedMlstm_map (s : MlstmState α keyDim valueDim) (m : α) (ts : List (MlstmGateToken α keyDim valueDim)) :
    preactivatedMlstm (s.map f, f m) (ts.map (·.map f)) =
      (((preactivatedMlstm (s, m) ts).1.1.map f, f (preactivatedMlstm (s, m) ts).1.2),
        (preactivatedMlstm (s, m) ts).2.map (Vec.map f)) := by
  refine Runner.runList_map (r := preactivatedMlstmRunner α keyDim valueDim) (s := fun s => (s.1.map f, f s.2))
    (fun s t => ?_) (s, m) ts
  have maximum : (t.map f).toLog.maximum (f s.2) = f (t.toLog.maximum s.2) := by
    simp [MlstmLogToken.maximum, MlstmGateToken.toLog, MlstmGateToken.map]
  have token : (t.map f).toToken (f s.2) = (t.toToken s.2).map f := by
    simp only [MlstmGateToken.toToken, maximum]
    simp [MlstmToken.map, MlstmGateToken.map]
  simp only [preactivatedMlstmRunner, preactivatedMlstmStep, maximum, token, mlstmStep_map f]

end

/-! ## Delta rules -/

/-- The image of decay, fraction, query, key and value. -/
def DeltaToken.map (f : α → β) (t : DeltaToken α keyDim valueDim) : DeltaToken β keyDim valueDim :=
  ⟨t.decay.map f, f t.beta, t.q.map f, t.k.map f, t.v.map f⟩

/-- The image of decay, query, key, value and both vectors of the correction. -/
def GeneralizedDeltaToken.map (f : α → β) (t : GeneralizedDeltaToken α keyDim valueDim) :
    GeneralizedDeltaToken β keyDim valueDim :=
  ⟨t.decay.map f, t.q.map f, t.k.map f, t.v.map f, t.a.map f, t.b.map f⟩

/-- The image of the token of the delta rule, and of `p`. -/
def CombaToken.map (f : α → β) (t : CombaToken α keyDim valueDim) : CombaToken β keyDim valueDim :=
  { t.toDeltaToken.map f with p := t.p.map f }

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β)

/-- The token of DeltaNet, from images, is the image of the token. -/
theorem deltaNetToken_map (b : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    deltaNetToken (f b) (q.map f) (k.map f) (v.map f) = (deltaNetToken b q k v).map f := by
  simp only [deltaNetToken, DeltaToken.map, Vec.map_ofFn, f.map_one]

/-- The token of Gated DeltaNet, from images, is the image of the token. -/
theorem gatedDeltaToken_map (a b : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    gatedDeltaToken (f a) (f b) (q.map f) (k.map f) (v.map f) = (gatedDeltaToken a b q k v).map f := by
  simp only [gatedDeltaToken, DeltaToken.map, Vec.map_ofFn]

/-- The delta rule on images is the image of the run. -/
theorem deltaRule_map (h0 : Tensor α [valueDim, keyDim]) (ts : List (DeltaToken α keyDim valueDim)) :
    deltaRule (h0.map (Vec.map f)) (ts.map (·.map f)) =
      ((deltaRule h0 ts).1.map (Vec.map f), (deltaRule h0 ts).2.map (Vec.map f)) :=
  Runner.runList_map (fun h t => by simp [deltaRunner, deltaStep, DeltaToken.map, Vec.map_ofFn, Vec.mul, Vec.dot]) h0 ts

/-- The generalised delta rule on images is the image of the run. -/
theorem generalizedDeltaRule_map (h0 : Tensor α [valueDim, keyDim]) (ts : List (GeneralizedDeltaToken α keyDim valueDim)) :
    generalizedDeltaRule (h0.map (Vec.map f)) (ts.map (·.map f)) =
      ((generalizedDeltaRule h0 ts).1.map (Vec.map f), (generalizedDeltaRule h0 ts).2.map (Vec.map f)) :=
  Runner.runList_map
    (fun h t => by simp [generalizedDeltaRunner, generalizedDeltaStep, GeneralizedDeltaToken.map, Vec.map_ofFn, Vec.dot]) h0 ts

/-- Comba on images is the image of the run. -/
theorem comba_map (h0 : Tensor α [valueDim, keyDim]) (ts : List (CombaToken α keyDim valueDim)) :
    comba (h0.map (Vec.map f)) (ts.map (·.map f)) =
      ((comba h0 ts).1.map (Vec.map f), (comba h0 ts).2.map (Vec.map f)) :=
  Runner.runList_map
    (fun h t => by simp [combaRunner, combaStep, CombaToken.map, DeltaToken.map, Vec.map_ofFn, Vec.dot]) h0 ts

end

end Scanproof
