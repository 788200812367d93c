"""The pages as notebooks: python tutorials/notebooks.py && jupyter lab build/notebooks/index.ipynb

What the code prints is in them, and the figures lie beside them. Those of before are replaced.
"""

import re
import shutil
import sys
from pathlib import Path
from urllib.parse import quote

import jupytext
import nbformat
from reading import headings

FOLDER = Path(__file__).parent
BUILT = FOLDER.parent / "build" / "notebooks"

CELL = re.compile(
    r"(^```python.*\n(?:.*\n)*?```$)(?:\s*^```text.*\n((?:.*\n)*?)```$)?", re.MULTILINE
)
OUTSIDE = re.compile(r"(?<!!)\[([^\]]*)\]\(\.\./[^)]*\)")
LINK = re.compile(r"\]\(([\w-]+\.md)?(?:#([^)\s]+))?\)")
MATH = re.compile(r"^```math\n((?:.*\n)*?)```$", re.MULTILINE)
NOTE = re.compile(r"^> \[!(\w+)\]$", re.MULTILINE)


def read(text: str) -> nbformat.NotebookNode:
    """A page as a notebook, with what its code prints, without links to files outside."""
    printed = [cell[2] for cell in CELL.finditer(text)]
    notebook = jupytext.reads(OUTSIDE.sub(r"\1", CELL.sub(r"\1", text)), fmt="md")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    notebook.metadata["language_info"] = {"name": "python"}
    for i, cell in enumerate(notebook.cells):
        cell["id"] = f"cell-{i}"  # equal pages give equal bytes
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    for cell, output in zip(code, printed, strict=True):
        if output:
            cell.outputs.append(nbformat.v4.new_output("stream", name="stdout", text=output))
    return notebook


def for_jupyter(page: Path) -> nbformat.NotebookNode:
    """A page as Jupyter shows it: displays between $$, links to notebooks, answers folded."""
    notebook = read(page.read_text("utf-8"))
    is_open = False  # an answer, which Jupyter ends with its cell
    for cell in notebook.cells:
        if cell.cell_type == "markdown":
            text = MATH.sub(r"$$\n\1$$", cell.source).replace("```py\n", "```python\n")
            text = LINK.sub(lambda link: f"]({_place(page, *link.groups(''))})", text)
            text = NOTE.sub(lambda note: f"> **{note[1].capitalize()}**\n>", text)
            cell.source, is_open = _folded(text, is_open)
        elif is_open or "hide-input" in cell.metadata.get("tags", []):
            cell.metadata["jupyter"] = {"source_hidden": True, "outputs_hidden": is_open}
    return notebook


def _place(page: Path, name: str, anchor: str) -> str:
    """Where a link leads. Jupyter's anchors are the words of a heading."""
    file = name.replace(".md", ".ipynb")
    if not anchor:
        return file
    words = headings(page.with_name(name or page.name).read_text("utf-8"))[anchor]
    return f"{file}#{quote(words.replace(' ', '-'))}"


def _folded(text: str, is_open: bool) -> tuple[str, bool]:
    """A cell with whole folds, and whether the answer goes on behind the code that follows."""
    if is_open:
        rest, _, behind = text.partition("</details>")
        text = f"<details><summary>The rest</summary>\n\n{text}" if rest.strip() else behind
    goes_on = text.count("<details>") > text.count("</details>")
    return text.strip() + "\n\n</details>" * goes_on, goes_on


def main(folder: Path = BUILT) -> None:
    """Write a notebook for every page, and the files that they show."""
    for name in ("figures", "results"):
        shutil.copytree(FOLDER / name, folder / name, dirs_exist_ok=True)
    for page in FOLDER.glob("*.md"):
        nbformat.write(for_jupyter(page), folder / f"{page.stem}.ipynb")
    print(f"jupyter lab {folder / 'index.ipynb'}")


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
