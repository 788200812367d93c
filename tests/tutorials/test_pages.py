"""Every page runs, prints and draws what it shows, quotes what is there, and has the same form."""

import ast
import re
import time
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

import minigen
from minigen.gradcheck.derivations import DERIVATIONS
from tests.gradcheck.test_derivations import TAG, docstrings
from tests.tutorials import pages
from tests.tutorials.pages import PAGES, Block

ROOT = pages.FOLDER.parent
README = (ROOT / "README.md").read_text()
NAMES = [
    "00-start-here",
    "01-backpropagation",
    "02-losses",
    "03-autoencoder",
    "04-elbo",
    "05-reparameterization",
    "06-vae",
    "07-minimax",
    "08-gan",
    "09-judging",
]
REFERENCE = [
    "article",
    "reference-options",
    "reference-files",
    "reference-benchmark",
    "reference-gpu",
    "reference-code",
]
TRAINED = {  # no page draws these: a command is named beside each
    "figures/training.gif",
    "figures/vae-manifold.png",
    "figures/gan-samples.png",
    "figures/index-strip.png",
    "figures/benchmark.png",
    "figures/diagram-ae.svg",
    "figures/diagram-vae.svg",
    "figures/diagram-gan.svg",
}

LESSONS = [page for page in PAGES if page.stem in NAMES]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
each_lesson = pytest.mark.parametrize("page", LESSONS, ids=lambda page: page.stem)


def of_kind(page: Path, kind: str) -> list[Block]:
    return [block for block in pages.blocks(page.read_text()) if block.kind == kind]


def test_the_pages_are_these() -> None:
    deeper = [page.stem for page in PAGES if page.stem.startswith("deeper-")]
    expected = [*NAMES, *deeper, *REFERENCE, "index", "results"]
    assert [page.stem for page in PAGES] == sorted(expected)


def test_readme_links_every_page_in_order() -> None:
    linked = re.findall(r"\]\(tutorials/([^)]*)\.md\)", README)
    assert linked == ["index", *NAMES, *REFERENCE, "results"]


# What the code does


@each_page
def test_a_page_prints_and_draws_what_it_shows(
    page: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Any,
) -> None:
    (tmp_path / "figures").mkdir()
    monkeypatch.chdir(tmp_path)
    started = time.monotonic()
    outputs = pages.run(page)
    seconds = time.monotonic() - started
    record_property("seconds", round(seconds, 1))
    print(f"{page.name}: {seconds:.1f} s")

    shown = pages.expected(page.read_text())
    for block, printed in outputs:
        assert pages.agree(printed, shown.get(block.line)), f"{page}:{block.line} prints\n{printed}"
    drawn = {f"figures/{file.name}" for file in (tmp_path / "figures").iterdir()}
    assert drawn == set(pages.images(page.read_text())) - TRAINED


@each_lesson
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
    shown = {image for page in PAGES for image in pages.images(page.read_text())}
    shown |= {image.removeprefix("tutorials/") for image in pages.images(README)}
    shown |= {image.replace(".gif", ".png") for image in shown}  # its still, on the site
    files = {f"figures/{file.name}" for file in (pages.FOLDER / "figures").iterdir()}
    assert files == shown


# Formula, code and check


def test_tags_of_pages_docstrings_and_checks_are_the_same() -> None:
    defined = Counter(tag for page in PAGES for tag in pages.tags(page.read_text()))
    lettered = {tag: count for tag, count in defined.items() if re.fullmatch(r"[A-Z]\d", tag)}
    assert set(lettered.values()) <= {1}, "a tag is defined twice"
    assert lettered.keys() == {derivation.tag for derivation in DERIVATIONS}
    assert lettered.keys() == {tag for text in docstrings().values() for tag in TAG.findall(text)}


@each_lesson
def test_local_tags_carry_the_number_of_the_page(page: Path) -> None:
    local = [tag for tag in pages.tags(page.read_text()) if not tag[:1].isalpha()]
    number = int(page.name[:2])
    assert local == [f"{number}.{i}" for i in range(1, len(local) + 1)]


@each_page
def test_every_reference_leads_to_an_equation(page: Path) -> None:
    """In the page's own words: its sources have equations of their own."""
    defined = {tag for other in PAGES for tag in pages.tags(other.read_text())}
    letters = "".join(sorted({derivation.tag[0] for derivation in DERIVATIONS}))
    text = pages.prose(page.read_text()).partition("\n## Sources")[0]
    text = re.sub(r"\$[^$]*\$", "", text)
    references = set(re.findall(rf"\(([{letters}]\d|\d{{1,2}}\.\d{{1,2}})\)", text))
    assert references - defined == set()


# Form


@each_lesson
def test_a_page_has_its_sections(page: Path) -> None:
    text = page.read_text()
    place = NAMES.index(page.stem)
    assert text.startswith(f"# {place}. ")
    assert len(re.findall(r"^# ", pages.prose(text), re.MULTILINE)) == 1
    sections = ["What goes wrong", "Exercises", "Answers", "Sources"]
    found = re.findall(r"^## (.*)$", pages.prose(text), re.MULTILINE)
    assert [section for section in found if section in sections] == sections
    assert re.search(r"You will learn.*You need.*## What goes wrong", text, re.DOTALL)
    last = text.rstrip().splitlines()[-1]
    if place + 1 < len(NAMES):
        assert re.fullmatch(rf"Next: \[.+\]\({NAMES[place + 1]}\.md\)", last), last
    else:
        assert not last.startswith("Next:")


@each_page
def test_fences_are_of_the_known_kinds(page: Path) -> None:
    text = page.read_text()
    found = pages.blocks(text)
    assert {block.kind for block in found} <= {"python", "text", "py", "math", "shell"}
    for block in found:
        allowed = {"text": r"(rtol=\d*\.?\d+)?", "python": r'(tags=\["hide-input"\])?'}
        assert re.fullmatch(allowed.get(block.kind, ""), block.info), (
            f"{page}:{block.line}: {block.info}"
        )
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
            target.exists() and (not anchor or anchor in anchors(target.read_text()))
        ):
            broken.append(link)
    assert broken == []


def anchors(text: str) -> list[str]:
    """What GitHub calls the headings."""
    headings = re.findall(r"^#+ (.*)$", pages.FENCE.sub("", text), re.MULTILINE)
    plain = [re.sub(r"[^\w\- ]", "", heading) for heading in headings]
    return [heading.strip().lower().replace(" ", "-") for heading in plain]


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


@each_page
def test_jupytext_opens_a_page_as_a_notebook_that_runs(page: Path) -> None:
    """Its cells of code are what the runner runs: a quotation or an output is none of them."""
    jupytext = pytest.importorskip("jupytext")
    notebook = jupytext.reads(page.read_text(), fmt="md")
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    assert cells == [block.content.removesuffix("\n") for block in of_kind(page, "python")]
