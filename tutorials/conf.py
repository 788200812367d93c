"""The tutorials as a static site, executed: sphinx-build -W tutorials build/site

GitHub shows the pages as they stand. Here each piece of code runs instead, and what it prints
takes the place of the text block behind it. Nothing is fetched: the site works offline.
"""

import hashlib
import os
import re
import sys
from pathlib import Path
from typing import Any

import jupytext
import nbformat
from docutils import nodes
from sphinx.application import Sphinx

import minigen

sys.path.insert(0, str(Path(__file__).parent))  # where Sphinx finds conf.read

project = "minigen"
release = minigen.__version__
root_doc = "00-start-here"
extensions = ["myst_nb", "sphinx-mathjax-offline"]
nb_custom_formats = {".md": "conf.read"}
nb_execution_mode = "force"  # of the pages that are new or changed; see `sources`
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_execution_show_tb = True  # an error in a page is a warning, and -W makes it the end
nb_merge_streams = True
nb_output_stderr = "warn"
myst_enable_extensions = ["alert", "dollarmath"]
myst_fence_as_directive = ["math"]
myst_heading_anchors = 3
html_theme = "furo"
html_title = f"minigen {release}"
html_static_path = ["site.css"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_search_summary = False  # which a browser refuses to fetch from a folder
html_show_copyright = False

for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"
os.environ["MPLBACKEND"] = "agg"  # figures are files, not outputs

PRINTED = re.compile(r"(^```python\n(?:.*\n)*?```\n)\s*^```text.*\n(?:.*\n)*?```$", re.MULTILINE)
OUTSIDE = re.compile(r"(?<!!)\[([^\]]*)\]\(\.\./[^)]*\)")
PREPARE = """
import os
os.mkdir("figures")
get_ipython().ast_node_interactivity = "none"
"""


def read(text: str) -> nbformat.NotebookNode:
    """A page as a notebook, without outputs and without links to files that the site has not."""
    text = OUTSIDE.sub(r"\1", PRINTED.sub(r"\1", text))
    notebook = jupytext.reads(text, fmt="md")
    notebook.metadata["kernelspec"] = {"name": "python3", "display_name": "Python 3"}
    hidden = nbformat.v4.new_code_cell(PREPARE, metadata={"tags": ["remove-cell"]})
    notebook.cells.insert(0, hidden)
    return notebook


def add_contents(app: Sphinx, docname: str, source: list[str]) -> None:
    """The list of pages, which is on GitHub the folder itself."""
    if docname == root_doc:
        source[0] += "\n```{toctree}\n:hidden:\n:glob:\n\nStart here <self>\n*\n```\n"


def keep_displays(app: Sphinx, doctree: nodes.document) -> None:
    r"""Displays go to MathJax as they stand: Sphinx would wrap them so that \\tag fails."""
    for display in doctree.findall(nodes.math_block):
        display["no-wrap"] = True
        display[:] = [nodes.Text(rf"\[{display.astext()}\]")]


def add_index(app: Sphinx, error: Exception | None) -> None:
    refresh = f'<meta http-equiv="refresh" content="0; url={root_doc}.html">\n'
    Path(app.outdir, "index.html").write_text(refresh)


def sources() -> str:
    """Changes when minigen does, and then every page runs again."""
    files = sorted(Path(minigen.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("minigen_sources", sources(), "env")
    app.connect("source-read", add_contents)
    app.connect("doctree-read", keep_displays)
    app.connect("build-finished", add_index)
    return {"parallel_read_safe": True}
