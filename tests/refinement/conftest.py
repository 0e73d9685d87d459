import pytest

from scanproof.foundation.first_calls import settle_first_calls


@pytest.fixture(autouse=True, scope="session")
def _settled() -> None:
    """Tests here compare PyTorch's functions with their bounds, first calls included."""
    settle_first_calls()
