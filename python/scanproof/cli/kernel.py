"""``scanproof kernel``."""

from typing import Annotated

import typer

from scanproof.cli.inputs import Device, Dtype, Seed
from scanproof.cli.options import Html, Json, Quiet


def kernel(
    target: Annotated[
        str,
        typer.Argument(
            metavar="PACKAGE.MODULE:FN",
            help="The function that launches the kernels; it takes the inputs of the spec by name.",
            show_default=False,
        ),
    ],
    spec: Annotated[
        str,
        typer.Option(
            metavar="SPEC",
            help="The kernel's spec, such as SsdScan, 'SsdScan(dt_softplus=True)', or package.module:spec.",
            show_default=False,
        ),
    ],
    sizes: Annotated[
        str | None,
        typer.Option(metavar="AXIS=SIZE,...", help="Sizes of axes of the drawn inputs, as time=65,head=1."),
    ] = None,
    dtype: Dtype = "float32",
    device: Device = "cpu",
    gradients: Annotated[bool, typer.Option("--gradients", help="Also compare gradients.")] = False,
    rounding: Annotated[
        str | None,
        typer.Option(help="Arithmetic of fn: tf32, bf16-mixed, or a dtype. Default: that of the inputs."),
    ] = None,
    log_window: Annotated[
        int, typer.Option(min=0, help="Number of tokens over which fn adds logarithms of decays.")
    ] = 0,
    gradient_log_window: Annotated[
        int | None, typer.Option(min=0, help="The same number for the backward pass.")
    ] = None,
    constant: Annotated[
        str | None,
        typer.Option(
            metavar="NAME,...", help="Inputs that must be the same for every example and token, such as g."
        ),
    ] = None,
    exact_products: Annotated[
        bool,
        typer.Option("--exact-products", help="Multiply float32 exactly where the kernels ask for TF32."),
    ] = False,
    seed: Seed = 0,
    html: Html = None,
    json: Json = False,
    quiet: Quiet = False,
) -> int:
    """Check the Triton kernels of a function: numbers, accesses of memory, races, and every tile.

    On a CPU, this runs the source of the kernels under Triton's interpreter, in a process of its own, and not
    the compiled code. With --device cuda it runs the compiled kernels.

    Every output is compared with the spec. The interpreter also shows accesses outside tensors, races between
    programs, results that depend on unwritten memory, on the order of programs or on a configuration of the
    autotuner, and whether a kernel was launched at all.
    """
    from scanproof.adapters.triton.process import is_interpreting, rerun

    if device.partition(":")[0] == "cpu" and not is_interpreting():
        options = {
            "--spec": spec,
            "--sizes": sizes,
            "--dtype": dtype,
            "--device": device,
            "--rounding": rounding,
            "--log-window": log_window,
            "--gradient-log-window": gradient_log_window,
            "--constant": constant,
            "--seed": seed,
            "--html": html,
        }
        given = [f"{name}={value}" for name, value in options.items() if value is not None]
        flags = {
            "--gradients": gradients,
            "--exact-products": exact_products,
            "--json": json,
            "--quiet": quiet,
        }
        return rerun(["kernel", target, *given, *(name for name, on in flags.items() if on)])

    from scanproof.adapters.triton.interpreter import require_interpreter
    from scanproof.cli.inputs import device_named
    from scanproof.cli.named_spec import rounding_named, sizes_named, spec_named
    from scanproof.cli.show import show, step
    from scanproof.errors import InvalidArgument
    from scanproof.named import dtype_named, object_named, running

    if device.partition(":")[0] == "cpu":
        require_interpreter()
    with step(f"Checking {target}", quiet) as shown, running("kernel", target):
        from scanproof.adapters.triton.check import check_kernel

        device_named("kernel", device)
        fn = object_named("kernel", target)
        if not callable(fn):
            raise InvalidArgument(f"kernel: {target} is a {type(fn).__name__}; name a function.")

        def progress(item: str) -> None:
            shown.running[:] = [item]
            shown.changed(shown)

        report = check_kernel(
            fn,
            spec_named("kernel", spec),
            sizes=sizes_named("kernel", sizes),
            dtype=dtype_named("kernel", dtype),
            device=device,
            gradients=gradients,
            rounding=rounding_named("kernel", rounding),
            log_window=log_window,
            gradient_log_window=gradient_log_window,
            constant=frozenset(constant.split(",")) if constant else frozenset(),
            exact_products=exact_products,
            seed=seed,
            progress=progress,
        )
    return show(target, report, as_json=json, html=html, quiet=quiet)
