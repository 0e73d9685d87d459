from collections.abc import Iterator

import hypothesis
import numpy as np
import pytest
import torch

from scanproof.refinement.kernels.linear import LinearRecurrence
from scanproof.refinement.oracle import Oracle

pytest_plugins = ["isolation"]

torch.set_num_threads(1)

# How long an example takes says nothing where other programs run beside it.
hypothesis.settings.register_profile(
    "scanproof", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("scanproof")


def pytest_runtest_setup(item: pytest.Item) -> None:
    if item.get_closest_marker("cuda") and not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(20)


@pytest.fixture(scope="session")
def oracle() -> Iterator[Oracle]:
    """One Lean process for the whole session."""
    with Oracle.start() as process:
        yield process


@pytest.fixture(scope="session")
def kernel_oracle(oracle: Oracle) -> Oracle:
    """The same, with its process of kernels, which the first run of a kernel starts."""
    oracle.run_kernel(LinearRecurrence(), {"x": np.zeros((1, 1, 1)), "g": np.zeros((1, 1, 1))})
    return oracle


@pytest.fixture
def _quiet() -> Iterator[None]:
    """Keep transformers from saying that its CUDA kernels are not installed."""
    logging = pytest.importorskip("transformers").logging
    before = logging.get_verbosity()
    logging.set_verbosity_error()
    yield
    logging.set_verbosity(before)
