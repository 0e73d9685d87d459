import Lake
open Lake DSL

package downstream where
  leanOptions := #[⟨`autoImplicit, false⟩]

require scanproof from "../.."

@[default_target]
lean_lib Downstream
