"""Which modules of the Python package rest on which theorems, read from the sources of the package."""

import ast
import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from scanproof import theorems

PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True, order=True)
class Citing:
    """A module of the package that names a theorem.

    Attributes:
        module: dotted name of the module.
        says: the first line of the module's docstring.
        rests: True if verdicts of the module's code rest on the theorem; False if only its documentation
            names the theorem.
    """

    module: str
    says: str
    rests: bool


def citing_modules(package: Path = PACKAGE) -> Mapping[str, list[Citing]]:
    """Return the modules that name each theorem, by its name without the namespace ``Scanproof``."""
    constants = {key: value for key, value in vars(theorems).items() if key.isupper()}
    found = defaultdict[str, list[Citing]](list)
    for file in sorted(package.rglob("*.py")):
        text = file.read_text(encoding="utf-8")
        module = ".".join((package.name, *file.relative_to(package).with_suffix("").parts))
        rests = {constants[key] for key in re.findall(r"\btheorems\.([A-Z_]+)", text) if key in constants}
        quoted = set(re.findall(r"`(?:Scanproof\.)?([\w.']+)`", text)) - rests
        if rests or quoted:
            says = (ast.get_docstring(ast.parse(text)) or "").partition("\n")[0]
            for name in (*rests, *quoted):
                found[name].append(Citing(module.removesuffix(".__init__"), says, name in rests))
    return found
