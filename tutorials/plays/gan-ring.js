// A GAN that learns the ring while the reader watches, and chooses who moves, and how far.

import { range } from "../../minigen/workshop/explore/web/arrays.js";
import { button } from "../../minigen/workshop/explore/web/elements.js";
import { normals, uniforms } from "../../minigen/workshop/explore/web/random.js";
import { GAN, perceptron } from "./gan.js";
import { Plot } from "./plot.js";
import { line, picture, player, row, slider, stage } from "./stage.js";

const BATCH = 64;
const STEPS = 600;
const WIDTH = 0.01; // of a mode
const HALF = 1.4; // of the plane that is shown
const CELLS = 32; // of D's field on a side
const HIDDEN = [64, 64];

const modes = range(8).map((k) => [Math.cos((k * Math.PI) / 4), Math.sin((k * Math.PI) / 4)]);
const cells = Float64Array.from(
  range(CELLS * CELLS).flatMap((i) => [
    ((2 * (i % CELLS) + 1) / CELLS - 1) * HALF,
    (1 - (2 * Math.floor(i / CELLS) + 1) / CELLS) * HALF,
  ]),
);
const fixed = normals(uniforms(1), 2 * 500); // noise of the samples that are shown

let uniform, gan, counts, values, losses;

const pairs = (flat) => range(flat.length / 2).map((i) => [flat[2 * i], flat[2 * i + 1]]);
const noise = () => normals(uniform, 2 * BATCH);

function data() {
  const spread = normals(uniform, 2 * BATCH);
  const chosen = range(BATCH).map(() => modes[Math.floor(8 * uniform())]);
  return chosen.flatMap((mode, i) => mode.map((value, k) => value + WIDTH * spread[2 * i + k]));
}

function moveD() {
  const { loss, dReal, dFake } = gan.discriminatorStep(data(), noise(), 10 ** dRate.value);
  counts.d += 1;
  Object.assign(values, { dLoss: loss, dReal, dFake });
}

function moveG() {
  const { loss } = gan.generatorStep(noise(), 10 ** gRate.value);
  counts.g += 1;
  values.gLoss = loss;
}

function moveBoth() {
  moveD();
  moveG();
  losses.push([values.dLoss, values.gLoss]);
}

// The modes that have a sample within three of their widths.
function hit(samples) {
  const near = (mode) => samples.some(([x, y]) => Math.hypot(x - mode[0], y - mode[1]) < 3 * WIDTH);
  return modes.filter(near).length;
}

function drawPlane(pen, width, high, colour) {
  const plot = new Plot(pen, [0, 0, width, high], [-HALF, HALF], [-HALF, HALF]);
  const size = width / CELLS;
  gan.score(cells).forEach((d, i) => {
    const [left, right] = [i % CELLS, (i % CELLS) + 1].map((k) => Math.round(k * size));
    const down = Math.floor(i / CELLS);
    const [top, bottom] = [down, down + 1].map((k) => Math.round(k * size));
    pen.fillStyle = colour(d > 0.5 ? "blue" : "red");
    pen.globalAlpha = 1.2 * Math.abs(d - 0.5);
    pen.fillRect(left, top, right - left, bottom - top);
  });
  pen.globalAlpha = 1;
  for (const mode of modes) plot.dot(mode, colour("ink"), 8, false);
  for (const sample of pairs(gan.sample(fixed))) plot.dot(sample, colour("orange"), 1.8);
}

function drawLosses(pen, width, high, colour) {
  const plot = new Plot(pen, [30, 26, width - 46, high - 66], [0, STEPS], [0, 3]);
  for (const [level, tint] of [
    [2 * Math.log(2), "blue"],
    [Math.log(2), "orange"],
  ]) {
    plot.line(
      [
        [0, level],
        [STEPS, level],
      ],
      colour(tint),
      { dash: [4, 4], width: 1 },
    );
  }
  for (const level of [0, 1, 2, 3]) plot.text(`${level}`, [-10, level], colour("ink"), "right");
  plot.scale([0, 200, 400, 600], "steps of both", colour("ink"));
  ["blue", "orange"].forEach((tint, k) => {
    plot.line(
      losses.map((pair, i) => [i, pair[k]]),
      colour(tint),
      { width: 1 },
    );
  });
  pen.textAlign = "left";
  pen.fillStyle = colour("blue");
  pen.fillText("loss of D", 30, 16);
  pen.fillStyle = colour("orange");
  pen.fillText("loss of G (dashed: where D = 1/2)", 96, 16);
}

const plane = picture(1, {}, drawPlane);
const graph = picture(1.25, {}, drawLosses);
const says = line();

function show() {
  const found = hit(pairs(gan.sample(fixed)));
  const [d, g] = [values.dLoss, values.gLoss].map((value) => value?.toFixed(3) ?? "unknown");
  says.textContent =
    `Steps of D: ${counts.d}, of G: ${counts.g}. Loss of D ${d}, of G ${g}; ` +
    `${found} of 8 modes have one of the 500 samples. Blue: D takes it for data; red: for a sample.`;
  plane.target.setAttribute(
    "aria-label",
    `500 samples, the eight modes in circles, and D in colour; ${found} modes have samples`,
  );
  graph.target.setAttribute("aria-label", `Losses after ${losses.length} steps of both players`);
  plane.redraw();
  graph.redraw();
}

function restart() {
  uniform = uniforms(3);
  gan = new GAN(perceptron([2, ...HIDDEN, 2], uniform), perceptron([2, ...HIDDEN, 1], uniform));
  counts = { d: 0, g: 0 };
  values = {};
  losses = [];
  show();
}

const rate = {
  min: -4,
  max: -2,
  step: 0.05,
  say: (power) => `${Number((10 ** power).toPrecision(2))}`,
};
const gRate = slider("rate of G", { ...rate, value: Math.log10(5e-4) }, () => {});
const dRate = slider("rate of D", { ...rate, value: Math.log10(2e-3) }, () => {});
const play = player("Play", () => {
  if (losses.length >= STEPS) restart();
  moveBoth();
  show();
  return losses.length < STEPS;
});
const act = (name, ...moves) =>
  button(name, () => {
    moves.forEach((move) => move());
    show();
  });
const rates = (name, g, d) =>
  button(name, () => {
    [gRate.value, dRate.value] = [Math.log10(g), Math.log10(d)];
    restart();
  });

restart();
stage(
  "gan-ring",
  "Train on the ring: who leads, who chases?",
  row(plane.target, graph.target),
  row(gRate.label, dRate.label),
  row(
    play,
    act("Step of D", moveD),
    act("Step of G", moveG),
    act("20 of both", ...Array(20).fill(moveBoth)),
    button("Begin again", restart),
  ),
  row(rates("Let D lead", 5e-4, 2e-3), rates("Let D chase", 2e-3, 5e-4)),
  says,
);

// As the moving picture did, it begins when it comes into sight.
const sight = new IntersectionObserver(
  ([entry]) => {
    if (!entry.isIntersecting) return;
    sight.disconnect();
    if (!play.hidden) play.click();
  },
  { threshold: 0.5 },
);
sight.observe(plane.target);
