from collections.abc import Iterator

import pytest


@pytest.fixture
def _quiet() -> Iterator[None]:
    """Keep transformers from saying that its CUDA kernels are not installed."""
    logging = pytest.importorskip("transformers").logging
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    yield
    logging.set_verbosity(before)
