// A GAN of two perceptrons and its two steps, as in minigen.models.gan and minigen.nn.optim.

import { sigmoid } from "../../minigen/workshop/explore/web/nn.js";

const BETAS = [0.5, 0.999];
const EPS = 1e-8;

// Layers through these widths, each entry of one with n inputs from U(-1 / sqrt(n), 1 / sqrt(n)).
export function perceptron(widths, uniform) {
  return widths.slice(1).map((nOut, i) => {
    const limit = 1 / Math.sqrt(widths[i]);
    const draw = () => limit * (2 * uniform() - 1);
    const weight = Float64Array.from({ length: widths[i] * nOut }, draw);
    return { weight, bias: Float64Array.from({ length: nOut }, draw) };
  });
}

// Rows x, flat, -> the outputs, and the backward pass: dy -> { dx, grads }. Between its layers stands
// max(h, slope h), which is the ReLU at slope 0.
function forward(layers, slope, x) {
  const inputs = [];
  const last = layers.length - 1;
  const output = layers.reduce((value, layer, i) => {
    inputs.push(value);
    const h = linear(layer, value);
    return i < last ? h.map((one) => (one > 0 ? one : slope * one)) : h;
  }, x);
  const backward = (dy) => {
    const grads = [];
    let dx = dy;
    for (let i = last; i >= 0; i--) {
      grads.unshift(gradients(layers[i], inputs[i], dx));
      dx = backThrough(layers[i], inputs[i].length, dx);
      if (i > 0) dx = dx.map((d, k) => (inputs[i][k] > 0 ? d : slope * d));
    }
    return { dx, grads };
  };
  return { output, backward };
}

// y = x W + b: each row of y grows by x_i times row i of W.
function linear({ weight, bias }, x) {
  const [nOut, nIn] = [bias.length, weight.length / bias.length];
  const y = new Float64Array((x.length / nIn) * nOut);
  for (let from = 0, to = 0; from < x.length; to += nOut) {
    y.set(bias, to);
    for (let i = 0; i < nIn; i++, from++) {
      const xi = x[from];
      if (xi === 0) continue;
      for (let j = 0, k = i * nOut; j < nOut; j++) y[to + j] += xi * weight[k + j];
    }
  }
  return y;
}

// dW = x^T dy, db = the sum of the rows of dy
function gradients({ weight, bias }, x, dy) {
  const [nOut, nIn] = [bias.length, weight.length / bias.length];
  const [dW, db] = [new Float64Array(weight.length), new Float64Array(nOut)];
  for (let from = 0, to = 0; from < x.length; to += nOut) {
    for (let j = 0; j < nOut; j++) db[j] += dy[to + j];
    for (let i = 0; i < nIn; i++, from++) {
      const xi = x[from];
      if (xi === 0) continue;
      for (let j = 0, k = i * nOut; j < nOut; j++) dW[k + j] += xi * dy[to + j];
    }
  }
  return { weight: dW, bias: db };
}

// dx = dy W^T
function backThrough({ weight, bias }, size, dy) {
  const [nOut, nIn] = [bias.length, weight.length / bias.length];
  const dx = new Float64Array(size);
  for (let from = 0, to = 0; from < size; to += nOut) {
    for (let i = 0; i < nIn; i++, from++) {
      let sum = 0;
      for (let j = 0, k = i * nOut; j < nOut; j++) sum += dy[to + j] * weight[k + j];
      dx[from] = sum;
    }
  }
  return dx;
}

// Adam: m <- b1 m + (1 - b1) g, v <- b2 v + (1 - b2) g^2, p <- p - lr (m / c1) / (sqrt(v / c2) + eps)
class Adam {
  constructor(layers) {
    this.params = layers.flatMap(({ weight, bias }) => [weight, bias]);
    this.m = this.params.map((param) => new Float64Array(param.length));
    this.v = this.params.map((param) => new Float64Array(param.length));
    this.t = 0;
  }

  step(grads, lr) {
    this.t += 1;
    const [b1, b2] = BETAS;
    const [c1, c2] = [1 - b1 ** this.t, 1 - b2 ** this.t];
    grads
      .flatMap(({ weight, bias }) => [weight, bias])
      .forEach((grad, i) => {
        const [param, m, v] = [this.params[i], this.m[i], this.v[i]];
        for (let k = 0; k < grad.length; k++) {
          m[k] = b1 * m[k] + (1 - b1) * grad[k];
          v[k] = b2 * v[k] + (1 - b2) * grad[k] ** 2;
          param[k] -= (lr * (m[k] / c1)) / (Math.sqrt(v[k] / c2) + EPS);
        }
      });
  }
}

const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

export class GAN {
  constructor(generator, discriminator) {
    Object.assign(this, { generator, discriminator });
    this.ofG = new Adam(generator);
    this.ofD = new Adam(discriminator);
  }

  sample(z) {
    return forward(this.generator, 0, z).output;
  }

  // D(x) of each row
  score(x) {
    return sigmoid(forward(this.discriminator, 0.2, x).output);
  }

  // (G1): one step of D on as many data as samples; its loss, D(x) and D(G(z)) before it, as means.
  discriminatorStep(x, z, lr) {
    const both = Float64Array.from([...x, ...this.sample(z)]);
    const { output, backward } = forward(this.discriminator, 0.2, both);
    const d = sigmoid(output);
    const n = d.length / 2;
    const dlogits = d.map((value, i) => (value - (i < n ? 1 : 0)) / n);
    this.ofD.step(backward(dlogits).grads, lr);
    const loss = -mean(d.map((value, i) => Math.log(i < n ? value : 1 - value))) * 2;
    return { loss, dReal: mean(d.subarray(0, n)), dFake: mean(d.subarray(n)) };
  }

  // (G2): one step of G through the D of now; its loss before it.
  generatorStep(z, lr) {
    const fake = forward(this.generator, 0, z);
    const { output, backward } = forward(this.discriminator, 0.2, fake.output);
    const d = sigmoid(output);
    const { dx } = backward(d.map((value) => (value - 1) / d.length));
    this.ofG.step(fake.backward(dx).grads, lr);
    return { loss: -mean(d.map(Math.log)) };
  }
}
