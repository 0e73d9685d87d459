import pytest

from scanproof.foundation.first_calls import settle_first_calls
from scanproof.refinement.exact.answer import LEFT_OUT


@pytest.fixture(autouse=True, scope="session")
def _settled() -> None:
    """Tests here compare PyTorch's functions with their bounds, first calls included."""
    settle_first_calls()


@pytest.fixture(autouse=True)
def _bounds_alone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tests of bounds leave out the exact answer, which ``test_exact*.py`` test."""
    if not request.path.name.startswith("test_exact"):
        monkeypatch.setattr("scanproof.refinement.check.ask", lambda *_, **__: LEFT_OUT)
