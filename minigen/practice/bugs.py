"""Find the bug: each exercise's solution with its last mistake, and which tests see it."""

from minigen.practice.exercise import Exercise, close


def wrong_line(exercise: Exercise) -> tuple[int, str, str]:
    """The number of its wrong line, this line, and the right one."""
    right, wrong = (exercise.text(code).splitlines() for code in (exercise.code, exercise.bug))
    i = next(i for i, line in enumerate(wrong) if line != right[i])
    return i + 1, wrong[i].strip(), right[i].strip()


def story(exercise: Exercise) -> str:
    """The bug, for who has found it."""
    number, wrong, right = wrong_line(exercise)
    found = f"Found: in line {number}, `{wrong}` should be `{right}`."
    return f"{found}\n{exercise.mistakes[-1][1]}\n{seen(exercise)}"


def seen(exercise: Exercise) -> str:
    """The tests that see the bug, and those that do not, as a table."""
    rows = [f"  {'yes' if sees else 'no':4} {test}" for test, sees in seen_by(exercise).items()]
    return "\n".join(["Would a test have seen the bug?", *rows])


def seen_by(exercise: Exercise) -> dict[str, bool]:
    """Tests that people write, and whether each of them sees the bug."""
    function, inputs = exercise.function(exercise.bug), exercise.inputs
    values = exercise.answers(function)
    gradients = {name[1:]: values.pop(name) for name in exercise.names if name[1:] in inputs}
    shapes = any(g.shape != inputs[name].shape for name, g in gradients.items())
    step = {} if shapes else {name: inputs[name] - 1e-4 * g for name, g in gradients.items()}
    rise = exercise.upstream * (function(**(inputs | step))[0] - function(**inputs)[0])
    slopes = [close(g, exercise.slope(function, name)) for name, g in gradients.items()]
    formula = [close(value, exercise.truth[name]) for name, value in values.items()]
    return {
        "each gradient has the shape of its variable": shapes,
        "a small step against the gradient goes downhill": bool(rise.sum() > 0),
        "the gradient check": not all(slopes),
        "the value, against the formula": not all(formula),
    }
