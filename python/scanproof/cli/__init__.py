"""The command line: one file for each command, and files for what the commands share.

Exit codes: 0 all passed, 1 something was found, 2 the call is wrong, 3 inconclusive or not possible here.
"""


def main() -> None:
    """Run the command line."""
    try:
        from scanproof.cli.app import app
    except KeyboardInterrupt:
        raise SystemExit(130) from None
    app()
