"""A reference with the signature of ``selective_scan_fn``."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SelectiveScanFn:
    """The selective scan with the signature and layout of mamba_ssm's ``selective_scan_fn``.

    ``check_refinement(fn, SelectiveScanFn(), x)`` calls ``fn`` with every tensor of ``x`` by name, and with
    ``delta_softplus=`` and ``return_last_state=True``. The reference is the scan of the selective Mamba
    runner. ``x`` maps these names:

    - ``u``, ``delta`` and ``z``: (batch, channels, length); ``z`` is optional;
    - ``A``: (channels, states);
    - ``B`` and ``C``: (batch, groups, states, length), or (batch, states, length) for one group; consecutive
      channels share a group;
    - ``D`` and ``delta_bias``: (channels,); both are optional;
    - ``delta_softplus``: whether the step sizes pass through the softplus; default: False.

    ``fn`` returns ``y`` (batch, channels, length) and the last state (batch, channels, states); the check
    compares both. :class:`scanproof.SelectiveScan` is the same recurrence with time as the second axis.
    """
