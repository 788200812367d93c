"""What a user's type checker sees of the installed package."""

from pathlib import Path

import pytest

TEN_LINES = """
import numpy as np
import minigen as mg

rows = np.random.default_rng(0).random((100, 16), dtype=np.float32)
data = mg.Dataset.of(rows, seed=0)
run = mg.fit(mg.VAEOptions(hidden=(8,), latent_dim=2, epochs=1), data)
loss: float = run.history[-1].test["loss"]
samples: np.ndarray = run.sample(4)
findings: list[mg.Finding] = mg.judge(run)
mg.save(run, "runs/mine")
vae = mg.VAE.mlp(16, [8], 2, np.random.default_rng(0))
terms, backward = vae.loss(rows, samples)
"""


@pytest.mark.slow
def test_ten_lines_of_a_user_are_strictly_typed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    api = pytest.importorskip("mypy.api", reason="needs python -m pip install -e '.[lint]'")
    monkeypatch.chdir(tmp_path)  # where minigen is only what is installed
    Path("user.py").write_text(TEN_LINES + "reveal_type(run)\n")
    printed, errors, _ = api.run(["--strict", "user.py"])
    assert 'Revealed type is "minigen.training.fitting.Run"' in printed  # and not Any
    assert "error" not in printed + errors
