"""Whether a way of feeding is one pass, without a tolerance: equality over finite fields."""

from torch import Tensor

from scanproof.refinement.exact.answer import ExactAnswer
from scanproof.same.pairs import EXPECTED, GOT, decided
from scanproof.streaming.feed import Feed
from scanproof.streaming.model import Unsupported
from scanproof.streaming.probes import Probe


def exact_answer(probe: Probe, feed: Feed, seed: int) -> ExactAnswer:
    """Decide whether a way of feeding is one pass.

    Args:
        probe: the way.
        feed: the model and its input.
        seed: the seed of the points.
    """

    def run(x: Tensor) -> dict[str, dict[str, Tensor]]:
        found: dict[str, dict[str, Tensor]] = {GOT: {}, EXPECTED: {}}
        try:
            for pair in probe.pairs(feed.at(x)):
                found[GOT][pair.case] = pair.got.clone()  # the model may write into it later
                found[EXPECTED][pair.case] = pair.expected.clone()
        except Unsupported:
            if not found[GOT]:
                raise
        return found

    return decided(run, feed.model, [feed.x], seed, "the model")
