"""The page of a run: what is in it, what cannot get into it, and the command that makes it."""

import base64
import html.parser
import json
import re
import shlex
import zlib
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

import minigen as mg
from minigen import data
from minigen.explore import main
from minigen.metrics import Finding
from minigen.train import main as train
from minigen.training import GANTrainer, Options, prepare
from minigen.training.presets import VAE_PRESETS
from minigen.workshop.explore.content import content, halved
from minigen.workshop.explore.packing import packed
from minigen.workshop.explore.page import MODULES, WEB, page, script
from tests.helpers import points, squares, trained

ALL: list[Options] = [mg.AutoencoderOptions(), mg.VAEOptions(), mg.GANOptions()]
LARGE = [type(options)(latent_dim=max(50, options.latent_dim)) for options in ALL]
LARGE += [mg.VAEOptions(**VAE_PRESETS["iwae-900"])]
HOSTILE = "</script><script>alert(1)</script><!--<img src=x onerror=alert(2)>{{SCRIPT}}&amp;'\""


def unpacked(page: str) -> dict[str, Any]:
    """The content of a page, with its arrays."""
    (text,) = re.findall(r'id="content">([\w+/=]+)</script>', page)
    whole = zlib.decompress(base64.b64decode(text))
    start = 4 + int.from_bytes(whole[:4], "little")

    def array(found: dict[str, Any]) -> Any:
        if "array" not in found:
            return found
        dtype, size = np.dtype(found["array"]), found["size"]
        planes = np.frombuffer(whole, np.uint8, size * dtype.itemsize, start + found["at"])
        return planes.reshape(dtype.itemsize, size).T.copy().view(dtype).ravel()

    content: dict[str, Any] = json.loads(whole[4:start], object_hook=array)
    return content


def small(options: type[Options], rows: np.ndarray, **more: Any) -> mg.Run:
    dataset = mg.Dataset.of(rows, **more)
    made = options(hidden=(6,), latent_dim=3, epochs=2, batch_size=20)
    return mg.fit(made, dataset, progress=False)


class Tags(html.parser.HTMLParser):
    """The tags that a browser would see, with their attributes."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


@pytest.mark.parametrize("options", LARGE, ids=lambda options: f"{options.model} {options.hidden}")
def test_a_page_of_default_options_stays_below_two_megabytes(options: Options) -> None:
    run = prepare(options, data.load("mnist"))
    assert len(page(content(run)).encode()) <= 2_000_000


@pytest.mark.parametrize("name", ["encoder", "decoder"])
def test_the_networks_are_those_of_the_model(name: str, rng: np.random.Generator) -> None:
    run = small(mg.VAEOptions, rng.random((60, 64)))
    layers = content(run)["networks"][name]
    network = getattr(run.model, name)
    assert [layer["kind"] for layer in layers] == ["Linear", "ReLU", "Linear"]
    for i in (0, 2):
        for key in ("weight", "bias"):
            exact = network.params[f"{i}.{key}"]
            np.testing.assert_allclose(layers[i][key], exact, rtol=1e-3, atol=1e-6)


def test_a_generator_is_the_one_that_samples_come_from(rng: np.random.Generator) -> None:
    run = small(mg.GANOptions, rng.random((60, 64)))
    (first, *_) = content(run)["networks"]["decoder"]
    assert isinstance(run.trainer, GANTrainer)
    mean, last = run.trainer.average.mean["0.weight"], run.model.generator.params["0.weight"]
    assert np.abs(first["weight"] - mean).max() < 1e-3 < np.abs(mean - last).max()


@pytest.mark.parametrize("options", ALL, ids=lambda options: options.model)
def test_dimensions_are_ordered_by_what_they_do(options: Options, rng: np.random.Generator) -> None:
    """The activity of a dimension, and the variance of a principal direction, are of one matrix."""
    found = content(small(type(options), rng.random((90, 64))))
    directions = found["directions"].astype(np.float64)
    np.testing.assert_allclose(directions @ directions.T, np.eye(3), atol=2e-3)
    assert found["variances"] == sorted(found["variances"], reverse=True)
    np.testing.assert_allclose(sum(found["variances"]), sum(found["activity"]), rtol=1e-6)


def test_codes_stand_beside_their_rows_and_labels(rng: np.random.Generator) -> None:
    rows, labels = rng.integers(0, 256, (50, 64), dtype=np.uint8), np.arange(50)
    run = small(mg.VAEOptions, rows, labels=labels)
    found = content(run)
    test, places = run.dataset.test, found["places"]
    np.testing.assert_array_equal(found["rows"], test[places])
    np.testing.assert_allclose(found["codes"], run.encode(test[places]), atol=2e-3)
    assert run.dataset.test_labels is not None
    assert found["labels"] == found["codeLabels"] == run.dataset.test_labels[places].tolist()


def test_large_arrays_are_halved_where_float16_holds_them() -> None:
    for largest, count, dtype in (
        (1.0, 9999, "float16"),
        (1e5, 9999, "float32"),
        (1.0, 2, "float32"),
    ):
        values = np.full(count, -largest, np.float32)
        array = halved(values)
        assert array.dtype == dtype
        np.testing.assert_array_equal(array, values)
    values = 1000 + np.random.default_rng(0).normal(0, 0.1, 9999).astype(np.float32)
    assert halved(values) is values, "float16 would know 999.5, 1000 and 1000.5 alone"
    assert halved(values - 1000).dtype == np.float16


@pytest.mark.parametrize("options", ALL, ids=lambda options: options.model)
def test_arrays_of_a_device_come_along(options: Options, strict: ModuleType) -> None:
    rows = np.random.default_rng(0).random((60, 64), dtype=np.float32)
    made = type(options)(hidden=(6,), latent_dim=3)
    here, there = (content(prepare(made, mg.Dataset.of(rows), xp)) for xp in (np, strict))
    assert packed(here["networks"]) == packed(there["networks"])
    np.testing.assert_allclose(here["codes"], there["codes"], atol=1e-6)


def test_many_dimensions_have_fewer_codes() -> None:
    run = prepare(
        mg.VAEOptions(hidden=(4,), latent_dim=400),
        mg.Dataset.of(np.ones((300, 4)), np.ones((300, 4))),
    )
    assert content(run)["codes"].shape == (250, 400)


def test_a_content_comes_out_as_it_went_in(rng: np.random.Generator) -> None:
    arrays = [rng.random((3, 5)), rng.integers(0, 256, 7), rng.random(0), rng.random((4, 1)).T]
    kinds = ["float16", "uint8", "float32", "float32"]
    values = [array.astype(kind) for array, kind in zip(arrays, kinds, strict=True)]
    found = unpacked(
        f'id="content">{packed({"all": values, "name": HOSTILE, "none": None})}</script>'
    )
    assert (found["name"], found["none"]) == (HOSTILE, None)
    for one, expected in zip(found["all"], values, strict=True):
        assert one.dtype == expected.dtype
        np.testing.assert_array_equal(one, expected.ravel())


def test_a_page_is_a_function_of_its_run(rng: np.random.Generator) -> None:
    rows = rng.random((60, 64))
    assert page(content(small(mg.GANOptions, rows))) == page(content(small(mg.GANOptions, rows)))


def test_names_from_files_stay_text(rng: np.random.Generator) -> None:
    """The same tags as of a harmless name, and a policy that runs one script and no other."""
    finding = Finding(HOSTILE, 1.0, HOSTILE, HOSTILE, HOSTILE)
    run = small(mg.VAEOptions, rng.random((60, 64)), name=HOSTILE)
    harmless = page(content(small(mg.VAEOptions, rng.random((60, 64)), name="rows")))
    hostile = page(content(run, [finding]))
    assert Tags(hostile).seen == Tags(harmless).seen
    assert [tag for tag, _ in Tags(hostile).seen if tag in ("script", "img")] == ["script"] * 2
    assert unpacked(hostile)["data"] == HOSTILE
    assert hostile.count(script()) == 1
    policy = next(attrs["content"] for tag, attrs in Tags(hostile).seen if "http-equiv" in attrs)
    assert policy
    assert re.fullmatch(
        r"default-src 'none'; script-src 'sha256-[\w+/=]+'; style-src 'sha256-[\w+/=]+'", policy
    )


def test_a_name_that_is_no_text(rng: np.random.Generator, tmp_path: Path) -> None:
    """As a file's may be whose bytes are not of the system's encoding."""
    run = small(mg.VAEOptions, rng.random((60, 64)), name="rows-\udcfc")
    made = mg.explore(run, tmp_path / "page.html").read_text("utf-8")
    assert r"rows-\udcfc</title>" in made


def test_nothing_is_fetched(rng: np.random.Generator) -> None:
    text = page(content(small(mg.VAEOptions, rng.random((60, 64)))))
    assert set(re.findall(r"https?://[^\"'\s]*", text)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(fetch|XMLHttpRequest|WebSocket|innerHTML|eval)\b|\bimport\(", text)


def test_modules_can_stand_in_one_script() -> None:
    """Each uses what it imports, from those before it, and no name at the top is there twice."""
    codes = {module: (WEB / f"{module}.js").read_text() for module in MODULES}
    assert {path.stem for path in WEB.glob("*.js")} == set(MODULES)
    names: list[str] = []
    for place, (module, code) in enumerate(codes.items()):
        for imported, source in re.findall(r'^import \{([^}]*)\} from "\./(\w+)\.js";', code, re.M):
            assert source in MODULES[:place], f"{module} imports {source}"
            for name in re.findall(r"\w+", imported):
                assert re.search(
                    rf"^export (async )?(function|class|const) {name}\b", codes[source], re.M
                )
                assert len(re.findall(rf"\b{name}\b", code)) > 1, f"{module}: {name} is not used"
        tops = re.findall(
            r"^(?:export )?(?:async )?(?:function|class|const) ([\[\w, ]+)", code, re.M
        )
        names += re.findall(r"\w+", " ".join(tops))
    assert sorted(set(names)) == sorted(names)
    assert not re.search(r"^(import|export)\b", script(), re.M)


@pytest.mark.parametrize("system", ["ae", "vae", "gan"])
def test_the_command_leaves_a_page_in_the_folder(
    system: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained(system, squares(tmp_path / "x.npy"), tmp_path / "run")
    assert main([str(run)]) == 0
    assert re.search(r"explore\.html: 0\.\d MB; open it", capsys.readouterr().out)
    assert f"<title>{system.upper()} on " in (run / "explore.html").read_text()
    again = ["--data", str(tmp_path / "x.npy"), "--out", str(run), "--epochs", "1", "--overwrite"]
    assert train([system, *again, "--no-figures"]) == 0
    assert not (run / "explore.html").exists()  # it was of the run that is gone


def test_findings_come_along_if_they_are_asked_for(tmp_path: Path) -> None:
    run = trained("ae", points(tmp_path / "x.npy"), tmp_path / "run")
    assert main([str(run), "--judge", "--out", str(tmp_path / "page.html")]) == 0
    text = (tmp_path / "page.html").read_text()
    assert "a small error does not mean" in f"{unpacked(text)['findings']}"
    assert not (run / "explore.html").exists()


def test_the_name_stays_a_function(rng: np.random.Generator, tmp_path: Path) -> None:
    """The command is a module of the same name."""
    run = small(mg.VAEOptions, rng.random((60, 64)))
    assert mg.explore(run, tmp_path / "page.html") == tmp_path / "page.html"


def test_what_goes_wrong_is_said(
    rng: np.random.Generator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = small(mg.VAEOptions, rng.random((60, 64)))
    with pytest.raises(mg.MinigenError, match="expected a Run, got VAE; make one by fit or load"):
        mg.explore(run.model)
    with pytest.raises(mg.MinigenError, match="make the folder that is missing"):
        mg.explore(run, tmp_path / "nowhere" / "page.html")
    assert main([str(tmp_path / "nothing")]) == 1
    assert "is no run folder" in capsys.readouterr().err


def test_a_run_on_arrays_says_how_it_gets_a_page(
    rng: np.random.Generator, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows, folder = rng.random((60, 64)), tmp_path / "r un"
    mg.save(small(mg.VAEOptions, rows), folder)
    assert main([str(folder)]) == 1
    command = f"python -m minigen.train vae --resume '{folder}' --data PLACE"
    assert capsys.readouterr().err == (
        f"minigen: error: {folder} was trained on arrays, 'rows', that no file holds; np.save "
        f"them, and say where they are: {command}; in Python, load(path, data=load_data(PLACE))\n"
    )
    np.save(tmp_path / "x.npy", rows)
    command = command.replace("PLACE", str(tmp_path / "x.npy"))
    assert train([*shlex.split(command)[3:], "--no-figures"]) == 0
    assert main([str(folder)]) == 0


@pytest.mark.parametrize("name", ["", ".", "checkpoint.npz", "page", ".html"])
def test_a_page_is_an_html_file_and_replaces_no_other(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = trained("ae", points(tmp_path / "x.npy", 20), tmp_path / "run")
    before = (run / "checkpoint.npz").read_bytes()
    monkeypatch.chdir(run)
    with pytest.raises(SystemExit) as stop:
        main([".", "--out", name])
    assert stop.value.code == 2
    assert f"argument --out: must end in .html, got '{name}'" in capsys.readouterr().err
    with pytest.raises(mg.MinigenError, match=r"a page must end in \.html, got "):
        mg.explore(mg.load("."), name)
    assert (run / "checkpoint.npz").read_bytes() == before


def test_an_untrained_model_and_a_single_test_row_have_a_page() -> None:
    run = prepare(mg.VAEOptions(hidden=(4,), latent_dim=1), mg.Dataset.of(np.eye(3)))
    found = content(run)
    assert found["facts"][-1] == "untrained, before epoch 1"
    assert found["activity"] == found["variances"] == [0.0]
    assert found["codes"].ndim == 2
