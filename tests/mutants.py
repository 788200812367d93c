"""The tests are tested: one changed line at a time in a copy of minigen, and which test notices.

    python -m tests.mutants                   all of them; some minutes
    python -m tests.mutants kl-half-lost      by name
    python -m tests.mutants minigen/train.py  those of a file
    python -m tests.mutants --jobs 2          two at a time
    python -m tests.mutants --standin NAME    by arrays of the stand-in for CuPy

A mutant runs against the tests that are listed with it, then, if they pass, against the whole fast
suite; with --standin, against those of its tests and of test_backends.py, slow ones too, that
compute on the stand-in. Exit status 1 if one survives. That the list still fits the code is a daily
test.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).parent.parent


class Mutant(NamedTuple):
    """One wrong line: old, which occurs once in the file, becomes new."""

    name: str
    file: str
    old: str
    new: str
    tests: tuple[str, ...]  # what to try first: files, or tests in them, as pytest takes them

    def applied(self, source: str) -> str:
        return source.replace(self.old, self.new)


def _in(file: str, tests: Sequence[str], *changes: tuple[str, str, str]) -> list[Mutant]:
    """Mutants of one file, each (name, old, new)."""
    return [Mutant(name, file, old, new, tuple(tests)) for name, old, new in changes]


REPORTS = ["tests/commands/test_reports.py"]

MUTANTS = [
    *_in(
        "minigen/nn/layers.py",
        ["tests/nn/test_layers.py"],
        ("linear-bias-lost", "y += bias", "y += 0 * bias"),
        ("linear-dweight-transposed", "x.T @ dy", "(dy.T @ x).reshape(weight.shape)"),
        ("linear-dbias-mean", "dy.sum(axis=0)", "dy.mean(axis=0)"),
        ("linear-dx-not-transposed", "dy @ weight.T", "dy @ weight.reshape(weight.T.shape)"),
        ("glorot-spread", "math.sqrt(6 / sum(array.shape))", "math.sqrt(3 / sum(array.shape))"),
        ("linear-initial-spread", "limit = 1 / math.sqrt(n_in)", "limit = 1 / n_in"),
        ("relu-mask-lost", "dy * (y.real > 0)", "dy"),
        ("leaky-relu-slope-lost", "maximum(x, self.slope * x)", "maximum(x, 0 * x)"),
        ("leaky-relu-slope-sign", "slopes *= 1 - self.slope", "slopes *= 1 + self.slope"),
        ("sigmoid-mirrored", "(x > 0).astype", "(x < 0).astype"),
        ("sigmoid-gradient-sign", "dy * y * (1 - y)", "dy * y * (1 + y)"),
        ("tanh-square-lost", "dy * (1 - y * y)", "dy * (1 - y)"),
        (
            "sequential-backward-in-order",
            "reversed(range(last, len(backwards)))",
            "range(last, len(backwards))",
        ),
        ("sequential-runs-to-the-data", "0 if inputs else first_trained", "0"),
        ("sequential-stops-too-early", "inputs=inputs or i > last", "inputs=inputs"),
    ),
    *_in(
        "minigen/nn/losses.py",
        ["tests/nn/test_losses.py"],
        ("mse-gradient-two-lost", "(2 * upstream(dloss, loss))", "upstream(dloss, loss)"),
        ("mse-mean-over-columns", "(error * error).sum(axis=1)", "(error * error).mean(axis=1)"),
        ("mse-gradient-sign", "error = prediction - target", "error = target - prediction"),
        ("bce-label-swapped", "p, t = probability, target", "p, t = probability, 1 - target"),
        ("bce-gradient-sign", "* (p - t) / (p * (1 - p))", "* (t - p) / (p * (1 - p))"),
        (
            "logits-label-swapped",
            "e = xp.exp(xp.minimum(logits",
            "target, e = 1 - target, xp.exp(xp.minimum(logits",
        ),
        ("logits-label-sign", "0) - logits * target", "0) + logits * target"),
        ("logits-log-term-lost", "* target + log1p_e", "* target"),
        ("logits-overflow", "xp.exp(xp.minimum(logits, -logits))", "xp.exp(-logits)"),
        ("logits-gradient-sign", " / (1 + e) - target", " / (1 + e) + target"),
        ("logits-gradient-one-sided", "e + (logits > 0) * (1 - e)", "e"),
        ("mean-is-a-sum", "full_like(loss, 1 / loss.shape[0])", "full_like(loss, 1.0)"),
        ("upstream-weights-ignored", "return dloss", "return dloss * 0 + 1 / len(loss)"),
        ("hinge-gradient-beyond-the-margin", "* (short.real > 0)", "* (short.real >= 0)"),
        ("hinge-margin-lost", "relu(1 - sign * logits)", "relu(-sign * logits)"),
        ("hinge-gradient-sign", "* -sign * (short", "* sign * (short"),
        ("critic-gradient-sign", "-upstream(dloss, loss)", "upstream(dloss, loss)"),
        ("critic-sign", "loss = -(sign * score)", "loss = (sign * score)"),
        ("length-of-a-column", "(vector * vector).sum(axis=1)", "(vector * vector).sum(axis=0)"),
        ("length-gradient-two-lost", "along = 2 * (norm", "along = (norm"),
        ("length-gradient-not-a-direction", " / (norm + (norm == 0))", ""),
        ("length-of-nothing", "norm + (norm == 0)", "norm"),
    ),
    *_in(
        "minigen/nn/slopes.py",
        ["tests/nn/test_slopes.py"],
        ("tanh-curvature-sign", "-2 * y * (1 - y * y)", "2 * y * (1 - y * y)"),
        ("tanh-curvature-two-lost", "-2 * y * (1 - y * y)", "-y * (1 - y * y)"),
        ("tanh-is-straight", "    Tanh: lambda y: -2 * y * (1 - y * y),", "    Tanh: None,"),
        ("sigmoid-curvature-half", "* (1 - 2 * y)", "* (1 - y)"),
        ("sigmoid-is-straight", "Sigmoid: lambda y: y * (1 - y) * (1 - 2 * y)", "Sigmoid: None"),
        ("curvature-of-the-input", "bend(xs[i + 1])", "bend(xs[i])"),
        ("bend-without-the-move", "bend(xs[i + 1]) * move * ds[i]", "bend(xs[i + 1]) * ds[i]"),
        ("bend-without-the-slope", "bend(xs[i + 1]) * move * ds[i]", "bend(xs[i + 1]) * move"),
        (
            "bend-after-the-move",
            "                move, _ = backwards[i](move)  # J",
            "                move, _ = layers[i](move)[0], 0  # J",
        ),
        ("activation-does-not-slow-the-move", "move, _ = backwards[i](move)", "move = move"),
        ("move-by-the-values", '"] = move.T @ ds[i]', '"] = xs[i].T @ ds[i]'),
        ("slope-of-the-wrong-side", "move.T @ ds[i]", "move.T @ (ds[i] * 0 + 1)"),
        (
            "bias-moves-the-move",
            'move = move @ layer.params["weight"]',
            "move, _ = layer(move)",
        ),
        ("fourth-pass-cut", "in reversed(range(top + 1)):  #", "in reversed(range(top)):  #"),
        ("fourth-pass-lost", "in reversed(range(top + 1)):  #", "in range(0):  #"),
        ("turns-not-added", "turn = turn + turns[i]", "turn = turn + 0 * turns[i]"),
        ("ticked-gradient-overwritten", "grads[name] += array", "grads[name] = array"),
        ("bias-kept", 'xp.zeros_like(layer.params["bias"])', "ds[i].sum(axis=0)"),
        ("slope-of-the-mean", "d = xp.ones_like(y)", "d = xp.ones_like(y) / len(y)"),
        (
            "parameters-that-nobody-asked-for",
            "if params:",
            "if True:",
        ),
    ),
    *_in(
        "minigen/nn/spectral.py",
        ["tests/nn/test_spectral.py"],
        ("spectral-gradient-lost", " - (dv * flat[name]).sum() * a[:, None] * b)", ")"),
        ("spectral-gradient-of-the-weight", "(dv * flat[name])", "(dv * params[name])"),
        ("spectral-not-divided", "* a[:, None] * b) / scales[name]", "* a[:, None] * b)"),
        ("spectral-vectors-swapped", "unit(w.T @ a)", "unit(w.T @ (w @ _first(w)))"),
        ("spectral-from-the-start-each-time", "if name in vectors else", "if False else"),
        ("spectral-from-a-row", "return weights.astype(w.dtype) @ w", "return w[0]"),
        ("spectral-without-a-root", "array_module(v).sqrt((v * v).sum())", "(v * v).sum()"),
    ),
    *_in(
        "minigen/models/gan.py",
        ["tests/models/test_slope_penalty.py"],
        ("penalty-of-another-slope", "length_error(gradient, slope)", "length_error(gradient, 0)"),
        (
            "penalty-without-its-weights",
            "gradient_backward(loss_backward(dloss), inputs",
            "gradient_backward(loss_backward(), inputs",
        ),
        (
            "between-mirrored",
            "weight * x + (1 - weight) * fake",
            "weight * fake + (1 - weight) * x",
        ),
        ("between-is-data", "weight * x + (1 - weight) * fake", "x + 0 * fake"),
        ("hinge-for-g", "Game(hinge, wasserstein,", "Game(hinge, hinge,"),
        ("critic-for-d-of-the-hinge", "Game(hinge, wasserstein,", "Game(wasserstein, wasserstein,"),
        ("minimax-of-gs-loss", "game.discriminator if saturating", "game.generator if saturating"),
    ),
    *_in(
        "minigen/training/gan.py",
        ["tests/training/test_games.py"],
        ("r1-not-halved", "self.options.r1 / 2, 0.0", "self.options.r1, 0.0"),
        ("penalty-is-a-sum", "share.weights(price, weight)", "self.xp.full_like(price, weight)"),
        (
            "penalty-without-its-gradient",
            "d_grads[name] += gradient",
            "d_grads[name] += 0 * gradient",
        ),
        ("wgan-gp-on-data", "x = gan.between(", "_ = gan.between("),
        (
            "wgan-gp-to-zero",
            "self.options.gradient_penalty, 1.0",
            "self.options.gradient_penalty, 0.0",
        ),
        ("vectors-do-not-follow", "self.stretch.update()", "pass"),
        ("vectors-not-kept", 'more = {"stretch": self.stretch}', "more: dict[str, Stateful] = {}"),
        (
            "spectral-without-its-gradient",
            "share.sum(spectral_backward(d_grads))",
            "share.sum(d_grads)",
        ),
        ("g-plays-the-logistic-game", "saturating, self.rules.game)", "saturating)"),
    ),
    *_in(
        "minigen/nn/gaussian.py",
        ["tests/nn/test_gaussian.py"],
        ("sigma-is-the-variance", "xp.exp(logvar / 2) * eps", "xp.exp(logvar) * eps"),
        ("reparameterize-half-lost", "dz * noise / 2", "dz * noise"),
        ("kl-half-lost", "kl = 0.5 * (mu", "kl = (mu"),
        ("kl-sign", "excess - logvar", "excess + logvar"),
        ("kl-gradient-half-lost", "weight * mu, 0.5 * weight", "weight * mu, weight"),
        ("log-normal-constant", "math.log(2 * math.pi)", "math.log(math.pi)"),
        ("log-normal-by-the-variance", "xp.exp(-logvar / 2)", "xp.exp(-logvar)"),
        ("log-normal-gradient-sign", "return -dmu, dmu", "return dmu, dmu"),
    ),
    *_in(
        "minigen/models/vae.py",
        ["tests/models/test_vae.py"],
        (
            "elbo-beta-on-the-wrong-term",
            "  loss = reconstruction + beta * kl",
            "  loss = beta * reconstruction + kl",
        ),
        ("elbo-beta-lost-in-the-gradient", "kl_backward(beta * dloss)", "kl_backward(dloss)"),
        ("elbo-kl-gradient-lost", "dmu_z + dmu_kl, dlogvar_z + dlogvar_kl", "dmu_z, dlogvar_z"),
        (
            "elbo-gradients-swapped",
            "array_module(x).concatenate([dmu, dlogvar], axis=1)",
            "array_module(x).concatenate([dlogvar, dmu], axis=1)",
        ),
        (
            "mu-and-logvar-swapped",
            "encoded[:, :n_latent], encoded[:, n_latent:]",
            "encoded[:, n_latent:], encoded[:, :n_latent]",
        ),
        (
            "decode-gives-logits",
            "return self.likelihood.mean(self.decoder(z)[0])",
            "return self.decoder(z)[0]",
        ),
        (
            "importance-weights-unnormalized",
            "xp.exp(log_w - log_sum[:, None])",
            "xp.exp(log_w - log_w_max)",
        ),
        ("importance-rows-mixed", "xp.repeat(x, k, axis=0)", "xp.tile(x, (k, 1))"),
        ("importance-log-k-lost", "loss = math.log(k) - log_sum", "loss = -log_sum"),
        ("importance-weights-sign", "dlog_w = -(upstream", "dlog_w = (upstream"),
        ("importance-posterior-sign", "logvar + eps * eps - z * z", "-logvar - eps * eps - z * z"),
        ("importance-prior-gradient-lost", "backward(dz - weight * z)", "backward(dz)"),
        ("importance-variance-gradient-lost", "dlogvar + 0.5 * weight, grads", "dlogvar, grads"),
    ),
    *_in(
        "minigen/models/likelihoods.py",
        ["tests/models/test_likelihoods.py"],
        ("gaussian-sign", "return -log_p, backward", "return log_p, backward"),
        ("gaussian-gradient-sign", "log_p_backward(-dloss)", "log_p_backward(dloss)"),
        ("gaussian-variance-averaged", "dlogvar.sum().reshape(1)", "dlogvar.mean().reshape(1)"),
        ("gaussian-draws-variance", 'params["logvar"] / 2)', 'params["logvar"])'),
        ("gaussian-draws-nothing", "outputs + sigma *", "outputs + 0 * sigma *"),
    ),
    *_in(
        "minigen/training/vae.py",
        ["tests/models/test_likelihoods.py"],
        ("gaussian-begins-at-the-spread", "FIRST_VARIANCE * variance.mean()", "variance.mean()"),
        ("samples-are-means", ".draw(outputs, rng)", ".mean(outputs)"),
    ),
    *_in(
        "minigen/models/autoencoder.py",
        ["tests/models/test_autoencoder.py"],
        ("autoencoder-target-is-the-input", "distance(output, target)", "distance(output, x)"),
    ),
    *_in(
        "minigen/models/gan.py",
        ["tests/models/test_gan.py"],
        ("gan-labels-swapped", "labels[: len(x)] = 1", "labels[len(x) :] = 1"),
        ("gan-halves-swapped", "xp.concatenate([x, fake])", "xp.concatenate([fake, x])"),
        ("gan-real-half-twice", "+ losses[len(x) :]", "+ losses[: len(x)]"),
        (
            "gan-probabilities-swapped",
            "d[: len(x)], d[len(x) :]",
            "d[len(x) :], d[: len(x)]",
        ),
        ("gan-smoothing-on-fakes", "xp.zeros_like(logits)", "xp.full_like(logits, smoothing)"),
        (
            "gan-mean-over-both-halves",
            "losses_backward(xp.concatenate([dloss, dloss]))",
            "losses_backward()",
        ),
        ("minimax-sign", "(0.0, -1.0) if saturating", "(0.0, 1.0) if saturating"),
        ("minimax-gradient-sign", "sign * upstream(dloss, loss)", "upstream(dloss, loss)"),
        ("non-saturating-label", "else (1.0, 1.0)", "else (0.0, 1.0)"),
        (
            "generator-gets-the-discriminators-gradients",
            "_, grads = generator_backward(dfake, inputs=False)",
            "_, grads = discriminator_backward(dlogits)",
        ),
        (
            "generator-without-inputs-gradient",
            "discriminator_backward(dlogits, params=False)",
            "discriminator_backward(dlogits, inputs=False)",
        ),
    ),
    *_in(
        "minigen/nn/optim.py",
        [
            "tests/nn/test_optim.py",
            "tests/test_chains.py",
            "tests/commands/test_resume.py",
            "tests/test_backends.py",
        ],
        ("what-fades-stays", "buffer *= abs(buffer) >=", "buffer *= abs(buffer) <"),
        ("what-fades-is-never-swept", "if self.t % SWEEP == 0:", "if self.t < 0:"),
        ("resume-forgets-the-step", 'self.t = int(state["t"])', "self.t = 0"),
        ("resume-forgets-the-moments", "asarray(state[name])", "asarray(array)"),
        ("sgd-momentum-sign", "velocity *= momentum", "velocity *= -momentum"),
        ("sgd-lr-twice", "velocity += g", "velocity += lr * g"),
        (
            "average-weights-not-corrected",
            "weight = (1 - self.decay) / (1 -",
            "weight = (1 - self.decay) * (1 -",
        ),
        ("average-in-half-precision-on-a-gpu", "mean *= keep", "mean *= 1 - (1 - keep)"),
        ("adam-mean-not-corrected", "rate = self.lr / c1", "rate = self.lr"),
        ("adam-square-not-corrected", "xp.sqrt(v / c2)", "xp.sqrt(v)"),
        ("adam-weights-swapped", "1 - b1, 1 - b2, rate", "1 - b2, 1 - b1, rate"),
        ("adam-betas-swapped", "b1, b2 = self.betas", "b2, b1 = self.betas"),
        ("adam-square-lost", "(g * g - v)", "(abs(g) - v)"),
        ("adam-eps-in-the-root", "xp.sqrt(v / c2) + eps", "xp.sqrt(v / c2 + eps)"),
        ("optimizer-does-not-count", "1 - b1**self.t, 1 - b2**self.t", "1 - b1, 1 - b2"),
        ("average-does-not-count", "(1 - self.decay**self.t)", "(1 - self.decay)"),
        ("state-that-goes-on", "v if isinstance(v, int) else v.copy()", "v"),
        ("state-without-the-step", '{"t": self.t, **self.buffers}', '{"t": 0, **self.buffers}'),
    ),
    *_in(
        "minigen/gradcheck/report.py",
        ["tests/gradcheck/test_checker.py"],
        (
            "gradcheck-tolerates-nan",
            "self.error <= self.tolerance",
            "not self.error > self.tolerance",
        ),
        ("gradcheck-tolerates-kinks", " and not self.kinks", ""),
    ),
    *_in(
        "minigen/gradcheck/checker.py",
        ["tests/gradcheck/test_checker.py", "tests/gradcheck/test_floor.py"],
        ("gradcheck-of-itself", "gradient, measured, COMPLEX", "gradient, gradient, COMPLEX"),
        ("gradcheck-floor-too-high", "FLOOR = 1e-3", "FLOOR = 1e6"),
        ("gradcheck-calls-a-mistake-curved", "<= 2 * abs(nearer - near) + rounding", "< np.inf"),
        ("gradcheck-without-a-finer-step", "(4 * nearer - near) / 3", "near"),
        ("gradcheck-without-a-floor", "FLOOR = 1e-3", "FLOOR = 0.0"),
    ),
    *_in(
        "minigen/training/loop.py",
        ["tests/training/test_loop.py", "tests/commands/test_evaluate.py"],
        ("shuffle-same-every-epoch", "Stream.SHUFFLE, epoch", "Stream.SHUFFLE"),
        ("noise-same-every-epoch", "Stream.TRAIN, epoch", "Stream.TRAIN"),
        (
            "test-noise-by-epoch",
            "learner, test, seed, ranks)",
            "learner, test, seed + epoch, ranks)",
        ),
        ("streams-shared", "SHUFFLE = 2", "SHUFFLE = 3"),
        ("learns-from-the-test-rows", "asarray(dataset.train)", "asarray(dataset.test)"),
        ("tests-on-the-training-rows", "asarray(dataset.test)", "asarray(dataset.train)"),
        ("evaluation-learns", "learner.test_step(x, rng)", "learner.train_step(x, rng, share)"),
        (
            "mean-over-batches",
            "share.own(values).sum()",
            "values.mean() * len(rows) / n_steps",
        ),
        ("nan-check-off", "if not finite.all()", "if not finite.any()"),
    ),
    *_in(
        "minigen/training/ranks.py",
        ["tests/training/test_ranks.py"],
        ("rank-weighs-its-own-rows", "total / self._n(values)", "total / len(values)"),
        ("rank-counts-copies", "weights[len(self.own(values)) :] = 0", "pass"),
        ("rank-logs-copies", "return values[: min(max", "return values[: max(max"),
        ("ranks-not-summed", "return self.ranks.sum_all(grads)", "return grads"),
        ("ranks-never-compared", "found.get(name) != value", "name not in found"),
        (
            "device-of-the-next-rank",
            "os.environ[DEVICES] = str(place)",
            "os.environ[DEVICES] = '0'",
        ),
    ),
    *_in(
        "minigen/training/loop.py",
        ["tests/training/test_ranks.py"],
        ("noise-same-on-all-ranks", "Stream.TRAIN, epoch, ranks.rank", "Stream.TRAIN, epoch"),
        (
            "means-of-one-rank",
            "ranks.sum(to_numpy(sums[read : i + 1]))",
            "to_numpy(sums[read : i + 1])",
        ),
    ),
    *_in(
        "minigen/backend.py",
        ["tests/test_backend.py", "tests/models/test_gan.py"],
        ("seed-without-its-stream", "SeedSequence(seed)", "SeedSequence(seed[0])"),
        ("threads-as-they-were", "limits=threads", "limits=None"),
        ("heap-shrinks", "mallopt(M_TRIM_THRESHOLD, -1)", "mallopt(M_TRIM_THRESHOLD, 0)"),
        ("slow-behind-the-block", "M_TRIM_THRESHOLD, 2**26", "M_TRIM_THRESHOLD, 2**17"),
        ("inner-block-ends-the-outer", "if not _KEEPING:", "if _KEEPING is not None:"),
    ),
    *_in(
        "minigen/chains.py",
        ["tests/test_chains.py"],
        ("last-block-not-updated", "range(0, length, rows)", "range(0, length - 1, rows)"),
        ("numba-takes-float64", "array.dtype == np.float32 and ", ""),
        ("numba-takes-small-arrays", "large and all(", "all("),
        ("numba-counts-one-array", "sum(arrays[0].size", "max(arrays[0].size"),
        ("numba-reads-beyond-an-array", "== 1 and all(map", ">= 1 and all(map"),
        (
            "arrays-by-position",
            "[[arrays[name] for arrays in dicts] for name in dicts[0]]",
            "[list(arrays) for arrays in zip(*(d.values() for d in dicts))]",
        ),
        ("numba-takes-transposed-arrays", " and array.flags.c_contiguous", ""),
        ("compiled-loop-writes-one", "a[i], b[i], c[i] = each", "a[i], b[i], b[i] = each"),
        ("compiled-formula-reads-two", "a[i], b[i], c[i])", "a[i], b[i], b[i])"),
    ),
    *_in(
        "minigen/training/trainer.py",
        [
            "tests/training/test_trainers.py::test_restore_brings_back_what_was_trained",
            "tests/test_backends.py::test_equal_seeds_start_from_equal_parameters",
            "tests/training/test_trainers.py::test_every_learning_rate_falls_after_each_milestone",
        ],
        (
            "seed-without-effect-on-the-start",
            "generator(np, options.seed, Stream.PARAMETERS)",
            "generator(np, 0, Stream.PARAMETERS)",
        ),
        ("restore-nothing", 'self.xp.asarray(state[f"model.{name}"])', "array"),
        (
            "rates-never-fall",
            "self.rates[name] * self.options.rate_factor(epoch)",
            "self.rates[name]",
        ),
    ),
    *_in(
        "minigen/training/options.py",
        [
            "tests/training/test_trainers.py::test_every_learning_rate_falls_after_each_milestone",
            "tests/training/test_options.py",
        ],
        ("milestone-an-epoch-early", "milestone < epoch for", "milestone <= epoch for"),
        (
            "preset-counts-more",
            "{**cls.presets[name], **changes}",
            "{**changes, **cls.presets[name]}",
        ),
        ("bounds-unchecked", "low and number < below", "True"),
        (
            "options-as-they-come",
            "object.__setattr__(self, rule.name, checked(rule, value))",
            "checked(rule, value)",
        ),
    ),
    *_in(
        "minigen/training/autoencoder.py",
        [
            "tests/training/test_trainers.py::test_a_denoising_autoencoder_is_compared_with_the_clean_rows"
        ],
        ("denoising-target-is-noisy", "self._loss(noisy, x)", "self._loss(noisy, noisy)"),
    ),
    *_in(
        "minigen/training/vae.py",
        [
            "tests/training/test_trainers.py::test_the_formula_that_is_printed_is_the_one_that_is_trained"
        ],
        (
            "beta-option-lost",
            "self.model.loss(x, eps, self.options.beta)",
            "self.model.loss(x, eps)",
        ),
    ),
    *_in(
        "minigen/training/vae.py",
        [
            "tests/training/test_trainers.py::test_the_test_rows_of_a_batch_do_not_depend_on_the_parts_it_is_judged_in"
        ],
        (
            "first-part-alone-is-judged",
            "self._loss(x[i : i + size], rng)",
            "self._loss(x[i : i + size] * (i == 0), rng)",
        ),
    ),
    *_in(
        "minigen/training/vae.py",
        [
            "tests/training/test_trainers.py::test_binarized_pixels_are_one_as_often_as_they_are_bright"
        ],
        ("binarized-inverted", "dtype=x.dtype) < x)", "dtype=x.dtype) > x)"),
    ),
    *_in(
        "minigen/training/gan.py",
        [
            "tests/training/test_trainers.py::test_the_generator_moves_at_every_kth_step_of_the_discriminator",
            "tests/training/test_trainers.py::test_simultaneous_updates_answer_the_old_discriminator",
            "tests/training/test_trainers.py::test_generator_and_discriminator_have_learning_rates_of_their_own",
            "tests/training/test_trainers.py::test_images_are_centred_for_the_gan_and_come_back_between_0_and_1",
            "tests/training/test_trainers.py::test_samples_come_from_the_averaged_generator",
        ],
        ("simultaneous-is-alternating-too", "if not simultaneous:", "if True:"),
        ("kth-step-off-by-one", "d_optimizer.t + simultaneous", "d_optimizer.t"),
        (
            "learning-rates-swapped",
            "generator.params, options.lr, options.betas",
            "generator.params, options.discriminator_lr, options.betas",
        ),
        (
            "samples-of-the-last-generator",
            "with_params(self.average.mean)",
            "with_params(self.model.generator.params)",
        ),
        ("samples-not-shifted-back", "(rows + 1) / 2 if self.bounded else rows", "rows"),
    ),
    *_in(
        "minigen/training/gan.py",
        [
            "tests/training/test_trainers.py::test_the_generator_learns_from_the_loss_that_was_asked_for",
            "tests/training/test_trainers.py::test_labels_are_smoothed_while_learning_alone",
            "tests/training/test_trainers.py::test_the_discriminator_sees_images_between_minus_one_and_one",
        ],
        (
            "minimax-option-inverted",
            'saturating = self.options.generator_loss == "minimax"',
            'saturating = self.options.generator_loss != "minimax"',
        ),
        ("smoothing-option-lost", "rng), self.options.smoothing", "rng)"),
        ("images-not-centred", "2 * x - 1 if self.bounded else x", "x"),
    ),
    *_in(
        "minigen/metrics/bounds.py",
        ["tests/metrics/test_bounds.py"],
        ("bound-log-k-lost", "log_sum - math.log(draw)", "log_sum"),
        ("bound-of-other-noise", "mu, logvar, eps)", "mu, logvar, 0 * eps)"),
        ("pca-keeps-the-smallest", "xp.maximum(values[::-1], 0)", "xp.maximum(values, 0)"),
        ("pca-mean-by-block", "block -= mean", "block -= block.mean(axis=0)"),
        ("entropy-of-ones-alone", "for p in (block, 1 - block)", "for p in (block,)"),
        ("active-by-std", "astype(np.float64).var(axis=0)", "astype(np.float64).std(axis=0)"),
    ),
    *_in(
        "minigen/metrics/samples.py",
        ["tests/metrics/test_samples.py"],
        ("parzen-worst-sigma", "means.argmax()", "means.argmin()"),
        ("parzen-standard-error", "/ math.sqrt(len(likelihood))", "/ len(likelihood)"),
        ("modes-by-bad-samples", "np.unique(nearest[good])", "np.unique(nearest)"),
        (
            "modes-distance-not-squared",
            "(HIGH_QUALITY * mixture.std) ** 2",
            "HIGH_QUALITY * mixture.std",
        ),
        ("neighbour-index-in-its-block", "where.start + squared.argmin", "squared.argmin"),
        ("windows-from-afar", "centres.mean(axis=0)", "0 * centres.mean(axis=0)"),
        ("neighbours-from-afar", "points.mean(axis=0)", "0 * points.mean(axis=0)"),
    ),
    *_in(
        "minigen/data/rows.py",
        ["tests/data/test_dataset.py", "tests/data/test_load.py"],
        ("pixels-by-256", "rows /= 255", "rows /= 256"),
        (
            "last-batch-dropped",
            "range(0, len(rows), batch_size)",
            "range(0, len(rows) - batch_size + 1, batch_size)",
        ),
        (
            "batches-never-shuffled",
            "order = rng.permutation(len(rows))",
            "order = np.arange(len(rows))",
        ),
    ),
    *_in(
        "minigen/data/splits.py",
        ["tests/data/test_load.py", "tests/data/test_dataset.py"],
        (
            "labels-of-other-rows",
            "else _split(labels, n_test, order)",
            "else _split(labels, n_test, None)",
        ),
    ),
    *_in(
        "minigen/data/mixture.py",
        ["tests/data/test_toy.py"],
        ("mixture-width-lost", "width / 2 * math.log", "0.5 * math.log"),
        ("mixture-log-k-lost", "kernels.mean(axis=1)", "kernels.sum(axis=1)"),
    ),
    *_in(
        "minigen/data/toy.py",
        ["tests/data/test_toy.py"],
        ("ring-closed", "np.arange(n_modes) / n_modes", "np.arange(n_modes) / (n_modes - 1)"),
    ),
    *_in(
        "minigen/workshop/checkpoint.py",
        ["tests/workshop/test_checkpoint.py"],
        ("checkpoint-saves-nan", "np.isfinite(array).all()", "np.isfinite(array).any()"),
        ("checkpoint-loads-nan", "np.isfinite(found).all()", "np.isfinite(found).any()"),
        (
            "checkpoint-any-dtype",
            "(found.shape, found.dtype) != (right.shape, right.dtype)",
            "found.shape != right.shape",
        ),
        ("checkpoint-newer-format", "version != FORMAT", "version < FORMAT"),
    ),
    *_in(
        "minigen/workshop/atomic.py",
        ["tests/workshop/test_checkpoint.py"],
        ("checkpoint-leaves-its-temporary", "temporary.unlink(missing_ok=True)", "pass"),
        ("checkpoint-written-in-place", "with temporary.open(", "with path.open("),
    ),
    *_in(
        "minigen/workshop/runs.py",
        ["tests/commands/test_evaluate.py", "tests/commands/test_resume.py"],
        ("logs-train-as-test", "**record[split]", "**record['train']"),
        (
            "judges-on-other-data",
            "if dataset.fingerprint != self.fingerprint:",
            "if False:",
        ),
        ("restored-parameters-lost", "run.trainer.restore(arrays)", "pass"),
        (
            "history-forgotten",
            'Run(trainer, _history(header["history"], set(trainer.titles)))',
            "Run(trainer, [])",
        ),
    ),
    *_in(
        "minigen/workshop/folder.py",
        ["tests/commands/test_resume.py"],
        ("two-runs-in-one-folder", "fcntl.LOCK_EX |", "fcntl.LOCK_SH |"),
    ),
    *_in(
        "minigen/train.py",
        ["tests/commands/test_resume.py", "tests/commands/test_train.py"],
        ("resume-with-other-options", "before[name] != now", "False"),
    ),
    *_in(
        "minigen/train.py",
        [
            "tests/commands/test_train.py::test_a_preset_gives_options_and_those_beside_it_count_more"
        ],
        (
            "preset-over-what-is-given",
            '{**kind.presets[given["preset"]], **options}',
            '{**options, **kind.presets[given["preset"]]}',
        ),
    ),
    *_in(
        "minigen/training/loop.py",
        ["tests/commands/test_resume.py"],
        (
            "resume-repeats-an-epoch",
            "range(done + 1, epochs + 1)",
            "range(max(done, 1), epochs + 1)",
        ),
    ),
    *_in(
        "minigen/workshop/snapshots.py",
        ["tests/commands/test_resume.py"],
        ("animation-too-long", ".bit_length()", ".bit_length() // 2"),
        ("snapshots-forgotten", "snapshots.by_epoch[epoch] =", "_ ="),
    ),
    *_in(
        "minigen/models/vae.py",
        REPORTS,
        (
            "importance-kl-twice",
            "kl, _ = kl_to_standard_normal(*_halves(encoded))",
            "kl = 2 * kl_to_standard_normal(*_halves(encoded))[0]",
        ),
    ),
    *_in(
        "minigen/training/trainer.py",
        REPORTS,
        ("prior-too-wide", "return rng.standard_normal(", "return 2 * rng.standard_normal("),
    ),
    *_in(
        "minigen/workshop/figures.py",
        REPORTS,
        ("curves-of-one-split", "getattr(record, split)[name]", "record.test[name]"),
        (
            "figure-of-training-rows",
            "inputs = scaled(dataset.test[",
            "inputs = scaled(dataset.train[",
        ),
        ("inputs-and-outputs-swapped", "in (inputs, outputs)", "in (outputs, inputs)"),
        ("codes-of-training-rows", "run.encode(run.dataset.test[", "run.encode(run.dataset.train["),
        ("codes-by-training-labels", "dataset.test_labels", "dataset.train_labels"),
        ("manifold-upside-down", "in reversed(quantiles)", "in quantiles"),
        ("manifold-mirrored", "[(z1, z2) for", "[(z2, z1) for"),
    ),
    *_in(
        "minigen/training/autoencoder.py",
        REPORTS,
        (
            "autoencoder-shows-logits",
            "sigmoid(output) if self.on_logits else output",
            "output",
        ),
        ("codes-around-zero", "codes.mean(axis=0), cov", "0 * codes.mean(axis=0), cov"),
        ("codes-too-wide", "mean(axis=0), covariance", "mean(axis=0), 100 * covariance"),
    ),
    *_in(
        "minigen/training/vae.py",
        REPORTS,
        (
            "code-is-the-log-variance",
            "encode(self.xp.asarray(rows))[0]",
            "encode(self.xp.asarray(rows))[1]",
        ),
        ("glorot-by-default", '        "uniform",', '        "glorot",'),
    ),
    *_in(
        "minigen/training/gan.py",
        REPORTS,
        (
            "average-of-steps-not-taken",
            "            self.average.update()",
            "        self.average.update()",
        ),
        (
            "discriminator-without-betas",
            "options.discriminator_lr, options.betas",
            "options.discriminator_lr",
        ),
        ("field-of-the-other-class", "to_numpy(sigmoid(logits))", "to_numpy(sigmoid(-logits))"),
        ("no-smoothing-by-default", "options: 0.1", "options: 0.0"),
        ("no-averaging-by-default", "        0.9998,", "        0.0,"),
        ("equal-rates-by-default", "        1e-4, ", "        4e-4, "),
        ("fewer-epochs-by-default", "option(25,", "option(10,"),
    ),
    *_in(
        "minigen/metrics/findings.py",
        REPORTS,
        ("floors-swapped", "losses.items(), floors,", "losses.items(), floors[::-1],"),
        (
            "likelihood-of-grey-pixels",
            "binarized(scaled(rows), rng) if options.binarize else scaled(rows)",
            "scaled(rows)",
        ),
        (
            "kl-as-reconstruction",
            '            means["reconstruction"],',
            '            means["kl"],',
        ),
        ("modes-of-the-mixture", "report.modes,", "report.n_modes,"),
        ("quality-of-the-mixture", "* report.high_quality", "* report.true_high_quality"),
        ("quality-is-no-percentage", "100 * report.high_quality", "report.high_quality"),
        ("reverse-kl-of-the-mixture", "report.reverse_kl,", "report.true_reverse_kl,"),
        ("parzen-of-samples-twice", "parzen(others, 1 / 3", "parzen(drawn[: len(others)], 1 / 3"),
        ("yardstick-of-training-rows", "xp.asarray(few)", "train"),
        ("distances-to-test-rows", "(rows, train, part)", "(rows, test, part)"),
    ),
    *_in(
        "minigen/training/fitting.py",
        [*REPORTS, "tests/data/test_users.py"],
        ("start-forgotten", "    trainer.start()", "    pass"),
        ("integers-scaled-by-their-type", "unscaled = stored and", "unscaled = False and"),
        ("training-without-its-seed", "seed=options.seed,", "seed=0,"),
        ("schedule-forgotten", "schedule=trainer.schedule,", ""),
    ),
    *_in(
        "minigen/train.py",
        REPORTS,
        ("data-without-its-seed", "data.load(source, seed=kind.seed, ", "data.load(source, "),
    ),
    *_in(
        "minigen/sample.py",
        REPORTS,
        ("reconstructs-training-rows", "return run.dataset.test", "return run.dataset.train"),
        ("walks-between-drawn-codes", "if len(rows) == 2 * count:", "if False:"),
    ),
    *_in(
        "minigen/evaluate.py",
        REPORTS,
        ("bound-of-fewer-rows-by-default", "default=500", "default=100"),
        ("bound-of-fewer-draws-by-default", "default=1000", "default=100"),
    ),
]

# pytest on the minigen of the working directory, and on no other that is installed
RUN = (
    "import os, sys, minigen, pytest; "
    "assert os.path.samefile(minigen.__path__[0], 'minigen'), minigen.__path__; "
    "sys.exit(pytest.main(sys.argv[1:]))"
)
ON_STANDIN = ("-k", "strict", "-m", "not browser")  # as the fixture xp names it
FAILURE = re.compile(r"^(?:FAILED|ERROR) (.+?)(?: - .*)?$", re.MULTILINE)


def first_failure(folder: Path, tests: Sequence[str]) -> str | None:
    """The node id of the first of these tests to fail in a copy of the repository."""
    environment = {
        **os.environ,
        "PYTHONPATH": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict.fromkeys(("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "MKL_NUM_THREADS"), "1"),
    }
    quiet = ["-n0", "-x", "-q", "--tb=no", "-p", "no:cacheprovider"]
    command = [sys.executable, "-c", RUN, *quiet, *tests]
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)
    if done.returncode in (pytest.ExitCode.OK, pytest.ExitCode.NO_TESTS_COLLECTED):
        return None
    failure = FAILURE.search(done.stdout)
    if failure is None:
        raise RuntimeError(f"pytest did not run {' '.join(tests)}:\n{done.stdout}{done.stderr}")
    return failure[1]


def killer(original: Path, mutant: Mutant, standin: bool = False) -> str | None:
    """The test that fails with this mutant and passes without it; None if no test does."""
    which = ON_STANDIN if standin else ()
    more = "tests/test_backends.py" if standin else "tests"
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "copy")
        shutil.copytree(original, copy)
        file = copy / mutant.file
        file.write_text(mutant.applied(file.read_text()))
        rounds = (first_failure(copy, [*which, *tests]) for tests in (mutant.tests, [more]))
        test = next(filter(None, rounds), None)
    if test and first_failure(original, [*which, test]):
        raise RuntimeError(f"{test} fails without {mutant.name} too; mend it first")
    return test


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the mutants of these names, or all; returns the exit status."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.mutants", description="Shows which test notices each wrong line."
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help="mutants or files; default: all")
    parser.add_argument("--jobs", type=int, default=1, metavar="N", help="how many at a time")
    parser.add_argument("--standin", action="store_true", help="by tests on the stand-in for CuPy")
    options = parser.parse_args(arguments)
    names = set(options.names)
    unknown = names - {name for mutant in MUTANTS for name in (mutant.name, mutant.file)}
    if unknown:
        parser.error(f"no mutant is called {', '.join(sorted(unknown))}")
    mutants = [m for m in MUTANTS if not names or names & {m.name, m.file}]

    killed = 0
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(options.jobs) as executor:
        original = Path(folder, "original")  # the tree may change while this runs
        # without the daily test of this list, which would notice every mutant
        ignored = shutil.ignore_patterns(".*", "__pycache__", "runs", "test_mutants.py")
        shutil.copytree(ROOT, original, ignore=ignored)
        killers = executor.map(partial(killer, original, standin=options.standin), mutants)
        for mutant, test in zip(mutants, killers, strict=True):
            killed += test is not None
            print(f"{mutant.name:44} {f'killed by {test}' if test else 'SURVIVED'}", flush=True)
    print(f"{killed} of {len(mutants)} mutants killed")
    return 0 if killed == len(mutants) else 1


if __name__ == "__main__":
    sys.exit(main())
