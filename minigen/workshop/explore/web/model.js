// The model: what each of its networks computes of one row x or one code z.

import { range, rowOf } from "./arrays.js";
import { bceWithLogits, gaussian, mse, sequential, sigmoid } from "./nn.js";

export class Model {
  constructor(content) {
    this.nLatent = content.nLatent;
    this.output = content.output;
    this.logvar = content.logvar;
    Object.assign(this, content.networks);
  }

  // mu and logvar of q(z|x); an autoencoder's code is mu, and logvar is empty.
  encode(x) {
    const encoded = sequential(this.encoder, Float32Array.from(x));
    return { mu: encoded.slice(0, this.nLatent), logvar: encoded.slice(this.nLatent) };
  }

  // The decoder's output at a code: logits where rows are Bernoulli.
  outputAt(z) {
    return sequential(this.decoder, Float32Array.from(z));
  }

  // The row of an output: pixels in [0, 1], or values as the data's.
  rowOf(output) {
    if (this.output === "logits") return sigmoid(output);
    return this.output === "shifted" ? output.map((value) => (value + 1) / 2) : output;
  }

  // -log p(x|z) in nats where there is a likelihood, else the squared error.
  lossOf(output, x) {
    if (this.output === "gaussian") return gaussian(output, x, this.logvar);
    return this.output === "logits" ? bceWithLogits(output, x) : mse(output, x);
  }

  decode(z) {
    return this.rowOf(this.outputAt(z));
  }

  // D(x), the probability that x is data.
  score(x) {
    const shifted = Float32Array.from(x, (value) =>
      this.output === "shifted" ? 2 * value - 1 : value,
    );
    return sigmoid(sequential(this.discriminator, shifted))[0];
  }
}

// The test rows in the file, their labels and their places in the test set; codes of more of them.
export class Examples {
  constructor(content) {
    const { rows, codes, width, nLatent } = content;
    const scale = rows instanceof Uint8Array ? 255 : 1;
    this.rows = content.places.map((_, i) =>
      Float32Array.from(rowOf(rows, width, i), (value) => value / scale),
    );
    this.places = content.places;
    this.labels = content.labels;
    this.codes = range(codes.length / nLatent).map((i) => rowOf(codes, nLatent, i));
  }

  // The name of row i for people: its place in the test set, and its label.
  name(i) {
    const label = this.labels ? `, label ${this.labels[i]}` : "";
    return `row ${this.places[i]} of the test set${label}`;
  }
}
