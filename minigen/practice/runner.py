"""The check of a file, in a process of its own: it may loop for ever, end Python, or print."""

import contextlib
import faulthandler
import json
import os
import re
import sys
from linecache import getline
from pathlib import Path
from subprocess import PIPE, run
from typing import Any

from minigen.practice.exercise import LAST, load
from minigen.practice.judge import Verdict, blame, check


def check_file(name: str, path: Path, seconds: float = 20.0) -> Verdict:
    """Check the answer in a file to the exercise of this name; what it prints is seen before."""
    environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
    command = [sys.executable, "-m", __name__, name, str(path), str(seconds)]
    told = run(command, input="", stderr=PIPE, text=True, errors="replace", env=environment).stderr
    with contextlib.suppress(IndexError, TypeError, ValueError):  # it ended, whatever it had said
        return Verdict(*json.loads(told.splitlines()[-1]))
    place = re.search(rf'"{re.escape(str(path))}", line (\d+)', told)
    line = f", line {place[1]}: {getline(str(path), int(place[1])).strip()}" if place else ""
    late = f"no answer after {seconds:g} seconds{line}"
    what = late if "Timeout" in told else "it ended Python"
    return Verdict(None, f"{name}: {what}; the check could not be done")


def _check(name: str, path: Path, whole: bool) -> Verdict:
    """Check a file, and if whole, first those of the pieces that it imports."""
    for piece in load(name).pieces if whole else ():
        if not (verdict := _check(piece, path.with_name(f"{piece}.py"), whole)).ok:
            return Verdict(verdict.ok, f"{name} is built of your {piece}:\n{verdict}")
    names: dict[str, Any] = {"__name__": name}
    try:
        exec(compile(path.read_bytes(), path, "exec"), names)
        if name not in names:
            made = ", ".join(k for k, x in names.items() if getattr(x, "__module__", "") == name)
            return Verdict(None, f"{name}: {path} has no {name}; it has {made or 'no function'}")
        return check(names[name], name)
    except (Exception, SystemExit) as error:
        return Verdict(None, f"{name}: {blame(error, str(path))}")


if __name__ == "__main__":
    faulthandler.dump_traceback_later(float(sys.argv[3]), exit=True)
    verdict = _check(sys.argv[1], Path(sys.argv[2]), whole=sys.argv[1] == LAST)
    print("\n" + json.dumps(verdict), file=sys.stderr)
