"""A function that was recorded into a file is compared with a function of now, and with another file."""

from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from block_case import scalar_s4
from scanproof import InvalidArgument, Verdict, check_same, load_recording, save_recording
from scanproof.demo.factories import scans
from scanproof.same import recording


def model(seed: int = 0) -> nn.Module:
    torch.manual_seed(seed)
    return nn.Sequential(nn.Linear(3, 4), nn.SiLU(), nn.LayerNorm(4), nn.Linear(4, 2)).eval()


X = torch.randn(2, 5, 3, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize("gradients", [False, True])
def test_a_recorded_model_is_the_model(tmp_path: Path, gradients: bool) -> None:
    saved = save_recording(model(), X, tmp_path / "model.scanproof", gradients=gradients)
    read = load_recording(tmp_path / "model.scanproof")
    assert str(read) == str(saved)
    assert f"torch {torch.__version__}" in str(read)
    report = check_same(model(), read)
    assert report.verdict is Verdict.EQUAL, report.summary()
    assert report.parameters == 6
    assert report.gradients is gradients
    assert f"recorded : {read}" in report.summary()
    assert list(tmp_path.iterdir()) == [tmp_path / "model.scanproof"]


@pytest.mark.parametrize("gradients", [False, True])
def test_a_small_change_since_then_is_seen(tmp_path: Path, gradients: bool) -> None:
    save_recording(model(), X, tmp_path / "m", gradients=gradients)
    changed = model()
    norm = changed[2]  # type: ignore[index]
    norm.eps *= 1 + 1e-9
    report = check_same(changed, load_recording(tmp_path / "m"))
    assert report.verdict is Verdict.DIFFERENT, report.summary()


def test_other_parameters_are_another_function(tmp_path: Path) -> None:
    save_recording(model(), X, tmp_path / "m")
    assert check_same(model(1), load_recording(tmp_path / "m")).verdict is Verdict.DIFFERENT


def test_two_files_are_compared(tmp_path: Path) -> None:
    made: dict[str, Any] = scans()
    save_recording(made["f"], made["x"], tmp_path / "f")
    save_recording(made["g"], made["x"], tmp_path / "g")
    one, other = load_recording(tmp_path / "f"), load_recording(tmp_path / "g")
    assert check_same(one, other).verdict is Verdict.EQUAL
    save_recording(made["g"], {**made["x"], "u": 2 * made["x"]["u"]}, tmp_path / "h")
    with pytest.raises(InvalidArgument, match="different inputs"):
        check_same(one, load_recording(tmp_path / "h"))
    report = check_same(lambda **x: made["f"](**x) * (1 + 1e-12), one)
    assert report.verdict is Verdict.DIFFERENT


def test_inputs_of_several_kinds_are_kept(tmp_path: Path) -> None:
    def mixed(x: dict[str, Any], mask: Tensor, scale: float) -> dict[str, Tensor]:
        return {"y": x["values"][0].masked_fill(mask, -torch.inf).softmax(-1) * scale}

    x = ({"values": [X, None]}, torch.zeros(3, dtype=torch.bool), 2.0)
    save_recording(mixed, x, tmp_path / "m")
    assert check_same(mixed, load_recording(tmp_path / "m")).verdict is Verdict.EQUAL


def test_wrong_calls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "text").write_text("no recording")
    with pytest.raises(InvalidArgument, match=r"text is no recording .*make one with save_recording"):
        load_recording(tmp_path / "text")
    with pytest.raises(InvalidArgument, match="FileNotFoundError"):
        load_recording(tmp_path / "absent")
    spec = scalar_s4(inProj=1.0, a=1.0, outProj=1.0, skip=0.0)
    with pytest.raises(InvalidArgument, match="a DiagonalS4Spec cannot be written"):
        save_recording(lambda x, spec: x * 2, (X, spec), tmp_path / "spec")
    assert not (tmp_path / "spec").exists()
    read = save_recording(model(), X, tmp_path / "m")
    with pytest.raises(InvalidArgument, match="a recording has its own input"):
        check_same(model(), read, X)
    monkeypatch.setattr(recording, "FORMAT", recording.FORMAT + 1)
    with pytest.raises(InvalidArgument, match="has format 1, this release reads 2"):
        load_recording(tmp_path / "m")


def test_a_function_with_a_memory_cannot_be_recorded(tmp_path: Path) -> None:
    calls: list[int] = []

    def fn(x: Tensor) -> Tensor:
        calls.append(1)
        return x * len(calls)

    with pytest.raises(InvalidArgument, match="the recorded program is not the function"):
        save_recording(fn, X, tmp_path / "m")


def test_entries_that_python_saw_stay_undecided(tmp_path: Path) -> None:
    def fn(x: Tensor) -> Tensor:
        return torch.from_numpy(x.numpy() * 2)

    save_recording(fn, X, tmp_path / "m")
    report = check_same(lambda x: 2 * x, load_recording(tmp_path / "m"))
    assert report.verdict is Verdict.INCONCLUSIVE
    assert "numpy" in report.summary()


class WithMore(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner, self.unused = nn.Linear(3, 3), nn.Parameter(torch.ones(2))

    def forward(self, x: Tensor) -> Any:
        return self.inner(x)


def test_gradients_at_unused_and_at_changed_parameters(tmp_path: Path) -> None:
    fn, x = WithMore(), torch.randn(2, 3)
    save_recording(fn, x, tmp_path / "m", gradients=True)
    read = load_recording(tmp_path / "m")
    assert check_same(fn, read).verdict is Verdict.EQUAL
    with torch.no_grad():
        fn.inner.weight += 1
    assert check_same(fn, read).verdict is Verdict.DIFFERENT
    fn.inner.weight.requires_grad_(False)
    with pytest.raises(InvalidArgument, match=r"only one function has gradients at inner\.weight"):
        check_same(fn, read)


def test_the_call_names_the_file(tmp_path: Path) -> None:
    save_recording(torch.sin, X, tmp_path / "m")
    report = check_same(torch.sin, load_recording(tmp_path / "m"))
    assert f"load_recording({str(tmp_path / 'm')!r})" in report.call
    assert "tensor(" not in report.call


def test_a_file_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"cannot be written .No such file or directory"):
        save_recording(torch.sin, X, tmp_path / "absent" / "m")
    (tmp_path / "folder").mkdir()
    with pytest.raises(InvalidArgument, match="cannot be written"):
        save_recording(torch.sin, X, tmp_path / "folder")
    assert not (tmp_path / "folder.part").exists()


def test_a_damaged_file(tmp_path: Path) -> None:
    save_recording(torch.sin, X, tmp_path / "m")
    content = torch.load(tmp_path / "m", weights_only=True)
    for damaged in ({**content, "tensors": []}, {"text": content["text"]}):
        torch.save(damaged, tmp_path / "damaged")
        with pytest.raises(InvalidArgument, match=r"is damaged .*; make the recording anew"):
            load_recording(tmp_path / "damaged")


@torch.library.custom_op("scanproof_tests::doubled", mutates_args=())
def doubled(x: Tensor) -> Tensor:
    return x * 2


def test_only_operators_of_aten_are_written_and_read(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument, match=r"doubled.default cannot be written"):
        save_recording(doubled, X, tmp_path / "m")
    save_recording(lambda x: x * 2, X, tmp_path / "m")
    content = torch.load(tmp_path / "m", weights_only=True)
    for name in ('["aten", "from_file", "default"]', '["scanproof_tests", "doubled", "default"]'):
        changed = content["text"].replace('["aten", "mul", "Tensor"]', name)
        assert changed != content["text"]
        torch.save({**content, "text": changed}, tmp_path / "other")
        with pytest.raises(InvalidArgument, match="which no recording may run"):
            load_recording(tmp_path / "other")
