import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor, nn

from scanproof import CheckFailed, InvalidArgument

transformers = pytest.importorskip("transformers", reason="pip install 'scanproof[transformers]'")
pytest.importorskip("accelerate", reason="pip install accelerate")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of the libraries


class Rows(torch.utils.data.Dataset[dict[str, Tensor]]):
    def __len__(self) -> int:
        return 16

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        ids = torch.randint(64, (12,), generator=torch.Generator().manual_seed(index))
        return {"input_ids": ids, "labels": ids, "attention_mask": torch.ones_like(ids)}


class Bidirectional(nn.Module):
    """Lets every hidden state read the mean over the sequence."""

    def forward(self, hidden: Tensor) -> Tensor:
        return hidden + hidden.mean(1, keepdim=True)


def train(folder: Path, *, leaky: bool = False, callbacks: list[object]) -> nn.Module:
    config = transformers.GPT2Config(vocab_size=64, n_positions=16, n_embd=16, n_layer=1, n_head=2)
    transformers.set_seed(0)
    model = transformers.GPT2LMHeadModel(config)
    if leaky:
        model.transformer.ln_f = nn.Sequential(model.transformer.ln_f, Bidirectional())
    arguments = transformers.TrainingArguments(
        output_dir=str(folder), max_steps=5, per_device_train_batch_size=4, use_cpu=True, seed=0,
        report_to=[], save_strategy="no", logging_strategy="no", disable_tqdm=True,
    )  # fmt: skip
    trainer = transformers.Trainer(model=model, args=arguments, train_dataset=Rows(), callbacks=callbacks)
    trainer.train()
    return model


def test_a_causal_model_trains_as_without_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from scanproof.monitors.monitor import CausalityMonitor
    from scanproof.monitors.transformers import CausalityCallback

    reports = []
    check = CausalityMonitor.check
    monkeypatch.setattr(
        CausalityMonitor, "check", lambda *args, **kwargs: reports.append(check(*args, **kwargs))
    )
    watched = train(tmp_path, callbacks=[CausalityCallback(every=2, cuts="coded")])
    assert [report.verdict.name for report in reports] == ["CAUSAL"] * 3
    assert not watched._forward_pre_hooks
    plain = train(tmp_path, callbacks=[])
    for one, other in zip(plain.parameters(), watched.parameters(), strict=True):
        assert torch.equal(one, other)


def test_a_leak_ends_training(tmp_path: Path) -> None:
    from scanproof.monitors.transformers import CausalityCallback

    with pytest.raises(CheckFailed, match="LEAK"):
        train(tmp_path, leaky=True, callbacks=[CausalityCallback()])


def test_a_wrong_option_is_refused() -> None:
    from scanproof.monitors.transformers import CausalityCallback

    with pytest.raises(InvalidArgument, match="every must be"):
        CausalityCallback(every=0)


def test_the_package_itself_imports_neither_library() -> None:
    code = (
        "import sys, scanproof; scanproof.CausalityMonitor; "
        "assert not {'transformers', 'lightning', 'pytorch_lightning'} & sys.modules.keys()"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
