"""Exercises in writing backward passes: `python -m minigen.practice`."""

import json
import re
import sys
from collections.abc import Collection, Sequence
from pathlib import Path

from minigen.errors import MinigenError
from minigen.practice.bugs import seen, story, wrong_line
from minigen.practice.exercise import LAST, NAMES, load
from minigen.practice.judge import Verdict
from minigen.practice.runner import check_file
from minigen.workshop import cli, process

FOLDER = Path("practice")  # of the learner's files
SOLVED = FOLDER / "solved.json"  # the names of those that were right when they were checked last


def main(arguments: Sequence[str] | None = None) -> int:
    """Write an exercise, check it, or help with it; exit status 1 while it is not right."""
    parser = cli.Parser(
        prog="python -m minigen.practice", description="Backward passes to write, and a check."
    )
    add = parser.add_argument
    add("name", nargs="?", help=f"writes {FOLDER}/NAME.py, or checks it; without a name, lists all")
    add("--bugs", action="store_true", help="find the bug: in bug_NAME.py one line is wrong")
    add("--line", type=cli.whole(1), default=False, metavar="N", help="the line that you suspect")
    add("--hint", type=int, choices=(1, 2, 3), nargs="?", const=1, help="one of three hints")
    add("--solution", action="store_true", help="the solution, and where it is derived")
    options = parser.parse_args(arguments)
    right: list[bool] = []
    status = process.run(lambda: right.append(_answer(**vars(options))))
    return status or (0 if right[0] else process.FAILED)


def _answer(name: str | None, bugs: bool, line: int, hint: int | None, solution: bool) -> bool:
    """Print what was asked for; False after a wrong answer."""
    try:
        solved = set(json.loads(SOLVED.read_text(encoding="utf-8"))) if SOLVED.exists() else set()
    except (TypeError, ValueError):
        raise MinigenError(f"{SOLVED} is damaged; delete it, your files stay") from None
    bugs, right = bugs or bool(line), True
    prefix = "bug_" if bugs else ""
    if not (name or line or hint or solution):
        for each in NAMES:
            print(f"[{'x' if prefix + each in solved else ' '}] {each:20} {load(each).title}")
        print(_following(solved, prefix))
        return True
    exercise, path = load(name or ""), FOLDER / f"{prefix}{name}.py"
    FOLDER.mkdir(exist_ok=True)
    if hint:
        print(seen(exercise) if bugs else exercise.hints[hint - 1])
    elif solution:
        print(story(exercise) if bugs else exercise.text(exercise.code))
    elif not path.exists():
        path.write_text(exercise.text(exercise.bug) if bugs else exercise.starter, encoding="utf-8")
        task = "Mend its wrong line, or name it with --line" if bugs else "Write what is left open"
        print(f"{path} is yours. {task}; then give this command again.")
    else:
        named_line = path.read_text(encoding="utf-8").splitlines()[line - 1 : line]
        found = [text.strip() for text in named_line] == [wrong_line(exercise)[1]]
        named = Verdict(found, f"The bug is not in line {line}.")
        ok, words = named if line else check_file(exercise.name, path)
        right = bool(ok)
        if bugs:  # without the hints, which name the slip
            words = story(exercise) if right else re.sub("\n +.*", "", words)
        print(words)
        (solved.add if right else solved.discard)(path.stem)
        SOLVED.write_text(json.dumps(sorted(solved)), encoding="utf-8")
        if right:
            print(_following(solved, prefix, exercise.name))
    return right


def _following(solved: Collection[str], prefix: str, after: str = LAST) -> str:
    """The command for the next exercise after this one that is not solved yet."""
    names = (*NAMES[NAMES.index(after) + 1 :], *NAMES)
    todo = [name for name in names if prefix + name not in solved]
    flag = " --bugs" if prefix else ""
    return f"\nNext: python -m minigen.practice {todo[0]}{flag}" if todo else "\nAll are solved."


if __name__ == "__main__":
    sys.exit(main())
