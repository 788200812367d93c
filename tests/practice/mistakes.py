"""What people write who do an exercise wrong, and the words that tell them so.

Beside these stand the mistakes in the exercises' own files, each with a sentence of its own.
"""

# For each exercise: what stands in the solution, what is written for it, and words of the hint.
MISTAKES = {
    "linear": [
        ("x.T @ dy", "x.T @ y", "with `y` for `dy`"),
        ("x.T @ dy", "dy.T @ x", "Transposed"),
        ("dy.sum(axis=0)", "dy.mean(axis=0)", "as after a mean over 5 rows"),
        ("dy @ weight.T", "weight.T", "without `dy @ ...`"),
        ("dy.sum(axis=0)", "dy.sum(axis=0, keepdims=True)", "right; give them in the shape (3,)"),
        ("dy.sum(axis=0)", "dy.sum(axis=1)", "with `axis=1` for `axis=0`"),
    ],
    "relu": [
        ("(x > 0)", "(y > 1)", "20 entries are right"),
        ("dy * (x > 0)", "dy", "without `* (x > 0)`"),
        ("dy * (x > 0)", "(x > 0) * 1.0", "without `dy"),
        ("dy * (x > 0)", "-dy * (x > 0)", "opposite sign"),
    ],
    "sigmoid": [
        ("(1 - y)", "(1 + y)", "with `+ y` for `- y`"),
        ("dy * y * (1 - y)", "dy * x * (1 - x)", "with `x` for `y`"),
        ("dy * y * (1 - y)", "dy * (1 - y)", "without `* y`"),
        ("dy * y * (1 - y)", "y * (1 - y)", "without `dy"),
        ("dy * y * (1 - y)", "dy * y * (y - 1)", "opposite sign"),
    ],
    "squared_error": [
        ("[:, None] * error", "[:, None] * prediction", "with `prediction` for `error`"),
        (
            "2 * dloss[:, None] * error",
            "2 * error / len(error)",
            "[:, None]`. And it is 5 times too small",
        ),
        ("2 * dloss[:, None] * error", "2 * error / error.size", "And it is 20 times too small."),
        ("2 * dloss[:, None] * error", "(error * dloss[:, None]).mean()", "a number, not an array"),
        ("2 * dloss[:, None] * error", "2 * error", "without `* dloss[:, None]`"),
        ("2 * dloss[:, None] * error", "dloss[:, None] * error", "a factor 2 is lost"),
        ("* error\n        return", "* error.mean(axis=0)\n        return", "0 of 20 entries"),
        (
            "* error\n        return",
            "* error / 4\n        return",
            "4 times too small, as after a mean over 4 columns",
        ),
        (
            "* error\n        return",
            "* error / 20\n        return",
            "a mean over 20 entries: do not",
        ),
        ("= 2 * dloss[:, None]", "= -2 * dloss[:, None]", "opposite sign"),
    ],
    "cross_entropy": [
        ("/ (1 + np.exp(-logits))", "/ (1 - np.exp(-logits))", "with `- np.exp` for `+ np.exp`"),
        ("(probability - target)", "probability", "without `- target`"),
        ("(probability - target)", "(target - probability)", "opposite sign"),
        ("dloss[:, None] * ", "1 / 5 * ", "[:, None] * (...)`. And it is 5 times too small"),
    ],
    "sequential": [
        ("relu_backward(da)", "da", "with `da` for `dh`"),
        ("relu_backward(da)", "relu_backward(dy)", "with `dy` for `da`"),
        ("second_backward(dy)", "second_backward(y)", "with `y` for `dy`"),
        ("first_backward(dh)", "first_backward(a)", "with `a` for `da`"),
    ],
    "reparameterize": [
        ("dz * eps * sigma / 2", "dz * eps / 2", "without `* sigma`"),
        ("dz * eps * sigma / 2", "dz * eps", "with respect to sigma."),
        ("dz * eps * sigma / 2", "dz * sigma / 2", "without `* eps`"),
        ("dz * eps * sigma / 2", "dz * eps * sigma", "a 1/2 is lost"),
        ("dmu = dz", "dmu = 0 * dz", "All zero"),
    ],
    "kl": [
        ("(variance - 1) / 2", "(1 - 1 / variance) / 2", "with respect to sigma^2."),
        ("(variance - 1) / 2", "(np.sqrt(variance) - variance**-0.5)", "with respect to sigma."),
        ("(variance - 1) / 2", "variance / 2", "without `- 1`"),
        ("(variance - 1) / 2", "-1 / 2", "Up to the sign"),
        (
            "(variance - 1) / 2",
            "(np.sqrt(variance) - 1)",
            "the sum has sigma^2. And it is doubled.",
        ),
        ("(variance - 1) / 2", "(1 - variance) / 2", "opposite sign"),
        ("dloss[:, None] * mu", "mu", "without `dloss[:, None] * ...`"),
    ],
    "log_normal": [
        ("(u * u - 1) / 2", "u * u / 2", "without `- 1`"),
        ("(u * u - 1) / 2", "-1 / 2", "Up to the sign"),
        ("dx = -dloss[:, None] * u / sigma", "dx = -dloss[:, None] * u", "without `/ sigma`"),
        ("(u * u - 1) / 2", "(u * u - 1) / sigma", "with respect to sigma."),
        ("dmu = dloss[:, None] *", "dmu = -dloss[:, None] *", "opposite sign"),
    ],
    "vae": [
        ("[dmu_z + dmu_kl,", "[dmu_z,", "without one part of a sum"),
        ("[dmu_z + dmu_kl,", "[dmu_z - dmu_kl,", "2 of 4 entries"),
        ("np.concatenate([dmu", "-np.concatenate([dmu", "opposite sign"),
        ("beta * dloss", "dloss", "without `beta * ...`"),
        ("z_backward(dz)", "z_backward(z)", "with `z` for `dz`"),
        (
            "return dw1, db1, dw2, db2, dw3,",
            "return dw3, db1, dw2, db2, dw1,",
            "This is dw3; the order is dw1, db1, dw2",
        ),
        ("return dw1, db1,", "return dw1, 2 * db1,", "twice what it should be"),
    ],
    "adam": [
        ("new_m / c1", "new_m", "without `/ c1`"),
        ("np.sqrt(new_v / c2)", "new_v / c2", "without `np.sqrt(...)`"),
        ("* g * g", "* g", "without `* g`"),
        ("b1 * m + (1 - b1) * g", "b1 * m + g", "without `- b1`"),
        ("b1 * m + (1 - b1) * g", "b2 * m + (1 - b2) * g", "with `b2` for `b1`"),
        (
            "return new_m, new_v, new_p",
            "return new_p, new_m, new_v",
            "This is new_p; the order is new_m,",
        ),
        ("p - lr", "p + lr", "with `+ lr` for `- lr`"),
        ("1 - b1**t,", "1 - b1,", "without `**t`"),
        ("(np.sqrt(new_v / c2) + eps)", "np.sqrt(new_v / c2)", "without `+ eps`"),
        ("(new_m / c1)", "g", "0 of 9"),
        ("(new_m / c1)", "(m / c1)", "This is the old m"),
    ],
    "discriminator": [
        ("dweight_real + dweight_fake", "dweight_real", "without one part of a sum"),
        ("dbias_real + dbias_fake", "dbias_real - dbias_fake", "0 of 1 entries"),
        ("return dweight, dbias", "return dbias, dweight", "This is dbias; the order is"),
        ("fake_layer_backward(fake_loss", "fake_layer_backward(real_loss", "`real_loss_backward`"),
    ],
    "generator": [
        (
            "zeros_backward(-dloss[1])",
            "zeros_backward(dloss[1])",
            "without the minus before `dloss[1]`",
        ),
        ("zeros_backward(-dloss[1])", "ones_backward(-dloss[1])", "with `ones_backward`"),
        ("ones_backward(dloss[0])", "zeros_backward(dloss[0])", "with `zeros_backward`"),
        ("ones_backward(dloss[0]) +", "0 +", "without `ones_backward(dloss[0]) + ...`"),
        ("dloss[0]", "dloss[1]", "with `dloss[1]` for `dloss[0]`"),
        ("+ zeros_backward(-dloss[1])", "+ 0", "without `+ zeros_backward(-dloss[1])`"),
    ],
    "importance_weights": [
        ("w / total", "w", "without `/ total`"),
        ("-dloss[:, None]", "dloss[:, None]", "opposite sign"),
        ("w / total", "w / total * (1 - w / total)", "0 of 20 entries"),
        ("w / total", "log_w / total", "with `log_w` for `w`"),
        ("-dloss[:, None]", "-1", "Up to the sign"),
    ],
    "digits": [
        ("1 / len(loss)", "1.0", "without `/ len(loss)`"),
        ("np.full_like(loss, 1 / len(loss))", "loss", "without `np.full_like(..., 1 / len(loss))`"),
        ("return new_m, new_v, new_theta", "return new_v, new_m, new_theta", "This is new_v; the"),
        ("adam(theta, g, m, v", "adam(theta, g, v, m", "with `v` for `m`"),
        ("t, lr=0.01", "t", "0 of"),
    ],
}
