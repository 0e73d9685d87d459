"""The command line: one file for each command, and files for what the commands share.

Exit codes: 0 all passed, 1 something was found, 2 the call is wrong, 3 inconclusive or not possible here.
"""

import signal
import sys
from types import FrameType

from scanproof.errors import MissingDependency
from scanproof.extras import extra


def main() -> None:
    """Run the command line; a SIGTERM ends the processes that a command has started, such as Lean."""
    before = signal.signal(signal.SIGTERM, _terminate)
    try:
        _run()
    finally:
        signal.signal(signal.SIGTERM, before)


def _run() -> None:
    try:
        with extra("cli", "The commands"):
            import rich  # noqa: F401 (only whether they are there)
            import typer  # noqa: F401
        from scanproof.cli.app import app
    except MissingDependency as missing:
        print(missing, file=sys.stderr)
        raise SystemExit(3) from None
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    app()


def _terminate(number: int, frame: FrameType | None) -> None:
    raise SystemExit(128 + number)
