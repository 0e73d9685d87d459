"""The tour that ``scanproof demo`` gives: proofs, oracle, audits, and two faults being caught."""
