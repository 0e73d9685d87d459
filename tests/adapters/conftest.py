import pytest


@pytest.fixture
def _quiet():
    """Keep transformers from saying that its CUDA kernels are not installed."""
    pytest.importorskip("transformers").logging.set_verbosity_error()
