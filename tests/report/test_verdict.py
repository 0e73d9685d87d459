import subprocess
import sys

from scanproof import Verdict
from scanproof.report.verdict import gravest


def test_what_passes() -> None:
    passed = {verdict for verdict in Verdict if verdict.passed}
    assert passed == {
        Verdict.CAUSAL,
        Verdict.CAUSAL_TO_ROUNDING,
        Verdict.INDEPENDENT,
        Verdict.INDEPENDENT_TO_ROUNDING,
        Verdict.TOLERATED,
        Verdict.REFINES,
        Verdict.STREAMS,
        Verdict.CLEAN,
        Verdict.EQUAL,
    }


def test_what_is_a_finding() -> None:
    assert {verdict for verdict in Verdict if verdict.found} == {
        Verdict.LEAK,
        Verdict.REFUTED,
        Verdict.DIVERGES,
        Verdict.FAULTY,
        Verdict.DIFFERENT,
    }


def test_what_does_not_apply_weighs_least_and_a_finding_most() -> None:
    assert gravest([Verdict.NOT_APPLICABLE, Verdict.CAUSAL]) is Verdict.CAUSAL
    assert gravest([Verdict.NOT_APPLICABLE]) is Verdict.NOT_APPLICABLE
    assert gravest([Verdict.INCONCLUSIVE, Verdict.STREAMS]) is Verdict.INCONCLUSIVE
    assert all(
        gravest([found, other]) is found
        for found in Verdict
        if found.found
        for other in Verdict
        if not other.found
    )


def test_values_are_sentences() -> None:
    assert all(" " in verdict.value for verdict in Verdict)


def test_reports_can_be_shown_without_torch() -> None:
    code = "import sys; from scanproof import Row, Verdict, table; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
