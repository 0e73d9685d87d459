from types import ModuleType
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from scanproof import CheckFailed, InvalidArgument, Verdict
from scanproof.monitors.monitor import CausalityMonitor

lightning = pytest.importorskip("lightning.pytorch", reason="pip install lightning")
pytestmark = pytest.mark.filterwarnings("ignore")  # those of the library


class Module(lightning.LightningModule):  # type: ignore[misc, name-defined]  # it may be absent
    def __init__(self, leak: float) -> None:
        super().__init__()
        self.inner, self.drop, self.leak = nn.Linear(4, 4), nn.Dropout(0.5), leak

    def forward(self, x: Tensor) -> Tensor:
        return self.drop(self.inner(x)).cumsum(1) + self.leak * x.mean(1, keepdim=True)

    def training_step(self, batch: tuple[Tensor, Tensor], batch_idx: int) -> Tensor:
        assert self.drop.training
        return (self(batch[0]) - batch[1]).square().mean()

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.SGD(self.parameters(), 0.01)


def fit(package: ModuleType, leak: float, **options: Any) -> None:
    from scanproof.monitors.lightning import CausalityCallback

    data = torch.randn(24, 10, 4, generator=torch.Generator().manual_seed(0))
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(data, data), batch_size=4)
    trainer = package.Trainer(
        max_epochs=1, accelerator="cpu", logger=False, enable_checkpointing=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=[CausalityCallback(**options)],
    )  # fmt: skip
    trainer.fit(Module(leak), loader)


def test_every_nth_batch_is_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    reports = []
    check = CausalityMonitor.check
    monkeypatch.setattr(
        CausalityMonitor, "check", lambda *args, **kwargs: reports.append(check(*args, **kwargs))
    )
    fit(lightning, 0.0, every=4)
    assert [report.verdict for report in reports] == [Verdict.CAUSAL] * 2


def test_a_leak_ends_training() -> None:
    with pytest.raises(CheckFailed, match="LEAK"):
        fit(lightning, 1.0)


def test_a_batch_without_a_tensor_says_what_to_do() -> None:
    from scanproof.monitors.lightning import CausalityCallback

    with pytest.raises(InvalidArgument, match="pass inputs="):
        CausalityCallback().on_train_batch_end(None, nn.Linear(1, 1), None, {"ids": 1}, 0)
