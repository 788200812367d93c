"""Judges a trained model: numbers with their unit, a yardstick beside each, and their caveat."""

from dataclasses import dataclass

import numpy as np

from minigen.backend import Array, computing, generator
from minigen.checks import check_whole
from minigen.data import Dataset, Mixture, scaled, subsample
from minigen.errors import MinigenError
from minigen.metrics import bounds, samples
from minigen.metrics.bounds import Progress, silent
from minigen.models.likelihoods import Gaussian
from minigen.training import (
    AutoencoderTrainer,
    GANTrainer,
    Run,
    Stream,
    VAETrainer,
    check_run,
    evaluate,
)
from minigen.training.vae import binarized

NATS = "nats per example"
N_PARZEN = 10_000  # samples, by Goodfellow's protocol
N_VALIDATION = 1_000
N_MODES = 2_500
N_NEIGHBOURS = 1_000


@dataclass(frozen=True)
class Finding:
    """One number of a judgement. `print` it.

    Args:
        name: what was measured.
        value: the number.
        unit: its unit.
        limit: its floor or ceiling, or the value that something known has.
        caveat: what it does not mean.
        standard_error: of the value, where it was estimated.
    """

    name: str
    value: float
    unit: str
    limit: str
    caveat: str
    standard_error: float | None = None

    def __str__(self) -> str:
        value = f"{self.value:.4f}" if isinstance(self.value, float) else f"{self.value}"
        if self.standard_error is not None:
            value += f" +- {self.standard_error:.4f}"
        return (
            f"{self.name}: {value} {self.unit}\n"
            f"    beside it: {self.limit}\n"
            f"    mind: {self.caveat}"
        )


def judge(
    run: Run, *, draws: int = 1000, rows: int = 500, progress: Progress = silent
) -> list[Finding]:
    """Judge a trained model on its data.

        print(*judge(run), sep="\\n\\n")

    Args:
        run: the model and its data.
        draws: of z for each row, in a VAE's importance-weighted bound.
        rows: test rows for that bound, drawn from all.
        progress: called with the part of the work that is done.

    Raises:
        MinigenError: `run` is no run, a GAN's data are too few, or a number is no whole one.
    """
    check_run(run)
    check_whole("draws", draws)
    check_whole("rows", rows)
    trainer, dataset = run.trainer, run.dataset
    with computing(run.options.threads):
        if isinstance(trainer, VAETrainer):
            found = _judge_vae(trainer, dataset, draws, rows, progress)
            if dataset.mixture is not None:
                found += _modes(run.sample(N_MODES, run.options.seed), dataset.mixture)
            return found
        if isinstance(trainer, GANTrainer):
            return _judge_gan(trainer, dataset, progress)
        assert isinstance(trainer, AutoencoderTrainer)
        return _judge_autoencoder(trainer, dataset)


def _judge_autoencoder(trainer: AutoencoderTrainer, dataset: Dataset) -> list[Finding]:
    rows = {"train": trainer.xp.asarray(dataset.train), "test": trainer.xp.asarray(dataset.test)}
    seed, n = trainer.options.seed, trainer.options.latent_dim
    losses = {split: evaluate(trainer, rows[split], seed)["loss"] for split in rows}
    if trainer.on_logits:
        return [
            Finding(
                f"{split} cross-entropy",
                loss,
                NATS,
                f"the values' own entropy: {bounds.pixel_entropy(rows[split]):.2f}",
                "no likelihood: the code is not random",
            )
            for split, loss in losses.items()
        ]
    floors = bounds.pca_error(rows["train"], rows["test"], n)
    return [
        Finding(
            f"{split} squared error",
            loss,
            "per example, summed over columns",
            f"PCA with {n} components: {floor:.4f}",
            "a small error does not mean that the code can be sampled",
        )
        for (split, loss), floor in zip(losses.items(), floors, strict=True)
    ]


def _judge_vae(
    trainer: VAETrainer, dataset: Dataset, draws: int, n_rows: int, progress: Progress
) -> list[Finding]:
    options, model, xp = trainer.options, trainer.model, trainer.xp
    test = xp.asarray(dataset.test)
    means = evaluate(trainer, test, options.seed)
    grey_pixels = not (options.binarize or trainer.is_gaussian)
    entropy = bounds.pixel_entropy(test) if grey_pixels else 0.0  # 0 also of binary rows
    grey = "; grey pixels have no likelihood under a Bernoulli" if entropy else ""
    if trainer.is_gaussian:
        grey = "; a density, below 0 where it is above 1: it depends on the units of the values"
    rng = generator(xp, options.seed, Stream.EVALUATION)

    def inputs(rows: Array) -> Array:
        return binarized(scaled(rows), rng) if options.binarize else scaled(rows)

    chosen = subsample(dataset.test, n_rows, generator(np, options.seed, Stream.ROWS))
    few = inputs(xp.asarray(chosen))
    ks = [k for k in (1, 10, 100, 1000, 5000) if k < draws] + [draws]
    found = bounds.importance_bound(model, few, ks, rng, progress)
    ceiling = "the next larger k, and log p(x) above them all"
    if dataset.mixture is not None:
        exact = dataset.mixture.log_density(chosen).mean()
        ceiling = f"log p(x) of the mixture itself: {exact:.4f}"
    mu, _ = model.encode(inputs(test))
    alone = "; active units are left out, since a single test row has no variance"
    return [
        Finding(
            "test loss",
            means["loss"],
            NATS,
            "the last test loss of its history: the same, if one process of this backend trained",
            f"{trainer.loss_formula}, at one draw of the noise{grey}",
        ),
        Finding(
            "negative ELBO",
            means["reconstruction"] + means["kl"],
            NATS,
            "at least -log p(x)",
            "it may be q that is poor, and not p",
        ),
        Finding(
            "reconstruction",
            means["reconstruction"],
            NATS,
            f"learnt: s = {model.likelihood.sigma:.4g}"
            if isinstance(model.likelihood, Gaussian)
            else f"the pixels' own entropy: {entropy:.2f}",
            "no bound on log p(x): it lacks the price of the code",
        ),
        Finding(
            "KL",
            means["kl"],
            NATS,
            "no code at all: 0",
            f"low where z is not used{alone if len(mu) == 1 else ''}",
        ),
        *(
            Finding(
                f"L_{k}, {len(few):,} test rows",
                float(bound.mean()),
                f"{NATS} of log likelihood",
                ceiling,
                f"a lower bound{grey}",
                float(bound.std(ddof=1)) / len(few) ** 0.5 if len(few) > 1 else None,
            )
            for k, bound in found.items()
        ),
        *_active(mu),
    ]


def _active(mu: Array) -> list[Finding]:
    """The number of active units, if there are rows to compare."""
    if len(mu) == 1:
        return []
    n_latent = mu.shape[1]
    return [
        Finding(
            "active units",
            bounds.active_units(mu),
            f"of {n_latent} latent dimensions",
            f"at most {n_latent}",
            "more is not better; the means of the others hardly depend on x",
        )
    ]


def _judge_gan(trainer: GANTrainer, dataset: Dataset, progress: Progress) -> list[Finding]:
    xp, seed = trainer.xp, trainer.options.seed
    rng = generator(np, seed, Stream.EVALUATION)
    if dataset.mixture is not None:
        return _modes(trainer.decode(trainer.draw_codes(N_MODES, rng)), dataset.mixture)
    n_validation = min(N_VALIDATION, len(dataset.train) // 2)
    if not n_validation:
        raise MinigenError(
            f"{dataset.name} has {len(dataset.train)} row to learn from, and a Parzen score "
            "takes two, one of them to choose sigma by; train on more rows"
        )
    order = rng.permutation(len(dataset.train))[: n_validation + N_PARZEN]
    chosen = dataset.train[order]
    drawn = xp.asarray(trainer.decode(trainer.draw_codes(N_PARZEN, rng)))
    validation, others = xp.asarray(chosen[:n_validation]), xp.asarray(chosen[n_validation:])
    train, test = xp.asarray(dataset.train), xp.asarray(dataset.test)
    few = subsample(dataset.test, N_NEIGHBOURS, generator(np, seed, Stream.ROWS))
    low, high = dataset.value_range
    sigmas = samples.SIGMAS * ((high - low) or 1)

    def parzen(rows: Array, start: float, end: float) -> samples.ParzenScore:
        return samples.parzen_score(rows, validation, test, _part(progress, start, end), sigmas)

    def distance(rows: Array, start: float, end: float) -> float:
        part = _part(progress, start, end)
        return float(np.median(samples.nearest_neighbour_distances(rows, train, part)[0]))

    score, data = parzen(drawn[: len(others)], 0, 1 / 3), parzen(others, 1 / 3, 2 / 3)
    near = distance(drawn[:N_NEIGHBOURS], 2 / 3, 5 / 6)
    of_test = distance(xp.asarray(few), 5 / 6, 1)
    at_edge = score.sigma in (sigmas[0], sigmas[-1])
    edge = "sigma is at the edge of its grid, and another may fit better; " if at_edge else ""
    spread = "" if data.standard_error is None else f" +- {data.standard_error:.1f}"
    return [
        Finding(
            "Parzen log likelihood",
            score.mean,
            f"{NATS}, sigma {score.sigma:.3f}",
            f"training rows themselves: {data.mean:.1f}{spread}",
            f"{edge}the likelihood of blurred samples, not of the model; above the training rows' "
            "score it has stopped measuring closeness to the data",
            score.standard_error,
        ),
        Finding(
            "distance to the nearest training row",
            near,
            "median, Euclidean, in units of a column",
            f"test rows: {of_test:.2f}; a copy: 0",
            "a large distance is no proof of novelty, nor a small one of memorizing",
        ),
    ]


def _modes(drawn: np.ndarray, mixture: Mixture) -> list[Finding]:
    """The modes of a mixture among samples of a model."""
    report = samples.mode_report(drawn, mixture)
    return [
        Finding(
            "modes covered",
            report.modes,
            f"of {report.n_modes}, by {len(drawn):,} samples",
            f"the mixture itself: {report.n_modes}",
            "one good sample covers a mode",
        ),
        Finding(
            "high quality",
            100 * report.high_quality,
            "% of samples within 3 std of a mode",
            f"the mixture itself: {100 * report.true_high_quality:.2f}",
            "more than that means too narrow",
        ),
        Finding(
            "reverse KL",
            report.reverse_kl,
            "nats, over the modes",
            f"the mixture itself: {report.true_reverse_kl:.4f}",
            "it does not see how samples lie within a mode",
        ),
    ]


def _part(progress: Progress, start: float, end: float) -> Progress:
    """The progress of the work between these two parts of the whole."""
    return lambda done: progress(start * (1 - done) + end * done)
