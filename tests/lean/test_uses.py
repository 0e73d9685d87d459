"""Neighbours are public declarations, seen through what is private or generated."""

from scanproof.lean.uses import Uses

PRIVATE = "_private.Spec.Base.0.Demo.step"


def test_private_and_generated_ones_are_seen_through() -> None:
    uses = Uses(
        {"Demo.main", "Demo.lemma", "Demo.Point", "Demo.other"},
        {
            "Demo.main": [PRIVATE, "Demo.main._proof_1", "Demo.Point.mk"],
            "Demo.main._proof_1": ["Demo.other"],
            PRIVATE: ["Demo.lemma", PRIVATE, "Demo.main"],
        },
    )
    assert uses.of("Demo.main") == ("Demo.Point", "Demo.lemma", "Demo.other")


def test_a_lemma_of_a_public_one_does_not_open_it() -> None:
    uses = Uses({"Demo.a", "Demo.b", "Demo.c"}, {"Demo.a": ["Demo.b.eq_1"], "Demo.b": ["Demo.c"]})
    assert uses.of("Demo.a") == ("Demo.b",)
    assert uses.of("Demo.c") == ()
