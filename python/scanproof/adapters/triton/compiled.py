"""The same check on a GPU: the compiled kernels, of which launches and configurations are seen."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from scanproof.adapters.triton.interpreter import VARIABLE
from scanproof.adapters.triton.watch import Watch
from scanproof.errors import InvalidArgument
from scanproof.extras import extra


@contextmanager
def compiled(watch: Watch) -> Iterator[Watch]:
    """Watch the compiled kernels that are launched in this context.

    Raises:
        InvalidArgument: the interpreter is on in this process.
        MissingDependency: Triton is not installed.
    """
    with extra("triton", "Checks of Triton kernels"):
        from triton.runtime.jit import JITFunction
    if os.environ.get(VARIABLE) == "1":
        raise InvalidArgument(
            f"{VARIABLE}=1 asks for the interpreter, which does not run compiled kernels; unset it, or give "
            "device cpu."
        )

    from scanproof.adapters.triton.autotune import chosen
    from scanproof.adapters.triton.fills import filled

    launch = JITFunction.run

    def run(self: Any, *args: Any, grid: Any, warmup: bool, **kwargs: Any) -> Any:
        if not warmup:
            watch.launches[self.fn.__name__] += 1
        return launch(self, *args, grid=grid, warmup=warmup, **kwargs)

    with patch.object(JITFunction, "run", run), filled(watch), chosen(watch):
        yield watch
