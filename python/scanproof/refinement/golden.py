"""Golden vectors: inputs, and the outputs of the Lean runners, bit for bit.

With golden vectors an implementation is compared with Lean on a machine without Lean. This command writes
them again::

    python -m scanproof.refinement.golden
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scanproof.refinement.cases import random_spec
from scanproof.refinement.oracle import Oracle
from scanproof.refinement.runners import (
    DiagonalS4Spec,
    MambaBlockSpec,
    SelectiveMambaBlockSpec,
    SelectiveState,
    Spec,
)

COMMAND = "python -m scanproof.refinement.golden"
SCHEMA_VERSION = 1

_FILE = "golden.json"
_KINDS: dict[str, type[Spec]] = {
    kind.__name__: kind for kind in (DiagonalS4Spec, MambaBlockSpec, SelectiveMambaBlockSpec)
}


@dataclass(frozen=True)
class Recipe:
    """How one golden case is drawn: ``random_spec`` and standard normal inputs from a seed."""

    kind: str
    dims: Mapping[str, int]
    batch: int
    time: int
    seed: int

    def spec(self) -> Spec:
        """Return the parameters."""
        return random_spec(_KINDS[self.kind], self.dims, seed=self.seed)

    def inputs(self) -> NDArray[np.float64]:
        """Return the inputs, (batch, time, inputDim)."""
        shape = (self.batch, self.time, self.dims["inputDim"])
        return np.random.default_rng(self.seed + 1).normal(size=shape)


def _small(kind: str, inputs: int, states: int, outputs: int, batch: int, time: int, seed: int) -> Recipe:
    dims = {"inputDim": inputs, "stateDim": states, "outputDim": outputs}
    return Recipe(kind, dims, batch, time, seed)


def _selective(sizes: Sequence[int], batch: int, time: int, seed: int) -> Recipe:
    names = ("inputDim", "innerDim", "stateDim", "outputDim", "convWidth", "dtRank")
    return Recipe("SelectiveMambaBlockSpec", dict(zip(names, sizes, strict=True)), batch, time, seed)


RECIPES = (
    _small("DiagonalS4Spec", 1, 1, 1, 1, 1, 10),
    _small("DiagonalS4Spec", 3, 4, 2, 2, 9, 20),
    _small("DiagonalS4Spec", 2, 5, 3, 1, 37, 30),
    _small("MambaBlockSpec", 1, 1, 1, 1, 1, 40),
    _small("MambaBlockSpec", 3, 4, 2, 2, 9, 50),
    _small("MambaBlockSpec", 2, 5, 3, 1, 37, 60),
    _selective((1, 1, 1, 1, 1, 1), 1, 1, 70),
    _selective((3, 4, 2, 3, 4, 2), 2, 9, 80),
    _selective((2, 3, 4, 5, 3, 1), 1, 37, 90),
)


@dataclass(frozen=True)
class Golden:
    """One stored case.

    Attributes:
        recipe: how the parameters and inputs were drawn.
        spec: the parameters.
        x: inputs, float64 (batch, time, inputDim).
        y: Lean's outputs, float64 (batch, time, outputDim).
        state: Lean's final state, as :meth:`Spec.run` returns it.
    """

    recipe: Recipe
    spec: Spec
    x: NDArray[np.float64]
    y: NDArray[np.float64]
    state: Any


def load() -> list[Golden]:
    """Return the stored golden cases."""
    text = resources.files("scanproof.refinement").joinpath(_FILE).read_text(encoding="utf-8")
    return [_read(entry) for entry in json.loads(text)["cases"]]


def compute(oracle: Oracle, recipe: Recipe) -> Golden:
    """Run one recipe through Lean."""
    spec, x = recipe.spec(), recipe.inputs()
    y, state = oracle.run(spec, x)
    return Golden(recipe, spec, x, y, state)


def regenerate(path: Path) -> None:
    """Run all recipes through Lean, and write the cases to ``path`` in one atomic step."""
    with Oracle.start() as oracle:
        cases = [_write(compute(oracle, recipe)) for recipe in RECIPES]
    text = json.dumps({"schema_version": SCHEMA_VERSION, "command": COMMAND, "cases": cases}, indent=1)
    partial = path.with_suffix(".partial")
    partial.write_text(text + "\n", encoding="utf-8")
    partial.replace(path)


def _write(golden: Golden) -> dict[str, Any]:
    recipe = golden.recipe
    state = golden.state._asdict() if isinstance(golden.state, SelectiveState) else {"h": golden.state}
    return {
        "model": recipe.kind,
        "dims": dict(recipe.dims),
        "batch": recipe.batch,
        "time": recipe.time,
        "seed": recipe.seed,
        "parameters": {name: _hex(getattr(golden.spec, name)) for name in golden.spec.axes},
        "x": _hex(golden.x),
        "y": _hex(golden.y),
        "state": {name: _hex(part) for name, part in state.items()},
    }


def _read(entry: Mapping[str, Any]) -> Golden:
    recipe = Recipe(entry["model"], entry["dims"], entry["batch"], entry["time"], entry["seed"])
    spec = _KINDS[recipe.kind](**{name: _array(part) for name, part in entry["parameters"].items()})
    parts = {name: _array(part) for name, part in entry["state"].items()}
    state = SelectiveState(**parts) if isinstance(spec, SelectiveMambaBlockSpec) else parts["h"]
    return Golden(recipe, spec, _array(entry["x"]), _array(entry["y"]), state)


def _hex(array: NDArray[Any]) -> dict[str, Any]:
    """Return an array as its shape and its entries in row-major order, as C99 hexadecimal floats."""
    return {"shape": list(array.shape), "entries": " ".join(float(entry).hex() for entry in array.ravel())}


def _array(stored: Mapping[str, Any]) -> NDArray[np.float64]:
    entries = [float.fromhex(word) for word in stored["entries"].split()]
    return np.array(entries, dtype=np.float64).reshape(stored["shape"])


if __name__ == "__main__":
    target = Path(__file__).with_name(_FILE)
    regenerate(target)
    print(f"wrote {len(RECIPES)} cases to {target}")
