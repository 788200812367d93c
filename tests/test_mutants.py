"""The mutants still fit the code; `python -m tests.mutants` runs them."""

import pytest

from tests.mutants import MUTANTS, ROOT, Mutant


def test_there_are_enough_of_them() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= 40


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_mutant_changes_one_line(mutant: Mutant) -> None:
    """Its text occurs once, the changed file compiles, and its tests are there."""
    source = (ROOT / mutant.file).read_text()
    assert source.count(mutant.old) == 1
    assert mutant.new != mutant.old
    assert "\n" not in mutant.old + mutant.new
    compile(mutant.applied(source), mutant.file, "exec")
    for test in mutant.tests:
        assert (ROOT / test.partition("::")[0]).is_file()
