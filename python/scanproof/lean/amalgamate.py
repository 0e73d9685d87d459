"""Several modules as one file: the WebAssembly build generates no code across files."""

import re

from scanproof.lean.modules import Graph

_SECTION = re.compile(r"^(?:@\[expose\] )?public (?:meta |noncomputable )*section[ \t]*$", re.MULTILINE)


def amalgamate(graph: Graph, root: str) -> str:
    """Return one Lean source text that holds a module and all it imports within the library, imports first.

    Each module's text stands in a section of its own, so that its ``open`` and ``variable`` end with it. The
    imports of modules outside the library stand at the top, once each.
    """
    order = graph.closure(root)
    outside = {
        imported.text: None
        for name in order
        for imported in graph.modules[name].header.imports
        if imported.module not in graph.modules
    }
    parts = ["\n".join(["module", *outside])]
    for name in order:
        module = graph.modules[name]
        body = module.source[module.header.end :].strip()
        ends = "\nend" * len(_SECTION.findall(body))
        parts.append(f"section\n{body}{ends}\nend")
    return "\n\n".join(parts) + "\n"
