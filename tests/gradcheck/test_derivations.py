"""Formula, code and check are in step: every tag in a docstring has a check that passes."""

import ast
import json
import re
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import minigen
from minigen.gradcheck import Report, check_layer
from minigen.gradcheck import __main__ as command
from minigen.gradcheck.__main__ import main
from minigen.gradcheck.derivation import Derivation, Draw
from minigen.gradcheck.derivations import DERIVATIONS
from minigen.nn.layers import ReLU, Tanh

PACKAGE = Path(minigen.__file__).parent
MATHEMATICS = [
    *(
        PACKAGE / f"{name}.py"
        for name in ("nn/layers", "nn/losses", "nn/gaussian", "nn/slopes", "nn/spectral")
    ),
    *sorted((PACKAGE / "models").glob("*.py")),
]
TAG = re.compile(r"\(([A-Z]\d+)\)")
TANH = {"B5", "B6", "G2", "G3", "G4", "G5", "S1", "S3"}  # wherever it is
FEW = [d for d in DERIVATIONS if "tanh" in d.what or d.tag in {"B1", "B4", "B5", "B6", "V2"}]


@pytest.fixture
def few(monkeypatch: pytest.MonkeyPatch) -> None:
    """A shorter table, of all that goes through tanh and a little more: the whole takes seconds."""
    monkeypatch.setattr(command, "DERIVATIONS", FEW)


def docstrings() -> dict[str, str]:
    """Of every public function, method and class in the mathematical files, by name and line."""
    found = {}
    for file in MATHEMATICS:
        for node in ast.walk(ast.parse(file.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef) and (
                not node.name.startswith("_") or node.name == "__call__"
            ):
                found[f"{file.stem}.{node.name}:{node.lineno}"] = ast.get_docstring(node) or ""
    return found


@pytest.mark.parametrize("derivation", DERIVATIONS, ids=lambda d: f"{d.tag} {d.what}")
def test_derivation(derivation: Derivation) -> None:
    report = derivation.check(Draw(np))
    assert report.ok, report
    assert report.error("complex step") <= 1e-13
    assert any(c.backward for c in report.comparisons)


def test_tags_of_docstrings_and_checks_are_the_same() -> None:
    cited = Counter(tag for text in docstrings().values() for tag in TAG.findall(text))
    assert cited.keys() == {derivation.tag for derivation in DERIVATIONS}
    assert set(cited.values()) == {1}, "a tag stands in two docstrings"


def test_no_gradient_without_a_tag() -> None:
    """Who defines a backward pass of its own says which equation it is."""
    plain = {"Layer", "Activation", "Module", "Composite"}  # they define none themselves
    for file in MATHEMATICS:
        for node in ast.parse(file.read_text()).body:
            owners = [node]
            if isinstance(node, ast.ClassDef) and file.parent.name == "models":
                owners = [child for child in node.body if isinstance(child, ast.FunctionDef)]
            for owner in owners:
                if not isinstance(owner, ast.FunctionDef | ast.ClassDef) or owner.name in plain:
                    continue
                nested = {n.name for n in ast.walk(owner) if isinstance(n, ast.FunctionDef)}
                if nested & {"backward", "apply"}:
                    assert TAG.search(ast.get_docstring(owner) or ""), f"{file.name} {owner.name}"


def test_the_table_lists_every_derivation_once_and_fits_80_columns(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With one report for all, because the tests above have checked each."""
    report = DERIVATIONS[0].check(Draw(np))
    monkeypatch.setattr(command, "_checked", lambda *_: report)
    assert len(DERIVATIONS) >= 25
    assert len({derivation.what for derivation in DERIVATIONS}) == len(DERIVATIONS)
    assert main([]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line[5:53].rstrip() for line in lines[1:-1]] == [d.what for d in DERIVATIONS]
    assert all(line.endswith("  ok") for line in lines[1:-1])
    assert max(map(len, lines)) + len("FAILED") - len("ok") <= 80
    assert lines[-1] == f"{len(DERIVATIONS)} of {len(DERIVATIONS)} derivations agree with their forward pass"  # noqa: E501  # fmt: skip


@pytest.mark.usefixtures("few")
def test_json_is_one_document_and_nothing_else(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--json"]) == 0
    rows = json.loads(capsys.readouterr().out)["derivations"]
    assert [row["what"] for row in rows] == [derivation.what for derivation in FEW]
    assert all(row["ok"] and row["complex step"] <= 1e-10 for row in rows)


@pytest.mark.usefixtures("few")
@pytest.mark.parametrize(
    "wrong",
    [lambda dy, y: -dy * (1 - y * y), lambda dy, y: 2 * dy * (1 - y * y), lambda dy, y: dy * y],
    ids=["sign", "factor", "formula"],
)
def test_a_broken_backward_pass_fails_the_command_and_names_the_tag(
    wrong: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def apply(self: Tanh, x: Any) -> Any:
        y = np.tanh(x)
        return y, lambda dy: wrong(dy, y)

    monkeypatch.setattr(Tanh, "apply", apply)
    assert main([]) == 1
    failed = [line for line in capsys.readouterr().out.splitlines() if line.endswith("FAILED")]
    assert {line.split()[0] for line in failed} == {
        "B5",
        "B6",
        "G2",
        "G3",
        "G4",
        "G5",
        "S1",
        "S3",
    }  # wherever tanh is


@pytest.mark.usefixtures("few")
def test_a_backward_pass_that_raises_fails_under_its_tag(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As a transposed product does wherever the shapes do not happen to fit."""

    def apply(self: Tanh, x: Any) -> Any:
        return np.tanh(x), lambda dy: dy.T @ x @ dy @ dy

    monkeypatch.setattr(Tanh, "apply", apply)
    assert main([]) == 1
    out = capsys.readouterr().out
    failed = {line.split()[0] for line in out.splitlines() if line.endswith("FAILED")}
    assert failed == TANH
    assert "raised ValueError: matmul" in out


def test_a_kink_fails_too(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def at_the_kink(draw: Draw) -> Report:
        return check_layer(ReLU(), np.zeros((1, 1)))

    monkeypatch.setattr(command, "DERIVATIONS", [Derivation("B2", "kink", at_the_kink)])
    assert main([]) == 1
    assert "0 of 1 derivations agree" in capsys.readouterr().out


def test_a_backend_that_does_not_work_is_one_line(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)
    assert main(["--backend", "cupy"]) == 1
    assert capsys.readouterr().err.startswith("minigen: error: CuPy does not work here")
