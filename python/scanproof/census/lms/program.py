"""A program that shows a counterexample with nothing but the library: it stops if the fault is absent."""

import contextlib
import io
import pprint
from collections.abc import Callable

import torch
from torch import Tensor

from scanproof.census.lms.build import settings_of
from scanproof.census.lms.exceptions import SPECIAL, Special
from scanproof.census.lms.shrink import FIRST_TOKEN, LAST_TOKEN
from scanproof.census.lms.ways import CACHES, PADS, PIECES, Way

SHARE = 1e-3
"""Least change that counts, as a share of the greatest logit: far above rounding."""

_PROGRAM = """\
import torch
from transformers import MODEL_FOR_CAUSAL_LM_MAPPING, AutoConfig

torch.manual_seed(0)
settings = {settings}
config = AutoConfig.for_model("{model_type}", **settings)
kind = MODEL_FOR_CAUSAL_LM_MAPPING[type(config)]
model = kind._from_config(config{part}, attn_implementation="{attention}").eval()
for parameter in model.parameters():
    if parameter.dim() > 1:
        torch.nn.init.normal_(parameter, std=0.3)


{call}


ids = torch.randint({first}, {last}, ({examples}, {length}))
other = ids.clone()
{change}
with torch.no_grad():
    one, two = logits(ids){part_seen}, logits(other){part_seen}
changed = ((one - two).abs().max() / one.abs().max()).item()
print(f"{said}: {{changed:.0e}} of the greatest logit")
assert changed > {share}
"""

_CALLS = {
    "plain": "def logits(ids):\n    return model(input_ids=ids, use_cache=False).logits",
    "padded": (
        "def logits(ids):\n"
        "    mask = torch.ones_like(ids)\n"
        f"    mask[0, :{PADS}] = 0\n"
        "    y = model(input_ids=ids, attention_mask=mask, use_cache=False).logits\n"
        "    return torch.where(mask[..., None] == 1, y, 0.0)"
    ),
    "cached": (
        "def logits(ids):\n"
        "    cache, found = {}, []\n"
        f"    for piece in ids.split([ids.shape[1] - {sum(PIECES)}, *{PIECES}], 1):\n"
        "        output = model(input_ids=piece, use_cache=True, **cache)\n"
        f"        cache = {{name: output[name] for name in {CACHES} if output.get(name) is not None}}\n"
        "        found.append(output.logits)\n"
        "    return torch.cat(found, 1)"
    ),
}


def program_of(fn: Callable[[Tensor], Tensor], x: Tensor, model_type: str, way: Way) -> str:
    """Return a program that shows that logits read a later token, or another example.

    Args:
        fn: the function that was found to do so.
        x: token ids (batch, T).
        model_type: the model type.
        way: how the model is called.

    Returns:
        The program; empty if changing tokens at ``x`` shows no change, or if the program, which draws other
        weights and tokens, shows none.
    """
    for cut in _cuts(x.shape[1]):
        if _changes(fn, x, later(x, cut), cut):
            text = written(model_type, way, x, cut)
            return text if runs(text) else ""
    return ""


def later(x: Tensor, cut: int) -> Tensor:
    """Return other tokens from a position on."""
    other = x.clone()
    other[:, cut:] = (other[:, cut:] - FIRST_TOKEN + 7) % (LAST_TOKEN - FIRST_TOKEN) + FIRST_TOKEN
    return other


def written(model_type: str, way: Way, x: Tensor, cut: int) -> str:
    """Return the program for a cut, whether it shows a fault or not."""
    part = SPECIAL.get(model_type, Special("")).part
    return _PROGRAM.format(
        settings=pprint.pformat(settings_of(model_type), width=100, sort_dicts=False),
        model_type=model_type,
        part=f".{part}" if part else "",
        attention=way.attention,
        call=_CALLS[way.call],
        first=FIRST_TOKEN,
        last=LAST_TOKEN,
        examples=x.shape[0],
        length=x.shape[1],
        change=f"other[:, {cut}:] = (other[:, {cut}:] - {FIRST_TOKEN} + 7) % {LAST_TOKEN - FIRST_TOKEN} "
        f"+ {FIRST_TOKEN}",
        part_seen=f"[:, :{cut}]",
        said=f"logits before position {cut} change with the tokens from there on",
        share=SHARE,
    )


def runs(text: str) -> bool:
    """Whether a program runs to its end."""
    try:
        with torch.random.fork_rng(devices=[]), contextlib.redirect_stdout(io.StringIO()):
            exec(compile(text, "<program>", "exec"), {})
    except Exception:
        return False
    return True


def _cuts(length: int) -> list[int]:
    return sorted({length // 2, 1, length - 1, length - 2, *range(4, length, 4)})


def _changes(fn: Callable[[Tensor], Tensor], one: Tensor, other: Tensor, cut: int) -> bool:
    with torch.no_grad():
        a, b = fn(one)[:, :cut], fn(other)[:, :cut]
    return ((a - b).abs().max() / a.abs().max()).item() > SHARE
