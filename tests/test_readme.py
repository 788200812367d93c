"""README: its example prints what it says, its excerpt is the source, its sizes are true."""

import contextlib
import io
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from matplotlib import pyplot

import minigen
from minigen import evaluate, sample, train
from minigen.explore import main as main_of_explore

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
BLOCKS = re.findall(r"```(\w+)\n(.*?)```", README, re.DOTALL)


def test_the_example_prints_what_is_shown() -> None:
    place = next(i for i, (_, code) in enumerate(BLOCKS) if "check_params" in code)
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(compile(BLOCKS[place][1], "README.md", "exec"), {})
    assert printed.getvalue() == BLOCKS[place + 1][1]


def test_the_front_door_opens_as_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    code = next(code for _, code in BLOCKS if "mg.fit" in code)
    assert len([line for line in code.splitlines() if line.strip()]) <= 12
    monkeypatch.chdir(tmp_path)
    pyplot.switch_backend("agg")
    namespace: dict[str, Any] = {}
    exec(compile(code, "README.md", "exec"), namespace)
    pyplot.close("all")
    assert namespace["z"].shape == (100, 2)
    assert namespace["run"].history[-1].test["kl"] > 2, "codes that say something"
    assert re.search(
        r"Run\(vae on .*mine\.npy, 40 of 40 epochs: test loss", capsys.readouterr().out
    )
    loaded = namespace["run"]
    np.testing.assert_array_equal(loaded.encode(namespace["data"].test), namespace["z"])
    for command in (sample.main, main_of_explore, evaluate.main):
        assert command(["runs/mine"]) == 0
    assert train.main(["vae", "--resume", "runs/mine", "--epochs", "41", "--no-figures"]) == 0


def test_the_excerpt_is_the_source() -> None:
    excerpt = next(code for _, code in BLOCKS if "encoder_backward" in code)
    source = (ROOT / "minigen" / "models" / "vae.py").read_text()

    def bare(code: str) -> str:
        """Without indentation and blank lines, which differ."""
        return "\n".join(line.strip() for line in code.splitlines() if line.strip())

    assert bare(excerpt) in bare(source)


def test_the_set_up_commands_are_one_line_each() -> None:
    commands = [code.strip() for kind, code in BLOCKS if kind == "sh"]
    assert commands[0] == "python -m pip install -e . && python -m minigen.train vae"
    assert commands[1] == 'python -m pip install -e ".[test]" && python -m pytest'


def test_the_size_is_true() -> None:
    """Of the mathematics and the models, within a tenth."""
    texts = README, (ROOT / "tutorials" / "reference-code.md").read_text()
    stated = [
        int(n.replace(",", "")) for t in texts for n in re.findall(r"about ([\d,]+) lines", t)
    ]
    assert len(stated) == 2
    package = ROOT / "minigen"
    files = [file for room in ("nn", "models") for file in (package / room).glob("*.py")]
    lines = sum(len(file.read_text().splitlines()) for file in files)
    assert all(abs(lines / number - 1) < 0.1 for number in stated)


def test_every_link_leads_somewhere() -> None:
    for target in re.findall(r"(?:\]\(|src(?:set)?=\")([^)#:\"]+)[)\"]", README):
        assert (ROOT / target).exists(), target


def test_it_is_short_and_begins_with_what_moves() -> None:
    lines = README.splitlines()
    assert len(lines) <= 150
    screen = "\n".join(lines[:22])
    assert "figures/explore.gif" in screen
    assert all(code in screen for kind, code in BLOCKS[:2])


def test_version() -> None:
    assert f'version = "{minigen.__version__}"' in (ROOT / "pyproject.toml").read_text()
    assert f"\nversion: {minigen.__version__}\n" in (ROOT / "CITATION.cff").read_text()


def test_a_package_index_shows_it_with_links_into_the_repository() -> None:
    """Once pyproject.toml has its address; until then, as it is."""
    hatch_build = pytest.importorskip("hatch_build", reason="needs hatchling")
    hook, place = hatch_build.Readme(str(ROOT), {}), "https://forge.example/minigen"
    metadata: dict[str, Any] = {}
    hook.update(metadata)
    assert metadata["readme"]["text"] == README
    metadata["urls"] = {"Repository": place}
    hook.update(metadata)
    text = metadata["readme"]["text"]
    links = re.findall(
        r"(!?)\[[^\]]*\]\(([^)]*)\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)
    )
    assert len(links) > 20
    for picture, link in links:
        base, _, file = link.partition("/HEAD/")
        assert base == f"{place}/{'raw' if picture else 'blob'}"
        assert (ROOT / file).is_file()
    pictures = re.findall(r'(?:src|srcset)="([^"]*)"', text)
    assert len(pictures) == 3
    assert all(picture.startswith(f"{place}/raw/HEAD/tutorials/") for picture in pictures)
    assert re.findall(r"```(\w+)\n(.*?)```", text, re.DOTALL) == BLOCKS
