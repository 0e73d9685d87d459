import sys
from pathlib import Path
from typing import Any

import pytest
import torch

from scanproof import InvalidArgument, certify
from scanproof.errors import MissingDependency

pytest.importorskip("matplotlib", reason="run: pip install 'scanproof[plot]'")


def test_a_leak_map_is_drawn(reports: dict[str, Any], tmp_path: Path) -> None:
    figure = reports["LeakMap"].plot()
    (axes,) = figure.axes
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("input s", "output t")
    assert [image.get_array().shape for image in axes.images] == [(11, 11), (11, 11)]
    later = axes.images[1].get_array()
    assert (~later.mask).sum() == int(reports["LeakMap"].read.sum())
    figure.savefig(tmp_path / "map.png", dpi=50)


def test_error_over_bound_is_drawn_over_time_and_as_a_histogram(
    reports: dict[str, Any], tmp_path: Path
) -> None:
    figure = reports["RefinementReport"].plot()
    over_time, histogram = figure.axes
    assert over_time.lines[0].get_ydata() == pytest.approx(reports["RefinementReport"].spread.over_time)
    assert histogram.patches[0].get_data().values.sum() == sum(reports["RefinementReport"].spread.counts)
    figure.savefig(tmp_path / "spread.png", dpi=50)


def test_a_report_without_a_picture_says_which_have_one() -> None:
    report = certify(lambda x: x.cumsum(1), torch.ones(1, 4, 1), batch_check=False)
    with pytest.raises(InvalidArgument, match="leak_map"):
        report.plot()


def test_without_matplotlib_the_command_that_installs_it_is_named(
    reports: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(MissingDependency, match=r"pip install 'scanproof\[plot\]'"):
        reports["LeakMap"].plot()
