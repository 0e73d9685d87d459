/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Causality.Families
public import Spec.Kernels.ComplexSelectiveScan
public import Spec.Models.ComplexDiagonalParallel
public import Spec.Scan.Rwkv6Forms

/-!
# The recurrent families, restated

Each public theorem about complex scalars and the recurrent families, word for word. Who weakens one breaks the build here.
-/

namespace Scanproof

/-! ## Complex -/

section

namespace Complex

section

variable {α : Type}

example {x y : Complex α} (re : x.re = y.re) (im : x.im = y.im) : x = y := by
  apply ext <;> assumption

end

variable {α : Type} [Scalar α] [Polar α] (x y : Complex α)

example : (0 : Complex α).re = 0 := by
  apply zero_re <;> assumption

example : (0 : Complex α).im = 0 := by
  apply zero_im <;> assumption

example : (1 : Complex α).re = 1 := by
  apply one_re <;> assumption

example : (1 : Complex α).im = 0 := by
  apply one_im <;> assumption

example : (x + y).re = x.re + y.re := by
  apply add_re <;> assumption

example : (x + y).im = x.im + y.im := by
  apply add_im <;> assumption

example : (x * y).re = x.re * y.re + -(x.im * y.im) := by
  apply mul_re <;> assumption

example : (x * y).im = x.re * y.im + x.im * y.re := by
  apply mul_im <;> assumption

example : (-x).re = -x.re := by
  apply neg_re <;> assumption

example : (-x).im = -x.im := by
  apply neg_im <;> assumption

example [CommRingScalar α] : CommRingScalar (Complex α) := Complex.commRingScalar

end Complex

end

/-! ## Kernels/ComplexSelectiveScan -/

section

variable {α : Type} [Scalar α] [Polar α] {channels groups stateDim : Nat}

variable (p : ComplexSelectiveScan α channels groups stateDim) (h : Tensor (Complex α) [channels, stateDim])

example (t : ComplexSelectiveScanToken α channels groups stateDim) (i : Fin channels)
    (n : Fin stateDim) :
    ((complexSelectiveStateUpdate p h t).1.get i).get n =
      Scalar.exp (.scale ((p.stepSize t.delta).get i) ⟨(p.A.get i).get n, (p.imA.get i).get n⟩) * (h.get i).get n +
        .scale (t.u.get i) (.scale ((p.stepSize t.delta).get i)
          ⟨(t.B.get (groupOf p.groups_dvd i)).get n, (t.imB.get (groupOf p.groups_dvd i)).get n⟩) := by
  apply complexSelectiveStateUpdate_state <;> assumption

example (t : ComplexSelectiveScanToken α channels groups stateDim) (i : Fin channels) :
    (complexSelectiveStateUpdate p h t).2.get i = p.readOut t i ((complexSelectiveStateUpdate p h t).1.get i) := by
  apply complexSelectiveStateUpdate_output <;> assumption

example (ts : List (ComplexSelectiveScanToken α channels groups stateDim))
    (i : Fin channels) :
    (complexSelectiveScan p h ts).1.get i =
      runDiagonalTransitions (h.get i) (ts.map fun t => p.transition (p.stepSize t.delta) t i) := by
  apply complexSelectiveScan_state_channel <;> assumption

example (ts : List (ComplexSelectiveScanToken α channels groups stateDim))
    (i : Fin channels) :
    (complexSelectiveScan p h ts).2.map (fun y => y.get i) =
      List.zipWith (fun t h => p.readOut t i h) ts
        (diagonalSelectiveScan (h.get i) (ts.map fun t => p.transition (p.stepSize t.delta) t i)) := by
  apply complexSelectiveScan_outputs_channel <;> assumption

example (xs ys : List (ComplexSelectiveScanToken α channels groups stateDim)) :
    List.take xs.length (complexSelectiveScan p h (xs ++ ys)).2 = (complexSelectiveScan p h xs).2 := by
  apply complexSelectiveScan_append_outputs_prefix <;> assumption

example (xs ys : List (ComplexSelectiveScanToken α channels groups stateDim)) :
    complexSelectiveScan p h (xs ++ ys) =
      ((complexSelectiveScan p (complexSelectiveScan p h xs).1 ys).1,
        (complexSelectiveScan p h xs).2 ++ (complexSelectiveScan p (complexSelectiveScan p h xs).1 ys).2) := by
  apply complexSelectiveScan_append <;> assumption

end

/-! ## Models/ComplexDiagonal -/

section

variable {α : Type} [Scalar α] [Polar α] {inputDim stateDim outputDim : Nat}
  (m : ComplexDiagonalSpec α inputDim stateDim outputDim) (h0 : Tensor (Complex α) [stateDim])
  (ts : List (ComplexDiagonalToken α inputDim stateDim))

example : (m.runList h0 ts).1 = runDiagonalTransitions h0 (ts.map m.transition) := by
  apply complexDiagonal_state <;> assumption

example :
    (m.runList h0 ts).2 = List.zipWith m.readOut ts (diagonalSelectiveScan h0 (ts.map m.transition)) := by
  apply complexDiagonal_outputs <;> assumption

example [CommRingScalar α] {ys : List (DiagonalTransition (Complex α) stateDim)}
    (h : IsPrefixScan DiagonalTransition.after (ts.map m.transition) ys) :
    (m.runList h0 ts).2 = List.zipWith m.readOut ts (ys.map fun t => t.apply h0) := by
  apply complexDiagonal_outputs_parallel <;> assumption

end

/-! ## Scan/Rwkv6 -/

section

variable {α : Type} {keyDim valueDim : Nat}

variable [Scalar α]

variable (u : Tensor α [keyDim]) (h : Tensor α [keyDim, valueDim]) (t : Rwkv6Token α keyDim valueDim)

example (i : Fin keyDim) (j : Fin valueDim) :
    ((rwkv6Step u h t).1.get i).get j = t.w.get i * (h.get i).get j + t.k.get i * t.v.get j := by
  apply rwkv6Step_state <;> assumption

example (j : Fin valueDim) :
    (rwkv6Step u h t).2.get j = sum fun i => t.r.get i * ((h.get i).get j + u.get i * (t.k.get i * t.v.get j)) := by
  apply rwkv6Step_output <;> assumption

example (ts : List (Rwkv6Token α keyDim valueDim)) :
    (rwkv6 u h ts).1 = (linearAttention h (ts.map Rwkv6Token.toGla)).1 := by
  apply rwkv6_state <;> assumption

end

/-! ## Scan/Rwkv6Forms -/

section

open Lean.Grind

variable {α : Type} [Scalar α] [CommSemiringScalar α] {keyDim valueDim : Nat} (u : Tensor α [keyDim])
  (tok : Nat → Rwkv6Token α keyDim valueDim) (h0 : Tensor α [keyDim, valueDim])

example {m t : Nat} (h : m ≤ t) (j : Fin valueDim) :
    ((rwkv6Runner u valueDim).outputAt h0 tok t).get j =
      (sumRange m t fun s => rwkv6Score tok t s * (tok s).v.get j) + rwkv6Bonus u tok t * (tok t).v.get j +
        finSum fun i => (tok t).r.get i * segProd (fun r => (tok r).w.get i) m t *
          (((rwkv6Runner u valueDim).stateAt h0 tok m).get i).get j := by
  apply rwkv6_outputAt_from <;> assumption

example (T : Nat) :
    (rwkv6 u h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun j =>
        (sumRange 0 t fun s => rwkv6Score tok t s * (tok s).v.get j) + rwkv6Bonus u tok t * (tok t).v.get j +
          finSum fun i => (tok t).r.get i * segProd (fun r => (tok r).w.get i) 0 t * (h0.get i).get j := by
  apply rwkv6_outputs_eq_masked <;> assumption

example (L T : Nat) :
    (rwkv6 u h0 ((List.range T).map tok)).2 =
      (List.range T).map fun t => Vec.ofFn fun j =>
        (sumRange (t / L * L) t fun s => rwkv6Score tok t s * (tok s).v.get j) + rwkv6Bonus u tok t * (tok t).v.get j +
          finSum fun i => (tok t).r.get i * segProd (fun r => (tok r).w.get i) (t / L * L) t *
            ((passedState (linearAttentionAdvance (rwkv6Gla tok)) h0 L (t / L)).get i).get j := by
  apply rwkv6_outputs_eq_chunked <;> assumption

example (L T : Nat) :
    (rwkv6 u h0 ((List.range T).map tok)).1 =
      linearAttentionAdvance (rwkv6Gla tok) (passedState (linearAttentionAdvance (rwkv6Gla tok)) h0 L (T / L)) (T / L * L) T := by
  apply rwkv6_state_eq_chunked <;> assumption

end

/-! ## Scan/Mlstm -/

section

variable {α : Type} {keyDim valueDim : Nat}

variable [Scalar α]

variable (s : MlstmState α keyDim valueDim)

example (ts : List (MlstmToken α keyDim valueDim)) :
    (mlstm s ts).1.memory = (linearAttention s.memory (ts.map MlstmToken.toMemory)).1 := by
  apply mlstm_memory <;> assumption

example (ts : List (MlstmToken α keyDim valueDim)) :
    (mlstm s ts).1.normalizer = (linearAttention s.normalizer (ts.map MlstmToken.toNormalizer)).1 := by
  apply mlstm_normalizer <;> assumption

example (t : MlstmToken α keyDim valueDim) (j : Fin valueDim) :
    (mlstmStep s t).2.get j =
      (linearAttentionStep s.memory t.toMemory).2.get j /
        (Scalar.max (Scalar.abs ((linearAttentionStep s.normalizer t.toNormalizer).2.get 0)) t.floor + t.eps) := by
  apply mlstmStep_output <;> assumption

end

/-! ## Scan/MinGru -/

section

variable {α : Type} [Scalar α] {n : Nat}

example (h0 : Tensor α [n]) (ts : List (MinGruToken α n)) :
    (minGru h0 ts).1 = runDiagonalTransitions h0 (ts.map MinGruToken.transition) := by
  apply minGru_state <;> assumption

example (h0 : Tensor α [n]) (ts : List (MinGruToken α n)) :
    (minGru h0 ts).2 = diagonalSelectiveScan h0 (ts.map MinGruToken.transition) := by
  apply minGru_outputs <;> assumption

end

/-! ## Kernels/GatedNorm -/

section

variable {α : Type} [Scalar α] {n : Nat}

example {groups : Nat} (h : groups ∣ n) (eps : α) (weight x z : Tensor α [n]) :
    (⟨groups, h, eps, weight, none, false, Scalar.silu, true⟩ : GatedNorm α n).apply x z =
      groupedRmsNorm h eps weight (x.mul (z.map Scalar.silu)) := by
  apply GatedNorm.apply_eq_groupedRmsNorm <;> assumption

example (m : GatedNorm α n) (ts : List (Tensor α [n] × Tensor α [n])) :
    gatedNorm m ts = ts.map fun t => m.apply t.1 t.2 := by
  apply gatedNorm_eq_map <;> assumption

end

/-! ## Causality/Families -/

section

variable {α : Type} [Scalar α]

example [Polar α] {inputDim stateDim outputDim : Nat}
    (m : ComplexDiagonalSpec α inputDim stateDim outputDim) (h0 : Tensor (Complex α) [stateDim])
    (xs ys : List (ComplexDiagonalToken α inputDim stateDim)) :
    List.take xs.length (m.runList h0 (xs ++ ys)).2 = (m.runList h0 xs).2 := by
  apply complexDiagonal_append_outputs_prefix <;> assumption

example {n : Nat} (h0 : Tensor α [n]) (xs ys : List (MinGruToken α n)) :
    List.take xs.length (minGru h0 (xs ++ ys)).2 = (minGru h0 xs).2 := by
  apply minGru_append_outputs_prefix <;> assumption

variable {keyDim valueDim : Nat}

example (h0 : Tensor α [keyDim, valueDim])
    (xs ys : List (Tensor α [keyDim] × Tensor α [keyDim] × Tensor α [keyDim] × Tensor α [valueDim])) :
    List.take xs.length (linearAttention h0 ((xs ++ ys).map fun (a, q, k, v) => glaToken a q k v)).2 =
      (linearAttention h0 (xs.map fun (a, q, k, v) => glaToken a q k v)).2 := by
  apply gla_append_outputs_prefix <;> assumption

example (h0 : Tensor α [1, valueDim]) (xs ys : List (Tensor α [valueDim] × Tensor α [valueDim])) :
    List.take xs.length (linearAttention h0 ((xs ++ ys).map fun (a, u) => rgLruToken a u)).2 =
      (linearAttention h0 (xs.map fun (a, u) => rgLruToken a u)).2 := by
  apply rgLru_append_outputs_prefix <;> assumption

example (h0 : Tensor α [valueDim, keyDim])
    (xs ys : List (α × α × Tensor α [keyDim] × Tensor α [keyDim] × Tensor α [valueDim])) :
    List.take xs.length (deltaRule h0 ((xs ++ ys).map fun (a, β, q, k, v) => gatedDeltaToken a β q k v)).2 =
      (deltaRule h0 (xs.map fun (a, β, q, k, v) => gatedDeltaToken a β q k v)).2 := by
  apply gatedDelta_append_outputs_prefix <;> assumption

example (h0 : Tensor α [valueDim, keyDim])
    (xs ys : List (GeneralizedDeltaToken α keyDim valueDim)) :
    List.take xs.length (generalizedDeltaRule h0 (xs ++ ys)).2 = (generalizedDeltaRule h0 xs).2 := by
  apply generalizedDelta_append_outputs_prefix <;> assumption

example (h0 : Tensor α [valueDim, keyDim]) (xs ys : List (CombaToken α keyDim valueDim)) :
    List.take xs.length (comba h0 (xs ++ ys)).2 = (comba h0 xs).2 := by
  apply comba_append_outputs_prefix <;> assumption

example {n : Nat} (m : GatedNorm α n) (xs ys : List (Tensor α [n] × Tensor α [n])) :
    List.take xs.length (gatedNorm m (xs ++ ys)) = gatedNorm m xs := by
  apply gatedNorm_append_outputs_prefix <;> assumption

example (u : Tensor α [keyDim]) (h0 : Tensor α [keyDim, valueDim])
    (xs ys : List (Rwkv6Token α keyDim valueDim)) :
    List.take xs.length (rwkv6 u h0 (xs ++ ys)).2 = (rwkv6 u h0 xs).2 := by
  apply rwkv6_append_outputs_prefix <;> assumption

example (s : MlstmState α keyDim valueDim) (xs ys : List (MlstmToken α keyDim valueDim)) :
    List.take xs.length (mlstm s (xs ++ ys)).2 = (mlstm s xs).2 := by
  apply mlstm_append_outputs_prefix <;> assumption

example (s : MlstmState α keyDim valueDim × α)
    (xs ys : List (MlstmLogToken α keyDim valueDim)) :
    List.take xs.length (stabilisedMlstm s (xs ++ ys)).2 = (stabilisedMlstm s xs).2 := by
  apply stabilisedMlstm_append_outputs_prefix <;> assumption

example (s : MlstmState α keyDim valueDim × α)
    (xs ys : List (MlstmGateToken α keyDim valueDim)) :
    List.take xs.length (preactivatedMlstm s (xs ++ ys)).2 = (preactivatedMlstm s xs).2 := by
  apply preactivatedMlstm_append_outputs_prefix <;> assumption

end

end Scanproof
