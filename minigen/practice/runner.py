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


def check_file(name: str, path: Path, seconds: float | None = None) -> Verdict:
    """Check the answer in a file to the exercise of this name."""
    seconds = seconds or (120 if name == LAST else 10)
    with TemporaryDirectory() as folder:
        result = Path(folder) / "result.json"
        command = [sys.executable, "-m", __name__, name, str(path), str(result), str(seconds)]
        done = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
        errors = done.stderr.decode(errors="replace")
        slow = re.search(rf'"{re.escape(str(path))}", line (\d+)', errors)
        if result.exists():
            verdict = Verdict(**json.loads(result.read_text()))
        elif slow:
            what = f"no answer after {seconds:g} seconds. Does the loop there end?"
            verdict = Verdict(False, f"{name}: line {slow[1]}: {what}")
        else:
            verdict = Verdict(False, f"{name}: {path.name} ended Python before the check was done")
    printed = done.stdout.decode(errors="replace")[:PRINTED].rstrip()
    return Verdict(verdict.ok, f"{printed}\n\n{verdict}".lstrip())


def _verdict(name: str, path: Path) -> Verdict:
    sys.path.insert(0, str(path.parent))  # where the learner's other answers are
    names: dict[str, Any] = {"__name__": name}
    try:
        exec(compile(path.read_bytes(), str(path), "exec"), names)
        return check(names[name], name)
    except ModuleNotFoundError as error:
        hint = f"solve it first: python -m minigen.practice {error.name}"
        return Verdict(False, f"{name}: there is no {error.name}.py beside it; {hint}")
    except KeyError:
        return Verdict(False, f"{name}: {path.name} defines no function {name}; keep its name")
    except (Exception, SystemExit) as error:
        return Verdict(False, f"{name}: {blame(error, str(path))}")


if __name__ == "__main__":
    faulthandler.dump_traceback_later(float(sys.argv[4]), exit=True)
    verdict = _verdict(sys.argv[1], Path(sys.argv[2]))
    Path(sys.argv[3]).write_text(json.dumps(vars(verdict)))
