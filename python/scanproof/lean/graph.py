"""The graph of the library: which modules use declarations of which others."""

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from graphlib import TopologicalSorter

from scanproof.lean.catalogue import Catalogue

COLUMN, ROW, BOX, MARGIN = 256, 34, 226, 16


@dataclass(frozen=True)
class Node:
    """A module in the drawing: its upper left corner, and its numbers of theorems and definitions."""

    module: str
    x: int
    y: int
    theorems: int
    others: int

    @property
    def label(self) -> str:
        """The name of the module without the name of the library."""
        return self.module.removeprefix("Spec.")


@dataclass(frozen=True)
class Edge:
    """The first module uses ``count`` declarations of the second."""

    user: str
    used: str
    count: int
    path: str


@dataclass(frozen=True)
class LibraryGraph:
    """Modules in columns; each module is to the right of all modules that it uses."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]
    width: int
    height: int
    box: int = BOX


def library_graph(catalogue: Catalogue) -> LibraryGraph:
    """Lay out the modules of a catalogue."""
    module_of = {declaration.name: declaration.module for declaration in catalogue}
    theorems, others = defaultdict[str, int](int), defaultdict[str, int](int)
    used = defaultdict[str, dict[str, set[str]]](lambda: defaultdict(set))
    for declaration in catalogue:
        counted = theorems if declaration.kind == "theorem" else others
        counted[declaration.module] += 1
        for name in declaration.uses:
            if module_of.get(name, declaration.module) != declaration.module:
                used[declaration.module][module_of[name]].add(name)
    modules = dict.fromkeys(module_of.values())
    columns = _columns({module: set(used[module]) for module in modules})
    nodes: dict[str, Node] = {}
    for column, members in enumerate(columns):
        for row, module in enumerate(sorted(members)):
            place = MARGIN + column * COLUMN, MARGIN + row * ROW
            nodes[module] = Node(module, *place, theorems[module], others[module])
    edges = tuple(
        Edge(user, other, len(names), _path(nodes[user], nodes[other]))
        for user in modules
        for other, names in sorted(used[user].items())
    )
    return LibraryGraph(
        tuple(nodes.values()),
        edges,
        2 * MARGIN + max(len(columns) - 1, 0) * COLUMN + BOX,
        2 * MARGIN + max(map(len, columns), default=0) * ROW,
    )


def _columns(used: Mapping[str, set[str]]) -> list[list[str]]:
    depth: dict[str, int] = {}
    for module in TopologicalSorter(used).static_order():
        depth[module] = max((depth[other] + 1 for other in used[module]), default=0)
    columns: list[list[str]] = [[] for _ in range(max(depth.values(), default=-1) + 1)]
    for module, place in depth.items():
        columns[place].append(module)
    return columns


def _path(user: Node, used: Node) -> str:
    x0, y0, x1, y1 = used.x + BOX, used.y + ROW // 2 - 4, user.x, user.y + ROW // 2 - 4
    middle = (x0 + x1) // 2
    return f"M{x0} {y0} C{middle} {y0} {middle} {y1} {x1} {y1}"
