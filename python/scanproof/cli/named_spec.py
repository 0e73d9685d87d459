"""Specs of kernels, sizes of axes and roundings, as an option names them."""

import ast
from typing import TYPE_CHECKING, Any

from scanproof.errors import InvalidArgument

if TYPE_CHECKING:
    from scanproof.refinement.kernels.kernel import Kernel
    from scanproof.refinement.rounding import Format


def spec_named(command: str, text: str) -> "Kernel":
    """Return the spec that ``"SsdScan"``, ``"SsdScan(dt_softplus=True)"`` or ``"package.module:spec"`` names.

    Raises:
        InvalidArgument: there is no such spec of a kernel, or an option of it is wrong.
    """
    import scanproof
    from scanproof.named import object_named
    from scanproof.refinement.kernels.kernel import Kernel

    if ":" in text and "(" not in text:
        found = object_named(command, text)
        made = found() if isinstance(found, type) else found
    else:
        name, options = _parsed(command, text)
        kind = getattr(scanproof, name) if name in scanproof.__all__ else None
        if not (isinstance(kind, type) and issubclass(kind, Kernel) and kind is not Kernel):
            known = sorted(
                each
                for each in scanproof.__all__
                if isinstance(value := getattr(scanproof, each), type)
                and issubclass(value, Kernel)
                and value is not Kernel
            )
            raise InvalidArgument(
                f"{command}: there is no kernel spec {name}; choose {', '.join(known)}, or name your own as "
                "package.module:spec."
            )
        try:
            made = kind(**options)
        except TypeError as error:
            raise InvalidArgument(f"{command}: --spec {text} is not understood: {error}.") from error
    if not isinstance(made, Kernel):
        raise InvalidArgument(
            f"{command}: --spec {text} is a {type(made).__name__}; give a spec of a kernel, such as SsdScan."
        )
    return made


def _parsed(command: str, text: str) -> tuple[str, dict[str, Any]]:
    wrong = InvalidArgument(
        f"{command}: --spec {text!r} is not understood; give a name and its options, as in "
        "'SsdScan(dt_softplus=True)'."
    )
    try:
        node = ast.parse(text, mode="eval").body
        if isinstance(node, ast.Name):
            return node.id, {}
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name) or node.args:
            raise wrong
        return node.func.id, {str(each.arg): ast.literal_eval(each.value) for each in node.keywords}
    except (SyntaxError, ValueError):
        raise wrong from None


def sizes_named(command: str, text: str | None) -> dict[str, int]:
    """Return the sizes that ``"time=65,head=1"`` names.

    Raises:
        InvalidArgument: the text is of another form.
    """
    sizes = {}
    for part in (text or "").split(",") if text else []:
        name, _, size = part.partition("=")
        if not name.strip().isidentifier() or not size.strip().isdigit():
            raise InvalidArgument(
                f"{command}: --sizes is {text!r}; give axes and whole numbers, as in time=65,head=1."
            )
        sizes[name.strip()] = int(size)
    return sizes


def rounding_named(command: str, text: str | None) -> "Format | None":
    """Return the rounding that an option names.

    Raises:
        InvalidArgument: it is neither a floating dtype, tf32 nor bf16-mixed.
    """
    from scanproof.named import dtype_named
    from scanproof.refinement.rounding import PRODUCTS

    if text is None:
        return None
    if text in PRODUCTS:
        return text  # type: ignore[return-value]
    return dtype_named(command, text, "--rounding")
