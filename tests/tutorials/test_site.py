"""The site in a browser: mathematics, figures, links and search work, and nothing is fetched.

python -m pip install -e '.[test,site]' && python -m pytest -m browser   # and Chromium
"""

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from tests.tutorials import pages
from tests.tutorials.pages import PAGES

pytestmark = pytest.mark.browser

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
Build = tuple[Path, "subprocess.CompletedProcess[str]"]
SPHINXS_OWN = {"index", "genindex", "search"}
NEEDED = ["sphinx", "myst_nb", "jupytext", "furo", "sphinx-mathjax-offline"]

# What the browser sees when everything is loaded; added to the pages after the build.
PROBE = """
<script>
addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  const all = (selector, what) => [...document.querySelectorAll(selector)].map(what);
  if (location.search)
    while (!document.querySelector("#search-results li")) await new Promise(r => setTimeout(r, 50));
  await document.fonts.ready;
  const bare = document.querySelector("article, body").cloneNode(true);
  bare.querySelectorAll("pre, code, script, mjx-container").forEach(node => node.remove());
  const seen = {
    text: bare.textContent,
    formulas: all("mjx-container", node => node.outerHTML.length),
    errors: all("mjx-merror, [data-mjx-error], mjx-mtext[style*=red]", node => node.outerHTML),
    wide: all("div.math", node => node)
      .filter(node => node.scrollWidth > node.clientWidth + 1).map(node => node.textContent),
    overflow: document.documentElement.scrollWidth - innerWidth,
    images: all("article img", node => [node.getAttribute("src"), node.naturalWidth]),
    links: all("a[href], link[href]", node => node.getAttribute("href")),
    fetched: performance.getEntriesByType("resource").map(entry => entry.name),
    fonts: [...document.fonts].filter(font => font.status == "error").map(font => font.family),
    before: all("a.prev-page", node => node.getAttribute("href")),
    after: all("a.next-page", node => node.getAttribute("href")),
    contents: all(".sidebar-tree a", node => new URL(node.href).pathname.split("/").pop()),
    notes: document.querySelectorAll(".admonition").length,
    cells: all("div.cell", node => node.querySelector(".cell_output")?.textContent ?? ""),
    found: all("#search-results li a", node => node.getAttribute("href")),
  };
  const script = document.createElement("script");
  script.id = "seen";
  script.type = "application/json";
  script.textContent = JSON.stringify(seen).replaceAll("<", "\\\\u003c");
  document.body.append(script);
});
</script>
"""


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


@pytest.fixture(scope="session")
def site(built: Build) -> Path:
    """The site with the probe in every page."""
    if CHROMIUM is None:
        pytest.skip("no chromium on PATH")
    for file in built[0].glob("*.html"):
        file.write_text(file.read_text().replace("</head>", PROBE + "</head>", 1))
    return built[0]


def seen(site: Path, page: str) -> dict[str, Any]:
    """What the browser sees of a page, with the lines of its console."""
    assert CHROMIUM
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--window-size=1280,1600"]
    options += ["--enable-logging=stderr", "--virtual-time-budget=60000", "--dump-dom"]
    options += [f"--user-data-dir={site.parent / 'chromium'}"]
    browser = subprocess.run(
        [CHROMIUM, *options, f"file://{site}/{page}"],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    report = re.search(r'<script id="seen"[^>]*>(.*?)</script>', browser.stdout, re.DOTALL)
    assert report, f"{page} did not load: {browser.stderr[-2000:]}"
    facts: dict[str, Any] = json.loads(report[1])
    facts["console"] = [line for line in browser.stderr.splitlines() if "CONSOLE" in line]
    return facts


def test_the_site_builds_without_a_warning(
    built: Build,
) -> None:
    site, build = built
    assert build.returncode == 0, build.stderr
    built_from_pages = {file.stem for file in site.glob("*.html")} - SPHINXS_OWN
    assert built_from_pages == {page.stem for page in PAGES}
    assert f"url={PAGES[0].stem}.html" in (site / "index.html").read_text()


def test_nothing_points_to_another_host(
    built: Build,
) -> None:
    """A link may, for a person to follow; a script, a style, a font or a picture may not."""
    for file in built[0].glob("*.html"):
        tags = re.findall(r"<(?:script|link|img|iframe|source)\b[^>]*>", file.read_text())
        assert [tag for tag in tags if re.search(r"(src|href)=[\"']?(https?:)?//", tag)] == []
    for file in built[0].rglob("_static/**/*.css"):
        assert not re.search(r"(url\(|@import)\s*[\"']?(https?:)?//", file.read_text()), file


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_a_page_in_the_browser(page: Path, site: Path) -> None:
    text = (site.parent / "tutorials" / page.name).read_text()
    blocks = pages.blocks(text)
    facts = seen(site, f"{page.stem}.html")

    assert facts["console"] == []
    assert facts["errors"] == []
    assert facts["fonts"] == []
    assert [name for name in facts["fetched"] if not name.startswith(("file:", "data:"))] == []

    displays = sum(block.kind == "math" for block in blocks)
    formulas = len(re.findall(r"\$[^$]+\$", pages.prose(text)))
    assert len(facts["formulas"]) >= displays + formulas
    assert min(facts["formulas"], default=100) > 50, "a formula is empty"
    for unrendered in ("$", r"\(", r"\[", r"\tag", r"\frac", "```", "[!", "](", "**"):
        assert unrendered not in facts["text"]
    assert facts["notes"] == len(re.findall(r"^> \[!", text, re.MULTILINE))
    assert facts["wide"] == [], "a formula is wider than the page"
    assert facts["overflow"] <= 0

    shown = [name.rpartition("/")[2] for name in pages.images(text)]
    assert [src.rpartition("/")[2] for src, _ in facts["images"]] == shown
    assert all(width > 0 for _, width in facts["images"])
    assert [link for link in facts["links"] if not leads(link, site, page.stem)] == []

    outputs = pages.expected(text)
    cells = [block for block in blocks if block.kind == "python"]
    for block, output in zip(cells, facts["cells"], strict=True):
        printed = output.strip("\n") + "\n" if output.strip() else ""
        assert pages.agree(printed, outputs.get(block.line)), f"{page}:{block.line}: {printed}"

    place = PAGES.index(page)
    assert facts["before"] == [f"{other.stem}.html" for other in PAGES[:place][-1:]]
    assert facts["after"] == [f"{other.stem}.html" for other in PAGES[place + 1 :][:1]]
    assert facts["contents"] == [f"{other.stem}.html" for other in PAGES]


def leads(link: str, site: Path, page: str) -> bool:
    """Whether a file and a place in it exist; another host's are not asked."""
    if re.match(r"https?://", link):
        return True
    file, _, anchor = unquote(link).partition("#")
    target = site / (file.partition("?")[0] or f"{page}.html")
    if not target.is_file():
        return False
    return not anchor or f'id="{anchor}"' in target.read_text()


def test_the_search_finds_a_page(site: Path) -> None:
    facts = seen(site, "search.html?q=bernoulli")
    assert any("02-losses.html" in link for link in facts["found"])
    assert facts["console"] == []
