"""The check of a file, in a process of its own: it may loop for ever, end Python, or print.

python -m minigen.practice.runner NAME FILE RESULT SECONDS
"""

import faulthandler
import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from minigen.practice.exercise import LAST
from minigen.practice.judge import Verdict, blame, check

PRINTED = 2000  # characters to show of what a file prints


def check_file(name: str, path: Path, seconds: float = 0) -> Verdict:
    """Check the answer in a file to the exercise of this name."""
    seconds = seconds or (120 if name == LAST else 10)
    with TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", __name__, name, str(path), str(result), str(seconds)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        verdict = json.loads(result.read_text()) if result.exists() else None
    printed, errors = (stream.decode(errors="replace") for stream in (done.stdout, done.stderr))
    if verdict is None:
        slow = re.search(rf'^  File "{re.escape(str(path))}", line (\d+)', errors, re.MULTILINE)
        what = f"no answer after {seconds:g} seconds, in line {slow[1]}" if slow else "Python ended"
        verdict = {"ok": False, "report": f"{name}: {what}; the check could not be done"}
    verdict["report"] = f"{printed[:PRINTED].rstrip()}\n\n{verdict['report']}".lstrip()
    return Verdict(**verdict)


def _check(name: str, path: Path) -> Verdict:
    sys.path.insert(0, str(path.parent))  # where the learner's other answers are
    names: dict[str, Any] = {"__name__": name}
    try:
        exec(compile(path.read_bytes(), path, "exec"), names)
    except (Exception, SystemExit) as error:
        return Verdict(False, f"{name}: {blame(error, str(path))}")
    if name not in names:
        return Verdict(False, f"{name}: {path.name} defines no {name}; keep the function's name")
    return check(names[name], name)


if __name__ == "__main__":
    faulthandler.dump_traceback_later(float(sys.argv[4]), exit=True)
    answer = _check(sys.argv[1], Path(sys.argv[2]))
    Path(sys.argv[3]).write_text(json.dumps(answer._asdict()))
