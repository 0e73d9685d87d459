"""The command line: one file for each command, and files for what the commands share.

Exit codes: 0 all passed, 1 something was found, 2 the call is wrong, 3 inconclusive or not possible here.
"""

import sys

from scanproof.errors import MissingDependency
from scanproof.extras import extra


def main() -> None:
    """Run the command line."""
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
