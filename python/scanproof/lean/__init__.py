"""Lean for Python: toolchains, checked proofs, the catalogue of theorems."""
