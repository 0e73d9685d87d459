"""Which public declarations a public declaration uses, directly or through private and generated ones."""

from collections.abc import Iterator, Mapping, Set


class Uses:
    """The constants that the declarations of a library mention.

    Args:
        public: names of the public declarations.
        mentioned: for every constant of the library, also generated ones, the constants of the library in its
            type and its body.
    """

    def __init__(self, public: Set[str], mentioned: Mapping[str, list[str]]) -> None:
        self._public, self._mentioned = public, mentioned

    def of(self, name: str) -> tuple[str, ...]:
        """Return the other public declarations that a declaration mentions, in order of name."""
        found, seen, waiting = set[str](), {name}, [name]
        while waiting:
            for constant in self._mentioned.get(waiting.pop(), ()):
                owner = next((each for each in _ancestors(constant) if each in self._public), None)
                if owner not in (None, name):
                    found.add(owner)
                elif constant not in seen:  # private, or generated for the declaration itself
                    seen.add(constant)
                    waiting.append(constant)
        return tuple(sorted(found))


def _ancestors(name: str) -> Iterator[str]:
    """Yield a name, and the names of the declarations that it may have been generated for."""
    while name:
        yield name
        name = name.rpartition(".")[0]
