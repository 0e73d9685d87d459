import subprocess
import sys

from scanproof import Verdict


def test_what_passes() -> None:
    passed = {verdict for verdict in Verdict if verdict.passed}
    assert passed == {Verdict.CAUSAL, Verdict.CAUSAL_TO_ROUNDING, Verdict.TOLERATED, Verdict.REFINES}


def test_values_are_sentences() -> None:
    assert all(" " in verdict.value for verdict in Verdict)


def test_reports_can_be_shown_without_torch() -> None:
    code = "import sys; from scanproof import Row, Verdict, table; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
