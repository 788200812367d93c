// Two Gaussians, data at 0 and samples at m: the best D, what is left to G, and both its gradients.

import { range } from "../../minigen/workshop/explore/web/arrays.js";
import { arrowed, digits, dragged } from "../../minigen/workshop/explore/web/elements.js";
import { bceWithLogits, sigmoid } from "../../minigen/workshop/explore/web/nn.js";
import { Plot } from "./plot.js";
import { line, picture, row, slider, stage } from "./stage.js";

const STEP = 0.05;
const noise = range(481).map((i) => -12 + STEP * i);
const normal = (x) => Math.exp(-(x ** 2) / 2) / Math.sqrt(2 * Math.PI);
const mean = (f) => noise.reduce((sum, eps) => sum + STEP * normal(eps) * f(eps), 0);

// (7.3): the logit of the best D between N(0, 1) and N(m, 1).
const logit = (x, m) => -m * x + (m * m) / 2;
const best = (x, m) => sigmoid([logit(x, m)])[0];
const logD = (x, m) => -bceWithLogits([logit(x, m)], [1]);
const logNotD = (x, m) => -bceWithLogits([logit(x, m)], [0]);

// C(G), (7.4), and the gradients of (G3) and (G2) with respect to m, through the input of D*.
export function game(m) {
  return {
    value: mean((eps) => logD(eps, m) + logNotD(eps + m, m)),
    minimax: mean((eps) => -best(eps + m, m) * -m),
    nonSaturating: mean((eps) => (best(eps + m, m) - 1) * -m),
  };
}

const XS = [-4, 8];
const MS = [-3, 6];
const xs = range(241).map((i) => XS[0] + i / 20);
const games = range(91).map((i) => ({ m: MS[0] + i / 10, ...game(MS[0] + i / 10) }));
const box = (width, high) => [8, 24, width - 16, high - 64];

function drawDensities(pen, width, high, colour) {
  const plot = new Plot(pen, box(width, high), XS, [0, 1]);
  plot.area(
    xs.map((x) => [x, normal(x)]),
    colour("blue"),
  );
  plot.area(
    xs.map((x) => [x, normal(x - m.value)]),
    colour("orange"),
  );
  plot.line(
    xs.map((x) => [x, best(x, m.value)]),
    colour("ink"),
    { width: 2 },
  );
  plot.line(
    [
      [XS[0], 0.5],
      [XS[1], 0.5],
    ],
    colour("muted"),
    { dash: [3, 4] },
  );
  const { minimax, nonSaturating } = game(m.value);
  arrow(plot, 0.53, -nonSaturating, colour("red"));
  arrow(plot, 0.45, -minimax, colour("green"));
  plot.scale([-4, -2, 0, 2, 4, 6, 8], "x", colour("ink"));
  pen.textAlign = "left";
  const words = [
    ["data  ", "blue"],
    ["samples  ", "orange"],
    ["D*", "ink"],
  ];
  let left = 8;
  for (const [word, tint] of words) {
    pen.fillStyle = colour(tint);
    pen.fillText(word, left, 15);
    left += pen.measureText(word).width;
  }
}

// The push on the samples: a step of size 1 against the gradient takes their mean so far.
function arrow(plot, height, force, colour) {
  const end = m.value + force;
  plot.line(
    [
      [m.value, height],
      [end, height],
    ],
    colour,
    { width: 3 },
  );
  const back = Math.sign(force) * Math.min(0.15, Math.abs(force));
  for (const side of [-1, 1]) {
    plot.line(
      [
        [end, height],
        [end - back, height + 0.025 * side],
      ],
      colour,
      { width: 3 },
    );
  }
}

function drawGame(pen, width, high, colour) {
  const half = (high - 40) / 2;
  const left = new Plot(pen, [34, 22, width - 50, half - 28], MS, [-1.5, 0.05]);
  const right = new Plot(pen, [34, half + 22, width - 50, half - 22], MS, [-3, 6]);
  const now = game(m.value);
  for (const [plot, heights] of [
    [left, [-1.386, 0]],
    [right, [-2, 0, 2, 4]],
  ]) {
    for (const height of heights) {
      plot.line(
        [
          [MS[0], height],
          [MS[1], height],
        ],
        colour("faint"),
        { width: 1 },
      );
      plot.text(
        digits(height, Number.isInteger(height) ? 0 : 1),
        [MS[0] - 0.1, height],
        colour("ink"),
        "right",
      );
    }
    plot.line(
      [
        [m.value, -9],
        [m.value, 9],
      ],
      colour("muted"),
      { dash: [3, 4] },
    );
  }
  const curves = [
    [left, "value", "ink", "C(G), in nats"],
    [right, "nonSaturating", "red", "push of (G2)"],
    [right, "minimax", "green", "push of (G3)"],
  ];
  for (const [plot, name, tint] of curves) {
    plot.line(
      games.map((one) => [one.m, one[name]]),
      colour(tint),
      { width: 2 },
    );
    plot.inside(() => plot.dot([m.value, now[name]], colour(tint), 5));
  }
  pen.textAlign = "left";
  pen.fillStyle = colour("ink");
  pen.fillText(curves[0][3], 34, 14);
  pen.fillStyle = colour("red");
  pen.fillText(`${curves[1][3]}, `, 34, half + 12);
  const beside = 34 + pen.measureText(`${curves[1][3]}, `).width;
  pen.fillStyle = colour("green");
  pen.fillText(curves[2][3], beside, half + 12);
  right.scale([-2, 0, 2, 4, 6], "mean m of the samples", colour("ink"));
}

const hand = { class: "play-across", tabindex: 0, role: "application" };
const densities = picture(1.25, hand, drawDensities);
const graphs = picture(1.25, {}, drawGame);
const says = line();

function show() {
  const { value, minimax, nonSaturating } = game(m.value);
  const gradients = `${digits(nonSaturating, 4)} and ${digits(minimax, 4)}`;
  says.textContent =
    `C(G) = ${digits(value, 4)} nats, and JSD = ${((value + Math.log(4)) / 2).toFixed(4)}. ` +
    `Push on m, as the arrows show: ${digits(nonSaturating, 4)} by the non-saturating loss (G2), ` +
    `${digits(minimax, 4)} by the minimax loss (G3), which is the slope of C(G).`;
  densities.target.setAttribute(
    "aria-label",
    `Densities of data and of samples at ${digits(m.value)}, and D*; arrow keys move the samples`,
  );
  graphs.target.setAttribute(
    "aria-label",
    `C(G) is ${digits(value, 3)} nats; the pushes are ${gradients}`,
  );
  densities.redraw();
  graphs.redraw();
}

const m = slider(
  "mean m",
  { min: MS[0], max: MS[1], step: 0.01, value: 2, say: (value) => digits(value) },
  show,
);
const move = (value) => {
  m.value = value;
  show();
};
dragged(densities.target, (x) => {
  const size = [densities.target.clientWidth, densities.target.clientHeight];
  move(new Plot(null, box(...size), XS, [0, 1]).at([x, 0], size)[0]);
});
arrowed(densities.target, (dx, dy) => move(m.value + (dx - dy) / 20));

stage(
  "minimax-divergence",
  "Move the samples: what does the best D answer?",
  row(densities.target, graphs.target),
  row(m.label),
  says,
);
show();
