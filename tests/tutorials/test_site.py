"""The site in a browser: mathematics, figures, links and search work, and nothing is fetched.

python -m pip install -e '.[test,site]' && python -m pytest -m browser   # and Chromium
"""

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.tutorials import pages
from tests.tutorials.pages import PAGES
from tests.tutorials.probe import SCREEN, look
from tests.workshop.browser import Tab
from tutorials.scripts import plays

pytestmark = pytest.mark.browser

Build = tuple[Path, "subprocess.CompletedProcess[str]"]
SPHINXS_OWN = {"genindex", "search"}
NEEDED = ["sphinx", "myst_nb", "jupytext", "furo", "sphinx-mathjax-offline", "sphinx_copybutton"]
ORDER = [pages.INDEX, *pages.LESSONS, *pages.DEEPER, *pages.REFERENCE]
SHOWN_DARK = [*ORDER[:2], *[page for page in ORDER[2:] if ".gif)" in page.read_text()]]

each_page = pytest.mark.parametrize("page", ORDER, ids=lambda page: page.stem)


@pytest.fixture(scope="session")
def built(
    tmp_path_factory: pytest.TempPathFactory,
) -> Build:
    """The site, and how its build went."""
    missing = [name for name in NEEDED if importlib.util.find_spec(name) is None]
    if missing:
        pytest.skip(f"the site needs python -m pip install -e '.[site]': no {', '.join(missing)}")
    folder = tmp_path_factory.mktemp("site")
    shutil.copytree(pages.FOLDER, folder / "tutorials")
    build = subprocess.run(
        [
            sys.executable,
            "-m",
            "sphinx",
            "-W",
            "-q",
            str(folder / "tutorials"),
            str(folder / "site"),
        ],
        env=os.environ | {"IPYTHONDIR": str(folder / "ipython"), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=900,
        check=False,
    )
    return folder / "site", build


@pytest.fixture
def site(built: Build) -> Path:
    """The folder of the site."""
    return built[0]


def test_the_site_builds_without_a_warning(
    built: Build,
) -> None:
    site, build = built
    assert build.returncode == 0, build.stderr
    built_from_pages = {file.stem for file in site.glob("*.html")} - SPHINXS_OWN
    assert built_from_pages == {page.stem for page in PAGES}


def test_nothing_points_to_another_host(
    built: Build,
) -> None:
    """A link may, for a person to follow; a script, a style, a font or a picture may not."""
    for file in built[0].glob("*.html"):
        tags = re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", file.read_text())
        assert [tag for tag in tags if re.search(r"(src|href)=[\"']?(https?:)?//", tag)] == []
    for file in built[0].rglob("_static/**/*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", file.read_text()), file


@each_page
def test_a_page_in_the_browser(page: Path, site: Path, tab: Tab) -> None:
    text = page.read_text()
    blocks = pages.blocks(text)
    seen, console = look(tab, site / f"{page.stem}.html")
    assert console == []
    for width, facts in seen.items():
        assert facts["overflow"] <= 0, f"at {width} the page scrolls sideways"
        assert facts["cut"] == [], f"at {width} the page is cut"
    for width in (1440, 1920):
        assert seen[width]["wide"] == [], "a formula is wider than the page"

    facts = seen[1440]
    assert facts["errors"] == []
    assert facts["fonts"] == []
    assert [name for name in facts["fetched"] if not name.startswith(("file:", "data:"))] == []

    formulas = len(pages.FORMULA.findall(pages.prose(text)))
    assert len(facts["formulas"]) >= pages.displays(text) + formulas
    assert min(facts["formulas"], default=100) > 50, "a formula is empty"
    for unrendered in ("$", r"\(", r"\[", r"\tag", r"\frac", "```", "[!", "](", "**", "<details"):
        assert unrendered not in facts["text"]
    assert facts["notes"] == len(re.findall(r"^> \[!", text, re.MULTILINE))

    assert [src.rpartition("/")[2] for src, _ in facts["images"]] == [
        name.rpartition("/")[2] for name in pictures(text)
    ]
    assert all(width > 0 for _, width in facts["images"])
    assert [link for link in facts["links"] if not leads(link, site, page.stem)] == []
    assert [words for words, _ in facts["references"]] == [
        f"({tag})" for tag in pages.references(text)
    ]
    assert all(f"{words} in: " in title for words, title in facts["references"])

    cells = [block for block in blocks if block.kind == "python"]
    outputs = pages.expected(text)
    for block, output in zip(cells, facts["cells"], strict=True):
        printed = output.strip("\n") + "\n" if output.strip() else ""
        assert pages.agree(printed, outputs.get(block.line)), f"{page}:{block.line}: {printed}"
    assert facts["folded"] == [False for block in cells if block.info]
    assert facts["answers"] == [False] * text.count("<details>")
    copied = [block for block in blocks if block.kind in ("python", "py", "shell")]
    assert facts["copied"] == len(copied)

    place = ORDER.index(page)
    assert facts["before"] == [f"{other.stem}.html" for other in ORDER[:place][-1:]]
    assert facts["after"] == [f"{other.stem}.html" for other in ORDER[place + 1 :][:1]]
    assert facts["contents"] == [f"{other.stem}.html" for other in ORDER[1:]]
    assert facts["captions"] == [name for name, found in pages.groups(PAGES).items() if found]


@pytest.mark.parametrize("page", SHOWN_DARK, ids=lambda page: page.stem)
def test_a_dark_page_without_motion(page: Path, site: Path, tab: Tab) -> None:
    """Drawings take its colours, other figures lie on a card, and moving ones rest."""
    seen, console = look(tab, site / f"{page.stem}.html", dark=True)
    assert console == []
    for width, facts in seen.items():
        assert facts["overflow"] <= 0
        assert facts["cut"] == []
        assert not [src for src, _ in facts["images"] if src.endswith(".gif")]
        assert len(facts["images"]) == len(pictures(page.read_text()))
        for (src, _), (colour, padding, scheme) in zip(
            facts["images"], facts["cards"], strict=True
        ):
            card = colour == "rgb(255, 255, 255)" and padding > 0
            assert card or (src.endswith(".svg") and "dark" in scheme), f"{src} at {width}"


def test_the_front_page_shows_how_to_train_on_its_first_screen(site: Path, tab: Tab) -> None:
    seen, _ = look(tab, site / "index.html", widths=(1366, 1440))
    for facts in seen.values():
        assert facts["first_command"] < SCREEN


def pictures(text: str) -> list[str]:
    """The pictures of a page on the site, where a play takes the place of a moving one."""
    return [
        name
        for name in pages.images(text)
        if not (name.endswith(".gif") and Path(name).stem in plays())
    ]


def leads(link: str, site: Path, page: str) -> bool:
    """Whether a file and a place in it exist; another host's are not asked."""
    if re.match(r"https?://", link):
        return True
    file, _, anchor = unquote(link).partition("#")
    target = site / (file.partition("?")[0] or f"{page}.html")
    if not target.is_file():
        return False
    return not anchor or f'id="{anchor}"' in target.read_text()


def test_the_search_finds_a_page(site: Path, tab: Tab) -> None:
    tab.open(site / "search.html", query="?q=bernoulli")
    tab.wait("document.querySelector('#search-results li a')")
    results = "[...document.querySelectorAll('#search-results li a')].map(link => link.href)"
    assert any("02-losses.html" in link for link in tab.evaluate(results))
    assert tab.console == []
