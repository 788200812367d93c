"""The tutorials as a static site, executed: sphinx-build -W tutorials build/site

GitHub shows the pages as they stand. Here each piece of code runs instead, and what it prints
takes the place of the text block behind it. Nothing is fetched: the site works offline.
"""

import hashlib
import os
import sys
from pathlib import Path
from typing import Any

import nbformat
from docutils import nodes
from sphinx.application import Sphinx

import minigen

FOLDER = Path(__file__).parent
sys.path.insert(0, str(FOLDER))  # where Sphinx finds conf.read, doctree, notebooks, scripts

import notebooks  # noqa: E402
from reading import groups  # noqa: E402
from scripts import plays, script  # noqa: E402

project = "minigen"
release = minigen.__version__
root_doc = "index"
extensions = ["myst_nb", "sphinx-mathjax-offline", "sphinx_copybutton", "doctree"]
nb_custom_formats = {".md": "conf.read"}
nb_execution_mode = "force"  # of the pages that are new or changed; see `sources`
nb_execution_in_temp = True
nb_execution_timeout = 300
nb_execution_show_tb = True  # an error in a page is a warning, and -W makes it the end
nb_merge_streams = True
nb_output_stderr = "warn"
nb_code_prompt_show = "The code of the figure"
nb_code_prompt_hide = "The code of the figure"
copybutton_selector = "div.cell_input pre, div.highlight-py pre, div.highlight-shell pre"
mathjax3_config = {"chtml": {"displayAlign": "left"}}
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

PREPARE = """
import os, warnings
os.mkdir("figures")
os.environ["TERM"] = "dumb"  # no bar of progress, and no word on a missing one
warnings.filterwarnings("ignore", "IProgress not found")
get_ipython().ast_node_interactivity = "none"
"""


def read(text: str) -> nbformat.NotebookNode:
    """A page as a notebook that runs in a folder of its own and shows what is printed alone."""
    notebook = notebooks.read(text)
    hidden = nbformat.v4.new_code_cell(PREPARE, metadata={"tags": ["remove-cell"]})
    notebook.cells.insert(0, hidden)
    return notebook


def add_contents(app: Sphinx, docname: str, source: list[str]) -> None:
    """The list of pages, which is on GitHub the folder itself."""
    if docname == root_doc:
        for caption, pages in groups(FOLDER.glob("*.md")).items():
            entries = "\n".join(page.stem for page in pages)
            source[0] += f"\n```{{toctree}}\n:hidden:\n:caption: {caption}\n\n{entries}\n```\n"


def read_contents_again(app: Sphinx, *_: Any) -> list[str]:
    """The page that holds the list of pages: another page may have come or gone."""
    return [root_doc]


def write_plays(app: Sphinx) -> None:
    """Write the scripts that let the reader move a figure."""
    folder = Path(app.outdir, "_static", "plays")
    folder.mkdir(parents=True, exist_ok=True)
    for name, play in plays().items():
        (folder / f"{name}.js").write_text(script(play), "utf-8")


def add_plays(app: Sphinx, page: str, template: str, context: Any, doctree: Any) -> None:
    """Give a page the scripts of its figures."""
    if doctree is not None:
        shown = {Path(image["uri"]).stem for image in doctree.findall(nodes.image)}
        for name in sorted(shown & plays().keys()):
            app.add_js_file(f"plays/{name}.js", loading_method="defer")


def sources() -> str:
    """Changes when minigen does, and then every page runs again."""
    files = sorted(Path(minigen.__file__).parent.rglob("*.py"))
    return hashlib.sha256(b"".join(file.read_bytes() for file in files)).hexdigest()


def setup(app: Sphinx) -> dict[str, Any]:
    app.add_config_value("minigen_sources", sources(), "env")
    app.add_config_value("minigen_plays", sorted(plays()), "html")
    app.connect("source-read", add_contents)
    app.connect("env-get-outdated", read_contents_again)
    app.connect("builder-inited", write_plays)
    app.connect("html-page-context", add_plays)
    return {"parallel_read_safe": True}
