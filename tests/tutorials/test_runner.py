"""The runner of the pages notices what it is there to notice."""

import traceback
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest

from tests.tutorials import __main__ as command
from tests.tutorials import pages

PAGE = """# 1. A page

```python
x = 2
print(x)
print("of", x)
```

```text
2
of 2
```

Between them.

```python
x += 1
```

```math
x
```

```python
print(x)
```
```text rtol=0.1
3.05
```
"""


def run(tmp_path: Path, text: str) -> list[tuple[pages.Block, str]]:
    page = tmp_path / "01-a.md"
    page.write_text(text)
    return pages.run(page)


def disagreeing(tmp_path: Path, text: str) -> list[int]:
    """The lines of the code that prints something else than the page shows."""
    shown = pages.expected(text)
    return [b.line for b, out in run(tmp_path, text) if not pages.agree(out, shown.get(b.line))]


def test_blocks_carry_their_language_their_content_and_their_line() -> None:
    found = pages.blocks(PAGE)
    assert [block.kind for block in found] == ["python", "text", "python", "math", "python", "text"]
    assert [block.info for block in found] == ["", "", "", "", "", "rtol=0.1"]
    for block in found:
        lines = PAGE.splitlines(keepends=True)[block.line - 1 :]
        assert "".join(lines).startswith(block.content + "```")


def test_code_runs_in_one_namespace_and_what_it_prints_is_kept_apart(tmp_path: Path) -> None:
    assert [out for _, out in run(tmp_path, PAGE)] == ["2\nof 2\n", "", "3\n"]
    assert disagreeing(tmp_path, PAGE) == []


@pytest.mark.parametrize(
    ("old", "new", "line"),
    [
        ("of 2\n```", "of 3\n```", 4),  # wrong
        ("of 2\n```", "of 2.0\n```", 4),  # exact means exact
        ("x += 1", "x += 1\nprint(x)", 17),  # printed, and nothing shown
        ("3.05", "3.5", 25),  # beyond the tolerance
        ("3.05", "three", 25),
        ("```text\n2", "and\n\n```text\n2", 4),  # not directly behind the code
    ],
)
def test_a_wrong_output_is_noticed(tmp_path: Path, old: str, new: str, line: int) -> None:
    assert old in PAGE
    found = disagreeing(tmp_path, PAGE.replace(old, new, 1))
    assert len(found) == 1
    assert abs(found[0] - line) <= 2


@pytest.mark.parametrize(
    ("printed", "shown", "same"),
    [
        ("a 1.00 b 2\n", "a 1.04 b 1.97\n", True),
        ("a 1.00 b 2\n", "a 1.00 b 2.3\n", False),
        ("a 1.00 b 2\n", "a 1.00 c 2\n", False),  # words are words
        ("1.00 2.00\n", "1.00\n", False),
        ("[1.  2.5]\n", "[1.01 2.5 ]\n", True),  # NumPy's 1. and widths
        ("it is 5.\n", "it is 5.1.\n", True),
        ("-1.0\n", "1.0\n", False),
        ("1e-05\n", "1.05e-5\n", True),
        ("1e-05\n", "1e-06\n", False),
        ("12,345 images\n", "12,400 images\n", True),
        ("nan\n", "1.0\n", False),
        ("0.0\n", "0.01\n", False),
    ],
)
def test_tolerance(printed: str, shown: str, same: bool) -> None:
    assert pages.agree(printed, pages.Block("text", "rtol=0.1", shown, 1)) is same
    assert pages.agree(shown, pages.Block("text", "rtol=0.1", printed, 1)) is same


def test_nothing_shown_means_nothing_printed() -> None:
    assert pages.agree("", None)
    assert not pages.agree("x\n", None)
    assert not pages.agree("", pages.Block("text", "", "x\n", 1))


def test_an_error_names_the_page_and_the_line(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError) as error:
        run(tmp_path, PAGE.replace("x += 1", "x += 1\nx / 0"))
    place = traceback.extract_tb(error.tb)[-1]
    assert (place.filename, place.lineno) == (str(tmp_path / "01-a.md"), 18)
    assert place.line == "x / 0"
    with pytest.raises(SyntaxError) as wrong:
        run(tmp_path, PAGE.replace("x += 1", "x +="))
    assert wrong.value.lineno == 17
    assert str(wrong.value.filename) == str(tmp_path / "01-a.md")


def test_a_page_leaves_no_figure_and_no_setting_behind(tmp_path: Path) -> None:
    before = plt.rcParams["font.size"], np.get_printoptions()
    run(
        tmp_path,
        "```python\nimport numpy, matplotlib.pyplot as plt\nplt.subplots()\n"
        "plt.rcParams['font.size'] = 40\nnumpy.set_printoptions(precision=1)\n```\n",
    )
    assert plt.get_fignums() == []
    assert (plt.rcParams["font.size"], np.get_printoptions()) == before


SOURCE = "def f(x):\n    '''What it is.'''\n    y = x\n\n    return y, x\n\n\ndef g():\n    pass\n"


@pytest.mark.parametrize(
    ("quotation", "found"),
    [
        ("def f(x):\n    ...\n    y = x\n    return y, x\n", True),
        ("y = x\nreturn y, x\n", True),
        ("def f(x):\n    ...\ndef g():\n", True),
        ("def f(x):\n    y = x\n", False),  # something is left out
        ("def g():\n...\ndef f(x):\n", False),  # in another order
        ("return y\n", False),
        ("def f(x):\n    ...\n    return x\n", False),
    ],
)
def test_quotations(quotation: str, found: bool) -> None:
    assert pages.quotes(quotation, SOURCE) is found


def test_the_command_reports_writes_and_is_then_content(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)  # and back, when the test is over
    right, wrong = tmp_path / "01-a.md", tmp_path / "02-b.md"
    right.write_text(PAGE)
    wrong.write_text(
        PAGE.replace("of 2\n```", "of 7\n```")
        .replace("x += 1", 'x += 1\nprint("new")')
        .replace("print(x)\n```\n```text", "pass\n```\n\n```text")
    )
    monkeypatch.setattr(pages, "FOLDER", tmp_path)
    monkeypatch.setattr(pages, "PAGES", [right, wrong])
    assert command.main(["01"]) == 0
    assert command.main([]) == 1
    assert "02-b.md:4: prints\n2\nof 2\n" in capsys.readouterr().out
    assert command.main(["02", "--write"]) == 0
    assert command.main([]) == 0
    text = wrong.read_text()
    assert [b.content for b in pages.blocks(text) if b.kind == "text"] == ["2\nof 2\n", "new\n"]
    assert command.main(["--write"]) == 0
    assert (right.read_text(), wrong.read_text()) == (PAGE.replace("3.05", "3"), text)
