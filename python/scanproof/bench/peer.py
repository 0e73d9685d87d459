"""The published tool: causal-certificate 0.1.0, an optional dependency."""

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from scanproof.errors import MissingDependency

PEER = "causal-certificate 0.1.0"


def require_peer() -> None:
    """Raise unless it is installed.

    Raises:
        MissingDependency: it is not.
    """
    if find_spec("causal_certificate") is None:
        raise MissingDependency(
            "causal-certificate, the tool that is compared with, is missing; pip install 'scanproof[bench]'."
        )


def peer_certify(fn: Any, x: Any, **options: Any) -> Any:
    """Return its report, the arguments that are not given at their defaults."""
    return import_module("causal_certificate").certify(fn, x, **options)
