/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Natural.Caches
public import Spec.Natural.Complex
public import Spec.Natural.Expression
public import Spec.Natural.LinearSystem

/-!
# Runs on images, restated

Each public theorem of `Spec.Natural`, word for word. Who weakens one breaks the build here.
-/

namespace Scanproof

/-! ## Natural/Hom -/

section

example {γ δ τ : Type} (g : γ → δ) (o : Option γ) (x : τ) (h : δ → τ) :
    (o.map g).elim x h = o.elim x fun c => h (g c) := by
  apply elim_map <;> assumption

namespace Scalar.Hom

variable {α β : Type} [Scalar α] [Scalar β]

variable (f : Hom α β) {m n : Nat}

example (x : α) : f (sigmoid x) = sigmoid (f x) := by
  apply map_sigmoid <;> assumption

example (x : α) : f (silu x) = silu (f x) := by
  apply map_silu <;> assumption

example (x : α) : f (abs x) = abs (f x) := by
  apply map_abs <;> assumption

example (x y : α) : f (min x y) = min (f x) (f y) := by
  apply map_min <;> assumption

example (p : Prop) [Decidable p] (x y : α) : f (if p then x else y) = if p then f x else f y := by
  apply map_ite <;> assumption

example {γ : Type} (o : Option γ) (x : α) (g : γ → α) : f (o.elim x g) = o.elim (f x) fun c => f (g c) := by
  apply map_elim <;> assumption

example (g : Fin n → α) (acc : α) (r : Nat) (h : r ≤ n) :
    f (sumFrom g acc r h) = sumFrom (fun i => f (g i)) (f acc) r h := by
  apply map_sumFrom <;> assumption

example (g : Fin n → α) : f (Scanproof.sum g) = Scanproof.sum fun i => f (g i) := by
  apply map_sum <;> assumption

example (v w : Vec α n) : f (v.dot w) = (v.map f).dot (w.map f) := by
  apply map_dot <;> assumption

example (v w : Vec α n) : (v.map f).add (w.map f) = (v.add w).map f := by
  apply add_map <;> assumption

example (v w : Vec α n) : (v.map f).mul (w.map f) = (v.mul w).map f := by
  apply mul_map <;> assumption

example (M : Tensor α [m, n]) (x : Tensor α [n]) :
    Tensor.matVec (M.map (Vec.map f)) (x.map f) = (M.matVec x).map f := by
  apply matVec_map <;> assumption

example : (zeros α n).map f = zeros β n := by
  apply zeros_map <;> assumption

example : (zeroMatrix α m n).map (Vec.map f) = zeroMatrix β m n := by
  apply zeroMatrix_map <;> assumption

end Scalar.Hom

namespace Vec

variable {α β γ : Type} {n : Nat}

example (g : β → γ) (f : α → β) (v : Vec α n) : (v.map f).map g = v.map fun x => g (f x) := by
  apply map_map <;> assumption

example (g : α → β) (f : Fin n → α) : (ofFn f).map g = ofFn fun i => g (f i) := by
  apply map_ofFn <;> assumption

example {δ : Type} {f : α → β} {g : α → γ} {f' : γ → δ} {g' : β → δ} (h : ∀ x, g' (f x) = f' (g x))
    (v : Vec α n) : (v.map f).map g' = (v.map g).map f' := by
  apply map_comm <;> assumption

end Vec

namespace Runner

variable {σ σ' ι ι' ο ο' : Type} {r : Runner σ ι ο} {r' : Runner σ' ι' ο'} {s : σ → σ'} {i : ι → ι'} {o : ο → ο'}

example (hstep : ∀ h x, r'.step (s h) (i x) = (s (r.step h x).1, o (r.step h x).2)) (h : σ) (xs : List ι) :
    r'.runList (s h) (xs.map i) = (s (r.runList h xs).1, (r.runList h xs).2.map o) := by
  apply runList_map <;> assumption

example {s0 : σ} {s0' : σ'} (hstart : s s0 = s0')
    (hstep : ∀ h x, r'.step (s h) (i x) = (s (r.step h x).1, o (r.step h x).2)) (h : σ × Int) (xs : List (Int × ι)) :
    (r'.withSeqIdx s0').runList (s h.1, h.2) (xs.map fun x => (x.1, i x.2)) =
      ((s ((r.withSeqIdx s0).runList h xs).1.1, ((r.withSeqIdx s0).runList h xs).1.2),
        ((r.withSeqIdx s0).runList h xs).2.map o) := by
  apply withSeqIdx_map <;> assumption

end Runner

end

/-! ## Natural/LinearSystem -/

section

variable {R S : Type} {inputDim stateDim outputDim : Nat}

variable [Lean.Grind.Semiring R] [Lean.Grind.Semiring S] {f : R → S} (zero : f 0 = 0)
  (add : ∀ x y, f (x + y) = f x + f y) (mul : ∀ x y, f (x * y) = f x * f y)

include zero add in
example {ι : Type} (l : List ι) (g : ι → R) : (sumOver l fun i => f (g i)) = f (sumOver l g) := by
  apply sumOver_image <;> assumption

include zero add mul in
example {m n : Nat} (M : Matrix R m n) (x : Vec R n) :
    Matrix.mulVec (M.map (Vec.map f)) (x.map f) = (M.mulVec x).map f := by
  apply Matrix.mulVec_map <;> assumption

include zero add mul in
example (m : LinearSystem R inputDim stateDim outputDim) (h0 : Vec R stateDim) (xs : List (Vec R inputDim)) :
    (m.map f).runner.runList (h0.map f) (xs.map (Vec.map f)) =
      ((m.runner.runList h0 xs).1.map f, (m.runner.runList h0 xs).2.map (Vec.map f)) := by
  apply linearSystem_map <;> assumption

end

/-! ## Natural/Scan -/

section

example {R S : Type} [Lean.Grind.Semiring R] [Lean.Grind.Semiring S] (f : R → S)
    (add : ∀ x y, f (x + y) = f x + f y) (mul : ∀ x y, f (x * y) = f x * f y) (a b : Nat → R) (h0 : R) (t : Nat) :
    linearState (fun s => f (a s)) (fun s => f (b s)) (f h0) t = f (linearState a b h0 t) := by
  apply linearState_map <;> assumption

variable {α β : Type} {n keyDim valueDim : Nat}

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β)

example (t : DiagonalTransition α n) (h : Tensor α [n]) :
    (t.map f).apply (h.map f) = (t.apply h).map f := by
  apply DiagonalTransition.apply_map <;> assumption

example (h0 : Tensor α [n]) (ts : List (DiagonalTransition α n)) :
    runDiagonalTransitions (h0.map f) (ts.map (·.map f)) = (runDiagonalTransitions h0 ts).map f := by
  apply runDiagonalTransitions_map <;> assumption

example (h0 : Tensor α [n]) (ts : List (DiagonalTransition α n)) :
    diagonalSelectiveScan (h0.map f) (ts.map (·.map f)) = (diagonalSelectiveScan h0 ts).map (Vec.map f) := by
  apply diagonalSelectiveScan_map <;> assumption

example (h0 : Tensor α [n]) (ts : List (MinGruToken α n)) :
    minGru (h0.map f) (ts.map (·.map f)) = ((minGru h0 ts).1.map f, (minGru h0 ts).2.map (Vec.map f)) := by
  apply minGru_map <;> assumption

end

example (f : α → β) (a : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    .ofScalar (f a) (q.map f) (k.map f) (v.map f) = (LinearAttentionToken.ofScalar a q k v).map f := by
  apply ofScalar_map <;> assumption

example (f : α → β) (a q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    glaToken (a.map f) (q.map f) (k.map f) (v.map f) = (glaToken a q k v).map f := by
  apply glaToken_map <;> assumption

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β)

example (a u : Tensor α [valueDim]) : rgLruToken (a.map f) (u.map f) = (rgLruToken a u).map f := by
  apply rgLruToken_map <;> assumption

example (g i : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    mlstmToken (f g) (f i) (q.map f) (k.map f) (v.map f) = (mlstmToken g i q k v).map f := by
  apply mlstmToken_map <;> assumption

example (h : Tensor α [keyDim, valueDim]) (t : LinearAttentionToken α keyDim valueDim) :
    linearAttentionStep (h.map (Vec.map f)) (t.map f) =
      ((linearAttentionStep h t).1.map (Vec.map f), (linearAttentionStep h t).2.map f) := by
  apply linearAttentionStep_map <;> assumption

example (h0 : Tensor α [keyDim, valueDim]) (ts : List (LinearAttentionToken α keyDim valueDim)) :
    linearAttention (h0.map (Vec.map f)) (ts.map (·.map f)) =
      ((linearAttention h0 ts).1.map (Vec.map f), (linearAttention h0 ts).2.map (Vec.map f)) := by
  apply linearAttention_map <;> assumption

example (u : Tensor α [keyDim]) (h0 : Tensor α [keyDim, valueDim]) (ts : List (Rwkv6Token α keyDim valueDim)) :
    rwkv6 (u.map f) (h0.map (Vec.map f)) (ts.map (·.map f)) =
      ((rwkv6 u h0 ts).1.map (Vec.map f), (rwkv6 u h0 ts).2.map (Vec.map f)) := by
  apply rwkv6_map <;> assumption

example (s : MlstmState α keyDim valueDim) (t : MlstmToken α keyDim valueDim) :
    mlstmStep (s.map f) (t.map f) = ((mlstmStep s t).1.map f, (mlstmStep s t).2.map f) := by
  apply mlstmStep_map <;> assumption

example (s : MlstmState α keyDim valueDim) (ts : List (MlstmToken α keyDim valueDim)) :
    mlstm (s.map f) (ts.map (·.map f)) = ((mlstm s ts).1.map f, (mlstm s ts).2.map (Vec.map f)) := by
  apply mlstm_map <;> assumption

example (s : MlstmState α keyDim valueDim) (m : α) (ts : List (MlstmLogToken α keyDim valueDim)) :
    stabilisedMlstm (s.map f, f m) (ts.map (·.map f)) =
      (((stabilisedMlstm (s, m) ts).1.1.map f, f (stabilisedMlstm (s, m) ts).1.2),
        (stabilisedMlstm (s, m) ts).2.map (Vec.map f)) := by
  apply stabilisedMlstm_map <;> assumption

example (s : MlstmState α keyDim valueDim) (m : α) (ts : List (MlstmGateToken α keyDim valueDim)) :
    preactivatedMlstm (s.map f, f m) (ts.map (·.map f)) =
      (((preactivatedMlstm (s, m) ts).1.1.map f, f (preactivatedMlstm (s, m) ts).1.2),
        (preactivatedMlstm (s, m) ts).2.map (Vec.map f)) := by
  apply preactivatedMlstm_map <;> assumption

end

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β)

example (b : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    deltaNetToken (f b) (q.map f) (k.map f) (v.map f) = (deltaNetToken b q k v).map f := by
  apply deltaNetToken_map <;> assumption

example (a b : α) (q k : Tensor α [keyDim]) (v : Tensor α [valueDim]) :
    gatedDeltaToken (f a) (f b) (q.map f) (k.map f) (v.map f) = (gatedDeltaToken a b q k v).map f := by
  apply gatedDeltaToken_map <;> assumption

example (h0 : Tensor α [valueDim, keyDim]) (ts : List (DeltaToken α keyDim valueDim)) :
    deltaRule (h0.map (Vec.map f)) (ts.map (·.map f)) =
      ((deltaRule h0 ts).1.map (Vec.map f), (deltaRule h0 ts).2.map (Vec.map f)) := by
  apply deltaRule_map <;> assumption

example (h0 : Tensor α [valueDim, keyDim]) (ts : List (GeneralizedDeltaToken α keyDim valueDim)) :
    generalizedDeltaRule (h0.map (Vec.map f)) (ts.map (·.map f)) =
      ((generalizedDeltaRule h0 ts).1.map (Vec.map f), (generalizedDeltaRule h0 ts).2.map (Vec.map f)) := by
  apply generalizedDeltaRule_map <;> assumption

example (h0 : Tensor α [valueDim, keyDim]) (ts : List (CombaToken α keyDim valueDim)) :
    comba (h0.map (Vec.map f)) (ts.map (·.map f)) =
      ((comba h0 ts).1.map (Vec.map f), (comba h0 ts).2.map (Vec.map f)) := by
  apply comba_map <;> assumption

end

end

/-! ## Natural/Kernels -/

section

variable {α β : Type}

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β) {channels groups stateDim : Nat}
  (p : SelectiveScan α channels groups stateDim)

example (delta : Tensor α [channels]) :
    (p.map f).stepSize (delta.map f) = (p.stepSize delta).map f := by
  apply SelectiveScan.stepSize_map <;> assumption

example (h : Tensor α [channels, stateDim]) (t : SelectiveScanToken α channels groups stateDim) :
    selectiveStateUpdate (p.map f) (h.map (Vec.map f)) (t.map f) =
      ((selectiveStateUpdate p h t).1.map (Vec.map f), (selectiveStateUpdate p h t).2.map f) := by
  apply selectiveStateUpdate_map <;> assumption

example (h0 : Tensor α [channels, stateDim]) (ts : List (SelectiveScanToken α channels groups stateDim)) :
    selectiveScan (p.map f) (h0.map (Vec.map f)) (ts.map (·.map f)) =
      ((selectiveScan p h0 ts).1.map (Vec.map f), (selectiveScan p h0 ts).2.map (Vec.map f)) := by
  apply selectiveScan_map <;> assumption

end

example {m n : Nat} (f : α → β) (x : α) (w : Vec α n) (h : m ≤ n + 1) :
    Vec.shiftIn (f x) (w.map f) h = (Vec.shiftIn x w h).map f := by
  apply Vec.shiftIn_map <;> assumption

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β) {channels width : Nat} (c : CausalConv1d α channels width)

example (w : Tensor α [width, channels]) :
    (c.map f).output (w.map (Vec.map f)) = (c.output w).map f := by
  apply CausalConv1d.output_map <;> assumption

example (state : Tensor α [width - 1, channels]) (x : Tensor α [channels]) :
    causalConv1dUpdate (c.map f) (state.map (Vec.map f)) (x.map f) =
      ((causalConv1dUpdate c state x).1.map (Vec.map f), (causalConv1dUpdate c state x).2.map f) := by
  apply causalConv1dUpdate_map <;> assumption

example (state : Tensor α [width - 1, channels]) (xs : List (Tensor α [channels])) :
    causalConv1d (c.map f) (state.map (Vec.map f)) (xs.map (Vec.map f)) =
      ((causalConv1d c state xs).1.map (Vec.map f), (causalConv1d c state xs).2.map (Vec.map f)) := by
  apply causalConv1d_map <;> assumption

example (state : Tensor α [width - 1, channels] × Int) (xs : List (Int × Tensor α [channels])) :
    causalConv1dSeqIdx (c.map f) (state.1.map (Vec.map f), state.2) (xs.map fun x => (x.1, x.2.map f)) =
      (((causalConv1dSeqIdx c state xs).1.1.map (Vec.map f), (causalConv1dSeqIdx c state xs).1.2),
        (causalConv1dSeqIdx c state xs).2.map (Vec.map f)) := by
  apply causalConv1dSeqIdx_map <;> assumption

end

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β) {heads groups headDim stateDim : Nat} (m : SsdScan α heads groups headDim)

example (h : Tensor α [heads, headDim, stateDim]) (t : SsdScanToken α heads groups headDim stateDim) :
    ssdStateUpdate (m.map f) (h.map (Vec.map (Vec.map f))) (t.map f) =
      ((ssdStateUpdate m h t).1.map (Vec.map (Vec.map f)), (ssdStateUpdate m h t).2.map (Vec.map f)) := by
  apply ssdStateUpdate_map <;> assumption

example (h0 : Tensor α [heads, headDim, stateDim]) (ts : List (SsdScanToken α heads groups headDim stateDim)) :
    ssdScan (m.map f) (h0.map (Vec.map (Vec.map f))) (ts.map (·.map f)) =
      ((ssdScan m h0 ts).1.map (Vec.map (Vec.map f)), (ssdScan m h0 ts).2.map (Vec.map (Vec.map f))) := by
  apply ssdScan_map <;> assumption

example (state : Tensor α [heads, headDim, stateDim] × Int)
    (ts : List (Int × SsdScanToken α heads groups headDim stateDim)) :
    ssdScanSeqIdx (m.map f) (state.1.map (Vec.map (Vec.map f)), state.2) (ts.map fun t => (t.1, t.2.map f)) =
      (((ssdScanSeqIdx m state ts).1.1.map (Vec.map (Vec.map f)), (ssdScanSeqIdx m state ts).1.2),
        (ssdScanSeqIdx m state ts).2.map (Vec.map (Vec.map f))) := by
  apply ssdScanSeqIdx_map <;> assumption

end

section

variable {m n : Nat} (f : α → β)

example (v : Vec α n) (offset length : Nat) (h : offset + length ≤ n) :
    (v.map f).slice offset length h = (v.slice offset length h).map f := by
  apply Vec.slice_map <;> assumption

example (v : Vec α (m * n)) : (v.map f).toRows = v.toRows.map (Vec.map f) := by
  apply Vec.toRows_map <;> assumption

example (rows : Vec (Vec α n) m) : Vec.ofRows (rows.map (Vec.map f)) = (Vec.ofRows rows).map f := by
  apply Vec.ofRows_map <;> assumption

end

section

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β) {n groups : Nat}

example (eps : α) (weight x : Tensor α [n]) :
    rmsNorm (f eps) (weight.map f) (x.map f) = (rmsNorm eps weight x).map f := by
  apply rmsNorm_map <;> assumption

example (h : groups ∣ n) (eps : α) (weight x : Tensor α [n]) :
    groupedRmsNorm h (f eps) (weight.map f) (x.map f) = (groupedRmsNorm h eps weight x).map f := by
  apply groupedRmsNorm_map <;> assumption

example (h : groups ∣ n) (x : Tensor α [n]) :
    groupedCentred h (x.map f) = (groupedCentred h x).map f := by
  apply groupedCentred_map <;> assumption

example (m : GatedNorm α n) {act : β → β} (hact : ∀ x, act (f x) = f (m.act x))
    (ts : List (Tensor α [n] × Tensor α [n])) :
    gatedNorm (m.map f act) (ts.map fun t => (t.1.map f, t.2.map f)) = (gatedNorm m ts).map (Vec.map f) := by
  apply gatedNorm_map <;> assumption

end

end

/-! ## Natural/Models -/

section

variable {α β : Type} {inputDim innerDim stateDim outputDim convWidth dtRank : Nat}

example {γ δ : Type} (g : γ → δ) (default : γ) (history : List γ) (k : Nat) :
    entryAt (g default) (history.map g) k = g (entryAt default history k) := by
  apply entryAt_map <;> assumption

example {γ δ : Type} (g : γ → δ) (k : Nat) (history : List γ) :
    newest k (history.map g) = (newest k history).map g := by
  apply newest_map <;> assumption

variable [Scalar α] [Scalar β] (f : Scalar.Hom α β)

example (m : DiagonalS4Spec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs : List (Tensor α [inputDim])) :
    (m.map f).runList (h0.map f) (xs.map (Vec.map f)) = ((m.runList h0 xs).1.map f, (m.runList h0 xs).2.map (Vec.map f)) := by
  apply diagonalS4_map <;> assumption

example (m : MambaBlockSpec α inputDim stateDim outputDim) (h0 : Tensor α [stateDim])
    (xs : List (Tensor α [inputDim])) :
    (m.map f).runList (h0.map f) (xs.map (Vec.map f)) = ((m.runList h0 xs).1.map f, (m.runList h0 xs).2.map (Vec.map f)) := by
  apply compactMamba_map <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (x : Tensor α [inputDim]) :
    (m.map f).step (h.map (Vec.map f), history.map (Vec.map f)) (x.map f) =
      (((m.step (h, history) x).1.1.map (Vec.map f), (m.step (h, history) x).1.2.map (Vec.map f)),
        (m.step (h, history) x).2.map f) := by
  apply selectiveMamba_step_map <;> assumption

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (xs : List (Tensor α [inputDim])) :
    (m.map f).runListAux (h0.map (Vec.map f)) (history.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((m.runListAux h0 history xs).1.1.map (Vec.map f), (m.runListAux h0 history xs).1.2.map (Vec.map f)),
        (m.runListAux h0 history xs).2.map (Vec.map f)) := by
  apply selectiveMamba_map <;> assumption

namespace SelectiveMambaBlockSpec

variable (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)

example (x : Tensor α [inputDim]) : (m.map f).convInput (x.map f) = (m.convInput x).map f := by
  apply convInput_map <;> assumption

example (x : Tensor α [inputDim]) (v : Tensor α [innerDim]) :
    (m.map f).scanToken (x.map f) (v.map f) = (m.scanToken x v).map f := by
  apply scanToken_map <;> assumption

example (y : Tensor α [innerDim]) : (m.map f).project (y.map f) = (m.project y).map f := by
  apply project_map <;> assumption

example {κ κ' : Type} (k : κ → κ') {conv : Runner κ (Tensor α [innerDim]) (Tensor α [innerDim])}
    {conv' : Runner κ' (Tensor β [innerDim]) (Tensor β [innerDim])}
    (hconv : ∀ s x, conv'.step (k s) (x.map f) = (k (conv.step s x).1, (conv.step s x).2.map f))
    (state : Tensor α [innerDim, stateDim] × κ) (x : Tensor α [inputDim]) :
    ((m.map f).kernelRunner conv').step (state.1.map (Vec.map f), k state.2) (x.map f) =
      let next := (m.kernelRunner conv).step state x
      ((next.1.1.map (Vec.map f), k next.1.2), next.2.map f) := by
  apply step_kernelRunner_map <;> assumption

end SelectiveMambaBlockSpec

example (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)
    (h0 : Tensor α [innerDim, stateDim]) (window : Tensor α [convWidth - 1, innerDim]) (xs : List (Tensor α [inputDim])) :
    (m.map f).runKernels (h0.map (Vec.map f)) (window.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((m.runKernels h0 window xs).1.1.map (Vec.map f), (m.runKernels h0 window xs).1.2.map (Vec.map f)),
        (m.runKernels h0 window xs).2.map (Vec.map f)) := by
  apply selectiveMamba_runKernels_map <;> assumption

example (p : MambaCheckpoint α inputDim innerDim stateDim outputDim convWidth dtRank) :
    (p.map f).toSpec = p.toSpec.map f := by
  apply MambaCheckpoint.toSpec_map <;> assumption

example (p : MambaCheckpoint α inputDim innerDim stateDim outputDim convWidth dtRank)
    (h0 : Tensor α [innerDim, stateDim]) (history : List (Tensor α [innerDim])) (xs : List (Tensor α [inputDim])) :
    (p.map f).toSpec.runListAux (h0.map (Vec.map f)) (history.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((p.toSpec.runListAux h0 history xs).1.1.map (Vec.map f), (p.toSpec.runListAux h0 history xs).1.2.map (Vec.map f)),
        (p.toSpec.runListAux h0 history xs).2.map (Vec.map f)) := by
  apply mambaCheckpoint_map <;> assumption

example {dModel : Nat} (layer : MambaLayer α dModel) (eps : α) (hs : List (Tensor α [dModel])) :
    (layer.map f).apply (f eps) (hs.map (Vec.map f)) = (layer.apply eps hs).map (Vec.map f) := by
  apply MambaLayer.apply_map <;> assumption

example {vocabSize dModel : Nat} (m : MambaLanguageModelSpec α vocabSize dModel)
    (ids : List (Fin vocabSize)) : (m.map f).logits ids = (m.logits ids).map (Vec.map f) := by
  apply mambaLanguageModel_map <;> assumption

example {heads groups headDim : Nat}
    (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth)
    (h0 : Tensor α [heads, headDim, stateDim])
    (window : Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim]) (xs : List (Tensor α [inputDim])) :
    (m.map f).runList (h0.map (Vec.map (Vec.map f))) (window.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((m.runList h0 window xs).1.1.map (Vec.map (Vec.map f)), (m.runList h0 window xs).1.2.map (Vec.map f)),
        (m.runList h0 window xs).2.map (Vec.map f)) := by
  apply mamba2_map <;> assumption

example {heads groups headDim : Nat}
    (m : Mamba2BlockSpec α inputDim heads groups headDim stateDim outputDim convWidth)
    (h0 : Tensor α [heads, headDim, stateDim])
    (window : Tensor α [convWidth - 1, mamba2ConvDim heads groups headDim stateDim]) (xs : List (Tensor α [inputDim])) :
    (m.map f).runKernels (h0.map (Vec.map (Vec.map f))) (window.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((m.runKernels h0 window xs).1.1.map (Vec.map (Vec.map f)), (m.runKernels h0 window xs).1.2.map (Vec.map f)),
        (m.runKernels h0 window xs).2.map (Vec.map f)) := by
  apply mamba2_runKernels_map <;> assumption

end

/-! ## Natural/Complex -/

section

variable {α β : Type}

variable [Scalar α] [Scalar β] [Polar α] [Polar β] (f : Scalar.Hom α β)

namespace Complex

end Complex

example {inputDim stateDim outputDim : Nat} (h : f.KeepsPolar)
    (m : ComplexDiagonalSpec α inputDim stateDim outputDim) (h0 : Tensor (Complex α) [stateDim])
    (ts : List (ComplexDiagonalToken α inputDim stateDim)) :
    (m.map f).runList (h0.map (Complex.map f)) (ts.map (·.map f)) =
      ((m.runList h0 ts).1.map (Complex.map f), (m.runList h0 ts).2.map (Vec.map f)) := by
  apply complexDiagonal_map <;> assumption

example {channels groups stateDim : Nat} (h : f.KeepsPolar)
    (p : ComplexSelectiveScan α channels groups stateDim) (h0 : Tensor (Complex α) [channels, stateDim])
    (ts : List (ComplexSelectiveScanToken α channels groups stateDim)) :
    complexSelectiveScan (p.map f) (h0.map (Vec.map (Complex.map f))) (ts.map (·.map f)) =
      ((complexSelectiveScan p h0 ts).1.map (Vec.map (Complex.map f)),
        (complexSelectiveScan p h0 ts).2.map (Vec.map f)) := by
  apply complexSelectiveScan_map <;> assumption

end

/-! ## Natural/Caches -/

section

example {σ σ' ι ι' ο ο' : Type} {r : Runner σ ι ο} {r' : Runner σ' ι' ο'} {s : σ → σ'} {i : ι → ι'}
    {o : ο → ο'} {s0 : σ} {s0' : σ'} (hstart : s s0 = s0')
    (hstep : ∀ h x, r'.step (s h) (i x) = (s (r.step h x).1, o (r.step h x).2)) (h : σ) (xs : List (Bool × ι)) :
    (r'.resetting s0').runList (s h) (xs.map fun x => (x.1, i x.2)) =
      (s ((r.resetting s0).runList h xs).1, ((r.resetting s0).runList h xs).2.map o) := by
  apply Runner.resetting_map <;> assumption

example {γ δ : Type} {len : Nat} (g : γ → δ) (ring : RingBuffer γ len) (x : γ) :
    (ring.map g).push (g x) = (ring.push x).map g := by
  apply RingBuffer.push_map <;> assumption

example {γ δ : Type} {len : Nat} (g : γ → δ) (ring : RingBuffer γ len) (n : Nat) (h : n ≤ len) :
    (ring.map g).newest n h = (ring.newest n h).map g := by
  apply RingBuffer.newest_map <;> assumption

variable {α β : Type} [Scalar α] [Scalar β] (f : Scalar.Hom α β)

section

variable {channels width len : Nat} (c : CausalConv1d α channels width) (h : width - 1 ≤ len)

example (state : Tensor α [len, channels]) (xs : List (Tensor α [channels])) :
    ((c.map f).shiftRunner h).runList (state.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((c.shiftRunner h).runList state xs).1.map (Vec.map f), ((c.shiftRunner h).runList state xs).2.map (Vec.map f)) := by
  apply causalConv1d_shift_map <;> assumption

example (ring : RingBuffer (Tensor α [channels]) len) (xs : List (Tensor α [channels])) :
    ((c.map f).ringRunner h).runList (ring.map (Vec.map f)) (xs.map (Vec.map f)) =
      (((c.ringRunner h).runList ring xs).1.map (Vec.map f), ((c.ringRunner h).runList ring xs).2.map (Vec.map f)) := by
  apply causalConv1d_ring_map <;> assumption

end

section

variable {inputDim innerDim stateDim outputDim convWidth len : Nat}
  (m : SelectiveMambaBlockSpec α inputDim innerDim stateDim outputDim convWidth)

example (h : convWidth - 1 ≤ len)
    (cache : Tensor α [innerDim, stateDim] × RingBuffer (Tensor α [innerDim]) len) (xs : List (Tensor α [inputDim])) :
    ((m.map f).kernelRunner ((m.map f).convKernel.ringRunner h)).runList (cache.1.map (Vec.map f), cache.2.map (Vec.map f))
        (xs.map (Vec.map f)) =
      let run := (m.kernelRunner (m.convKernel.ringRunner h)).runList cache xs
      ((run.1.1.map (Vec.map f), run.1.2.map (Vec.map f)), run.2.map (Vec.map f)) := by
  apply selectiveMamba_ring_map <;> assumption

example (state : Tensor α [innerDim, stateDim] × Tensor α [convWidth - 1, innerDim])
    (xs : List (Bool × Tensor α [inputDim])) :
    (m.map f).maskedRunner.runList (state.1.map (Vec.map f), state.2.map (Vec.map f)) (xs.map fun x => (x.1, x.2.map f)) =
      let run := m.maskedRunner.runList state xs
      ((run.1.1.map (Vec.map f), run.1.2.map (Vec.map f)), run.2.map (Vec.map f)) := by
  apply selectiveMamba_masked_map <;> assumption

end

section

variable {vocabSize dModel : Nat}

example (layers : List (MambaLayer α dModel)) :
    layersCache.map f layers (emptyLayersCache layers) = emptyLayersCache (layers.map (MambaLayer.map f)) := by
  apply emptyLayersCache_map <;> assumption

example (m : MambaLanguageModelSpec α vocabSize dModel) (cache : m.Cache)
    (ids : List (Fin vocabSize)) :
    (m.map f).runner.runList (layersCache.map f m.layers cache) ids =
      (layersCache.map f m.layers (m.runner.runList cache ids).1, (m.runner.runList cache ids).2.map (Vec.map f)) := by
  apply mambaLanguageModel_runner_map <;> assumption

end

end

/-! ## Natural/Expression -/

section

variable {ι α : Type} [Scalar α]

example {β : Type} [Scalar β] (f : Scalar.Hom α β) (env : ι → α) (e : Expression ι) :
    f (e.eval env) = e.eval fun i => f (env i) := by
  apply Expression.map_eval <;> assumption

example (e : Expression ι) : Natural fun _ [_] env => e.eval env := by
  apply Expression.natural_eval <;> assumption

example {program : (α : Type) → [Scalar α] → (ι → α) → α} (h : Natural program) (x : ι → α) :
    program α x = (program (Expression ι) .var).eval x := by
  apply Natural.eq_eval <;> assumption

example {program program' : (α : Type) → [Scalar α] → (ι → α) → α} (h : Natural program)
    (h' : Natural program') (same : program (Expression ι) .var = program' (Expression ι) .var) (x : ι → α) :
    program α x = program' α x := by
  apply Natural.eq_of_expression_eq <;> assumption

end

/-! ## A run on expressions -/

section

variable {ι α : Type} [Scalar α] {keyDim valueDim : Nat}

example (x y : ι) :
    Scanproof.sum (fun i : Fin 2 => Expression.var (if i = 0 then x else y)) = .add (.add .zero (.var x)) (.var y) := rfl

example (env : ι → α) (h0 : Tensor (Expression ι) [valueDim, keyDim]) (ts : List (DeltaToken (Expression ι) keyDim valueDim)) :
    (deltaRule (h0.map (Vec.map (Expression.eval env))) (ts.map (·.map (Expression.eval env)))).2 =
      (deltaRule h0 ts).2.map (Vec.map (Expression.eval env)) :=
  congrArg Prod.snd (deltaRule_map (Expression.evalHom env) h0 ts)

end

end Scanproof
