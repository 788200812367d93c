"""Exercises in writing backward passes: `python -m minigen.practice`."""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from minigen.errors import MinigenError
from minigen.practice.bugs import bug, bugs
from minigen.practice.exercise import NAMES, load
from minigen.practice.runner import check_file
from minigen.workshop import cli, process

COMMAND = "python -m minigen.practice"
FOLDER = Path("practice")  # of the learner's files
RECORD = FOLDER / "record.json"  # by name: tries, hints that were read, solved


def main(arguments: Sequence[str] | None = None) -> int:
    """Write an exercise, check it, or help with it; exit status 1 while it is not solved."""
    parser = cli.Parser(prog=COMMAND, description="Write the backward passes of the course.")
    add = parser.add_argument
    add("name", nargs="?", help="an exercise: writes its file, or checks it; without one, a list")
    add("--hint", action="store_true", help="the next of three hints")
    add("--solution", action="store_true", help="the solution, and where it is derived")
    add("--bugs", action="store_true", help="find the bug: NAME is that of a bug")
    add("--line", type=cli.whole(1), metavar="N", help="of a bug: the line that you suspect")
    options = parser.parse_args(arguments)
    if options.name is None and (options.hint or options.solution or options.line):
        parser.error("name an exercise or a bug")
    if options.hint if options.bugs else options.line:
        parser.error("--hint is for exercises, --line for bugs")
    right: list[bool] = []
    status = process.run(lambda: right.append((_bug if options.bugs else _exercise)(options)))
    return status or (0 if right[0] else process.FAILED)


def _exercise(options: Any) -> bool:
    """Print what was asked for; whether there is nothing left to do."""
    record = _read_record()
    if options.name is None:
        for name in NAMES:
            mark = "x" if record.get(name, {}).get("solved") else " "
            print(f"[{mark}] {name:20} {load(name).title}")
        print(f"\n{COMMAND} NAME writes {FOLDER}/NAME.py, and checks it when it is there.")
        return True
    exercise, path = load(options.name), FOLDER / f"{options.name}.py"
    mine = record.setdefault(exercise.name, {"tries": 0, "hints": 0, "solved": False})
    right = True
    if options.hint:
        mine["hints"] = min(mine["hints"] + 1, len(exercise.hints))
        print(*exercise.hints[: mine["hints"]], sep="\n")
    elif options.solution:
        print(f"{exercise.solution}\n# Derived in {exercise.derived}.")
    elif _written(path, exercise.starter):
        print(f"{exercise.title}.\n{path} is yours now: write it, then run this again.")
    else:
        verdict = check_file(exercise.name, path)
        right = mine["solved"] = verdict.ok
        mine["tries"] += 1
        print(verdict)
        print(
            f"Derived in {exercise.derived}."
            if right
            else f"{COMMAND} {exercise.name} --hint helps."
        )
    FOLDER.mkdir(exist_ok=True)
    RECORD.write_text(json.dumps(record, indent=1))
    return right


def _bug(options: Any) -> bool:
    """The same, of a bug."""
    if options.name is None:
        print(*bugs(), sep="\n")
        print(f"\n{COMMAND} --bugs NAME writes {FOLDER}/bug_NAME.py, with one wrong line in it.")
        return True
    found, path = bug(options.name), FOLDER / f"bug_{options.name}.py"
    if _written(path, found.text):
        print(f"{path} has one wrong line. Name it with --line, or mend it and run this again.")
    mended = (
        options.line is None and not options.solution and check_file(found.exercise.name, path).ok
    )
    if options.solution or options.line == found.line or mended:
        print(f"line {found.line}: {found.new}\nright:  {found.old}\n{found.story}")
        return True
    print(f"Line {options.line} is not the one." if options.line else "It is still there.")
    for test, passes in found.tests.items():
        print(f"{'does not see it' if passes else 'sees it':16} {test}")
    return False


def _written(path: Path, text: str) -> bool:
    """Write a file that does not exist yet; whether it did not."""
    path.parent.mkdir(exist_ok=True)
    if path.exists():
        return False
    path.write_text(text, encoding="utf-8")
    return True


def _read_record() -> dict[str, Any]:
    try:
        record: dict[str, Any] = json.loads(RECORD.read_text()) if RECORD.exists() else {}
    except ValueError:
        raise MinigenError(f"{RECORD} is damaged; delete it, your files stay") from None
    return record


if __name__ == "__main__":
    sys.exit(main())
