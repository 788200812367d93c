"""The course has the form that a reader finishes; and each rule notices what it is there for."""

import re
from pathlib import Path

import pytest

from tests.tutorials import form, pages

NEXT = [*(page.name for page in pages.LESSONS[1:]), None]
PATH = [pages.INDEX, *pages.LESSONS]

each_lesson = pytest.mark.parametrize(
    ("page", "following"),
    list(zip(pages.LESSONS, NEXT, strict=True)),
    ids=[page.stem for page in pages.LESSONS],
)


def test_the_lessons_are_numbered_without_a_gap() -> None:
    assert pages.LESSONS
    assert [page.name[:3] for page in pages.LESSONS] == [f"{i:02}-" for i in range(len(NEXT))]


@each_lesson
def test_a_lesson(page: Path, following: str | None) -> None:
    text = page.read_text()
    assert [*form.lesson(text, int(page.name[:2]), following), *form.too_long(text)] == []


@pytest.mark.parametrize("page", pages.DEEPER, ids=lambda page: page.stem)
def test_a_deeper_page(page: Path) -> None:
    assert list(form.deeper(page.read_text(), pages.LESSONS)) == []
    lessons = [lesson.read_text() for lesson in pages.LESSONS]
    assert any(f"]({page.name}" in lesson for lesson in lessons), "no lesson links it"


def test_the_front_page() -> None:
    assert list(form.front(pages.INDEX.read_text(), pages.LESSONS)) == []


def test_readme_leads_to_the_front_page() -> None:
    assert "](tutorials/index.md" in (pages.FOLDER.parent / "README.md").read_text()


def test_the_main_path_takes_an_evening() -> None:
    times = {page.stem: pages.minutes(page.read_text()) for page in PATH}
    print(*(f"{name:24} {time:5.1f} min" for name, time in times.items()), sep="\n")
    assert sum(times.values()) <= form.MAX_MINUTES


def test_the_map_says_how_long_each_lesson_takes() -> None:
    rows = re.findall(r"^\|.*\]\((\d\d-[^)#]*).*\| *(\d*) *\|$", pages.INDEX.read_text(), re.M)
    assert rows == [(page.name, f"{pages.minutes(page.read_text()):.0f}") for page in pages.LESSONS]


# The rules themselves, on a page that has all

LESSON = """# 3. A page

One sentence of five words.

![a picture in words](figures/a.png)

**You will learn** a thing. **You need** another.

## A section

By (V2), $x = 1$ `code in the line` holds.

```math
x = 1 \\tag{3.1}
```

```python tags=["hide-input"]
# ## Sources

x = 1
```

## What goes wrong

Nothing.

## In three lines

1. One,
   that goes on.
2. Two.
3. Three.

## Three questions

A?

<details><summary>Answer</summary>

Ten words that are not counted as they are folded.

</details>

B?

<details><summary>Answer</summary>

Text.

</details>

C?

<details><summary>Answer</summary>

Text.

</details>

## Exercises

1. Not counted.
2. Not counted.
3. Not counted.

## Answers

<details><summary>Answer 1</summary>

Text.

</details>

<details><summary>Answer 2</summary>

Text.

</details>

<details><summary>Answer 3</summary>

Text.

</details>

## Sources

- Not counted [(3.2)](a.md), [as (3.3)](b.md).

Next: [A page](04-b.md)
"""


def faults(text: str) -> list[str]:
    return [*form.lesson(text, 3, "04-b.md"), *form.too_long(text)]


def test_what_is_counted() -> None:
    title, intro, promise = "# 3. A page", "One sentence of five words.", "x " * 8
    section = "## A section By (V2), x holds."
    ending = "## What goes wrong Nothing. ## In three lines 1. One, that goes on. 2. Two. 3. Three."
    questions = "## Three questions A? B? C? Next: [A page](04-b.md)"
    spoken = " ".join([title, intro, promise, section, ending, questions])
    assert pages.words(LESSON) == len(spoken.split())
    assert pages.first_figure_after(LESSON) == len(f"{title} {intro}".split())
    assert pages.displays(LESSON) == 1
    assert pages.minutes(LESSON) == pages.words(LESSON) / 180 + 1 + 0.2
    assert pages.references(LESSON) == ["V2", "3.2"]
    assert pages.tags(LESSON) == ["3.1"]
    assert pages.first_figure_after("# 1. None\n") is None


def test_a_page_with_all_lacks_nothing() -> None:
    assert faults(LESSON) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("# 3. A page", "# 4. A page", "a title with its number"),
        ("## A section", "# A section", "exactly one title"),
        ("You need", "You want", "'You need' before"),
        (
            "**You will learn** a thing.",
            "## Aims\n\n**You will learn** a thing.",
            "before the first",
        ),
        ("## In three lines", "## Summary", "the last sections"),
        ("2. Two.\n", "", "three lines"),
        (
            "C?\n\n<details><summary>Answer</summary>\n\nText.\n\n</details>\n",
            "",
            "3 folded answers",
        ),
        (
            "<summary>Answer</summary>\n\nText",
            "<summary>Answer</summary>\nText",
            "3 folded answers",
        ),
        ("<summary>Answer 3</summary>", "<summary>Third</summary>", "'Answers'"),
        ("3. Not counted.\n", "", "three or four exercises"),
        ("(04-b.md)", "(05-b.md)", "a last line 'Next"),
        ("holds.", "holds" + " so" * 1_500, "more than 1500"),
        ("```python", "```math\nx\n```\n" * 10 + "```python", "11 displays"),
        ("One sentence", "One " * 300 + "sentence", "the first figure after"),
        ("![a picture in words](figures/a.png)", "", "the first figure after None"),
    ],
)
def test_what_a_lesson_lacks_is_noticed(old: str, new: str, fault: str) -> None:
    assert old in LESSON
    assert any(fault in found for found in faults(LESSON.replace(old, new, 1)))


DEEP = "# Deeper\n\nMore.\n\n**You need** (3.1).\n\nBack to: [A page](03-a.md)\n"


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("# Deeper", "# 3. Deeper", "without a number"),
        ("More.", "# More", "exactly one title"),
        ("need", "want", "'You need'"),
        ("Back to", "Next", "Back to"),
        ("03-a", "04-b", "Back to"),
    ],
)
def test_what_a_deeper_page_lacks_is_noticed(old: str, new: str, fault: str) -> None:
    lessons = [Path("03-a.md")]
    assert list(form.deeper(DEEP, lessons)) == []
    found = list(form.deeper(DEEP.replace(old, new, 1), lessons))
    assert len(found) == 1
    assert fault in found[0]


FRONT = """# minigen

![a picture in words](figures/a.png)

```shell
python -m minigen.train vae
```

[One](00-a.md#b), [two](01-b.md), [one](00-a.md)
"""


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("# minigen", "# minigen" + " so" * 100, "a picture within 100 words"),
        ("```shell", "so " * 150 + "\n\n```shell", "the command that trains"),
        ("train vae", "sample", "the command that trains"),
        ("[One](00-a.md#b)", "", "in order"),
        ("[two](01-b.md)", "", "in order"),
    ],
)
def test_what_the_front_page_lacks_is_noticed(old: str, new: str, fault: str) -> None:
    lessons = [Path("00-a.md"), Path("01-b.md")]
    assert list(form.front(FRONT, lessons)) == []
    found = list(form.front(FRONT.replace(old, new, 1), lessons))
    assert len(found) == 1
    assert fault in found[0]


def test_a_deeper_page_has_the_place_of_its_lesson(tmp_path: Path) -> None:
    names = ["index", "01-a", "02-b", "deeper-a", "deeper-b", "results"]
    files = [tmp_path / f"{name}.md" for name in names]
    for file, back in zip(files, ["", "", "", "02-b.md", "01-a.md", ""], strict=True):
        file.write_text(f"# T\n\nBack to: [x]({back})\n")
    stems = {name: [file.stem for file in found] for name, found in pages.groups(files).items()}
    assert stems == {
        "The course": ["01-a", "02-b"],
        "Deeper": ["deeper-b", "deeper-a"],
        "Reference": ["results"],
    }
