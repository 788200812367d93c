"""The check of a file, in a process of its own: it may loop for ever, end Python, or print."""

import faulthandler
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

from minigen.practice.exercise import LAST, load
from minigen.practice.judge import Verdict, blame, check

ENVIRONMENT = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}


def check_file(name: str, path: Path, seconds: float = 20.0) -> Verdict:
    """Check the answer in a file to the exercise of this name."""
    command = [sys.executable, "-m", __name__, name, str(path), str(seconds)]
    done = subprocess.run(command, input="", capture_output=True, text=True, env=ENVIRONMENT)
    printed, *verdict = done.stdout.split("\0")  # by which the verdict begins
    if verdict:
        ok, report = json.loads(verdict[-1])
    else:
        place = re.search(rf'"{re.escape(str(path))}"(, line \d+)', done.stderr)
        late = f"no answer after {seconds:g} seconds{place[1] if place else ''}"
        what = late if "Timeout" in done.stderr else "it ended Python"
        ok, report = None, f"{name}: {what}; the check could not be done"
    return Verdict(ok, f"{printed[:1000].rstrip()}\n\n{report}".lstrip())


def _check(name: str, path: Path, whole: bool) -> Verdict:
    """Check a file, and if whole, first those of the pieces that it imports."""
    for piece in load(name).pieces if whole else ():
        if not (verdict := _check(piece, path.with_name(f"{piece}.py"), whole)).ok:
            return verdict
    names: dict[str, Any] = {"__name__": name, name: None}
    try:
        exec(compile(path.read_bytes(), path, "exec"), names)
        return check(names[name], name)
    except (Exception, SystemExit) as error:
        return Verdict(None, f"{name}: {blame(error, str(path))}")


if __name__ == "__main__":
    faulthandler.dump_traceback_later(float(sys.argv[3]), exit=True)
    print("\0" + json.dumps(_check(sys.argv[1], Path(sys.argv[2]), whole=sys.argv[1] == LAST)))
