module

public import Spec.Runner
public import Spec.Scalar

/-!
# A model of one's own

A leaky integrator as a runner of scanproof, and what it inherits: outputs do not depend on the future, and decoding from
the state continues the run.
-/

@[expose] public noncomputable section

namespace Downstream

open Scanproof

variable {α : Type} [Scalar α]

/-- The state decays by `a`, takes the token in, and is the output. -/
def integrator (a : α) : Runner α α α where
  step h x := (a * h + x, a * h + x)

/-- Appending future tokens `ys` cannot change the outputs already produced for `xs`. -/
theorem integrator_append_outputs_prefix (a h : α) (xs ys : List α) :
    ((integrator a).runList h (xs ++ ys)).2.take xs.length = ((integrator a).runList h xs).2 :=
  (integrator a).take_outputs_append h xs ys

/-- After a prefill with `xs`, the later outputs are those of a run from the state it left. -/
theorem integrator_decode (a h : α) (xs ys : List α) :
    ((integrator a).runList h (xs ++ ys)).2.drop xs.length =
      ((integrator a).runList ((integrator a).runList h xs).1 ys).2 :=
  (integrator a).drop_outputs_append h xs ys

end Downstream

end
