// The Dirac-GAN: the generator is one number theta, the discriminator one slope psi.

import { arrowed, button, digits, dragged } from "../../minigen/workshop/explore/web/elements.js";
import { clamp } from "../../minigen/workshop/explore/web/arrays.js";
import { sigmoid } from "../../minigen/workshop/explore/web/nn.js";
import { Plot } from "./plot.js";
import { choice, line, picture, player, row, slider, stage } from "./stage.js";

const STEPS = 150;
const HALF = 2.2; // of the plane that is shown

// (8.2): what each player's own gradient asks for.
export function field([theta, psi]) {
  const d = sigmoid([theta * psi])[0];
  return [d * psi, -d * theta];
}

// Both move at once, or D first and G by the new D; D pays penalty * psi^2 / 2.
export function step([theta, psi], { gRate, dRate, penalty, inTurn }) {
  const next = psi + dRate * (field([theta, psi])[1] - penalty * psi);
  return [theta + gRate * field([theta, inTurn ? next : psi])[0], next];
}

// The larger modulus of the eigenvalues of a step near (0, 0), from its trace and determinant.
export function factor({ gRate, dRate, penalty, inTurn }) {
  const turn = (gRate * dRate) / 4;
  const half = (2 - dRate * penalty - (inTurn ? turn : 0)) / 2;
  const determinant = 1 - dRate * penalty + (inTurn ? 0 : turn);
  const rest = half ** 2 - determinant;
  return rest < 0 ? Math.sqrt(determinant) : Math.abs(half) + Math.sqrt(rest);
}

function path(start, rules) {
  const points = [start];
  while (points.length <= STEPS) points.push(step(points.at(-1), rules));
  return points;
}

const distance = (point) => Math.hypot(...point);
const height = (point) => clamp(Math.log10(distance(point)), -4, 2);

let start = [0.5, 0];
let shown = STEPS;

const rules = () => ({
  gRate: gRate.value,
  dRate: dRate.value,
  penalty: penalty.value,
  inTurn: order.select.selectedIndex,
});

const plane = (pen, width, high) =>
  new Plot(pen, [1, 1, width - 2, high - 2], [-HALF, HALF], [-HALF, HALF]);

function drawPlane(pen, width, high, colour) {
  const plot = plane(pen, width, high);
  for (let theta = -2; theta <= 2; theta += 0.4) {
    for (let psi = -2; psi <= 2; psi += 0.4) {
      const [dx, dy] = field([theta, psi]);
      plot.line(
        [
          [theta, psi],
          [theta + dx / 6, psi + dy / 6],
        ],
        colour("muted"),
      );
      plot.dot([theta, psi], colour("muted"), 1.5);
    }
  }
  const points = path(start, rules()).slice(0, shown + 1);
  plot.line(points, colour("blue"));
  plot.inside(() => points.forEach((point) => plot.dot(point, colour("blue"), 2)));
  plot.dot(start, colour("ink"), 5, false);
  plot.inside(() => plot.dot(points.at(-1), colour("orange"), 6));
  plot.text("sample \u03b8 \u2192", [HALF - 0.05, -HALF + 0.08], colour("ink"), "right");
  plot.text("\u2191 slope \u03c8", [-HALF + 0.08, HALF - 0.2], colour("ink"));
}

function drawDistance(pen, width, high, colour) {
  const plot = new Plot(pen, [54, 26, width - 70, high - 66], [0, STEPS], [-4, 2]);
  const points = path(start, rules());
  const rate = Math.log10(factor(rules()));
  for (const power of [-4, -2, 0, 2]) {
    plot.line(
      [
        [0, power],
        [STEPS, power],
      ],
      colour("faint"),
      { width: 1 },
    );
    plot.text(`${10 ** power}`, [-3, power], colour("ink"), "right");
  }
  plot.scale([0, 50, 100, 150], "steps", colour("ink"));
  plot.text("distance from the equilibrium", [0, 2.3], colour("ink"));
  const predicted = [0, STEPS].map((i) => [i, Math.log10(distance(start)) + i * rate]);
  plot.line(predicted, colour("ink"), { dash: [5, 4] });
  plot.line(
    points.slice(0, shown + 1).map((point, i) => [i, height(point)]),
    colour("blue"),
  );
  plot.dot([shown, height(points[shown])], colour("orange"), 5);
}

const game = picture(1, { class: "play-hand", tabindex: 0, role: "application" }, drawPlane);
const graph = picture(1.25, {}, drawDistance);
const says = line();

function show() {
  const points = path(start, rules());
  const predicted = factor(rules());
  const measured = (distance(points[STEPS]) / distance(start)) ** (1 / STEPS);
  const verdict =
    predicted > 1 + 1e-9 ? "leaves" : predicted > 1 - 1e-9 ? "circles" : "comes to rest";
  says.textContent =
    `Factor of the distance in a step: ${predicted.toFixed(4)} predicted near (0, 0), where it ` +
    `${verdict}; ${measured.toFixed(4)} measured over ${STEPS} steps.`;
  const place = `\u03b8 ${digits(start[0])}, \u03c8 ${digits(start[1])}`;
  game.target.setAttribute("aria-label", `Start at ${place}; arrow keys move it`);
  graph.target.setAttribute(
    "aria-label",
    `The distance from (0, 0) is ${distance(start).toPrecision(3)} at the start and ` +
      `${distance(points[shown]).toPrecision(3)} after ${shown} steps`,
  );
  game.redraw();
  graph.redraw();
}

function change() {
  shown = STEPS;
  show();
}

const rate = { min: 0.05, max: 3, step: 0.05, value: 0.5, say: (value) => value.toFixed(2) };
const gRate = slider("rate of G", rate, change);
const dRate = slider("rate of D", rate, change);
const penalty = slider("penalty on D", { ...rate, min: 0, max: 1.5, value: 0 }, change);
const order = choice("They move", ["both at once", "in turn, D first"], change);
const play = player("Play", () => {
  shown = shown < STEPS ? shown + 1 : 0;
  show();
  return shown < STEPS;
});
const begin = ([theta, psi]) => {
  start = [clamp(theta, -2, 2), clamp(psi, -2, 2)];
  if (distance(start) < 0.01) start = [0.01, 0];
  change();
};
dragged(game.target, (x, y) => begin(plane(null, 100, 100).at([x, y], [100, 100])));
arrowed(game.target, (dx, dy) => begin([start[0] + dx / 10, start[1] - dy / 10]));

stage(
  "gan-dirac",
  "Play the game: drag the start, and change the rates",
  row(game.target, graph.target),
  row(
    order.label,
    play,
    button("Start again", () => begin([0.5, 0])),
  ),
  row(gRate.label, dRate.label, penalty.label),
  says,
);
show();
