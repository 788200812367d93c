"""The page: HTML, style, script and content in one file that asks for nothing else.

Names come from files, and files are not trusted: the content is packed into letters and digits,
the script writes text and never markup, and the page's own policy runs this script alone.
"""

import base64
import hashlib
import html
import re
from collections.abc import Sequence
from pathlib import Path

from minigen.errors import MinigenError
from minigen.metrics import Finding
from minigen.training import Run, check_run
from minigen.workshop.atomic import replacing
from minigen.workshop.explore.content import Content, content
from minigen.workshop.explore.packing import packed

WEB = Path(__file__).parent / "web"
MODULES = (  # in the order of their imports
    "nn",
    "arrays",
    "packing",
    "random",
    "model",
    "elements",
    "axes",
    "ruler",
    "pictures",
    "points",
    "gallery",
    "ink",
    "plane",
    "code",
    "posterior",
    "walk",
    "samples",
    "report",
    "main",
)


def explore(
    run: Run, path: str | Path = "explore.html", *, findings: Sequence[Finding] = ()
) -> Path:
    """Write a page to play with a trained model, and return its path.

        mg.explore(run, "digits.html")          # and open it in a browser

    Args:
        run: the model and its data.
        path: of the .html file, which is replaced.
        findings: of `judge`, to stand on the page.

    Raises:
        MinigenError: `run` is no run, its data are missing, the path does not end in .html, or the
            file cannot be written.
    """
    check_run(run)
    path = Path(path)
    if path.suffix.lower() != ".html":
        raise MinigenError(f"explore: a page must end in .html, got {str(path)!r}")
    text = page(content(run, findings))
    with replacing(path) as file:
        file.write(text.encode(errors="backslashreplace"))  # a file's name may be no text
    return path


def page(data: Content) -> str:
    """The page that shows this content."""
    parts = {
        "TITLE": html.escape(f"{data['model'].upper()} on {data['data']}"),
        "STYLE": (WEB / "style.css").read_text("utf-8"),
        "CONTENT": packed(data),
        "SCRIPT": script(),
    }
    parts["POLICY"] = _policy(parts["SCRIPT"], parts["STYLE"])
    template = (WEB / "page.html").read_text("utf-8")
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def script() -> str:
    """All modules as one: their imports stand above them."""
    modules = "\n".join((WEB / f"{name}.js").read_text("utf-8") for name in MODULES)
    alone = re.sub(r"^import \{[^}]*\} from .*;\n", "", modules, flags=re.MULTILINE)
    return re.sub(r"^export ", "", alone, flags=re.MULTILINE)


def _policy(script: str, style: str) -> str:
    """The content security policy: this script and this style, and nothing from elsewhere."""
    sources = {"script-src": script, "style-src": style}
    hashes = {
        name: base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        for name, text in sources.items()
    }
    return "; ".join(
        ["default-src 'none'", *(f"{name} 'sha256-{value}'" for name, value in hashes.items())]
    )
