"""Names of the Lean theorems that verdicts rest on.

Every name here is in namespace ``Scanproof``; a test fails when ``scanproof prove`` does not list it.
"""

RUNNER_APPEND = "Runner.take_outputs_append"
"""Appending future tokens leaves the outputs already emitted unchanged."""

RUNNER_AGREE = "Runner.take_outputs_congr"
"""Inputs that agree on a prefix give outputs that agree on it."""

SELECTIVE_SCAN_APPEND = "diagonalSelectiveScan_append"
"""The diagonal selective scan of an append is the prefix scan followed by the scan from the state reached."""

DIAGONAL_S4_PREFIX = "diagonalS4_runList_append_outputs_prefix"
COMPACT_MAMBA_PREFIX = "compactMamba_runList_append_outputs_prefix"
SELECTIVE_MAMBA_PREFIX = "selectiveMamba_runList_append_outputs_prefix"

SCAN_ERROR = "runDiagonalTransitions_error"
"""However a diagonal scan is associated and rounded, it lies within the bound of the exact state."""
