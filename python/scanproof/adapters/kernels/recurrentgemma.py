"""The three scans of recurrentgemma in JAX (recurrentgemma 1.0.1, jax 0.10.2), with the gradients of JAX.

The Pallas kernel runs in Pallas's interpreter, which runs the kernel's source and not compiled code.
"""

from functools import partial
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from scanproof.adapters.bare import bare_module
from scanproof.adapters.foreign import foreign_jax
from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.refinement.kernels.linear import LinearRecurrence

_UNUSED = ("flax", "einops", "absl", "jax.experimental.shard_map")
"""What its modules import and these scans do not run: complex numbers, logging, sharding."""

_LANES = 128
"""The Pallas kernel takes only multiples of this many channels."""


def subjects(folder: Path | None = None) -> tuple[Subject, ...]:
    """Return the subjects of recurrentgemma, which is in ``folder`` with JAX or, without one, installed."""
    return tuple(
        Subject(
            f"recurrentgemma.jax.scan:linear_scan, {kind}",
            "recurrentgemma",
            partial(_scan, kind, folder),
            LinearRecurrence(),
            folder=folder,
            sizes={"channel": _LANES} if kind == "LINEAR_PALLAS" else {},
            odd={} if kind == "LINEAR_PALLAS" else {"channel": 3},
        )
        for kind in ("LINEAR_NATIVE", "ASSOCIATIVE_NATIVE", "LINEAR_PALLAS")
    )


def _scan(kind: str, folder: Path | None) -> Implementation:
    module = bare_module("recurrentgemma.jax.scan", folder=folder, inert=_UNUSED)
    pallas = vars(module.pallas.pl)
    interpreted = partial(pallas["pallas_call"], interpret=True)
    module.pallas.pl = SimpleNamespace(**{**pallas, "pallas_call": interpreted})
    scan_type = module.common.ScanType[kind]

    def implementation(x: Any, g: Any, initial_state: Any = None) -> Any:
        return module.linear_scan(x, g, initial_state, scan_type=scan_type)

    return foreign_jax(import_module("jax").jit(implementation))
