"""Check the Triton kernels that a function launches, on a CPU or a GPU.

On a CPU the source of the kernels runs under Triton's interpreter. This sees faults of the source: wrong
numbers, wrong addresses, races, dependence on the order of programs or on a tile. It does not see faults of
the compiler, of warps and shared memory, or of a race between threads of one program.
"""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from importlib.metadata import version
from typing import Any

import torch
from torch import Tensor

from scanproof.adapters.triton import questions
from scanproof.adapters.triton.compiled import compiled
from scanproof.adapters.triton.findings import QUESTIONS
from scanproof.adapters.triton.inputs import drawn
from scanproof.adapters.triton.interpreter import interpreted
from scanproof.adapters.triton.questions import Runs
from scanproof.adapters.triton.report import SOURCE, KernelAnswer, KernelReport
from scanproof.adapters.triton.versions import version_note
from scanproof.adapters.triton.watch import Watch
from scanproof.causality.outputs.prefix import check_prefix
from scanproof.causality.outputs.prefix_report import PrefixReport
from scanproof.errors import InvalidArgument
from scanproof.foundation.call import Call
from scanproof.foundation.contract import callable_name
from scanproof.foundation.seeds import check_seed
from scanproof.refinement.check import check_refinement
from scanproof.refinement.kernels.kernel import Kernel
from scanproof.refinement.kernels.tokens import token_function
from scanproof.refinement.posing import posed
from scanproof.refinement.report import RefinementReport
from scanproof.refinement.rounding import Format, Rounding
from scanproof.report.verdict import Verdict

_TF32 = (
    "the kernels multiply float32 in TF32, as tl.dot does unless input_precision='ieee'; "
    "if TF32 is meant, give rounding='tf32'."
)


def _silent(item: str) -> None:
    """Show nothing."""


def check_kernel(
    fn: Callable[..., Any],
    spec: Kernel,
    x: Mapping[str, Tensor] | None = None,
    *,
    sizes: Mapping[str, int] | None = None,
    dtype: torch.dtype = torch.float32,
    device: str = "cpu",
    gradients: bool = False,
    rounding: Format | Rounding | None = None,
    log_window: int = 0,
    gradient_log_window: int | None = None,
    constant: Collection[str] = frozenset(),
    exact_products: bool = False,
    cuts: Iterable[int] | None = None,
    seed: int = 0,
    progress: Callable[[str], None] = _silent,
) -> KernelReport:
    """Check that the Triton kernels of ``fn`` compute a spec, and access memory as they must.

    Args:
        fn: a function that launches the kernels. It is called with every input of ``spec`` by name, and
            returns y, or (y, last state, ...) in the order of ``spec.outputs``. Inputs that ``spec`` does not
            require, and ``fn`` has no parameter for, are left out.
        spec: the reference, such as ``SsdScan()``.
        x: tensors by name; default: drawn from ``seed``.
        sizes: sizes of axes by name, in place of small ones, such as ``{"time": 65}``.
        dtype: dtype of the drawn inputs.
        device: ``"cpu"``: the source under the interpreter. ``"cuda"``: the compiled kernels, of which
            accesses and the order of programs cannot be seen.
        gradients: also compare gradients with the adjoint of the spec.
        rounding: the arithmetic of ``fn``, as in ``check_refinement``: ``"tf32"`` if it multiplies in TF32.
        log_window: as in ``check_refinement``: the chunk size of kernels that add logarithms of decays.
        gradient_log_window: as in ``check_refinement``.
        constant: as in ``check_refinement``: inputs that must be the same for every example and token.
        exact_products: multiply float32 exactly where the kernels ask for TF32, so that the tighter bound of
            float32 holds. On the CPU only. Use it for gradients, whose bounds are wide in TF32.
        cuts: the prefixes to run alone; default: the first token, half of the tokens, and all but one.
        seed: seed of inputs, cotangents and prefixes.
        progress: is called with what runs next.

    Returns:
        The report. Its verdict passes if all parts pass. FAULTY: a kernel reads or writes outside its
        tensors, programs race, a result depends on unwritten memory, on the order of programs or on a
        configuration of the autotuner, or no kernel was launched.

    Raises:
        InvalidArgument: the call is wrong, or Triton was imported without its interpreter.
        MissingDependency: Triton is not installed.
        NothingEstablished: a kernel does what the interpreter cannot run, such as float8.
    """
    call = Call(check_kernel, {**locals(), "progress": _silent})
    if not isinstance(spec, Kernel):
        raise InvalidArgument(
            f"check_kernel: spec is {type(spec).__name__}; give the spec of a kernel, such as SsdScan()."
        )
    check_seed("check_kernel", seed)
    place = torch.device(device)
    ran = SOURCE if place.type == "cpu" else f"the compiled kernel on {torch.cuda.get_device_name(place)}"
    if exact_products and place.type != "cpu":
        raise InvalidArgument(
            f"check_kernel: exact_products is for the interpreter, and device is {device!r}; leave one of "
            "the two out."
        )
    watch = Watch(exact_products=exact_products)
    with interpreted(watch) if place.type == "cpu" else compiled(watch):
        inputs = (
            dict(x)
            if x is not None
            else drawn(fn, spec, seed=seed, dtype=dtype, device=place, sizes=sizes or {}, constant=constant)
        )
        options: dict[str, Any] = {
            "gradients": gradients,
            "rounding": rounding,
            "log_window": log_window,
            "gradient_log_window": gradient_log_window,
            "constant": constant,
        }

        def refine() -> RefinementReport:
            return check_refinement(fn, spec, inputs, seed=seed, exact=False, shrink=False, **options)

        posing = posed(fn, spec, gradients, None, rounding, None, log_window, gradient_log_window, constant)
        problem, given = posing.prepare(inputs, seed)
        runs = Runs(watch, lambda: problem.outputs(given), refine, progress)
        watch.launches.clear()
        progress("refinement")
        refined = refine()
        launched, tuned = dict(watch.launches), dict(watch.configurations)
        answers = [questions.launches(watch, ran)]
        if watch.launches:
            repeated = questions.repeated(runs, refined) if place.type == "cpu" else _unseen()
            configurations = questions.configurations(runs, refined)
            prefix = _prefix(fn, spec, inputs, refined, cuts, seed, progress)
            accesses = questions.accesses(watch) if place.type == "cpu" else []
            answers += [*accesses, *repeated, configurations]
        else:
            prefix = None
    notes = [version_note(version("triton")) if place.type == "cpu" else ""]
    if refined.verdict.found and rounding is None and "tf32" in watch.products:
        notes.append(_TF32)
    first = next(iter(inputs.values()))
    return KernelReport(
        subject=callable_name(fn),
        ran=ran,
        answers=tuple(answers),
        refinement=refined,
        prefix=prefix,
        launches=launched,
        configurations=tuned,
        triton=version("triton"),
        note=" ".join(filter(None, notes)),
        shape=tuple(first.shape),
        dtype=str(first.dtype).removeprefix("torch."),
        device=str(first.device),
        seed=seed,
        call=call.text(),
    )


def _unseen() -> list[KernelAnswer]:
    reason = "the compiled kernel does not show its accesses; run the check with device cpu as well"
    return [
        KernelAnswer(check=name, verdict=Verdict.NOT_APPLICABLE, reason=reason) for name in QUESTIONS[1:5]
    ]


def _prefix(
    fn: Callable[..., Any],
    spec: Kernel,
    inputs: Mapping[str, Tensor],
    refined: RefinementReport,
    cuts: Iterable[int] | None,
    seed: int,
    progress: Callable[[str], None],
) -> PrefixReport | None:
    """Run prefixes of the tokens alone, if the whole is right."""
    time = spec.sizes(inputs).get("time", 0)
    if not refined.verdict.passed or time < 2:
        return None
    progress("prefixes")
    starts = {name: x for name, x in inputs.items() if name.startswith("initial_")}
    tokens, sequences = token_function(partial(fn, **starts), spec.inputs, inputs)
    chosen = sorted({1, time // 2, time - 1}) if cuts is None else cuts
    return check_prefix(spec.within_domains(tokens), sequences, cuts=chosen, cases=1, seed=seed)
