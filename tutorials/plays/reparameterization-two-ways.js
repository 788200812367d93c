// Ten draws of N(mean, 1) whose mean moves: either they move along, or they change weight.

import { arrowed, button, digits, dragged } from "../../minigen/workshop/explore/web/elements.js";
import { normals, uniforms } from "../../minigen/workshop/explore/web/random.js";
import { range } from "../../minigen/workshop/explore/web/arrays.js";
import { Plot } from "./plot.js";
import { line, picture, row, slider, stage } from "./stage.js";

const BEFORE = 1; // the mean that the draws were made with
// Those of the still picture.
let noise = [
  0.908059289141998, -0.1681187222124179, 1.587952545270799, 1.0541494933203892, 0.2625367928975902,
  0.5412272645265896, -0.3805197509506703, -1.3969959266543575, 0.6752803975681808,
  -0.7355428938654506,
];
const uniform = uniforms(5);

const f = (z) => z ** 2;
const mean = (values) => values.reduce((sum, value) => sum + value, 0) / values.length;

// (5.3): the draws of the new mean, each with the weight 1.
export function path(noise, to) {
  return noise.map((eps) => ({ z: to + eps, weight: 1 }));
}

// (5.2): the draws of the old mean, each with the weight N(z; to, 1) / N(z; 1, 1).
export function score(noise, to) {
  const shift = to - BEFORE;
  return noise.map((eps) => ({ z: BEFORE + eps, weight: Math.exp(eps * shift - shift ** 2 / 2) }));
}

export function estimate(draws) {
  return mean(draws.map(({ z, weight }) => weight * f(z)));
}

const XS = [-1.8, 4.6];
const grid = range(121).map((i) => XS[0] + ((XS[1] - XS[0]) * i) / 120);
const box = (width, high) => [8, 26, width - 16, high - 66];

function drawWay(title, way) {
  return (pen, width, high, colour) => {
    const plot = new Plot(pen, box(width, high), XS, [0, 17]);
    const bell = grid.map((z) => [z, 4 * Math.exp(-((z - to.value) ** 2) / 2)]);
    plot.area(bell, colour("blue"), 0.25);
    plot.line(
      grid.map((z) => [z, f(z)]),
      colour("muted"),
    );
    pen.globalAlpha = 0.85;
    for (const { z, weight } of way(noise, to.value))
      plot.inside(() => plot.dot([z, f(z)], colour("orange"), 6 * Math.sqrt(weight)));
    pen.globalAlpha = 1;
    noise.forEach((eps) => plot.dot([BEFORE + eps, f(BEFORE + eps)], colour("ink"), 6, false));
    plot.line(
      [
        [to.value, 0],
        [to.value, 17],
      ],
      colour("blue"),
      { dash: [4, 3] },
    );
    plot.scale([-1, 0, 1, 2, 3, 4], "z", colour("ink"));
    pen.font = "bold 14px system-ui, sans-serif";
    pen.textAlign = "left";
    pen.fillText(title, 8, 16);
  };
}

const hand = { class: "play-across", tabindex: 0, role: "application" };
const ways = [
  picture(1.25, hand, drawWay("Path: draws move", path)),
  picture(1.25, hand, drawWay("Score: weights change", score)),
];
const says = line();

function show() {
  const [moved, heavier] = [path, score].map((way) => digits(estimate(way(noise, to.value))));
  says.textContent =
    `Mean of z\u00b2, with mean ${digits(to.value)}: ${moved} by the draws that move, ${heavier} by ` +
    `those that change weight, ${digits(to.value ** 2 + 1)} in truth.`;
  const place = `mean ${digits(to.value)}; arrow keys move it`;
  ways[0].target.setAttribute("aria-label", `Draws that move along a parabola, ${place}`);
  ways[1].target.setAttribute("aria-label", `Draws on a parabola that change size, ${place}`);
  ways.forEach((way) => way.redraw());
}

const to = slider("mean", { min: 0, max: 3, step: 0.01, value: 1.8, say: (m) => digits(m) }, show);
const move = (mean) => {
  to.value = mean;
  show();
};
for (const { target } of ways) {
  dragged(target, (x) => {
    const size = [target.clientWidth, target.clientHeight];
    move(new Plot(null, box(...size), XS, [0, 1]).at([x, 0], size)[0]);
  });
  arrowed(target, (dx, dy) => move(to.value + (dx - dy) / 20));
}

stage(
  "reparameterization-two-ways",
  "Move the mean: what do the ten draws do?",
  row(...ways.map((way) => way.target)),
  row(
    to.label,
    button("Ten other draws", () => {
      noise = Array.from(normals(uniform, 10));
      show();
    }),
  ),
  says,
);
show();
