"""Names of the Lean theorems that verdicts rest on.

Every name here is in namespace ``Scanproof``; a test fails when ``scanproof prove`` does not list it.
"""

import json
from functools import cache
from importlib.resources import files

RUNNER_APPEND = "Runner.take_outputs_append"
"""Appending future tokens leaves the outputs already emitted unchanged."""

RUNNER_AGREE = "Runner.take_outputs_congr"
"""Inputs that agree on a prefix give outputs that agree on it."""

SELECTIVE_SCAN_APPEND = "diagonalSelectiveScan_append"
"""The diagonal selective scan of an append is the prefix scan followed by the scan from the state reached."""

CAUSAL_CONV1D = "causalConv1d_getElem_ofOldestFirst"
"""The causal convolution computes the sum over its taps, as the ecosystem stores them."""

SSD_SCAN_APPEND = "ssdScan_append"
"""Tokens after tokens are run from the state that was reached, and leave the outputs before them."""

GLA_PREFIX = "gla_append_outputs_prefix"
RG_LRU_PREFIX = "rgLru_append_outputs_prefix"
GATED_DELTA_PREFIX = "gatedDelta_append_outputs_prefix"
GENERALIZED_DELTA_PREFIX = "generalizedDelta_append_outputs_prefix"
COMBA_PREFIX = "comba_append_outputs_prefix"
GATED_NORM_PREFIX = "gatedNorm_append_outputs_prefix"
RWKV6_PREFIX = "rwkv6_append_outputs_prefix"
MLSTM_PREFIX = "preactivatedMlstm_append_outputs_prefix"
MIN_GRU_PREFIX = "minGru_append_outputs_prefix"
COMPLEX_DIAGONAL_PREFIX = "complexDiagonal_append_outputs_prefix"

DIAGONAL_S4_PREFIX = "diagonalS4_runList_append_outputs_prefix"
COMPACT_MAMBA_PREFIX = "compactMamba_runList_append_outputs_prefix"
SELECTIVE_MAMBA_PREFIX = "selectiveMamba_runList_append_outputs_prefix"
MAMBA2_PREFIX = "mamba2_append_outputs_prefix"

SUM_ERROR = "Rounding.sum_error"
"""A sum in any order, its terms rounded, lies within the bound of the exact sum."""

SCAN_ERROR = "runDiagonalTransitions_error"
"""However a diagonal scan is associated and rounded, it lies within the bound of the exact state."""

SEQUENTIAL_SCAN_ERROR = "Rounding.sequential_error"
"""However each operation of a scan from token to token rounds, it lies within the running bound."""

GRADIENT = "diagonalScan_adjoint"
"""The gradients of a diagonal scan: at its inputs a scan backwards, at its decays that times the states."""

GRADIENT_ERROR = "diagonalScan_vjp_inputs_error"
"""However that scan is associated and rounded, it lies within the bound."""

PROGRAM_CAUSAL = "Program.causal"
"""A program whose outputs read no later position is causal, whatever its operations compute."""

PROGRAM_OWN_ROW = "Program.Certified.own_row"
"""An output that reads its own example keeps its value when other examples change."""

PROGRAM_CHECKER = "Listing.check_sound"
"""The checker in Lean accepts only programs whose outputs depend on nothing but what they may read."""

ALL_CUTS = "matrixCausal_iff_reach_cuts"
"""A matrix is causal exactly when the block across every cut between different reaches is zero."""

RANDOM_CUTS = "random_cuts_missed_next"
"""How many choices of random cuts miss a leak of neighbours."""

CODED_CONTRIBUTION = "lowerTriangular_iff_contribution"
CODED_PASS = "countP_codedPass_le"
"""Why coded cotangents see every later pair, and how rarely a leak passes them."""

RANDOM_POINTS = "RationalExpr.countP_agree_le"
"""At how few random points two different rational expressions agree."""

RANDOM_POINTS_ALL = "RationalExpr.countP_agree_draws_le"
"""At how few choices of several points they agree at every one of them."""

SAME_EXPRESSIONS = "Natural.eq_of_expression_eq"
"""Two computations that are one expression have equal values over every scalar."""

EXP_OF_SUM = "Residue.exp_add_value"
"""Over residues, the exponential of a sum is the product of the exponentials."""

RUN_OF_PIECES = "Runner.runList_flatten"
"""Pieces of any lengths, each from the state after the last, are one run."""

PREFILL_DECODE = "Runner.prefill_decode"
"""Prefill, then token by token, is one run."""

AFTER_PADDING = "Runner.outputs_after_padding_iff"
"""Left padding is harmless exactly when no later token can tell the state it leaves."""

LEFT_PADDING = "selectiveMamba_leftPadding"
"""With a mask on the left, the real tokens of a selective Mamba block come out as if alone."""

PACKED = "Runner.packed_outputs_alone"
"""With resets, packed examples come out as if alone."""


@cache
def meanings() -> dict[str, str]:
    """Return what each theorem that the package carries says, in a sentence or two, by its name."""
    carried = json.loads((files("scanproof") / "lean" / "catalogue.json").read_text(encoding="utf-8"))
    return {
        one["name"].removeprefix("Scanproof."): " ".join(one["docstring"].partition("\n\n")[0].split())
        for one in carried["declarations"]
        if one["kind"] == "theorem"
    }
