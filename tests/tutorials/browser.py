"""A page of the site in Chromium, at several widths at once: what a reader would see there."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
WIDTHS = (390, 768, 1366, 1440, 1920)
HEIGHT = 900

# Reports when everything is loaded; added to the pages after the build.
PROBE = """
<script>
addEventListener("load", async () => {
  await window.MathJax?.startup?.promise;
  const all = (selector, what = node => node) =>
    [...document.querySelectorAll(selector)].map(what);
  if (location.search)
    while (!document.querySelector("#search-results li")) await new Promise(r => setTimeout(r, 50));
  await document.fonts.ready;
  const folded = all("div.cell details.hide", node => node.open);
  const answers = all("article details:not(.hide)", node => node.open);
  const command = document.querySelector("div.highlight-shell")?.getBoundingClientRect().bottom;
  const copied = all("button.copybtn").length;
  all("details", node => node.open = true);  // and all that follows is measured open
  const bare = document.querySelector("article, body").cloneNode(true);
  bare.querySelectorAll("pre, code, script, mjx-container").forEach(node => node.remove());
  const box = node => node.getBoundingClientRect(), content = document.querySelector(".content");
  const seen = node => box(node).width > 0, text = node => node.textContent.trim().slice(0, 60);
  const pictures = all("article img").filter(seen);
  const lists = all(".toc-drawer, .sidebar-drawer")
    .filter(node => getComputedStyle(node).position != "fixed" && text(node));
  parent.postMessage({
    width: innerWidth,
    text: bare.textContent,
    formulas: all("mjx-container", node => node.outerHTML.length),
    errors: all("mjx-merror, [data-mjx-error], mjx-mtext[style*=red]", node => node.outerHTML),
    wide: all("div.math").filter(node => node.scrollWidth > node.clientWidth + 1).map(text),
    overflow: document.documentElement.scrollWidth - innerWidth,
    cut: content ? [
      ...lists.filter(node => box(node).left < 0 || box(node).right > innerWidth),
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
    fetched: performance.getEntriesByType("resource").map(entry => entry.name),
    fonts: [...document.fonts].filter(font => font.status == "error").map(font => font.family),
    before: all("a.prev-page", node => node.getAttribute("href")),
    after: all("a.next-page", node => node.getAttribute("href")),
    contents: all(".sidebar-tree a", node => new URL(node.href).pathname.split("/").pop()),
    captions: all(".sidebar-tree .caption-text", text),
    notes: document.querySelectorAll(".admonition:not(.hide)").length,
    cells: all("div.cell", node => node.querySelector(".cell_output")?.textContent ?? ""),
    folded, answers, copied,
    found: all("#search-results li a", node => node.getAttribute("href")),
  }, "*");
});
</script>
"""

# A page in a window of each width, and their reports.
WINDOWS = """
<script>
  const reports = [];
  addEventListener("message", event => {
    if (reports.push(event.data) < %(count)d) return;
    const script = document.createElement("script");
    script.id = "seen";
    script.type = "application/json";
    script.textContent = JSON.stringify(reports).replaceAll("<", "\\\\u003c");
    document.body.append(script);
  });
</script>
<body>%(frames)s</body>
"""


def prepare(site: Path) -> None:
    """Put the probe into every page."""
    for file in site.glob("*.html"):
        file.write_text(file.read_text().replace("</head>", PROBE + "</head>", 1))


def look(site: Path, page: str, *, widths: tuple[int, ...] = WIDTHS, dark: bool = False) -> Any:
    """What is seen of a page at each width, by width, and the lines of the console.

    A dark screen also asks for less motion.
    """
    assert CHROMIUM
    frames = (
        f'<iframe src="site/{page}" width={w} height={HEIGHT} style="border:0"></iframe>'
        for w in widths
    )
    window = site.parent / "windows.html"
    window.write_text(WINDOWS % {"count": len(widths), "frames": "".join(frames)})
    options = ["--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"]
    options += ["--enable-logging=stderr", "--virtual-time-budget=60000", "--dump-dom"]
    options += [f"--user-data-dir={site.parent / 'chromium'}", "--window-size=2000,1000"]
    options += [f"--blink-settings=preferredColorScheme={0 if dark else 1}"]
    options += ["--force-prefers-reduced-motion"] if dark else []
    browser = subprocess.run(
        [CHROMIUM, *options, window.as_uri()],
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    report = re.search(r'<script id="seen"[^>]*>(.*?)</script>', browser.stdout, re.DOTALL)
    assert report, f"{page} did not load: {browser.stderr[-2000:]}"
    facts = {seen["width"]: seen for seen in json.loads(report[1])}
    console = [line for line in browser.stderr.splitlines() if "CONSOLE" in line]
    return facts, console
