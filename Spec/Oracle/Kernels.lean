/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Kernels.CausalConv1d
public import Spec.Kernels.GatedNorm
public import Spec.Kernels.SelectiveScan
public import Spec.Kernels.SsdScan
public import Spec.Models.ComplexDiagonal
public import Spec.Oracle.Serve
public import Spec.Scan.GeneralizedDelta
public import Spec.Scan.MinGru
public import Spec.Scan.Mlstm
public import Spec.Scan.Rwkv6

/-!
# Kernels on request

An executable that runs kernels. It is apart from the executable of `Spec.Oracle`, so that who runs no kernel need not wait until
Lean has read their modules. A request is a line, as `Spec.Oracle.Serve` says. The request to run a kernel on one example, and on
one head where heads do not meet, is

    SCALAR KERNEL DIM … NUMBER …

`KERNEL`, its dimensions, the tensors before the tokens, and the tensors of a token are

    selective    channel group state softplus D delta_bias z time    A D delta_bias initial_state    u delta B C z
    ssd          head group channel state softplus D dt_bias dt_min dt_max z time
                 A D dt_bias dt_min dt_max initial_state    x dt B C z
    conv         channel width silu bias time                        weight bias initial_state       x
    gla          state channel log time                              scale initial_state             q k v g
    rwkv6        state channel time                                  scale u initial_state           q k v w
    mlstm        state channel time                                  scale eps                       q k v input forget
    delta        state channel log norm time                         scale norm_eps initial_state    q k v g beta
    comba        state channel log norm time                         scale norm_eps initial_state    q k v g beta p
    generalized  state channel log time                              scale initial_state             q k v g a b
    norm         feature groups gate_first centred sigmoid bias z time    eps weight bias            x z
    linear       channel log time                                    initial_state                   x g
    rglru        channel time
                 input_weight input_bias recurrence_weight recurrence_bias decay initial_state       x
    mingru       channel time                                        initial_state                   gate candidate
    complex      input state output time
                 scale B_re B_im C_re C_im D a_re a_im initial_re initial_im                         u

Options are 1 or 0: whether a function is applied, or whether an optional tensor is among the numbers. For `ssd` and `rglru` the dimensions
end with one natural number for each token: its `seq_idx`, or its `reset`. Taps and the initial state of `conv`
are oldest first. States of `delta`, `comba` and `generalized` are (channel, state), as in Lean. The answer is `ok` and the
numbers of the outputs and of the final state, where a kernel returns one.
-/

@[expose] public noncomputable section

namespace Scanproof.Oracle

variable {α : Type} [Codec α]

/-- The tensor from `start` on, if it is among the numbers. -/
def readOption (numbers : Array α) (shape : List Nat) (start present : Nat) : Option (Tensor α shape) :=
  if present = 0 then none else some (readTensor numbers shape start)

/-- `count` tokens of `size` numbers each, from `start` on, followed by those of `later`. -/
def readTokens {τ : Type} (read : Nat → τ) (start size : Nat) (later : List τ) : (count : Nat) → List τ
  | 0 => later
  | count + 1 => readTokens read start size (read (start + count * size) :: later) count

/-- Answer with a list of tokens, if there are as many numbers as tensors of these shapes and tokens of these shapes need. -/
def withTokens {τ : Type} (numbers : Array α) (fixed token : List (List Nat)) (count : Nat) (read : Nat → τ)
    (answer : List τ → String) : String :=
  withNumbers numbers ([count, volumes token] :: fixed) fun _ =>
    answer (readTokens read (volumes fixed) (volumes token) [] count)

/-- Answer a request for `selectiveScan`. -/
def answerSelectiveScan (numbers : Array α) (c g s softplus hasD hasBias hasZ time : Nat) : String :=
  if h : g ∣ c then
    let fixed := [[c, s], [hasD, c], [hasBias, c], [c, s]]
    let token := [[c], [c], [g, s], [g, s], [hasZ, c]]
    let p : SelectiveScan α c g s :=
      { groups_dvd := h
        A := readTensor numbers [c, s] 0
        D := readOption numbers [c] (offset fixed 1) hasD
        deltaBias := readOption numbers [c] (offset fixed 2) hasBias
        deltaSoftplus := softplus == 1 }
    let read (start : Nat) : SelectiveScanToken α c g s :=
      { u := readTensor numbers [c] start
        delta := readTensor numbers [c] (start + offset token 1)
        B := readTensor numbers [g, s] (start + offset token 2)
        C := readTensor numbers [g, s] (start + offset token 3)
        z := readOption numbers [c] (start + offset token 4) hasZ }
    withTokens numbers fixed token time read fun tokens =>
      let result := selectiveScan p (readTensor numbers [c, s] (offset fixed 3)) tokens
      printTensor (printTensors "ok" [c] result.2) [c, s] result.1
  else "error the groups do not divide the channels"

/-- Pair tokens with whole numbers. -/
def withMarks {τ : Type} : List Nat → List τ → List (Int × τ)
  | mark :: marks, t :: ts => (Int.ofNat mark, t) :: withMarks marks ts
  | _, _ => []

/-- Apply a function to each token. -/
def mapTokens {τ ο : Type} (f : τ → ο) : List τ → List ο
  | [] => []
  | t :: ts => f t :: mapTokens f ts

/-- Answer a request for `ssdScanSeqIdx`. -/
def answerSsd (numbers : Array α) (h g c s softplus hasD hasBias hasMin hasMax hasZ time : Nat) (marks : List Nat) : String :=
  if dvd : g ∣ h then
    let fixed := [[h], [hasD, h, c], [hasBias, h], [hasMin], [hasMax], [h, c, s]]
    let token := [[h, c], [h], [g, s], [g, s], [hasZ, h, c]]
    let m : SsdScan α h g c :=
      { groups_dvd := dvd
        A := readTensor numbers [h] 0
        D := readOption numbers [h, c] (offset fixed 1) hasD
        dtBias := readOption numbers [h] (offset fixed 2) hasBias
        dtSoftplus := softplus == 1
        dtMin := readOption numbers [] (offset fixed 3) hasMin
        dtMax := readOption numbers [] (offset fixed 4) hasMax }
    let read (start : Nat) : SsdScanToken α h g c s :=
      { x := readTensor numbers [h, c] start
        dt := readTensor numbers [h] (start + offset token 1)
        B := readTensor numbers [g, s] (start + offset token 2)
        C := readTensor numbers [g, s] (start + offset token 3)
        z := readOption numbers [h, c] (start + offset token 4) hasZ }
    withTokens numbers fixed token time read fun tokens =>
      let result := ssdScanSeqIdx m (readTensor numbers [h, c, s] (offset fixed 5), 0) (withMarks marks tokens)
      printTensor (printTensors "ok" [h, c] result.2) [h, c, s] result.1.1
  else "error the groups do not divide the heads"

/-- Answer a request for `causalConv1d`. -/
def answerConv (numbers : Array α) (c w silu hasBias time : Nat) : String :=
  let fixed := [[c, w], [hasBias, c], [w - 1, c]]
  let conv := CausalConv1d.ofOldestFirst (readTensor numbers [c, w] 0) (readOption numbers [c] (offset fixed 1) hasBias)
    (if silu = 1 then .silu else .identity)
  let state : Tensor α [w - 1, c] := readTensor numbers [w - 1, c] (offset fixed 2)
  withTokens numbers fixed [[c]] time (readTensor numbers [c]) fun tokens =>
    printTensors "ok" [c] (causalConv1d conv (Vec.ofFn fun k => state.get k.rev) tokens).2

/-- Decays from their logarithms, or as they are. -/
def decays {n : Nat} (log : Nat) (g : Tensor α [n]) : Tensor α [n] := if log = 1 then g.map Scalar.exp else g

/-- Answer a request for `linearAttention`. -/
def answerGla (numbers : Array α) (n p log time : Nat) : String :=
  let fixed := [[1], [n, p]]
  let token := [[n], [n], [p], [n]]
  let scale : α := readTensor numbers [] 0
  let read (start : Nat) : LinearAttentionToken α n p :=
    glaToken (decays log (readTensor numbers [n] (start + offset token 3)))
      ((readTensor numbers [n] start : Tensor α [n]).map fun x => x * scale)
      (readTensor numbers [n] (start + offset token 1)) (readTensor numbers [p] (start + offset token 2))
  withTokens numbers fixed token time read fun tokens =>
    let result := linearAttention (readTensor numbers [n, p] 1) tokens
    printTensor (printTensors "ok" [p] result.2) [n, p] result.1

/-- Answer a request for `rwkv6`. -/
def answerRwkv6 (numbers : Array α) (n p time : Nat) : String :=
  let fixed := [[1], [n], [n, p]]
  let token := [[n], [n], [p], [n]]
  let scale : α := readTensor numbers [] 0
  let read (start : Nat) : Rwkv6Token α n p :=
    { w := decays 1 (readTensor numbers [n] (start + offset token 3))
      r := (readTensor numbers [n] start : Tensor α [n]).map fun x => x * scale
      k := readTensor numbers [n] (start + offset token 1)
      v := readTensor numbers [p] (start + offset token 2) }
  withTokens numbers fixed token time read fun tokens =>
    let result := rwkv6 (readTensor numbers [n] 1) (readTensor numbers [n, p] (offset fixed 2)) tokens
    printTensor (printTensors "ok" [p] result.2) [n, p] result.1

/-- Answer a request for `preactivatedMlstm`. -/
def answerMlstm (numbers : Array α) (n p time : Nat) : String :=
  let token := [[n], [n], [p], [1], [1]]
  let scale : α := readTensor numbers [] 0
  let read (start : Nat) : MlstmGateToken α n p :=
    { forget := readTensor numbers [] (start + offset token 4)
      input := readTensor numbers [] (start + offset token 3)
      eps := readTensor numbers [] 1
      q := (readTensor numbers [n] start : Tensor α [n]).map fun x => x * scale
      k := readTensor numbers [n] (start + offset token 1)
      v := readTensor numbers [p] (start + offset token 2) }
  withTokens numbers [[2]] token time read fun tokens =>
    printTensors "ok" [p] (preactivatedMlstm (⟨zeroMatrix α n p, zeroMatrix α n 1⟩, 0) tokens).2

/-- A vector divided by its length, `eps` added under the root; or the vector as it is. -/
def normalised {n : Nat} (norm : Nat) (eps : α) (x : Tensor α [n]) : Tensor α [n] :=
  if norm = 0 then x
  else
    let factor := 1 / Codec.sqrt (x.dot x + eps)
    x.map fun entry => entry * factor

/-- The token of the delta rule from `start` on. -/
def readDelta (numbers : Array α) (n p log norm start : Nat) : DeltaToken α n p :=
  let token := [[n], [n], [p], [n]]
  let scale : α := readTensor numbers [] 0
  let eps : α := readTensor numbers [] 1
  { decay := decays log (readTensor numbers [n] (start + offset token 3))
    beta := readTensor numbers [] (start + volumes token)
    q := (normalised norm eps (readTensor numbers [n] start : Tensor α [n])).map fun x => x * scale
    k := normalised norm eps (readTensor numbers [n] (start + offset token 1))
    v := readTensor numbers [p] (start + offset token 2) }

/-- Answer a request for `deltaRule`. -/
def answerDelta (numbers : Array α) (n p log norm time : Nat) : String :=
  withTokens numbers [[2], [p, n]] [[n], [n], [p], [n], [1]] time (readDelta numbers n p log norm) fun tokens =>
    let result := deltaRule (readTensor numbers [p, n] 2) tokens
    printTensor (printTensors "ok" [p] result.2) [p, n] result.1

/-- Answer a request for `comba`. -/
def answerComba (numbers : Array α) (n p log norm time : Nat) : String :=
  let token := [[n], [n], [p], [n], [1], [n]]
  let read (start : Nat) : CombaToken α n p :=
    { readDelta numbers n p log norm start with
      p := normalised norm (readTensor numbers [] 1) (readTensor numbers [n] (start + offset token 5)) }
  withTokens numbers [[2], [p, n]] token time read fun tokens =>
    let result := comba (readTensor numbers [p, n] 2) tokens
    printTensor (printTensors "ok" [p] result.2) [p, n] result.1

/-- Answer a request for `generalizedDeltaRule`. -/
def answerGeneralized (numbers : Array α) (n p log time : Nat) : String :=
  let token := [[n], [n], [p], [n], [n], [n]]
  let scale : α := readTensor numbers [] 0
  let read (start : Nat) : GeneralizedDeltaToken α n p :=
    { decay := decays log (readTensor numbers [n] (start + offset token 3))
      q := (readTensor numbers [n] start : Tensor α [n]).map fun x => x * scale
      k := readTensor numbers [n] (start + offset token 1)
      v := readTensor numbers [p] (start + offset token 2)
      a := readTensor numbers [n] (start + offset token 4)
      b := readTensor numbers [n] (start + offset token 5) }
  withTokens numbers [[1], [p, n]] token time read fun tokens =>
    let result := generalizedDeltaRule (readTensor numbers [p, n] 1) tokens
    printTensor (printTensors "ok" [p] result.2) [p, n] result.1

/-- Answer a request for `gatedNorm`, or for the norm alone. -/
def answerNorm (numbers : Array α) (n groups gateFirst centred sigmoid hasBias hasZ time : Nat) : String :=
  if h : groups ∣ n then
    let fixed := [[1], [n], [hasBias, n]]
    let m : GatedNorm α n :=
      { groups := groups
        groups_dvd := h
        eps := readTensor numbers [] 0
        weight := readTensor numbers [n] 1
        bias := readOption numbers [n] (offset fixed 2) hasBias
        centred := centred == 1
        act := fun x => if sigmoid = 1 then Scalar.sigmoid x else Scalar.silu x
        gateFirst := gateFirst == 1 }
    let read (start : Nat) : Tensor α [n] × Tensor α [n] :=
      (readTensor numbers [n] start, readTensor numbers [n] (start + n))
    withTokens numbers fixed [[n], [hasZ, n]] time read fun tokens =>
      printTensors "ok" [n] (if hasZ = 1 then gatedNorm m tokens else mapTokens (fun t => m.norm t.1) tokens)
  else "error the groups do not divide the features"

/-- Answer a request for the diagonal scan of decays and inputs. -/
def answerLinear (numbers : Array α) (c log time : Nat) : String :=
  let read (start : Nat) : DiagonalTransition α c :=
    ⟨decays log (readTensor numbers [c] (start + c)), readTensor numbers [c] start⟩
  withTokens numbers [[c]] [[c], [c]] time read fun tokens =>
    let result := (diagonalScanRunner α c).runList (readTensor numbers [c] 0) tokens
    printTensor (printTensors "ok" [c] result.2) [c] result.1

/-- The token of the RG-LRU for an input: the gates, the decay, and the weight of the input. -/
def rgLruGated {c : Nat} (inputWeight recurrenceWeight : Tensor α [c, c]) (inputBias recurrenceBias decay x : Tensor α [c])
    (reset : Bool) : LinearAttentionToken α 1 c :=
  let gate (weight : Tensor α [c, c]) (bias : Tensor α [c]) := ((weight.matVec x).add bias).map Scalar.sigmoid
  let gated := (gate inputWeight inputBias).mul x
  if reset then rgLruToken (zeros α c) gated
  else
    let logs := Vec.zipWith (fun r d => -Scalar.natCast 8 * r * Scalar.softplus d) (gate recurrenceWeight recurrenceBias) decay
    rgLruToken (logs.map Scalar.exp)
      (gated.mul (logs.map fun l => Codec.sqrt (1 + -Scalar.exp (l + l))))

/-- Answer a request for `linearAttention` of `rgLruToken`, whose gates are computed from the input. -/
def answerRgLru (numbers : Array α) (c time : Nat) (marks : List Nat) : String :=
  let fixed := [[c, c], [c], [c, c], [c], [c], [1, c]]
  withTokens numbers fixed [[c]] time (readTensor numbers [c]) fun xs =>
    let token (x : Int × Tensor α [c]) : LinearAttentionToken α 1 c :=
      rgLruGated (readTensor numbers [c, c] 0) (readTensor numbers [c, c] (offset fixed 2))
        (readTensor numbers [c] (offset fixed 1)) (readTensor numbers [c] (offset fixed 3))
        (readTensor numbers [c] (offset fixed 4)) x.2 (x.1 == 1)
    let result := linearAttention (readTensor numbers [1, c] (offset fixed 5)) (mapTokens token (withMarks marks xs))
    printTensor (printTensors "ok" [c] result.2) [1, c] result.1

/-- Answer a request for `minGru`, whose gate is given before the sigmoid. -/
def answerMinGru (numbers : Array α) (c time : Nat) : String :=
  let read (start : Nat) : MinGruToken α c :=
    ⟨(readTensor numbers [c] start : Tensor α [c]).map Scalar.sigmoid, readTensor numbers [c] (start + c)⟩
  withTokens numbers [[c]] [[c], [c]] time read fun tokens =>
    let result := minGru (readTensor numbers [c] 0) tokens
    printTensor (printTensors "ok" [c] result.2) [c] result.1

/-- A tensor of complex numbers from those of its parts. -/
def readComplex (numbers : Array α) (n start imaginary : Nat) : Tensor (Complex α) [n] :=
  Vec.zipWith Complex.mk (readTensor numbers [n] start : Tensor α [n]) (readTensor numbers [n] imaginary : Tensor α [n])

/-- Answer a request for `ComplexDiagonalSpec.runList`, with a factor of what is read. -/
def answerComplex (numbers : Array α) (i s o time : Nat) : String :=
  let _ : Polar α := ⟨fun x => x, fun x => x, fun x _ => x⟩ -- the runner asks for no angle
  let fixed := [[1], [s, i], [s, i], [o, s], [o, s], [o, i], [s], [s], [s], [s]]
  let scale : α := readTensor numbers [] 0
  let m : ComplexDiagonalSpec α i s o :=
    { inProj := Vec.ofFn fun k => readComplex numbers i (offset fixed 1 + k.val * i) (offset fixed 2 + k.val * i)
      outProj := Vec.ofFn fun k =>
        (readComplex numbers s (offset fixed 3 + k.val * s) (offset fixed 4 + k.val * s)).map (Complex.scale scale)
      skip := readTensor numbers [o, i] (offset fixed 5) }
  let read (start : Nat) : ComplexDiagonalToken α i s :=
    ⟨readComplex numbers s (offset fixed 6) (offset fixed 7), readTensor numbers [i] start⟩
  withTokens numbers fixed [[i]] time read fun tokens =>
    let result := m.runList (readComplex numbers s (offset fixed 8) (offset fixed 9)) tokens
    let answer := printTensor (printTensors "ok" [o] result.2) [s] (result.1.map Complex.re)
    printTensor answer [s] (result.1.map Complex.im)

/-- The number of dimensions of a kernel, and whether one number for each token follows. -/
def kernelDims : String → Option (Nat × Bool)
  | "selective" => some (8, false)
  | "ssd" => some (11, true)
  | "conv" => some (5, false)
  | "gla" => some (4, false)
  | "rwkv6" => some (3, false)
  | "mlstm" => some (3, false)
  | "delta" => some (5, false)
  | "comba" => some (5, false)
  | "generalized" => some (4, false)
  | "norm" => some (8, false)
  | "linear" => some (3, false)
  | "rglru" => some (2, true)
  | "mingru" => some (2, false)
  | "complex" => some (4, false)
  | _ => none

/-- Run a kernel. -/
def runKernel (numbers : Array α) (marks : List Nat) : String → List Nat → String
  | "selective", [c, g, s, softplus, d, bias, z, time] => answerSelectiveScan numbers c g s softplus d bias z time
  | "ssd", [h, g, c, s, softplus, d, bias, least, most, z, time] =>
    answerSsd numbers h g c s softplus d bias least most z time marks
  | "conv", [c, w, silu, bias, time] => answerConv numbers c w silu bias time
  | "gla", [n, p, log, time] => answerGla numbers n p log time
  | "rwkv6", [n, p, time] => answerRwkv6 numbers n p time
  | "mlstm", [n, p, time] => answerMlstm numbers n p time
  | "delta", [n, p, log, norm, time] => answerDelta numbers n p log norm time
  | "comba", [n, p, log, norm, time] => answerComba numbers n p log norm time
  | "generalized", [n, p, log, time] => answerGeneralized numbers n p log time
  | "norm", [n, groups, first, centred, sigmoid, bias, z, time] =>
    answerNorm numbers n groups first centred sigmoid bias z time
  | "linear", [c, log, time] => answerLinear numbers c log time
  | "rglru", [c, time] => answerRgLru numbers c time marks
  | "mingru", [c, time] => answerMinGru numbers c time
  | "complex", [i, s, o, time] => answerComplex numbers i s o time
  | _, _ => "error unexpected number of dimensions"

/-- The number of tokens, the last of the dimensions. -/
def tokenCount : List Nat → Nat
  | [] => 0
  | [count] => count
  | _ :: dims => tokenCount dims

/-- Answer a request about the kernel called `kernel`. -/
def answerKernel (α : Type) [Codec α] (kernel : String) (words : List String) : String :=
  match kernelDims kernel with
  | none => "error unknown kernel '" ++ kernel ++ "'"
  | some (count, marked) =>
    match parseDims count words with
    | none => "error kernel " ++ kernel ++ " needs " ++ toString count ++ " dimensions, each a natural number"
    | some (dims, rest) =>
      match parseDims (if marked then tokenCount dims else 0) rest with
      | none => "error kernel " ++ kernel ++ " needs a natural number for each token"
      | some (marks, rest) =>
        match parseNumbers (α := α) #[] rest with
        | .error word => "error '" ++ word ++ "' is not a number of the requested scalar type"
        | .ok numbers => runKernel numbers marks kernel dims

end Scanproof.Oracle

/-- Answer requests on the standard input. -/
def main : IO Unit :=
  Scanproof.Oracle.serveAll fun request => Scanproof.Oracle.answerRun (fun α _ => Scanproof.Oracle.answerKernel α) (request.splitOn " ")
