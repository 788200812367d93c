"""Find the bug: each exercise's solution with its last mistake, and which tests see it."""

from minigen.practice.exercise import Exercise
from minigen.practice.judge import gradcheck
from minigen.practice.signatures import Case, close


def planted(exercise: Exercise) -> str:
    """The file with the bug in it."""
    old, new, _ = exercise.mistakes[-1]
    return exercise.text(exercise.code.replace(old, new))


def wrong_line(exercise: Exercise) -> tuple[int, str, str]:
    """The number of its wrong line, this line, and the right one."""
    right, wrong = exercise.text(exercise.code).splitlines(), planted(exercise).splitlines()
    i = next(i for i, line in enumerate(wrong) if line != right[i])
    return i + 1, wrong[i].strip(), right[i].strip()


def report(exercise: Exercise, found: bool) -> str:
    """Which tests see the bug; and its story, once it is found."""
    told = "Line {}: {}\nRight:   {}\n".format(*wrong_line(exercise)) + exercise.mistakes[-1][2]
    seen = [f"  {'yes' if sees else 'no':4} {test}" for test, sees in seen_by(exercise).items()]
    told = told if found else "The bug is still there."
    return "\n".join([told, "Would a test have seen it?", *seen])


def seen_by(exercise: Exercise) -> dict[str, bool]:
    """Tests that people write, and whether each of them sees the bug."""
    case, function = Case(exercise), exercise.function(*exercise.mistakes[-1][:2])
    answers, value = case.answers(function), case.forward(function)
    shapes = any(answer.shape != case.truth[name].shape for name, answer in answers.items())
    steps = {} if shapes else {name[1:]: 1e-4 * answer for name, answer in answers.items()}
    moved = {k: x - steps.get(k, 0) for k, x in exercise.inputs.items()}
    rise = (case.upstream * (case.forward(function, **moved) - value)).sum()
    return {
        "each gradient has the shape of its variable": shapes,
        "a small step against the gradient goes downhill": bool(rise > 0),
        "the gradient check": shapes or not gradcheck(case, function, function, answers).ok,
        "the value, against the formula": not close(value, case.value),
    }
