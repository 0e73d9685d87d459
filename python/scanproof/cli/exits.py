"""Exit codes, and one sentence in place of a traceback for problems that the user can fix."""

import traceback
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

import typer
from rich.console import Console

from scanproof.errors import InvalidArgument, MissingDependency, NothingEstablished

PASSED, FINDING, WRONG_CALL, INCONCLUSIVE = 0, 1, 2, 3
INTERRUPTED = 130

LEGEND = (
    "Exit codes: 0 all passed, 1 something was found, 2 the call is wrong, "
    "3 inconclusive or not possible on this machine."
)

P = ParamSpec("P")


def explained(command: Callable[P, int]) -> Callable[P, None]:
    """Exit with the code that a command returns; print a problem as one sentence on the standard error."""

    @wraps(command)
    def run(*arguments: P.args, **options: P.kwargs) -> None:
        from scanproof.lean.errors import LeanUnavailable

        try:
            code = command(*arguments, **options)
        except InvalidArgument as error:
            code = say(WRONG_CALL, str(error))
        except (LeanUnavailable, MissingDependency, NothingEstablished) as error:
            code = say(INCONCLUSIVE, str(error))
        except BrokenPipeError:
            raise
        except OSError as error:
            text = f"{error.filename}: {error.strerror}." if error.filename else str(error)
            code = say(INCONCLUSIVE, text)
        except KeyboardInterrupt:
            code = say(INTERRUPTED, "Interrupted; what was finished is kept.")
        except Exception:
            traceback.print_exc()
            code = say(
                INCONCLUSIVE,
                "This is a bug in scanproof. Nothing was established. Please report the traceback.",
            )
        raise typer.Exit(code)

    return run


def say(code: int, problem: str) -> int:
    """Print a problem on the standard error, and return its exit code."""
    Console(stderr=True, soft_wrap=True).print(problem, highlight=False, markup=False)
    return code
