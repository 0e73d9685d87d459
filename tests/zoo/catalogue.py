"""All that the zoo keeps, by family."""

from types import ModuleType

from . import (
    attention,
    batches,
    convolution,
    injected,
    mixing,
    normalisation,
    pooling,
    positions,
    routing,
    scans,
)

FAMILIES: dict[str, ModuleType] = {
    "attention": attention,
    "convolution": convolution,
    "scans": scans,
    "mixing of positions": mixing,
    "normalisation": normalisation,
    "choices": routing,
    "pooling": pooling,
    "lengths and padding": positions,
    "sizes": injected,
    "batches": batches,
}
