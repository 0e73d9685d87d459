"""The pseudo-random function of residues is the one that Lean computes."""

import torch

from scanproof.programs.field.mix import mix

PINNED = {
    ("exp", 97, 0): 327626289475632075,
    ("exp", 1073741789, 5): 502704061379286956,
    ("log", 2147483647, 1): 3461421907298052658,
    ("log", 1073741789, 123456789): 4500469744354707097,
    ("sqrt", 2147483647, 2147483646): 834853266642508007,
}


def test_mixed_residues_are_those_that_lean_computes() -> None:
    for (name, prime, value), expected in PINNED.items():
        assert mix(name, prime, torch.tensor([value])).tolist() == [expected]


def test_mixed_residues_depend_on_the_name_and_on_the_prime() -> None:
    values = torch.arange(1000)
    columns = [mix("log", 97, values), mix("sqrt", 97, values), mix("log", 101, values)]
    assert len(set(torch.cat(columns).tolist())) == 3000
    assert all(int(column.min()) >= 0 and int(column.max()) < 1 << 62 for column in columns)
