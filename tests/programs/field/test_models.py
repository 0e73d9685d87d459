"""check_same decides blocks of transformers, also in bfloat16."""

from typing import Any

import pytest
import torch

from scanproof import Verdict
from scanproof.programs import check_same


@pytest.fixture(scope="module")
def x() -> torch.Tensor:
    return torch.randn(1, 12, 8, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_a_mamba_block_gives_a_prefix_what_it_gives_the_whole(x: torch.Tensor, dtype: torch.dtype) -> None:
    from transformers import MambaConfig
    from transformers.models.mamba.modeling_mamba import MambaMixer

    block: Any = MambaMixer(MambaConfig(hidden_size=8, state_size=4, num_hidden_layers=1), 0).eval().to(dtype)
    whole, x = (lambda x: block(x)[:, :8]), x.to(dtype)
    report = check_same(whole, lambda x: block(x[:, :8]), x)
    assert report.verdict is Verdict.EQUAL, report.summary()
    assert report.opaque == ("exp within an exponent", "log")
    assert check_same(whole, lambda x: block(x[:, 1:9]), x).verdict is not Verdict.EQUAL


def test_a_mamba2_block_does_not_depend_on_its_chunks(x: torch.Tensor) -> None:
    from transformers import Mamba2Config
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

    sizes: Any = {"hidden_size": 8, "state_size": 4, "num_heads": 4, "head_dim": 4, "n_groups": 1}
    blocks: list[Any] = [Mamba2Mixer(Mamba2Config(**sizes, chunk_size=chunk), 0).eval() for chunk in (4, 5)]
    blocks[1].load_state_dict(blocks[0].state_dict())
    report = check_same(blocks[0], blocks[1], x)
    assert report.verdict is Verdict.EQUAL, report.summary()
