"""The context in which Triton kernels run on a CPU under Triton's interpreter, watched."""

import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest.mock import patch

from scanproof.adapters.triton.watch import Watch
from scanproof.errors import InvalidArgument
from scanproof.extras import extra

VARIABLE = "TRITON_INTERPRET"
"""The environment variable that Triton reads when it is imported, and at every ``@triton.jit``."""


def require_interpreter() -> None:
    """Turn the interpreter on if Triton has not been imported yet.

    Raises:
        InvalidArgument: Triton was imported without the interpreter.
        MissingDependency: Triton is not installed.
    """
    fresh = "triton" not in sys.modules
    if fresh:
        os.environ[VARIABLE] = "1"
    with extra("triton", "Checks of Triton kernels"):
        import triton.language as tl
        from triton.runtime.interpreter import InterpretedFunction
    if not isinstance(tl.standard.sum, InterpretedFunction) or os.environ.get(VARIABLE) != "1":
        raise InvalidArgument(
            f"Triton was imported without its interpreter in this process; set {VARIABLE}=1 before the first "
            "import of triton, or use the command scanproof kernel, which starts a process of its own."
        )


@contextmanager
def interpreted(watch: Watch | None = None) -> Iterator[Watch]:
    """Run the kernels that are launched in this context under Triton's interpreter, and watch them.

    This checks the source of the kernels, not the compiled code. Import Triton, and modules with kernels,
    after this context was entered or after ``TRITON_INTERPRET=1`` was set.

    Args:
        watch: how kernels run; what is seen is added to it.

    Returns:
        The watch: ``faults``, ``launches``, ``configurations``.

    Raises:
        InvalidArgument: Triton was imported without the interpreter.
        MissingDependency: Triton is not installed.
    """
    require_interpreter()
    from triton.runtime import interpreter as stock

    from scanproof.adapters.triton import builder, executor, fills, language, machine, rewriting, rounded
    from scanproof.adapters.triton.autotune import chosen

    watch = watch or Watch()
    with ExitStack() as stack:
        for context in (machine.pretended(), fills.filled(watch), rewriting.rewritten(), chosen(watch)):
            stack.enter_context(context)
        made = stock.interpreter_builder
        stack.enter_context(patch.object(made, "options", rounded.options()))
        stack.callback(setattr, made, "__class__", type(made))
        made.__class__ = builder.CheckedBuilder
        words = stack.enter_context(language.interpreted_language())
        stack.enter_context(patch.object(stock, "GridExecutor", executor.executor(watch, words)))
        stack.enter_context(patch.object(stock.InterpretedFunction, "__call__", _called))
        yield watch


def _called(self: Any, *args: Any, **kwargs: Any) -> Any:
    """Call a function of a kernel, and let its errors pass as they are."""
    from triton.runtime import interpreter as stock

    stock._patch_lang(self.fn)
    return self.rewrite()(*args, **kwargs)
