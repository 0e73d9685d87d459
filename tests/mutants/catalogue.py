"""All mutants, and the right scans beside them."""

from functools import partial

from scanproof import selective_scan, selective_scan_associative, selective_scan_chunked

from . import backward, forward
from .mutant import Mutant
from .scan import HandWritten, Scan, Step

FAMILIES: dict[str, tuple[Mutant, ...]] = {
    "step sizes": forward.STEPS,
    "decays": forward.DECAYS,
    "additions to the state": forward.ADDITIONS,
    "states": forward.STATES,
    "outputs": forward.OUTPUTS,
    "gradients": backward.MUTANTS,
}

MUTANTS: tuple[Mutant, ...] = tuple(mutant for family in FAMILIES.values() for mutant in family)

RIGHT: dict[str, Step] = {
    "sequential": selective_scan,
    **{f"chunks of {size}": partial(selective_scan_chunked, chunk_size=size) for size in (1, 3, 8)},
    "associative": selective_scan_associative,
    "written out": Scan(),
    "written out, with a backward pass by hand": HandWritten(),
}
