"""The answers about one kernel: its numbers in every case, and its memory under Triton's interpreter."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache, partial

import torch
from torch import Tensor

from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.adapters.triton.compared import Compared
from scanproof.adapters.triton.watch import Watch
from scanproof.causality.outputs.prefix import check_prefix
from scanproof.causality.outputs.prefix_report import PrefixReport
from scanproof.census.answers import answer
from scanproof.census.kernels.cases import CASES, RATES, Case, drawn, has_decays, packing
from scanproof.census.subject import Answer
from scanproof.refinement.check import check_problem
from scanproof.refinement.gradients import draw_cotangents
from scanproof.refinement.kernels.problem import KernelProblem
from scanproof.refinement.kernels.tokens import token_function
from scanproof.refinement.report import RefinementReport
from scanproof.refinement.rounding import Rounding
from scanproof.streaming.model import Unsupported

_EXP2 = 2
"""Roundings of the argument of exp in Triton's kernels, which compute ``exp2(x log2 e)``."""


@dataclass(frozen=True)
class Posed:
    """A function at the inputs of a case.

    Attributes:
        problem: the function and its spec.
        given: the inputs, and the cotangents of the outputs that autograd reaches.
        seed: seed of both.
    """

    problem: KernelProblem
    given: Mapping[str, Tensor]
    seed: int

    def report(self) -> RefinementReport:
        """Compare the function with its spec."""
        call = self.problem.call(self.given)
        return check_problem(self.problem, self.given, call, exact=False, shrink=False, seed=self.seed)


def pose(subject: Subject, implementation: Implementation, case: Case, seed: int, triton: bool) -> Posed:
    """Return the problem of a case.

    Raises:
        Unsupported: the case does not exist for the function.
    """
    _refuse(subject, case)
    function = packing(implementation) if case.packed and subject.packed else implementation
    rounding = Rounding.of(torch.float32 if subject.dtype is torch.float32 else "bf16-mixed")
    problem = KernelProblem(
        function,
        subject.kernel,
        replace(rounding, exp_argument_roundings=_EXP2) if triton else rounding,
        subject.log_window,
        subject.constant | subject.given.keys() | (RATES if case.decays == "strong" else frozenset()),
        subject.gradient_log_window,
    )
    inputs = drawn(subject, case, seed)
    if case.gradients is None or subject.no_gradient:
        return Posed(problem, inputs, seed)
    returned = problem.returned(inputs)
    wanted = [name for name in returned if case.gradients == "all" or name != "y"]
    reached = {name: returned[name] for name in wanted if returned[name].requires_grad}
    if _asks_for_gradients(case):
        if not wanted:
            raise Unsupported("no last state")
        if wanted[0] not in reached:
            raise Unsupported(f"autograd does not reach {wanted[0]}")
    cotangents = {f"d{name}": given for name, given in draw_cotangents(reached, seed).items()}
    return Posed(problem, {**inputs, **cotangents}, seed)


def _asks_for_gradients(case: Case) -> bool:
    return case.name.startswith("gradients")


def _refuse(subject: Subject, case: Case) -> None:
    if subject.no_gradient and _asks_for_gradients(case):
        raise Unsupported("no gradients can be pulled through it")
    if case.decays and not has_decays(subject):
        raise Unsupported("no input holds decays or step sizes that change from token to token")
    if case.odd and not subject.odd:
        raise Unsupported("it takes only some sizes of heads")
    if case.packed and not subject.packed:
        raise Unsupported("it takes no packed sequences")


def kernel_answers(subject: Subject, seed: int, triton: bool) -> Iterator[Answer]:
    """Yield the answer of every case and, for kernels in Triton, of every question about memory."""
    if not triton:
        yield from _Asked(subject, seed, triton).numbers()
        return
    from scanproof.adapters.triton.interpreter import interpreted

    watch = Watch(exact_products=True)
    with interpreted(watch):
        asked = _Asked(subject, seed, triton)
        yield from asked.numbers()
        outputs, whole = CASES[0], CASES[0 if subject.no_gradient else 1]
        posed = asked.posed(whole)
        yield from memory(
            watch,
            lambda: posed.problem.outputs(posed.given),
            posed.report,
            asked.report(whole),
            asked.posed(outputs).report,
        )


class _Asked:
    """The cases of a subject; each is posed and compared once."""

    def __init__(self, subject: Subject, seed: int, triton: bool) -> None:
        self._subject, self._seed = subject, seed
        self._implementation = subject.load()
        self.posed = cache(partial(pose, subject, self._implementation, seed=seed, triton=triton))
        self.report = cache(lambda case: self.posed(case).report())

    def numbers(self) -> Iterator[Answer]:
        """Yield the answer of every case, and of prefixes."""
        for case in CASES:
            yield answer(case.name, partial(self.report, case))
        yield answer("prefix", self._prefix)

    def _prefix(self) -> PrefixReport:
        """Run three prefixes of the tokens alone."""
        subject = self._subject
        inputs = drawn(subject, CASES[0], self._seed)
        tokens, sequences = token_function(
            self._implementation, subject.kernel.inputs, inputs, subject.constant | subject.given.keys()
        )
        time = next(iter(sequences.values())).shape[1]
        cuts = sorted({1, time // 2, time - 1} if subject.multiple == 1 else {time // 2})
        within = subject.kernel.within_domains(tokens)
        return check_prefix(within, sequences, cuts=cuts, cases=1, seed=self._seed)


def memory(
    watch: Watch,
    outputs: Callable[[], Mapping[str, Tensor]],
    refine: Callable[[], Compared],
    refined: Compared,
    refine_outputs: Callable[[], Compared],
) -> Iterator[Answer]:
    """Yield the answer of every question about the accesses, the order and the configurations of kernels.

    Args:
        watch: what was seen of the kernels so far.
        outputs: runs them and returns their results, gradients among them.
        refine: compares these results with what is right.
        refined: what ``refine`` returned in the usual order.
        refine_outputs: compares the outputs alone, once for each configuration.
    """
    from scanproof.adapters.triton import questions
    from scanproof.adapters.triton.report import SOURCE

    runs = questions.Runs(watch, outputs, refine, _quiet)
    found = [questions.launches(watch, SOURCE), *questions.repeated(runs, refined)]
    watch.configurations.clear()  # kernels of a backward pass are not tuned below
    tuned = questions.Runs(watch, outputs, refine_outputs, _quiet)
    found.append(questions.configurations(tuned, refine_outputs()))
    for each in (*found, *questions.accesses(watch)):
        yield Answer(check=each.check, verdict=each.verdict.name, evidence=each.row().evidence)


def _quiet(item: str) -> None:
    """Show nothing."""
