"""The rooms of the package: imports go one way, and mathematics knows nothing of the workshop."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import minigen

PACKAGE = Path(minigen.__file__).parent
GROUND = {"errors", "backend", "chains", "checks"}
ABOVE = {  # what each room may import, beside itself and the ground
    "errors": set(),
    "backend": set(),
    "chains": set(),
    "checks": set(),
    "nn": set(),
    "models": {"nn"},
    "gradcheck": {"nn", "models"},
    "data": set(),
    "training": {"nn", "models", "data"},
    "practice": {"nn", "models", "gradcheck", "data"},
    "metrics": {"nn", "models", "data", "training"},
    "workshop": {"nn", "data", "training", "metrics", "__init__"},
}
ORDER = {
    "errors": set(),
    "backend": {"errors"},
    "chains": {"backend"},
    "checks": {"errors", "backend"},
}
COMMANDS = {
    "__main__",
    "train",
    "sample",
    "evaluate",
    "explore",
    "gradcheck.__main__",
    "practice.__main__",
}
QUIET = ("nn", "models", "metrics", "training")  # rooms without flags, paths and figures


def files() -> dict[str, Path]:
    """Every file by its module name within the package."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        parts = path.relative_to(PACKAGE).with_suffix("").parts
        name = parts[:-1] if parts[-1] == "__init__" and len(parts) > 1 else parts
        found[".".join(name)] = path
    return found


def imported(path: Path) -> set[str]:
    """The rooms of minigen that a file imports, wherever in it; "__init__" is the front door."""
    rooms = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module == "minigen":
            names = [f"minigen.{alias.name}" for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            names = [node.module or ""]
        for name in names:
            if name == "minigen":
                rooms.add("__init__")
            elif name.startswith("minigen."):
                rooms.add(name.split(".")[1])
    return rooms


@pytest.mark.parametrize("name", files())
def test_imports_go_one_way(name: str) -> None:
    room = name.split(".")[0]
    if name == "__init__" or name in COMMANDS:
        return
    allowed = ORDER[room] if room in ORDER else ABOVE[room] | GROUND | {room}
    assert imported(files()[name]) <= allowed


def test_every_room_is_known() -> None:
    rooms = {name.split(".")[0] for name in files()} - {"__init__"} - COMMANDS
    assert rooms == set(ABOVE)


@pytest.mark.parametrize("name", [name for name in files() if name.split(".")[0] in QUIET])
def test_the_mathematics_knows_no_flag_no_path_and_no_figure(name: str) -> None:
    text = files()[name].read_text()
    found = re.findall(r"--[a-z]|argparse|pathlib|matplotlib|\bopen\(|\.jsonl?\b|\.png", text)
    assert found == []


def test_no_file_is_long() -> None:
    lengths = {name: len(path.read_text().splitlines()) for name, path in files().items()}
    assert {name: length for name, length in lengths.items() if length > 300} == {}


def test_docstrings_begin_with_the_noun_or_the_verb() -> None:
    """Not by "What a model makes of ..."."""
    found = []
    for name, path in files().items():
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                text = ast.get_docstring(node) or ""
                if re.match(r"(?:\([A-Z]\d\) )?What\b", text):
                    found.append(f"{name}.{node.name}")
    assert found == []


def test_the_front_door_opens_without_what_is_heavy() -> None:
    """Matplotlib, CuPy, mpi4py, tqdm and argparse are imported when they are needed."""
    code = (
        "import sys, minigen; "
        "heavy = 'matplotlib', 'cupy', 'mpi4py', 'tqdm', 'argparse', 'PIL'; "
        "print([m for m in heavy if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
