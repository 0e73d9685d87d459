"""The mLSTM of xLSTM in plain PyTorch (mlstm-kernels 2.0.6): by tokens, by chunks, and over all pairs."""

from functools import partial
from pathlib import Path
from typing import Any

from torch import Tensor

from scanproof.adapters.bare import bare_module
from scanproof.adapters.kernels.subject import Implementation, Subject
from scanproof.refinement.kernels.attention import MLstm
from scanproof.refinement.kernels.cases import SIZES

CHUNK, LENGTH = 8, 40
_SCALE, _EPS = SIZES["state"] ** -0.5, 1e-6
_SCALED_EPS = "eps is added to the scaled denominator, so it counts exp(m) times: so it is in the kernel."
_NO_START = "Its m does not start from 0, which shows through eps; the check takes eps = 0."
_CONSTANT = "Its hand-written backward pass takes the normaliser as a constant."


def subjects(folder: Path | None = None) -> tuple[Subject, ...]:
    """Return the subjects of mlstm-kernels, which is in ``folder`` or, if that is None, installed."""

    def subject(module: str, function: str, eps: float, window: int, departs: str, **options: int) -> Subject:
        module = f"mlstm_kernels.torch.{module}"
        return Subject(
            f"{module}:{function}",
            "mlstm-kernels",
            partial(_loaded, module, function, folder, eps=eps, **options),
            MLstm(scale=_SCALE, eps=eps),
            log_window=window,
            sizes={"time": LENGTH if window > 1 else CHUNK},
            multiple=CHUNK if "chunk_size" in options else 1,
            folder=folder,
            departs=departs,
        )

    return (
        subject("recurrent.native_sequence", "mlstm_recurrent_sequence__native_fw", _EPS, 1, _SCALED_EPS),
        *(
            subject(
                "chunkwise.native.fwbw",
                f"mlstm_chunkwise__native_{backward}",
                _EPS,
                CHUNK,
                " ".join(said),
                chunk_size=CHUNK,
            )
            for backward, *said in (("autograd", _SCALED_EPS), ("custbw", _SCALED_EPS, _CONSTANT))
        ),
        *(
            subject(
                f"parallel.{form}.fwbw",
                f"mlstm_parallel__{form}_{backward}",
                0.0,
                LENGTH,
                " ".join(said),
            )
            for form in ("native", "native_stablef")
            for backward, *said in (("autograd", _NO_START), ("custbw", _NO_START, _CONSTANT))
        ),
    )


def _loaded(module: str, function: str, folder: Path | None, **options: Any) -> Implementation:
    form = getattr(bare_module(module, folder=folder), function)

    def implementation(**inputs: Tensor) -> Any:
        short = {"q": "q", "k": "k", "v": "v", "i": "input_gate", "f": "forget_gate"}
        given = {name: inputs[long].transpose(1, 2) for name, long in short.items()}
        return form(**given, **options).transpose(1, 2)

    return implementation
