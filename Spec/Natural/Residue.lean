/-
Copyright (c) 2026 scanproof contributors. All rights reserved.
Released under Apache 2.0 license as described in the file LICENSE.
-/
module

public import Spec.Natural.Hom
public import Spec.ResidueScalar

/-!
# Residues follow the floats

The float of a residue is a homomorphism, so the floats of a run over residues are the run over floats, and the run over
residues takes its branches.

## Main definitions

* `Residue.floatHom`: the homomorphism.
-/

@[expose] public noncomputable section

namespace Scanproof

/-- The float beside the residues, as a homomorphism of scalars. -/
def Residue.floatHom (π : Primes) :
    letI := residueScalar π
    Scalar.Hom Residue Float :=
  letI := residueScalar π
  { toFun := Residue.float
    map_zero := rfl
    map_one := rfl
    map_add := fun _ _ => rfl
    map_mul := fun x y => by
      change (Residue.pureIf _ _ _ _).float = _
      rw [Residue.pureIf]
      split <;> rfl
    map_neg := fun _ => rfl
    map_div := fun x y => by
      change (Residue.div π x y).float = _
      simp only [Residue.div, Residue.pureIf]
      split <;> split <;> rfl
    map_natCast := fun _ => rfl
    map_exp := fun _ => rfl
    map_log := fun _ => rfl
    map_max := fun x y => by
      change (Residue.max x y).float = FloatScalar.max x.float y.float
      rw [Residue.max, FloatScalar.max]
      split <;> rfl
    map_softplus := fun _ => rfl }

end Scanproof
