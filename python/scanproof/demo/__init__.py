"""The tour of ``scanproof demo``: proofs, the oracle, audits, and two injected faults that are caught."""
