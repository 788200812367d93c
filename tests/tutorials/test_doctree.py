"""What the site adds to a page, on a small site of three pages."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from PIL import Image

from tests.tutorials import pages
from tutorials.scripts import modules, plays

pytest.importorskip("myst_nb")
pytest.importorskip("furo")

INDEX = "# minigen\n\n[One](01-a.md)\n"
LESSON = """# 1. A lesson

See (V2), [(D1.1)](deeper-b.md), `(V7)`, $(V7)$ and [page (1.1) of this](01-a.md).

| in a table |
|---|
| (1.1) |

```math
x = 1 \\tag{1.1}
```

```python tags=["hide-input"]
x = "(V7)"
```

<details><summary>Answer</summary>

*By* (1.1).

</details>

![a moving picture here](figures/a.gif)
"""
DEEPER = """# Deeper

```math
x = 1 \\tag{V2}
```

- By (D1.1) and (V2).

```math
x = 1 \\tag{D1.1}
```

Back to: [A lesson](01-a.md)
"""

# A play is named after its figure, and two of its modules import the third.
PLAYS = {
    "base": "export const one = 1;\n",
    "shared": 'import { one } from "./base.js";\n\nexport function two() {\n  return 2 * one;\n}\n',
    "a": 'import {\n  two,\n} from "./shared.js";\nimport { one } from "./base.js";\n\ntwo(one);\n',
}


def build(folder: Path, lesson: str = LESSON) -> "subprocess.CompletedProcess[str]":
    """Build a site of three pages, whose code is not run."""
    source = folder / "tutorials"
    (source / "figures").mkdir(parents=True)
    for name in ("conf.py", "doctree.py", "notebooks.py", "reading.py", "scripts.py", "site.css"):
        shutil.copy(pages.FOLDER / name, source)
    for name, text in (("index", INDEX), ("01-a", lesson), ("deeper-b", DEEPER), ("other", "# O")):
        (source / f"{name}.md").write_text(text)
    for name in ("a.gif", "a.png"):
        Image.new("L", (2, 2)).save(source / "figures" / name)
    (source / "plays").mkdir()
    for name, text in PLAYS.items():
        (source / "plays" / f"{name}.js").write_text(text)
    command = [sys.executable, "-m", "sphinx", "-W", "-q", "-D", "nb_execution_mode=off"]
    return subprocess.run(
        [*command, str(source), str(folder / "site")],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("small")
    built = build(folder)
    assert built.returncode == 0, built.stderr
    return folder / "site"


def references(html: str) -> list[tuple[str, ...]]:
    """Of each link to a display: where it leads, its title, its words."""
    links = re.findall(r'<a [^>]*href="([^"]*#equation[^"]*)" title="([^"]*)"[^>]*>(.*?)</a>', html)
    return [(href, title, re.sub("<[^>]*>", "", words)) for href, title, words in links]


def test_references_lead_to_their_displays(site: Path) -> None:
    own = ("#equation-1-1", "(1.1) in: 1. A lesson", "(1.1)")
    assert references((site / "01-a.html").read_text()) == [
        ("deeper-b.html#equation-v2", "(V2) in: Deeper", "(V2)"),
        ("deeper-b.html#equation-d1-1", "(D1.1) in: Deeper", "(D1.1)"),
        own,
        own,
    ]
    deeper = (site / "deeper-b.html").read_text()
    assert [href for href, *_ in references(deeper)] == ["#equation-d1-1", "#equation-v2"]
    assert 'id="equation-d1-1"' in deeper
    assert 'id="equation-v2"' in deeper


def test_a_reference_to_nothing_ends_the_build(tmp_path: Path) -> None:
    built = build(tmp_path, LESSON.replace("See (V2)", "See (V3)"))
    assert built.returncode != 0
    assert "equation-v3" in built.stderr


def test_a_moving_picture_has_its_still(site: Path) -> None:
    html = (site / "01-a.html").read_text()
    classes = dict(re.findall(r'<img [^>]*class="(moving|still)" src="([^"]*)"', html))
    assert classes == {"moving": "_images/a.gif", "still": "_images/a.png"}
    assert (site / "_images" / "a.png").is_file()


def test_a_play_stands_on_the_page_of_its_figure(site: Path) -> None:
    """As one script, in which each module stands once and behind what it imports."""
    on_page = re.compile(r'<script defer="defer" src="_static/plays/a\.js[^"]*"></script>')
    assert [
        bool(on_page.search((site / f"{name}.html").read_text())) for name in ("01-a", "other")
    ] == [
        True,
        False,
    ]
    scripts = list((site / "_static" / "plays").iterdir())
    assert [file.name for file in scripts] == ["a.js"]
    text = scripts[0].read_text()
    assert "import" not in text
    assert "export" not in text
    assert text.count("const one = 1;") == text.count("function two()") == 1
    assert text.index("const one = 1;") < text.index("function two()") < text.index("two(one);")
    assert '["a"] = { one, two };' in text


def test_every_module_of_the_plays_is_on_a_page() -> None:
    shown = {Path(name).stem for page in pages.PAGES for name in pages.images(page.read_text())}
    assert plays().keys() <= shown
    used = {module for play in plays().values() for module in modules(play)}
    assert set((pages.FOLDER / "plays").glob("*.js")) <= used


def test_code_that_draws_and_answers_are_folded(site: Path) -> None:
    html = (site / "01-a.html").read_text()
    assert html.count('<details class="admonition hide') == 1
    assert re.search(r"<details><summary>Answer</summary>\s*<p><em>By</em>", html)


def test_reading_time_stands_on_lessons_and_deeper_pages(site: Path) -> None:
    said = {
        file.stem: re.findall(r'<p class="reading-time">(.*?)</p>', file.read_text())
        for file in site.glob("*.html")
    }
    time = f"About {pages.minutes(LESSON):.0f} minutes"
    assert said["01-a"] == [time]
    assert len(said["deeper-b"]) == 1
    assert said["index"] == said["other"] == []


def test_pages_are_listed_in_groups(site: Path) -> None:
    html = (site / "index.html").read_text()
    listed = re.search(r'<div class="sidebar-tree">.*?</div>', html, re.DOTALL)
    assert listed
    found = re.findall(r'caption-text">(.*?)<|href="([^"#]+)"', listed[0])
    assert [caption or href for caption, href in found] == [
        "The course",
        "01-a.html",
        "Deeper",
        "deeper-b.html",
        "Reference",
        "other.html",
    ]
