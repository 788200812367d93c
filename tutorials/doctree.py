"""What the site adds to a page between reading it and writing it.

Displays become anchors and references such as (V4) links to them, a moving picture gets its still,
and a page of the course says how long it takes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from docutils import nodes
from reading import REFERENCE, TAG, group, minutes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment
from sphinx.transforms import SphinxTransform
from sphinx.util.nodes import make_refnode

OPAQUE = (nodes.literal, nodes.math, nodes.FixedTextElement, nodes.title)
LINKS = (nodes.reference, pending_xref)


class Displays(SphinxTransform):
    r"""Give a display with a \\tag an anchor, and hand it to MathJax as it stands.

    Sphinx would wrap it so that \\tag fails.
    """

    default_priority = 400

    def apply(self, **kwargs: Any) -> None:
        for display in self.document.findall(nodes.math_block):
            for tag in TAG.findall(display.astext()):
                display["names"].append(label(tag))
                self.document.note_explicit_target(display)
            display["no-wrap"] = True
            display[:] = [nodes.Text(rf"\[{display.astext()}\]")]


class References(SphinxTransform):
    """Turn (V4) in the prose into a link to the display that defines it, on whichever page.

    A link to the page, with nothing but the reference as its words, gives way to it.
    """

    default_priority = 410

    def apply(self, **kwargs: Any) -> None:
        for kind in LINKS:
            for link in list(self.document.findall(kind)):
                if REFERENCE.fullmatch(link.astext()):
                    link.replace_self(nodes.Text(link.astext()))
        for text in list(self.document.findall(nodes.Text)):
            if not any(isinstance(parent, OPAQUE + LINKS) for parent in parents(text)):
                text.parent.replace(text, list(self.linked(text)))

    def linked(self, text: nodes.Text) -> Iterator[nodes.Node]:
        place = 0
        for found in REFERENCE.finditer(text):
            yield nodes.Text(text[place : found.start()])
            link = pending_xref(
                reftype="equation",
                reftarget=label(found[1]),
                refdoc=self.env.docname,
                refwarn=True,
            )
            link.source, link.line = text.parent.source, text.parent.line
            link += nodes.inline("", found[0])
            yield link
            place = found.end()
        yield nodes.Text(text[place:])


class Stills(SphinxTransform):
    """Put the PNG of the same name beside a GIF; the style sheet shows one of the two."""

    default_priority = 420

    def apply(self, **kwargs: Any) -> None:
        for moving in list(self.document.findall(nodes.image)):
            if moving["uri"].endswith(".gif"):
                still = moving.deepcopy()
                still["uri"] = moving["uri"].removesuffix(".gif") + ".png"
                moving["classes"].append("moving")
                still["classes"].append("still")
                moving.parent.insert(moving.parent.index(moving) + 1, still)


class ReadingTime(SphinxTransform):
    """Say under the title of a page of the course how long it takes."""

    default_priority = 430

    def apply(self, **kwargs: Any) -> None:
        page = Path(self.env.doc2path(self.env.docname))
        if page.stem != "index" and group(page) != "Reference":
            time = f"About {minutes(page.read_text('utf-8')):.0f} minutes"
            title = next(self.document.findall(nodes.title))
            title.parent.insert(1, nodes.paragraph("", time, classes=["reading-time"]))


def label(tag: str) -> str:
    """The name of a display's anchor."""
    return f"equation-{tag.lower()}"


def parents(node: nodes.Node) -> Iterator[nodes.Node]:
    while node.parent is not None:
        node = node.parent
        yield node


def find_display(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, text: nodes.Element
) -> nodes.reference | None:
    """The link to a display, with the title of its page where the pointer rests on it."""
    labels = env.domains.standard_domain.anonlabels
    if node["reftype"] != "equation" or node["reftarget"] not in labels:
        return None
    page, anchor = labels[node["reftarget"]]
    title = f"{text.astext()} in: {env.titles[page].astext()}"
    return make_refnode(app.builder, node["refdoc"], page, anchor, text, title)


def setup(app: Sphinx) -> dict[str, Any]:
    for transform in (Displays, References, Stills, ReadingTime):
        app.add_transform(transform)
    app.connect("missing-reference", find_display)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
