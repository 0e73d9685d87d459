import pytest

from figures import same


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("REFINES 30", "REFINES 30"),
        ("leak=0.000e+00 frac=5.2e-02", "leak=0.000e+00 frac=1.9e-02"),
        ("4e-07 of the greatest", "9e-09 of the greatest"),
        ("got -0.83", "got -0.79"),
        ("2.3 ulps", "2 ulps"),
    ],
)
def test_what_machines_differ_in_is_the_same(shown: str, printed: str) -> None:
    assert same(shown, printed)


@pytest.mark.parametrize(
    ("shown", "printed"),
    [
        ("3e-01 of the greatest output\n7e-08", "0e+00 of the greatest output\n0e+00"),
        ("7e-08", "3e-01"),
        ("5.6e+00", "5.5e-01"),
        ("4e-05", "4e-07"),
        ("0.5", "-0.5"),
        ("t=12 <- s=17", "t=12 <- s=18"),
        ("23", "230"),
        ("2.3 ulps", "REFUTED"),
        ("30 cases", "30 inputs"),
        ("1 2", "1 2 3"),
    ],
)
def test_what_a_page_has_wrong_is_not(shown: str, printed: str) -> None:
    assert not same(shown, printed)
    assert not same(printed, shown)
