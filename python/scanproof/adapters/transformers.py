"""``MambaMixer`` of Hugging Face transformers: its parameters as a spec, and small random instances of it.

With floating-point rounding aside, the mixer without a cache and without a mask computes the runner of
``SelectiveMambaBlockSpec`` from the zero state. Where it departs, or rounds more than its dtype says
(transformers 5.23):

- ``A_log``, ``D`` and the bias of ``dt_proj`` are cast to float32 in every precision, and so are B and
  the convolved input on their way into the state. In float64 the mixer is accurate to float32 only: check
  it with ``rounding=torch.float32``.
- In half precision dt, softplus included, has the precision of the model's dtype; the state is carried in
  float32 and rounded to the model's dtype where it is read.
- Which scan it runs is decided when transformers is imported: ``mamba_ssm``, ``causal_conv1d`` and
  ``kernels`` replace the PyTorch code where they are installed, on a CPU too.
- With a cache, only single tokens continue from it. A call with several tokens takes the convolution's
  history from the cache and starts the scan from zero.
- A mask zeroes the input and the convolved input at padded positions. With ``use_bias`` the bias of
  ``in_proj`` still enters the convolution there, so left padding changes the first ``conv_kernel - 1``
  tokens, and through the state all later ones.
"""

from typing import TYPE_CHECKING

import torch

from scanproof.errors import InvalidArgument, MissingDependency
from scanproof.refinement.checkpoint import MambaCheckpoint
from scanproof.refinement.runners import SelectiveMambaBlockSpec

if TYPE_CHECKING:
    from transformers.models.mamba.modeling_mamba import MambaMixer


def mamba_mixer_checkpoint(mixer: "MambaMixer") -> MambaCheckpoint:
    """Return the parameters of a mixer, upcast exactly.

    Raises:
        InvalidArgument: it is no ``MambaMixer``, or its activation is not SiLU.
        MissingDependency: transformers is not installed.
    """
    _, kind = _mamba()
    if not isinstance(mixer, kind):
        raise InvalidArgument(
            f"mixer is a {type(mixer).__name__}; give a transformers MambaMixer (backbone.layers[i].mixer)."
        )
    if mixer.activation not in ("silu", "swish"):
        raise InvalidArgument(f"The mixer's activation is {mixer.activation!r}; the spec has SiLU.")
    return MambaCheckpoint.from_state_dict(mixer.state_dict())


def mamba_mixer_spec(mixer: "MambaMixer") -> SelectiveMambaBlockSpec:
    """Return the spec that a mixer is to refine; errors as :func:`mamba_mixer_checkpoint`."""
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
    """Build a ``MambaMixer`` in eval mode whose every parameter is random, so that none can go unnoticed.

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
    rng = torch.Generator().manual_seed(seed)
    with torch.random.fork_rng(devices=[]):
        mixer = mixer_kind(config, layer_idx=0)
    for name, parameter in mixer.named_parameters():
        numbers = torch.randn(parameter.shape, generator=rng)
        if name == "A_log":
            numbers *= 0.7
        elif parameter.ndim > 1:
            numbers /= parameter[0].numel() ** 0.5
        with torch.no_grad():
            parameter.copy_(numbers)
    return mixer.eval().to(dtype)


def _mamba() -> "tuple[type, type[MambaMixer]]":
    try:
        from transformers import MambaConfig
        from transformers.models.mamba.modeling_mamba import MambaMixer
    except ImportError as missing:
        raise MissingDependency(
            "transformers is missing; pip install 'scanproof[transformers]'."
        ) from missing
    return MambaConfig, MambaMixer
