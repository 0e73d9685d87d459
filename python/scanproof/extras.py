"""The libraries that only a part of scanproof needs: extras of the package bring them."""

from collections.abc import Iterator
from contextlib import contextmanager

from scanproof.errors import MissingDependency


@contextmanager
def extra(name: str, part: str) -> Iterator[None]:
    """Import in this context what an extra brings.

    Args:
        name: the extra.
        part: the part of scanproof that needs it, as a plural: the subject of the message.

    Raises:
        MissingDependency: a library is not installed; the message names the command that installs it.
    """
    try:
        yield
    except ModuleNotFoundError as missing:
        library = (missing.name or "a library").partition(".")[0]
        raise MissingDependency(
            f"{part} need {library}, which is not installed; run: pip install 'scanproof[{name}]'",
            name=library,
        ) from missing
