"""Every page runs, prints and draws what it shows, quotes what is there, and has the same form."""

import ast
import copy
import functools
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import minigen
from minigen import data
from minigen.gradcheck.derivations import DERIVATIONS
from tests.gradcheck.test_derivations import TAG, docstrings
from tests.tutorials import pages
from tests.tutorials.pages import PAGES, Block

ROOT = pages.FOLDER.parent
README = (ROOT / "README.md").read_text()
FENCES = {
    "python": r'(tags=\["hide-input"\])?',
    "text": r"(rtol=[\d.]+(e-\d+)?)?",
    "py": "",
    "math": "",
    "shell": "",
}

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
each_proof = pytest.mark.parametrize(
    "page", [*pages.LESSONS, *pages.DEEPER], ids=lambda page: page.stem
)


def of_kind(page: Path, kind: str) -> list[Block]:
    return [block for block in pages.blocks(page.read_text()) if block.kind == kind]


# What the code does

read = functools.cache(data.load)  # MNIST is unpacked once; each page has a copy of its own


@each_page
def test_a_page_prints_and_draws_what_it_shows(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Any,
) -> None:
    (tmp_path / "figures").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(data, "load", lambda source: copy.deepcopy(read(source)))
    started = time.monotonic()
    outputs = pages.run(page)
    seconds = time.monotonic() - started
    record_property("seconds", round(seconds, 1))
    print(f"{page.name}: {seconds:.1f} s")

    expected = pages.expected(page.read_text())
    for block, printed in outputs:
        assert pages.agree(printed, expected.get(block.line)), f"{page}:{block.line}:\n{printed}"
    drawn = {f"figures/{file.name}" for file in (tmp_path / "figures").iterdir()}
    shown = set(pages.stills(pages.images(page.read_text())))
    assert drawn <= shown
    assert {figure for figure in shown - drawn if not made_elsewhere(figure)} == set()


def made_elsewhere(figure: str) -> bool:
    """Whether a page's words, command or code, or a script of the tests, names the file."""
    texts = [re.sub(r"\]\([^)]*\)", "", text) for text in (README, *map(Path.read_text, PAGES))]
    texts += [file.read_text() for file in (ROOT / "tests").rglob("*.py")]
    return figure.endswith(".svg") or any(Path(figure).name in text for text in texts)


def test_draws_of_pages_do_not_change_with_numpy() -> None:
    """As those of the binomial and its kin did in 2.5."""
    code = "".join(block.content for page in PAGES for block in of_kind(page, "python"))
    assert re.findall(r"\.(?:\w*binomial|multinomial|poisson|hypergeometric)\(", code) == []


@each_proof
def test_a_page_proves_something(page: Path) -> None:
    code = "".join(block.content for block in of_kind(page, "python"))
    assert any(isinstance(node, ast.Assert) for node in ast.walk(ast.parse(code)))


@each_page
def test_every_output_stands_behind_its_code(page: Path) -> None:
    text = page.read_text()
    behind = {block.line for block in pages.expected(text).values()}
    for block in of_kind(page, "text"):
        assert block.line in behind or not block.info, f"{page}:{block.line}"
        assert block.content, f"{page}:{block.line} shows nothing"


@each_page
def test_quotations_are_the_source(page: Path) -> None:
    sources = [file.read_text() for file in Path(minigen.__file__).parent.rglob("*.py")]
    for block in of_kind(page, "py"):
        found = any(pages.quotes(block.content, source) for source in sources)
        assert found, f"{page}:{block.line} stands in no file of minigen"


def test_every_figure_is_shown_and_every_figure_shown_exists() -> None:
    shown = [image for page in PAGES for image in pages.images(page.read_text())]
    of_readme = re.findall(r'src(?:set)?="([^"]*)"', README)
    shown += [image.removeprefix("tutorials/") for image in of_readme]
    files = {f"figures/{file.name}" for file in (pages.FOLDER / "figures").iterdir()}
    assert files == set(pages.stills(shown))


def test_a_moving_picture_is_small() -> None:
    sizes = {file.name: file.stat().st_size for file in pages.FOLDER.rglob("*.gif")}
    assert {name: size for name, size in sizes.items() if size > 1_000_000} == {}


# Formula, code and check


def test_tags_of_pages_docstrings_and_checks_are_the_same() -> None:
    defined = Counter(tag for page in PAGES for tag in pages.tags(page.read_text()))
    assert {tag for tag, count in defined.items() if count > 1} == set(), "a tag is defined twice"
    lettered = {tag for tag in defined if "." not in tag}
    assert lettered == {derivation.tag for derivation in DERIVATIONS}
    assert lettered == {tag for text in docstrings().values() for tag in TAG.findall(text)}


@each_page
def test_local_tags_count_from_one(page: Path) -> None:
    """Those of a lesson carry its number, those of a deeper page D and a number of its own."""
    local = [tag for tag in pages.tags(page.read_text()) if "." in tag]
    prefix = local[0].partition(".")[0] if local else ""
    assert local == [f"{prefix}.{i}" for i in range(1, len(local) + 1)]
    if local and page in pages.LESSONS:
        assert int(prefix) == int(page.name[:2])
    elif local:
        assert re.fullmatch(r"D\d+" if page in pages.DEEPER else r"[A-Z]\d", prefix)


@each_page
def test_every_reference_leads_to_an_equation(page: Path) -> None:
    defined = {tag for other in PAGES for tag in pages.tags(other.read_text())}
    assert set(pages.references(page.read_text())) - defined == set()


# Form


@each_page
def test_fences_are_of_the_known_kinds(page: Path) -> None:
    text = page.read_text()
    found = pages.blocks(text)
    assert {block.kind for block in found} <= FENCES.keys()
    for block in found:
        assert re.fullmatch(FENCES[block.kind], block.info), f"{page}:{block.line}: {block.info}"
        assert block.content.count(r"\tag") <= 1, f"{page}:{block.line}: two tags"
    fences = re.findall(r"^[ \t>]*(?:```|~~~)", text, re.MULTILINE)
    assert len(fences) == 2 * len(found), "a fence is indented, or has no language"


@each_page
def test_a_page_is_plain_markdown_that_github_renders(page: Path) -> None:
    text = page.read_text()
    written = pages.prose(text) + "".join(block.content for block in of_kind(page, "math"))
    for refused in ("$$", r"\operatorname", r"\newcommand", r"\def", "<img", "<div"):
        assert refused not in written
    assert not text.startswith("---")
    for alt, _ in re.findall(r"!\[([^\]]*)\]\(([^)]*)\)", text):
        assert len(alt.split()) >= 3, f"{page}: say in words what one sees: {alt!r}"


@each_page
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for link in re.findall(r"\]\(([^)\s]+)\)", pages.prose(page.read_text())):
        file, _, anchor = link.partition("#")
        target = (page.parent / file).resolve() if file else page
        if not re.match(r"https?://", link) and not (
            target.exists() and (not anchor or anchor in pages.headings(target.read_text()))
        ):
            broken.append(link)
    assert broken == []


@each_page
def test_formulas_in_the_line_pass_through_markdown_unchanged(page: Path) -> None:
    r"""GitHub reads a line as Markdown first: `\,` loses its backslash, `}_{` twice is emphasis.

    `\lbrace`, `\Vert` and `}_ {` are safe. A formula stays on one line, between spaces or
    punctuation.
    """
    markdown = pytest.importorskip("markdown_it").MarkdownIt("commonmark").enable("table")
    changed = []
    for token in markdown.parse(page.read_text()):
        if token.type != "inline":
            continue
        source = re.sub(r"(`+)(?!`).*?(?<!`)\1(?!`)", "`", token.content, flags=re.DOTALL)
        text = "".join(
            {"text": child.content, "softbreak": "\n"}.get(child.type, "`")
            for child in token.children
        )
        for formula in re.findall(r"\$[^$]*\$?", source):
            alone = re.search(rf"(?<!\w){re.escape(formula)}(?!\w)", text)
            if not alone or not re.fullmatch(r"\$(?! )[^$\n]+(?<! )\$", formula):
                changed.append(f"{page.name}:{token.map[0] + 1}: {formula}")
    assert not changed, "\n".join(changed)
