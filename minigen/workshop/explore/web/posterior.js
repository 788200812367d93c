// From a row to its code: a row of the test set or of one's own hand, and what the model says of it.

import { clamp, range } from "./arrays.js";
import { families } from "./axes.js";
import {
  button,
  canvas,
  colour,
  digits,
  element,
  quantities,
  recoloured,
  significant,
} from "./elements.js";
import { pad } from "./ink.js";
import { klToStandardNormal, reparameterize } from "./nn.js";
import { gallery } from "./gallery.js";
import { coordinates, pointer } from "./points.js";
import { normals, uniforms } from "./random.js";

const DRAWS = 8;
const BARS = [320, 150];
const SCALE = 36; // the place of its numbers

// Where rows come from: the pad for images, the test set for all. Calls onRow(x, name), and
// onRow(null) where there is nothing on the pad.
export function source(page, onRow) {
  const { content, examples } = page;
  const count = examples.rows.length;
  const uniform = uniforms(2);
  const number = element("input", {
    type: "number",
    min: 1,
    max: count,
    value: 1,
    "aria-label": "Number of the row",
  });
  const told = (x, text) => onRow(x, page.points && x ? `${text}, at ${coordinates(x)}` : text);
  const hand = page.points ? pointer(page, told) : null;
  const take = () => {
    const i = Math.round(number.valueAsNumber) - 1;
    if (!(i in examples.rows)) return;
    hand?.put(examples.rows[i]);
    told(examples.rows[i], examples.name(i));
  };
  number.addEventListener("input", take);
  const another = button("Another", () => {
    number.value = 1 + Math.floor(count * uniform());
    take();
  });
  another.hidden = count === 1;
  const box = element(
    "div",
    { class: "sources" },
    ...(page.drawable ? [pad(content, (x) => onRow(x, "your drawing"))] : []),
    ...(hand ? [hand.target] : []),
    element(
      "p",
      { class: "controls" },
      element(
        "label",
        {},
        "Take ",
        number,
        ` of ${count} test row${count > 1 ? "s" : ""} in this page`,
      ),
      another,
    ),
  );
  return { box, take };
}

// The encoder's answer: q(z|x), its terms of the bound, the reconstruction, and draws from q.
export function posterior(page) {
  const { content, model, code } = page;
  const uniform = uniforms(3);
  const draw = () => range(DRAWS).map(() => normals(uniform, content.nLatent));
  let noise = draw();
  let row = null;
  const seen = gallery(page, "What the encoder sees");
  const back = gallery(page, "Its reconstruction");
  const draws = gallery(page, "Draws from q(z|x), decoded");
  const { list, show } = quantities();
  const name = element("p", { "aria-live": "polite" });
  const bars = codeBars(content, code);

  const update = () => {
    const { mu, logvar } = model.encode(row);
    const central = model.outputAt(mu);
    const codes = logvar.length ? noise.map((eps) => reparameterize(mu, logvar, eps)) : [];
    const outputs = codes.map((z) => model.outputAt(z));
    seen.show([row], ["x"]);
    back.show([model.rowOf(central)], [logvar.length ? "decoded from \u03bc" : "decoded from z"]);
    draws.show(outputs.map((output) => model.rowOf(output)));
    show(
      logvar.length
        ? terms(page, row, { mu, logvar }, outputs)
        : [["reconstruction", significant(model.lossOf(central, row)), lossUnit(content)]],
    );
    code.move(mu, { mu, logvar });
  };
  const onRow = (x, text) => {
    name.textContent = x
      ? `x is ${text}.`
      : "Nothing is drawn; the numbers are still of the last row.";
    if (!x) return;
    row = x;
    update();
  };
  const redraw = button("Draw again", () => {
    noise = draw();
    update();
  });
  const { box, take } = source(page, onRow);
  take();
  const random =
    content.model === "vae"
      ? [element("h3", {}, "Draws from q(z|x), decoded"), draws.box, redraw]
      : [];
  return element(
    "div",
    { class: "columns" },
    box,
    element(
      "div",
      {},
      name,
      element("div", { class: "pair" }, ...(page.points ? [] : [seen.box]), back.box),
      list,
    ),
    element("div", {}, bars, ...random),
  );
}

function lossUnit({ output, width }) {
  return output !== "values" ? "nats" : `squared error, summed over ${width} values`;
}

// The terms of a VAE's bound for a row, with the decoder's outputs at draws from q(z|x).
function terms({ content, model }, row, { mu, logvar }, outputs) {
  const { beta } = content;
  const kl = klToStandardNormal(mu, logvar);
  const losses = outputs.map((output) => model.lossOf(output, row));
  const mean = losses.reduce((sum, loss) => sum + loss) / losses.length;
  const name = `reconstruction, -log p(x|z), mean of ${losses.length} draws`;
  const found = [
    ["KL(q(z|x) || p(z))", kl],
    [name, mean],
    ["their sum, the negative ELBO", mean + kl],
    [`loss, reconstruction + ${beta} KL`, mean + beta * kl],
  ];
  return found
    .slice(0, beta === 1 ? 3 : 4)
    .map(([title, nats]) => [title, digits(nats, 1), "nats"]);
}

// mu and mu +- sigma of each latent dimension, the most active first.
function codeBars(content, code) {
  const [width, height] = BARS;
  const target = canvas(width, height, { class: "bars", role: "img" });
  const context = target.getContext("2d");
  const order = families(content)[0].axes.map(({ vector }) => vector.indexOf(1));
  const draw = () => {
    const { mu, logvar } = code.posterior;
    const sigma = Array.from(logvar, (value) => Math.exp(value / 2));
    const bars = Array.from(mu, (m, i) => (sigma.length ? [m - sigma[i], m + sigma[i]] : [0, m]));
    const most = Math.max(1.5, ...bars.flat().map(Math.abs));
    const y = (value) => height / 2 - (value * (height - 8)) / (2 * most);
    const wide = (width - SCALE) / order.length;
    context.clearRect(0, 0, width, height);
    context.fillStyle = colour("line");
    if (sigma.length) context.fillRect(SCALE, y(1), width - SCALE, y(-1) - y(1));
    order.forEach((i, place) => {
      const [low, high] = bars[i];
      context.fillStyle = colour("accent-soft");
      context.fillRect(SCALE + place * wide, y(high), wide * 0.85, y(low) - y(high));
      context.fillStyle = colour("accent");
      context.fillRect(SCALE + place * wide, y(mu[i]) - 1, wide * 0.85, 2);
    });
    context.fillStyle = colour("text");
    context.fillRect(SCALE, y(0), width - SCALE, 0.5);
    Object.assign(context, { fillStyle: colour("muted"), font: "11px system-ui, sans-serif" });
    context.textAlign = "right";
    for (const value of [-most, 0, most]) {
      context.fillText(
        digits(value, value === 0 ? 0 : 1),
        SCALE - 6,
        clamp(y(value) + 4, 10, height - 2),
      );
    }
    const spread = (i) => (sigma.length ? ` \u00b1 ${digits(sigma[i])}` : "");
    const first = order.slice(0, 3).map((i) => `z${i + 1} ${digits(mu[i])}${spread(i)}`);
    target.setAttribute(
      "aria-label",
      `Bars of the code, the most active dimension first: ${first.join(", ")}`,
    );
  };
  code.watch(() => code.posterior && draw());
  recoloured(draw);
  const what =
    content.model === "vae"
      ? "\u03bc, a line, and \u03bc \u00b1 \u03c3, a bar, of each latent dimension, the most active first; the band is that of p(z), \u00b1 1"
      : "the code: its value in each latent dimension, the most active first";
  return element("figure", {}, target, element("figcaption", {}, what));
}
