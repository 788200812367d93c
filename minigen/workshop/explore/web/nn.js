// Layers and losses as in minigen.nn: forward passes of one row at a time, in the precision of the
// parameters.

const layers = { Linear: linear, ReLU: relu, LeakyReLU: leakyRelu, Sigmoid: sigmoid, Tanh: tanh };

// y = f_n(...f_2(f_1(x)))
export function sequential(network, x) {
  return network.reduce((y, layer) => layers[layer.kind](y, layer), x);
}

// y = x W + b, with W (n_in, n_out) row by row: y grows by x_i times row i of W.
export function linear(x, { weight, bias }) {
  const y = bias.slice();
  for (let i = 0, k = 0; i < x.length; i++, k += y.length) {
    const xi = x[i];
    if (xi === 0) continue;
    for (let j = 0; j < y.length; j++) y[j] += xi * weight[k + j];
  }
  return y;
}

export function relu(x) {
  return x.map((value) => Math.max(value, 0));
}

export function leakyRelu(x, { slope }) {
  return x.map((value) => Math.max(value, slope * value));
}

export function sigmoid(x) {
  return x.map((value) => {
    const e = Math.exp(-Math.abs(value));
    return (value > 0 ? 1 : e) / (1 + e);
  });
}

export function tanh(x) {
  return x.map(Math.tanh);
}

// sum_d [max(l, 0) - l t + log(1 + exp(-|l|))], in nats
export function bceWithLogits(logits, target) {
  return logits.reduce(
    (sum, l, d) => sum + Math.max(l, 0) - l * target[d] + Math.log1p(Math.exp(-Math.abs(l))),
    0,
  );
}

// -log N(x; mean, s^2) = 1/2 sum_d [log 2 pi + log s^2 + (x - mean)^2 / s^2], in nats
export function gaussian(mean, x, logvar) {
  const squares = mse(mean, x) * Math.exp(-logvar);
  return (x.length * (Math.log(2 * Math.PI) + logvar) + squares) / 2;
}

// sum_d (p - t)^2
export function mse(prediction, target) {
  return prediction.reduce((sum, p, d) => sum + (p - target[d]) ** 2, 0);
}

// KL(N(mu, sigma^2) || N(0, 1)) = 1/2 sum_z [mu^2 + sigma^2 - 1 - log sigma^2], in nats
export function klToStandardNormal(mu, logvar) {
  return mu.reduce((sum, m, i) => sum + (m * m + Math.expm1(logvar[i]) - logvar[i]) / 2, 0);
}

// z = mu + sigma * eps
export function reparameterize(mu, logvar, eps) {
  return mu.map((m, i) => m + Math.exp(logvar[i] / 2) * eps[i]);
}

// log N(z; 0, 1) = -1/2 sum_z [log 2 pi + z^2], in nats
export function logStandardNormal(z) {
  return z.reduce((sum, value) => sum - (Math.log(2 * Math.PI) + value * value) / 2, 0);
}
