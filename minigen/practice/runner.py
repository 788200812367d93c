"""The check of a file, in a process of its own: it may loop for ever, end Python, or print."""

import faulthandler
import io
import json
import os
import re
import subprocess
import sys
from contextlib import redirect_stdout
from pathlib import Path
from tempfile import TemporaryDirectory
from types import FunctionType
from typing import Any

from minigen.practice.exercise import LAST
from minigen.practice.judge import Verdict, blame, check

ENVIRONMENT = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


class Printed(io.StringIO):
    """Keeps the beginning of what is printed."""

    def write(self, text: str) -> int:
        return super().write(text) if self.tell() < 1000 else 0


def check_file(name: str, path: Path, seconds: float = 0) -> Verdict:
    """Check the answer in a file to the exercise of this name."""
    seconds = seconds or (120 if name == LAST else 10)
    with TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", __name__, name, str(path), str(result), str(seconds)]
        done = subprocess.run(
            command, input="", capture_output=True, text=True, errors="replace", env=ENVIRONMENT
        )
        if result.exists():
            return Verdict(*json.loads(result.read_text("utf-8")))
    place = re.search(rf'"{re.escape(str(path))}", line (\d+)', done.stderr)
    late = f"no answer after {seconds:g} seconds{f', in line {place[1]}' if place else ''}"
    what = late if "Timeout" in done.stderr else "it ended Python"
    return Verdict(False, f"{name}: {what}; the check could not be done", ran=False)


def _check(name: str, path: Path) -> Verdict:
    sys.path.insert(0, str(path.parent))  # where the learner's other answers are
    names: dict[str, Any] = {"__name__": name}
    try:
        exec(compile(path.read_bytes(), path, "exec"), names)
    except (Exception, SystemExit) as error:
        return Verdict(False, f"{name}: {blame(error, str(path))}", ran=False)
    if not isinstance(names.get(name), FunctionType):
        told = f"{name}: {path.name} defines no function {name}; keep its name"
        return Verdict(False, told, ran=False)
    return check(names[name], name)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(float(sys.argv[4]), exit=True)
    with redirect_stdout(Printed()) as printed:
        answer = _check(sys.argv[1], Path(sys.argv[2]))
    report = f"{printed.getvalue().rstrip()}\n\n{answer.report}".lstrip()
    Path(sys.argv[3]).write_text(json.dumps([answer.ok, report, answer.ran]), "utf-8")
