"""What the packages ship, what the daily tests leave out, and what the tools refuse."""

import re
import shutil
from importlib import import_module
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
WORKFLOW = ROOT / ".github" / "workflows" / "ci.yml"


def packed(target: str, root: Path) -> set[str]:
    """The files that this package, `wheel` or `sdist`, has of a tree."""
    pytest.importorskip("hatchling", reason="needs hatchling")
    builders = import_module(f"hatchling.builders.{target}")
    builder = getattr(builders, f"{target.title()}Builder")(str(root))
    return {file.relative_path for file in builder.recurse_included_files()}


def test_the_wheel_has_what_runs_and_nothing_else() -> None:
    suffixes = {Path(name).suffix for name in packed("wheel", ROOT)}
    assert suffixes == {".css", ".gz", ".html", ".js", ".md", ".py", ".typed"}


def test_the_source_package_has_nothing_of_a_folder_of_ones_own(tmp_path: Path) -> None:
    names = {"minigen/a.py", "tests/a.py", "tutorials/a.md", "LICENSE", "LICENSES/a", "A.md"}
    for name in names | {f"own/{name}" for name in names}:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    assert packed("sdist", tmp_path) == names


@pytest.mark.skipif(not WORKFLOW.exists(), reason="no checkout")
def test_what_the_daily_tests_leave_out_has_a_job() -> None:
    """By its marker, or by its file where that is skipped without a package."""
    commands = re.findall(r"- run: (python -m pytest .*)", WORKFLOW.read_text())
    project = (ROOT / "pyproject.toml").read_text()
    [chosen] = re.findall(r"-m '(.*?)'", project)
    for marker in re.findall(r"not (\w+)", chosen):
        assert f"python -m pytest -m {marker}" in commands
    tested = project.partition("\ntest = [")[2].partition("]")[0]
    for file in ROOT.glob("tests/**/test_*.py"):
        needed = re.findall(r'(?m)^(?:\w.* = )?pytest\.importorskip\("(\w+)"', file.read_text())
        if not all(f'"{package}>' in tested for package in needed):
            assert any(file.relative_to(ROOT).as_posix() in line for line in commands), file


@pytest.mark.parametrize(
    ("tool", "word", "line"),
    [
        ("benchmarks.__main__", "vea", "no model vea; there are vae, ae, gan"),
        ("mutants", "kl-halve", "no mutant is called kl-halve"),
        ("tables.__main__", "linar", "no table linar; there are vae, iwae, parzen, modes, fam"),
        ("tutorials.__main__", "4", "no page is called 4...; there are 00-start-here.md, 01-back"),
    ],
)
def test_a_tool_refuses_a_name_that_it_does_not_know(
    tool: str, word: str, line: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """It would do nothing, and call that a success."""
    with pytest.raises(SystemExit, match="2"):
        import_module(f"tests.{tool}").main([word])
    assert line in capsys.readouterr().err
