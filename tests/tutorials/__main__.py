"""Runs tutorial pages as they stand, and with --write puts in what they print and draw.

python -m tests.tutorials                 # all pages, in their own folder: figures are redrawn
python -m tests.tutorials 04 05 --write   # these two; what they print replaces the text blocks
"""

import argparse
import os
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

for _name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ.setdefault(_name, "1")  # as the tests do

from tests.tutorials import pages  # noqa: E402 (which imports NumPy)


def main(argv: Sequence[str] | None = None) -> int:
    """Exit status 1 if a page does not print what it shows."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.tutorials",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("page", nargs="*", help="how the file's name begins, such as 04")
    parser.add_argument("--write", action="store_true", help="replace the text blocks")
    options = parser.parse_args(argv)
    names = [page.name for page in pages.PAGES]
    for begun in options.page:
        if not any(name.startswith(begun) for name in names):
            parser.error(f"no page is called {begun}...; there are {', '.join(names)}")
    os.chdir(pages.FOLDER)
    chosen = [page for page in pages.PAGES if page.name.startswith(tuple(options.page or [""]))]
    wrong = 0
    for page in chosen:
        started = time.monotonic()
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            outputs = pages.run(page)
        text = page.read_text()
        shown = pages.expected(text)
        print(
            f"{page.name:32} {time.monotonic() - started:5.1f} s {pages.words(text):6,} words"
            f" {pages.displays(text):3} displays {pages.minutes(text):5.1f} min to read"
        )
        different = [(b, out) for b, out in outputs if not pages.agree(out, shown.get(b.line))]
        if options.write:
            _write(page, {block.line: out for block, out in outputs})
        else:
            wrong += len(different)
            for block, printed in different:
                print(f"{page.name}:{block.line}: prints\n{printed}", end="")
    return 1 if wrong else 0


def _write(page: Path, printed: dict[int, str]) -> None:
    """Put what each piece of code printed into the text block behind it, from the last upward."""
    text = page.read_text()
    lines = text.splitlines()
    shown = pages.expected(text)
    for block in reversed(pages.blocks(text)):
        output = printed.get(block.line, "")
        after = shown.get(block.line)
        end = block.line + block.content.count("\n")  # the line after the closing fence
        if after is not None:
            first = after.line - 1
            last = first + after.content.count("\n")
            if output:
                lines[first:last] = output.splitlines()
            else:
                del lines[end : last + 1]
        elif output:
            lines[end:end] = ["", "```text", *output.splitlines(), "```"]
    page.write_text("\n".join(lines) + "\n")


if __name__ == "__main__":
    sys.exit(main())
