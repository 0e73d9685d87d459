"""The rewriting of a kernel's source: loops whose variables are scalars of the kernel.

Compiled Triton makes the variable of ``for i in range(n)`` an integer scalar, with methods such as ``to``.
The interpreter leaves it a number of Python.
"""

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from unittest.mock import patch

from triton.runtime import interpreter as stock

LOOP = "_scanproof_loop"
"""The global name of :func:`scanproof.adapters.triton.language.loop` in modules with kernels."""


class _Rewriter(stock.ASTTransformer):  # type: ignore[misc]
    def visit_For(self, node: ast.For) -> ast.AST:  # noqa: N802 (the name of ast)
        called = node.iter.func if isinstance(node.iter, ast.Call) else None
        if isinstance(called, ast.Name) and called.id == "range":
            called.id = LOOP
        return self.generic_visit(node)  # type: ignore[no-any-return]


@contextmanager
def rewritten() -> Iterator[None]:
    """Rewrite kernels in this way, until the context ends; kernels that were rewritten before, again."""
    with (
        patch.object(stock.FunctionRewriter, "ast_transformer", _Rewriter()),
        patch.object(stock.InterpretedFunction, "rewritten_fn", {}),
    ):
        yield
