"""Mixers of Hugging Face transformers: their parameters as specs, and small random instances of them.

Apart from rounding, ``MambaMixer`` without a cache and without a mask computes the runner of
``SelectiveMambaBlockSpec`` from the zero state. It differs from the spec, or rounds more than its dtype says,
in these points (transformers 5.23):

- ``A_log``, ``D`` and the bias of ``dt_proj`` are cast to float32 in every precision. So are B and the
  convolved input before they enter the state. In float64 the mixer has the accuracy of float32; check it with
  ``rounding=torch.float32``.
- In half precision, dt and its softplus have the precision of the model's dtype. The state is kept in float32
  and rounded to the model's dtype when it is read.
- The scan is chosen when transformers is imported: ``mamba_ssm``, ``causal_conv1d`` and ``kernels`` replace
  the PyTorch code if they are installed, also on a CPU.
- Only calls with a single token continue from a cache. A call with several tokens takes the history of the
  convolution from the cache, and starts the scan from zero.
- A mask zeroes the input and the convolved input at padded positions. With ``use_bias``, the bias of
  ``in_proj`` still enters the convolution at these positions. So left padding changes the first
  ``conv_kernel - 1`` tokens and, through the state, all later tokens.

``Mamba2Mixer`` without a cache and without a mask computes the runner of ``Mamba2BlockSpec``. It casts to
float32 in its scan and norm in every precision. Its scan adds logarithms of decays over chunks; the bound
allows for that by an argument, not by a theorem (``docs/families.md``). Its calls with a single cached token
ignore ``time_step_limit``, so they continue a run only if no step size reaches the limits.
"""

import math
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from scanproof.errors import InvalidArgument, MissingDependency
from scanproof.refinement.checkpoint import MambaCheckpoint
from scanproof.refinement.mamba2 import Mamba2BlockSpec
from scanproof.refinement.runners import Array, SelectiveMambaBlockSpec

if TYPE_CHECKING:
    from transformers.models.mamba.modeling_mamba import MambaMixer
    from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer

Mixer = TypeVar("Mixer", bound=nn.Module)


def mamba_mixer_checkpoint(mixer: "MambaMixer") -> MambaCheckpoint:
    """Return the parameters of a mixer, upcast exactly.

    Raises:
        InvalidArgument: ``mixer`` is not a ``MambaMixer``, or its activation is not SiLU.
        MissingDependency: transformers is not installed.
    """
    _, kind = _mamba()
    _check_kind(mixer, kind)
    return MambaCheckpoint.from_state_dict(mixer.state_dict())


def mamba_mixer_spec(mixer: "MambaMixer") -> SelectiveMambaBlockSpec:
    """Return the spec that a mixer should refine; it raises what :func:`mamba_mixer_checkpoint` raises."""
    return mamba_mixer_checkpoint(mixer).spec()


def random_mamba_mixer(
    *,
    hidden_size: int = 8,
    state_size: int = 4,
    conv_kernel: int = 4,
    expand: int = 2,
    time_step_rank: int = 2,
    use_bias: bool = True,
    use_conv_bias: bool = True,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> "MambaMixer":
    """Build a ``MambaMixer`` in eval mode; every parameter is random, so that a wrong one is noticed.

    Args:
        hidden_size: width of input and output.
        state_size: states per inner channel.
        conv_kernel: taps of the convolution.
        expand: inner channels per input channel.
        time_step_rank: rank of the projection of dt.
        use_bias: biases on the input and output projections.
        use_conv_bias: bias on the convolution.
        dtype: dtype of the parameters.
        seed: seed of the parameters; the global generator is left as it was.

    Returns:
        The module, a map from x (batch, time, hidden_size) to y of the same shape.

    Raises:
        MissingDependency: transformers is not installed.
    """
    config_kind, mixer_kind = _mamba()
    config = config_kind(
        hidden_size=hidden_size,
        state_size=state_size,
        conv_kernel=conv_kernel,
        expand=expand,
        time_step_rank=time_step_rank,
        use_bias=use_bias,
        use_conv_bias=use_conv_bias,
        num_hidden_layers=1,
    )
    return _random(mixer_kind, config, dtype, seed)


def mamba2_mixer_spec(mixer: "Mamba2Mixer") -> Mamba2BlockSpec:
    """Return the spec that a ``Mamba2Mixer`` should refine, with its parameters upcast exactly.

    Raises:
        InvalidArgument: ``mixer`` is not a ``Mamba2Mixer``, its activation is not SiLU, or the groups of its
            norm are not the groups of its scan.
        MissingDependency: transformers is not installed.
    """
    _, kind = _mamba2()
    _check_kind(mixer, kind)
    if mixer.norm.group_size * mixer.n_groups != mixer.intermediate_size:
        raise InvalidArgument(
            f"The mixer's norm has groups of {mixer.norm.group_size} of {mixer.intermediate_size} channels,"
            f" and its scan has {mixer.n_groups} groups; the spec needs the same groups in both."
        )
    least, greatest = mixer.time_step_limit
    return Mamba2BlockSpec(
        inProj=_exact(mixer.in_proj.weight),
        inBias=_bias(mixer.in_proj),
        convWeight=_exact(mixer.conv1d.weight.squeeze(1)),
        convBias=_bias(mixer.conv1d),
        dtBias=_exact(mixer.dt_bias),
        aLog=_exact(mixer.A_log),
        D=_exact(mixer.D),
        normWeight=_exact(mixer.norm.weight),
        outProj=_exact(mixer.out_proj.weight),
        outBias=_bias(mixer.out_proj),
        groups=mixer.n_groups,
        eps=mixer.norm.variance_epsilon,
        dtMin=None if least == -math.inf else least,
        dtMax=None if greatest == math.inf else greatest,
        logWindow=mixer.chunk_size,
    )


def random_mamba2_mixer(
    *,
    hidden_size: int = 8,
    state_size: int = 4,
    conv_kernel: int = 4,
    num_heads: int = 4,
    head_dim: int = 4,
    n_groups: int = 1,
    chunk_size: int = 8,
    time_step_limit: tuple[float, float] = (0.0, math.inf),
    use_bias: bool = True,
    use_conv_bias: bool = True,
    dtype: torch.dtype = torch.float32,
    seed: int = 0,
) -> "Mamba2Mixer":
    """Build a ``Mamba2Mixer`` in eval mode; every parameter is random, so that a wrong one is noticed.

    Args:
        hidden_size: width of input and output; it divides ``num_heads * head_dim``.
        state_size: states per channel.
        conv_kernel: taps of the convolution.
        num_heads: heads.
        head_dim: channels of a head.
        n_groups: groups of heads that share B and C.
        chunk_size: tokens of a chunk of the scan.
        time_step_limit: least and greatest step size.
        use_bias: biases on the input and output projections.
        use_conv_bias: bias on the convolution.
        dtype: dtype of the parameters.
        seed: seed of the parameters; the global generator is left as it was.

    Returns:
        The module, a map from x (batch, time, hidden_size) to y of the same shape.

    Raises:
        InvalidArgument: ``hidden_size`` does not divide ``num_heads * head_dim``.
        MissingDependency: transformers is not installed.
    """
    config_kind, mixer_kind = _mamba2()
    if num_heads * head_dim % hidden_size:
        raise InvalidArgument(
            f"num_heads * head_dim is {num_heads * head_dim}; give a multiple of hidden_size = {hidden_size}."
        )
    config = config_kind(
        hidden_size=hidden_size,
        state_size=state_size,
        conv_kernel=conv_kernel,
        expand=num_heads * head_dim // hidden_size,
        num_heads=num_heads,
        head_dim=head_dim,
        n_groups=n_groups,
        chunk_size=chunk_size,
        time_step_limit=time_step_limit,
        use_bias=use_bias,
        use_conv_bias=use_conv_bias,
        num_hidden_layers=1,
    )
    return _random(mixer_kind, config, dtype, seed)


def _check_kind(mixer: Any, kind: type[Any]) -> None:
    if not isinstance(mixer, kind):
        raise InvalidArgument(
            f"mixer is a {type(mixer).__name__}; give a transformers {kind.__name__}"
            " (backbone.layers[i].mixer)."
        )
    if mixer.activation not in ("silu", "swish"):
        raise InvalidArgument(f"The mixer's activation is {mixer.activation!r}; the spec needs SiLU.")


def _random(kind: type[Mixer], config: Any, dtype: torch.dtype, seed: int) -> Mixer:
    with torch.random.fork_rng(devices=[]):
        mixer = kind(config, layer_idx=0)
    rng = torch.Generator().manual_seed(seed)
    for name, parameter in mixer.named_parameters():
        numbers = torch.randn(parameter.shape, generator=rng)
        if name == "A_log":
            numbers *= 0.7
        elif parameter.ndim > 1:
            numbers /= parameter[0].numel() ** 0.5
        with torch.no_grad():
            parameter.copy_(numbers)
    return mixer.eval().to(dtype)


def _exact(parameter: Tensor) -> Array:
    return parameter.detach().cpu().double().numpy()


def _bias(layer: nn.Linear | nn.Conv1d) -> Array:
    return np.zeros(len(layer.weight)) if layer.bias is None else _exact(layer.bias)


_MISSING = "transformers is missing; pip install 'scanproof[transformers]'."


def _mamba() -> "tuple[type, type[MambaMixer]]":
    try:
        from transformers import MambaConfig
        from transformers.models.mamba.modeling_mamba import MambaMixer
    except ImportError as missing:
        raise MissingDependency(_MISSING) from missing
    return MambaConfig, MambaMixer


def _mamba2() -> "tuple[type, type[Mamba2Mixer]]":
    try:
        from transformers import Mamba2Config
        from transformers.models.mamba2.modeling_mamba2 import Mamba2Mixer
    except ImportError as missing:
        raise MissingDependency(_MISSING) from missing
    return Mamba2Config, Mamba2Mixer
