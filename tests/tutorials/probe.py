"""A page of the site in Chromium, at several widths: what a reader would see there."""

from pathlib import Path
from typing import Any

from tests.workshop.browser import Tab

WIDTHS = (390, 768, 1366, 1440, 1920)
SCREEN = 900  # so high is a small one

# What is seen once everything is there.
PROBE = """
(async () => {
  const all = (selector, what = node => node) =>
    [...document.querySelectorAll(selector)].map(what);
  await window.MathJax?.startup?.promise;
  await document.fonts.ready;
  const folded = all("div.cell details.hide", node => node.open);
  const answers = all("article details:not(.hide)", node => node.open);
  const command = document.querySelector("div.highlight-shell")?.getBoundingClientRect().bottom;
  const copied = all("button.copybtn").length;
  all("details", node => node.open = true);  // and all that follows is measured open
  const bare = document.querySelector("article, body").cloneNode(true);
  bare.querySelectorAll("pre, code, script, mjx-container").forEach(node => node.remove());
  const width = document.documentElement.clientWidth;
  const box = node => node.getBoundingClientRect(), content = document.querySelector(".content");
  const seen = node => box(node).width > 0, text = node => node.textContent.trim().slice(0, 60);
  const pictures = all("article img").filter(seen);
  const lists = all(".toc-drawer, .sidebar-drawer")
    .filter(node => getComputedStyle(node).position != "fixed" && text(node));
  return {
    text: bare.textContent,
    formulas: all("mjx-container", node => node.outerHTML.length),
    errors: all("mjx-merror, [data-mjx-error], mjx-mtext[style*=red]", node => node.outerHTML),
    wide: all("div.math").filter(node => node.scrollWidth > node.clientWidth + 1).map(text),
    overflow: document.documentElement.scrollWidth - width,
    cut: content ? [
      ...lists.filter(node => box(node).left < 0 || box(node).right > width),
      ...all("article p:not(td p, th p), article h2, article img, .table-wrapper, .highlight")
        .filter(node => box(node).right > box(content).right + 1),
    ].map(text) : [],
    drawers: lists.length,
    first_command: command,
    images: pictures.map(node => [node.getAttribute("src"), node.naturalWidth]),
    cards: pictures.map(node => getComputedStyle(node)).map(style =>
      [style.backgroundColor, parseFloat(style.paddingLeft), style.colorScheme]),
    links: all("a[href], link[href]", node => node.getAttribute("href")),
    references: all("a[href*='#equation-']", node => [text(node), node.title]),
    fonts: [...document.fonts].filter(font => font.status == "error").map(font => font.family),
    before: all("a.prev-page", node => node.getAttribute("href")),
    after: all("a.next-page", node => node.getAttribute("href")),
    contents: all(".sidebar-tree a", node => new URL(node.href).pathname.split("/").pop()),
    captions: all(".sidebar-tree .caption-text", text),
    notes: document.querySelectorAll(".admonition:not(.hide)").length,
    cells: all("div.cell", node => node.querySelector(".cell_output")?.textContent ?? ""),
    folded, answers, copied,
  };
})()
"""


def look(
    tab: Tab, page: Path, *, widths: tuple[int, ...] = WIDTHS, dark: bool = False
) -> tuple[dict[int, dict[str, Any]], list[str]]:
    """What is seen of a page at each width, by width, and the lines of the console.

    A dark screen also asks for less motion.
    """
    facts, console = {}, []
    for width in widths:
        tab.open(page, width, dark=dark, still=dark)
        facts[width] = tab.evaluate(PROBE) | {"fetched": list(tab.requests)}
        console += tab.console
    return facts, console
