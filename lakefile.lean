import Lake
open Lake DSL

package scanproof where
  version := v!"0.1.0"
  description := "Reference runners of state-space sequence models, with proofs that they are causal"
  keywords := #["state-space models", "Mamba", "causality", "machine learning"]
  license := "Apache-2.0"
  leanOptions := #[⟨`autoImplicit, false⟩, ⟨`linter.missingDocs, true⟩]

@[default_target]
lean_lib Spec

@[default_target]
lean_exe oracle where
  root := `Spec.Oracle

@[default_target]
lean_exe kernels where
  root := `Spec.Oracle.Kernels
