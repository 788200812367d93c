"""The README as a package index shows it: its links lead into the repository, if pyproject.toml
says where that is, because an index follows none that are relative.
"""

import re
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface

LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!https?:|#)([^)\s]+)\)")
PICTURE = re.compile(r'(src|srcset)="(?!https?:)([^"]+)"')


class Readme(MetadataHookInterface):
    """Puts README.md into the metadata."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Add the text, with `Repository` of the project's URLs before each link and picture."""
        text = Path(self.root, "README.md").read_text("utf-8")
        if place := metadata.get("urls", {}).get("Repository"):
            text = LINK.sub(
                lambda m: f"{m[1]}[{m[2]}]({place}/{'raw' if m[1] else 'blob'}/HEAD/{m[3]})", text
            )
            text = PICTURE.sub(lambda m: f'{m[1]}="{place}/raw/HEAD/{m[2]}"', text)
        metadata["readme"] = {"content-type": "text/markdown", "text": text}
