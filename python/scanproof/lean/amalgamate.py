"""Several modules as one file, because the WebAssembly build generates no code across files."""

import re

from scanproof.lean.modules import Graph

_SECTION = re.compile(r"^(?:@\[expose\] )?public (?:meta |noncomputable )*section[ \t]*$", re.MULTILINE)


def amalgamate(graph: Graph, root: str) -> str:
    """Return one Lean source text with a module and all its imports from the library, imports first.

    The text of each module is a section of its own, so its ``open`` and ``variable`` end with the section.
    Each import of a module outside the library appears once, at the top.
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
