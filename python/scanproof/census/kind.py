"""The two kinds of census with entries: of implementations, and of the real kernels."""

from collections.abc import Mapping
from dataclasses import dataclass

from scanproof.census.subject import COLUMNS

KERNEL_COLUMNS: Mapping[str, tuple[str, ...]] = {
    "outputs": ("T off a block", "T on a block"),
    "gradients": ("gradients",),
    "gradients of the last state": ("gradients of the last state",),
    "weak decays": ("weak decays",),
    "strong decays": ("strong decays",),
    "odd sizes": ("odd sizes",),
    "packed": ("packed",),
    "prefix": ("prefix",),
    "memory": ("launches", "bounds", "races", "uninitialised"),
    "order": ("order",),
    "configurations": ("configurations",),
}
"""The columns of the census of kernels, and the checks that each column holds."""


@dataclass(frozen=True)
class Kind:
    """What a census asks.

    Attributes:
        name: stem of its files.
        title: title of its table.
        command: the command that makes it.
        columns: the columns of its table, and the checks that each column holds.
        numbers: what the numbers in the cells are.
        dots: why cells without an answer have none.
        note: what a reader must know before the table; may be empty.
    """

    name: str
    title: str
    command: str
    columns: Mapping[str, tuple[str, ...]]
    numbers: str
    dots: str
    note: str = ""


IMPLEMENTATIONS = Kind(
    name="census",
    title="Census",
    command="scanproof census",
    columns=COLUMNS,
    numbers="a share of the greatest output; for *refinement* and *gradients*, the error relative to the "
    "bound",
    note="The signs after the numbers say what runs over finite fields found, at 5 or 9 tokens, where "
    "nothing rounds: = the same function as one pass, in every way that was asked; (=) in some of them; "
    "≠ another function; ≈ another one by so little that constants rounded to float32 may explain it; ? "
    "nothing was decided. Without a sign, floats alone decide. Asked are the ways *steps*, *prefill, then "
    "steps*, *chunked prefill* and those of *padding*, with positions given where a model takes them, and "
    "every way with a finding. *same function* says the same of functions and their specs.",
    dots="a whole model is not compared with a recurrence, a kernel is not fed in pieces or padded, and "
    "*certificate* needs gradients",
)

KERNELS = Kind(
    name="kernels",
    title="Census of kernels",
    command="scanproof census --kernels",
    columns=KERNEL_COLUMNS,
    numbers="the error relative to the bound; for *prefix*, a share of the greatest output; for two forms of "
    "one recurrence, a share of the greatest entry",
    dots="only the source of a kernel in Triton shows its accesses of memory, the order of its programs and "
    "its configurations, and two forms of one recurrence are compared in *outputs* and *gradients* alone",
    note="Each kernel is compared with its spec, or two forms of one recurrence with each other, at several "
    "lengths and sizes. The kernels of mamba-ssm, fla-core and accelerated-scan ran as source under Triton's "
    "interpreter, with exact products, and not as compiled code: no GPU confirmed their findings. Two forms "
    "of one recurrence agree if they differ by at most 1e-4 of the greatest entry, which no theorem bounds.",
)
