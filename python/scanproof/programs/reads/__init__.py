"""The rows of the table, by kind of operation."""

from scanproof.programs.reads import (  # noqa: F401
    attention,
    backward,
    convolution,
    fourier,
    indexing,
    norms,
    pointwise,
    pooling,
    products,
    random,
    recurrent,
    reductions,
    scans,
    shapes,
    solves,
    sorting,
    writing,
)
