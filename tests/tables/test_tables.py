"""The page of results says what its files hold, and the files are made by the commands of today."""

import json
import math
import shlex
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from minigen import evaluate
from tests.tables import __main__ as command
from tests.tables import cells, gans, page, runner
from tests.tables.experiments import TABLES, Run, commands
from tests.tables.linear import COMPONENTS, closed_form, ppca_log_likelihood
from tests.tables.runner import Outcome, Seconds

RUN = Run("VAE", "vae-0", "vae --seed 0 --epochs 2")
FINDINGS = ("test loss",)
OUTPUT = json.dumps(
    {
        "run": "x",
        "findings": [
            {"name": "test loss", "value": 1.5, "limit": "floor: 1", "standard_error": 0.5}
        ],
    }
)

each_table = pytest.mark.parametrize("name", TABLES)


# The page and the files


@each_table
def test_the_machine_line_says_how_many_threads_the_runs_have(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "8")  # which the command of a run sets aside
    said = runner.machine()["BLAS threads"]
    assert {runner.options(run)["threads"] for run in TABLES[name].runs} == {said}


@each_table
def test_the_page_shows_what_the_file_holds(name: str) -> None:
    text = page.PAGE.read_text()
    document = json.loads(page.results(name).read_text())
    assert page.put(text, name, page.block(name, document)) == text


@each_table
def test_the_file_holds_what_the_commands_of_today_give(name: str) -> None:
    text = page.results(name).read_text()
    document = json.loads(text)
    assert text == json.dumps(document, indent=2) + "\n"
    assert [entry["commands"] for entry in document["runs"]] == commands(name)
    labels = ["closed form"] * bool(TABLES[name].computed) + [r.label for r in TABLES[name].runs]
    assert [entry["label"] for entry in document["runs"]] == labels
    for entry, run in zip(document["runs"][::-1], TABLES[name].runs[::-1], strict=False):
        assert entry["written out"] == runner.written_out(run)
        assert tuple(entry["values"]) == TABLES[name].findings


@each_table
def test_the_parsers_take_every_command(name: str) -> None:
    for run in TABLES[name].runs:
        assert runner.options(run)["epochs"] >= 1
        evaluate._parser().parse_args(shlex.split(run.evaluate())[3:])


def test_a_preset_is_written_out_before_what_is_given_beside_it() -> None:
    run = Run("k = 1", "x", "vae --preset iwae-300 --epochs 2")
    words = runner.written_out(run)
    assert words.startswith("vae --hidden 200,200 ")
    assert words.endswith(" --preset iwae-300 --epochs 2")
    assert runner.options(run)["latent_dim"] == 50
    assert runner.options(run)["epochs"] == 2


def test_every_run_has_a_folder_of_its_own() -> None:
    slugs = [run.slug for table in TABLES.values() for run in table.runs]
    assert len(set(slugs)) == len(slugs)


def test_every_table_has_its_place_in_the_page_once() -> None:
    text = page.PAGE.read_text()
    for name in TABLES:
        assert page.put(text, name, "| new |\n").count("| new |") == 1
    assert text.count("<!-- ") == 2 * len(TABLES)


def test_the_closed_forms_agree_with_the_reference_in_all_its_digits() -> None:
    rows = page.block("linear", json.loads(page.results("linear").read_text())).splitlines()[2:10]
    cells = [row.split("|")[2:] for row in rows]
    for reference, minigen in zip(cells[::2], cells[1::2], strict=True):
        assert (reference.pop(0), minigen.pop(0)) == (" reference ", " minigen ")
        assert reference == minigen


# What a table is made of


def entry(label: str, i: int = 0, **values: float) -> dict[str, Any]:
    return {
        "label": label,
        "commands": [f"train {label} --seed {i}", f"evaluate {label}-{i}"],
        "seconds": [{"wall": 9.0, "cpu": 100.0 + 100 * i}, {"wall": 2.0, "cpu": 2.0}],
        "values": values,
        "standard errors": dict.fromkeys(values, 0.25),
        "beside it": dict.fromkeys(values, "the truth: 8 +- 1"),
    }


def rendered(name: str, entries: list[dict[str, Any]]) -> str:
    machine = {"processor": "P", "cores": 2, "BLAS threads": 1, "python": "3", "numpy": "2"}
    return page.block(name, {"machine": machine, "runs": entries})


def test_a_table_of_seeds() -> None:
    losses = [105.714, 105.806, 105.62]
    block = rendered("vae", [entry("V", i, **{"test loss": x}) for i, x in enumerate(losses)])
    assert block == (
        "| 784-400-20, 10 epochs | test loss, nats |\n"
        "|---|---|\n"
        "| published runs of this network | 105.56, 105.59 |\n"
        "| minigen, median of 3 seeds | 105.71 |\n"
        "| the least and the greatest of them | 105.62, 105.81 |\n"
        "| seeds 0 to 2 | 105.71, 105.81, 105.62 |\n"
        "\n"
        "| command | seeds | CPU time of one |\n"
        "|---|---|---|\n"
        "| `train V --seed 0` | 0 to 2 | 3.3 min |\n"
        "| `evaluate V-0` | 0 to 2 | 2 s |\n"
        "\n"
        "P, 2 cores, BLAS threads: 1; Python 3, NumPy 2. "
        "All digits: [vae.json](results/vae.json).\n"
    )


def test_a_table_of_bounds() -> None:
    found = dict(zip(TABLES["iwae"].findings, (87.5, 88.25, -86.0, 20), strict=True))
    entries = [entry(f"k = {k}, 9 epochs", 0, **found) for k in (1, 5)]
    for line in (
        "| k = 1, 9 epochs | 86.76 | 87.75 | 86.00 ± 0.25 | -0.76 | -1.75 | 88.25 | 87.50 "
        "| 20 | 19 |",
        "| k = 5, 9 epochs | 85.54 | 85.46 | 86.00 ± 0.25 | +0.46 | +0.54 | 88.25 | 87.50 "
        "| 20 | 22 |",
        "| `train k = 5, 9 epochs --seed 0` |  | 100 s |",
    ):
        assert f"\n{line}\n" in rendered("iwae", entries)


def test_a_table_of_parzen_scores() -> None:
    scores = [{"Parzen log likelihood": x} for x in (220.0, 226.04, 224.0)]
    block = rendered("parzen", [entry("G", i, **score) for i, score in enumerate(scores)])
    assert "\n| minigen's GAN, median of 3 seeds | 224.0 |  |\n" in block
    assert "\n| seed 1 | 226.0 ± 0.2 | 8 ± 1 |\n" in block


def test_a_table_of_modes() -> None:
    findings = TABLES["modes"].findings
    entries = [
        entry(label, i, **dict(zip(findings, (i, 90 + i, i / 10), strict=True)))
        for label in ("ring", "grid")
        for i in range(10)
    ]
    block = rendered("modes", entries)
    assert (
        "\n| grid: high quality | 8 +- 1 | 94.8 | 94.5 ± 2.2 | 90, 91, 92, 93, 94, 95, 96, 97, "
        "98, 99 |\n"
    ) in block
    assert "\n| ring: reverse KL | 8 +- 1 |  | 0.450 ± 0.217 | 0.00, 0.10," in block


def test_a_table_of_slopes_stands_beside_the_preset() -> None:
    findings = TABLES["slopes"].findings
    entries = [
        entry(label, i, **dict(zip(findings, (i, 90 + i, i / 10), strict=True)))
        for label in ("ring, constant, plain", "grid, falling, plain", "grid, falling, R1 1")
        for i in range(5)
    ]
    lines = rendered("slopes", entries).splitlines()
    grid = lines.index("| grid: the mixture itself |  | 25 | 98.89 | 0.0048 |  |  |")
    single = "2.0 ± 2.0 | 92.0 ± 2.0 | 0.200 ± 0.196 | 0, 1, 2, 3, 4 | 90, 91, 92, 93, 94 |"
    assert lines[grid + 1 : grid + 3] == [
        f"| held for 24 of 30 epochs | {price} | {single}" for price in ("plain", "R1 1")
    ]
    preset = json.loads(page.results("modes").read_text())["runs"][10:15]
    modes = ", ".join(str(run["values"]["modes covered"]) for run in preset)
    assert lines[grid + 3].startswith("| held for 48 of 60: the preset | plain | ")
    assert f" | {modes} | " in lines[grid + 3]


def test_a_table_of_images() -> None:
    scores = [{"Parzen log likelihood": x} for x in (220.0, 226.04, 224.0)]
    block = rendered("slopes-mnist", [entry("R1 1", i, **score) for i, score in enumerate(scores)])
    assert "\n| R1 1 | 223.3 | 220.0, 226.0, 224.0 | 8.0 |\n" in block
    assert "\n| plain | 232.5 ± 2.9 | 235.6, 233.4, 229.2, 231.6, 232.8 | 242.0 |\n" in block


def test_a_table_of_both_families() -> None:
    findings = TABLES["families"].findings
    entries = [
        entry(label, i, **dict(zip(findings, (i, 90 + i, i / 10, -i), strict=True)))
        for label in ("ring", "grid")
        for i in range(5)
    ]
    for found in entries:
        found["beside it"][gans.HELD_OUT] = "log p(x) of the mixture itself: 2.5"
    block = rendered("families", entries)
    stored = json.loads(page.results("modes").read_text())["runs"]
    mean = np.mean([gan["values"]["modes covered"] for gan in stored[:5]])
    assert f"\n| ring: modes covered | 8 +- 1 | 2.0 ± 2.0 | {mean:.1f} ± " in block
    assert "\n| grid: held-out log p(x) | 2.500 | -2.000 ± 1.963 | none |" in block


def test_the_interval_of_ten_values() -> None:
    """T by integrating the density of Student's t, and the half-width by the textbook."""
    for n, end in cells.T.items():
        t, nu = np.linspace(-end, end, 100_001), n - 1
        scale = math.gamma(n / 2) / (math.sqrt(nu * math.pi) * math.gamma(nu / 2))
        density = scale * (1 + t**2 / nu) ** (-n / 2)
        assert np.trapezoid(density, t) == pytest.approx(0.95, abs=1e-7)
    mean, half = cells.t_interval(range(10))
    assert mean == 4.5
    assert half == pytest.approx(2.262157 * math.sqrt(55 / 6) / math.sqrt(10))


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.4, "0 s"), (119, "119 s"), (120, "2.0 min"), (7199, "120.0 min"), (9000, "2.5 h")],
)
def test_durations(seconds: float, words: str) -> None:
    assert cells.duration(seconds) == words


def test_the_likelihood_of_probabilistic_pca(rng: np.random.Generator) -> None:
    """It is that of the Gaussian, on rows which the model was not fitted to."""
    axes, _ = np.linalg.qr(rng.standard_normal((6, 6)))
    rows = rng.standard_normal((50, 6))
    train = np.array([3.0, 2.0, 0.8, 0.4, 0.2, 0.1])
    c = np.array([3.0, 2.0, 0.375, 0.375, 0.375, 0.375])
    covariance = (axes * c) @ axes.T
    distance = (rows * np.linalg.solve(covariance, rows.T).T).sum(axis=1).mean()
    expected = -(6 * math.log(2 * math.pi) + np.linalg.slogdet(covariance)[1] + distance) / 2
    found = ppca_log_likelihood(train, ((rows @ axes) ** 2).mean(axis=0), 2)
    assert found == pytest.approx(expected, rel=1e-12)


def test_the_closed_forms_have_the_names_that_the_page_asks_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    variances = np.linspace(60, 1, 60)
    monkeypatch.setattr("tests.tables.linear.principal_variances", lambda *_: (variances,) * 2)
    values = closed_form()
    assert set(values) == {f"{name}, {n}" for name in page.LINEAR for n in COMPONENTS}
    assert values["PCA error, train, 50"] == 55


# The runner


class Commands:
    """Stands for the commands: each training does so many more epochs and takes 4 seconds."""

    def __init__(self, parent: Path) -> None:
        self.folder = parent / RUN.slug
        self.seen: list[str] = []
        self.epochs = 2
        self.status = 0

    def __call__(self, command: str, capture: bool) -> Outcome:
        seconds: Seconds = {"wall": 4.0, "cpu": 7.0}
        self.seen.append(command.split()[2].removeprefix("minigen."))
        if capture:
            return Outcome(OUTPUT, seconds)
        if "--resume" in command:
            self.seen[-1] += " --resume"
        self.folder.mkdir(exist_ok=True)
        (self.folder / "config.json").write_text(json.dumps({"options": runner.options(RUN)}))
        (self.folder / "checkpoint.npz").touch()
        (self.folder / "figures").mkdir(exist_ok=True)
        lines = [
            json.dumps({"epoch": epoch, "split": split}) + "\n"
            for epoch in range(1, self.epochs + 1)
            for split in ("train", "test")
        ]
        (self.folder / "metrics.jsonl").write_text("".join(lines))
        if self.status == 0:
            (self.folder / "figures" / "curves.png").touch()
        return Outcome("", seconds, self.status)

    def result(self, again: bool = False) -> dict[str, Any]:
        self.seen.clear()
        return runner.result(RUN, FINDINGS, self.folder.parent, again, self)


def test_a_run_is_trained_and_judged_once(tmp_path: Path) -> None:
    fake = Commands(tmp_path)
    first = fake.result()
    assert fake.seen == ["train", "evaluate"]
    assert first == {
        "label": "VAE",
        "commands": [
            "python -m minigen.train vae --seed 0 --epochs 2 --out runs/tables/vae-0",
            "python -m minigen.evaluate runs/tables/vae-0",
        ],
        "written out": "vae --seed 0 --epochs 2",
        "seconds": [{"wall": 4.0, "cpu": 7.0}] * 2,
        "values": {"test loss": 1.5},
        "standard errors": {"test loss": 0.5},
        "beside it": {"test loss": "floor: 1"},
    }
    assert fake.result() == first
    assert fake.seen == []
    assert fake.result(again=True) == first
    assert fake.seen == ["evaluate"]


def test_a_run_that_was_stopped_goes_on_and_its_times_add_up(tmp_path: Path) -> None:
    fake = Commands(tmp_path)
    fake.status, fake.epochs = 130, 1
    with pytest.raises(subprocess.CalledProcessError, match="130"):
        fake.result()
    assert fake.seen == ["train"]
    fake.status, fake.epochs = 0, 2
    assert fake.result()["seconds"][0] == {"wall": 8.0, "cpu": 14.0}
    assert fake.seen == ["train --resume", "evaluate"]


def test_a_run_whose_figures_are_missing_is_not_finished(tmp_path: Path) -> None:
    fake = Commands(tmp_path)
    fake.result()
    (tmp_path / "vae-0" / "figures" / "curves.png").unlink()
    fake.result()
    assert fake.seen == ["train --resume", "evaluate"]


def test_a_run_with_other_options_is_refused(tmp_path: Path) -> None:
    fake = Commands(tmp_path)
    fake.result()
    config = tmp_path / "vae-0" / "config.json"
    stored = json.loads(config.read_text())
    stored["options"]["lr"] = 0.5
    config.write_text(json.dumps(stored))
    with pytest.raises(ValueError, match=r"trained with lr 0\.5, and .*--seed 0.* means 0\.001"):
        fake.result()


def test_a_run_whose_time_nobody_took_is_refused(tmp_path: Path) -> None:
    fake = Commands(tmp_path)
    fake.result()
    (tmp_path / "vae-0.seconds.json").unlink()
    with pytest.raises(ValueError, match=r"vae-0\.seconds\.json is missing"):
        fake.result()


def test_a_command_is_timed_and_its_output_read() -> None:
    code = "import time; list(iter(lambda: time.process_time() > 0.2, True)); exit(3)"
    printed, seconds, status = runner.execute(f'python -c "print(1); {code}"', True)
    assert (printed, status) == ("1\n", 3)
    assert 0.2 <= seconds["cpu"] <= seconds["wall"] + 0.1


def test_an_interrupt_stops_the_commands_that_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended = []

    def result(run: Run, **_: Any) -> dict[str, Any]:
        if run is TABLES["iwae"].runs[0]:
            while not runner.running:
                time.sleep(0.01)
            raise KeyboardInterrupt
        ended.append(runner.execute("python -c 'import time; time.sleep(99)'", True).status)
        return {}

    monkeypatch.setattr(runner, "result", result)
    with pytest.raises(KeyboardInterrupt):
        runner.make("iwae", tmp_path, jobs=2)
    assert set(ended) == {-15}


# The command


def test_the_command_writes_the_file_and_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "results").mkdir()
    (tmp_path / "results.md").write_text("a\n<!-- vae -->\n<!-- end of vae -->\nb\n")
    monkeypatch.setattr(page, "FOLDER", tmp_path)
    monkeypatch.setattr(page, "PAGE", tmp_path / "results.md")
    monkeypatch.setattr(runner, "execute", None)
    document = {"machine": runner.machine(), "runs": [entry("V", 0, **{"test loss": 105.5})]}
    monkeypatch.setattr(runner, "make", lambda *_: document)
    monkeypatch.setattr("signal.signal", lambda *_: None)
    assert command.main(["vae", "--runs", str(tmp_path / "runs")]) == 0
    assert json.loads((tmp_path / "results" / "vae.json").read_text()) == document
    written = (tmp_path / "results.md").read_text()
    assert written.startswith("a\n<!-- vae -->\n\n| 784-400-20,")
    assert written.endswith(".json).\n\n<!-- end of vae -->\nb\n")
    assert "| minigen, median of 1 seeds | 105.50 |" in written


def test_the_command_prints_the_commands(capsys: pytest.CaptureFixture[str]) -> None:
    assert command.main(["linear", "--print"]) == 0
    assert capsys.readouterr().out.splitlines() == commands("linear")[1]
