"""Every row of the table of faults has a test, and every test that names a row names a real one."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.faults.rows import ARGUMENTS, DATA, OUTPUT, RANKS, ROWS, TRAINING

TESTS = Path(__file__).parent.parent


def named_rows() -> Iterator[str]:
    """What `@pytest.mark.fault(...)` says above tests, anywhere below tests/."""
    for path in TESTS.rglob("test_*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef | ast.ClassDef):
                continue
            for mark in node.decorator_list:
                if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "pytest.mark.fault":
                    assert node.name.lower().startswith("test"), node.name
                    yield from (ast.literal_eval(argument) for argument in mark.args)


def test_every_row_has_a_test_and_no_test_another_row() -> None:
    assert set(named_rows()) == ROWS.keys()


def test_no_row_hides_another() -> None:
    assert len(ROWS) == sum(map(len, (ARGUMENTS, DATA, TRAINING, OUTPUT, RANKS)))
