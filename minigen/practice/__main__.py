"""Exercises in writing backward passes: `python -m minigen.practice`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minigen.errors import MinigenError
from minigen.practice.bugs import report, wrong_line
from minigen.practice.exercise import LAST, NAMES, load
from minigen.practice.judge import Verdict
from minigen.practice.runner import check_file
from minigen.workshop import cli, process

FOLDER = Path("practice")  # of the learner's files
RECORD = FOLDER / "record.json"  # of each file: hints that were read, and whether it is right


def main(arguments: Sequence[str] | None = None) -> int:
    """Write an exercise, check it, or help with it; exit status 1 while it is not right."""
    parser = cli.Parser(
        prog="python -m minigen.practice", description="Backward passes to write, and a check."
    )
    add = parser.add_argument
    add("name", nargs="?", help=f"writes {FOLDER}/NAME.py, or checks it; without a name, lists all")
    add("--bugs", action="store_true", help="find the bug: in bug_NAME.py one line is wrong")
    add("--line", type=cli.whole(1), metavar="N", help="the line of bug_NAME.py that you suspect")
    add("--hint", action="store_true", help="the next of three hints")
    add("--solution", action="store_true", help="the solution, and where it is derived")
    options = parser.parse_args(arguments)
    if not options.name and (options.line or options.hint or options.solution):
        parser.error("name an exercise")
    right: list[bool] = []
    status = process.run(lambda: right.append(_answer(**vars(options))))
    return status or (0 if right[0] else process.FAILED)


def _answer(name: str | None, bugs: bool, line: int | None, hint: bool, solution: bool) -> bool:
    """Print what was asked for; False after a wrong answer."""
    try:
        record = dict(json.loads(RECORD.read_text(encoding="utf-8"))) if RECORD.exists() else {}
    except (TypeError, ValueError):
        raise MinigenError(f"{RECORD} is damaged; delete it, your files stay") from None
    bugs = bugs or bool(line)
    prefix, right = "bug_" if bugs else "", True
    if name is None:
        for each in NAMES:
            mark = "x" if record.get(prefix + each, {}).get("right") else " "
            print(f"[{mark}] {each:20} {load(each).title}")
        print(_following(record, prefix))
        return True
    exercise, path = load(name), FOLDER / f"{prefix}{name}.py"
    FOLDER.mkdir(exist_ok=True)
    mine = record.setdefault(path.stem, {"hints": 0, "right": False})
    if hint:
        mine["hints"] = min(mine["hints"] + 1, len(exercise.hints))
        for number, words in enumerate(exercise.hints[: mine["hints"]], 1):
            print(f"{number} of {len(exercise.hints)}: {words}")
        if mine["hints"] == len(exercise.hints):
            print(f"That was the last. The solution: python -m minigen.practice {name} --solution")
    elif solution:
        print(report(exercise, found=True) if bugs else exercise.text(exercise.code))
    elif not path.exists():
        path.write_text(exercise.text(exercise.bug) if bugs else exercise.starter, encoding="utf-8")
        task = "Mend its wrong line, or name it with --line" if bugs else "Write what is left open"
        print(f"{path} is yours. {task}; then give this command again.")
    else:
        found = line == wrong_line(exercise)[0] or (bugs and mine["right"])
        verdict = Verdict(found, "") if line or found else check_file(name, path)
        right = mine["right"] = bool(verdict.ok)
        print(report(exercise, right, line) if bugs and verdict.ok is not None else verdict)
        if right:
            print(_following(record, prefix, name))
    RECORD.write_text(json.dumps(record, indent=1), encoding="utf-8")
    return right


def _following(record: dict[str, Any], prefix: str, after: str = LAST) -> str:
    """The command for the next exercise after this one that is not solved yet."""
    names = (*NAMES[NAMES.index(after) + 1 :], *NAMES)
    todo = [name for name in names if not record.get(prefix + name, {}).get("right")]
    flag = "--bugs " if prefix else ""
    return f"\nNext: python -m minigen.practice {flag}{todo[0]}" if todo else "\nAll are solved."


if __name__ == "__main__":
    sys.exit(main())
