"""The plays of the site: for a figure, a script that lets the reader move what it shows.

plays/NAME.js stands on the page that shows figures/NAME. Browsers load no module from a folder, so
it becomes one script with all that it imports; their exports are `plays[NAME]` in the browser.
"""

import re
from pathlib import Path

import minigen

FOLDER = Path(__file__).parent
PACKAGE = Path(minigen.__file__).parent  # whose page of a run shares modules with the plays
IMPORT = re.compile(r'^import \{[^}]*\} from "([^"]+)";\n', re.MULTILINE)
EXPORT = re.compile(r"^export (?=(?:function|class|const) (\w+))", re.MULTILINE)
ALONE = """"use strict";
(() => {{
{text}
(globalThis.plays ??= {{}})["{name}"] = {{ {exports} }};
}})();
"""


def plays() -> dict[str, Path]:
    """The modules of the plays by their figures; what they share has the name of none."""
    figures = {file.stem for file in (FOLDER / "figures").iterdir()}
    return {file.stem: file for file in (FOLDER / "plays").glob("*.js") if file.stem in figures}


def modules(module: Path) -> list[Path]:
    """A module behind all that it imports, each once."""
    found: list[Path] = []
    for name in IMPORT.findall(module.read_text("utf-8")):
        _, outside, place = name.partition("../../minigen/")
        found += modules(PACKAGE / place if outside else module.parent / Path(name).name)
    return list(dict.fromkeys([*found, module]))


def script(play: Path) -> str:
    """A play with all that it imports, and their exports."""
    whole = "\n".join(IMPORT.sub("", module.read_text("utf-8")) for module in modules(play))
    exports = ", ".join(EXPORT.findall(whole))
    return ALONE.format(text=EXPORT.sub("", whole), name=play.stem, exports=exports)
