// The latent plane: codes of test rows, the code z under the hand, and q(z|x) as an ellipse.

import { clamp, dot } from "./arrays.js";
import { ellipse, families, moved, noAxis, squareAround } from "./axes.js";
import { arrowed, canvas, colour, digits, dragged, element, recoloured } from "./elements.js";
import { ruled } from "./ruler.js";

const PLANE_SIDE = 420;
const LOW = 105; // the height of a plane that is a line
const FEW = 200; // codes, which get larger dots
const PALETTE = [
  "1f77b4",
  "ff7f0e",
  "2ca02c",
  "d62728",
  "9467bd",
  "8c564b",
  "e377c2",
  "7f7f7f",
  "bcbd22",
  "17becf",
];

export function plane({ content, examples, code }) {
  const flat = content.nLatent === 1;
  const height = flat ? LOW : PLANE_SIDE;
  const target = canvas(PLANE_SIDE, height, {
    class: flat ? "plane flat" : "plane",
    tabindex: 0,
    role: "application",
  });
  const context = target.getContext("2d");
  const labels = content.codeLabels;
  const names = [...new Set(labels ?? [])].sort((a, b) => a - b);
  const tint = (label) => `#${PALETTE[names.indexOf(label) % PALETTE.length]}`;
  const tints = (labels ?? []).map(tint);
  const prior = content.model === "ae" ? [] : [-2, 2].map((end) => [end, end]); // most of p(z)
  let axes, points, square;

  const toPixel = ([a, b]) => [
    PLANE_SIDE / 2 + ((a - square.x) * PLANE_SIDE) / (2 * square.half),
    height / 2 - ((b - square.y) * PLANE_SIDE) / (2 * square.half),
  ];
  const seen = (z) => axes.map(({ vector }) => dot(z, vector));
  const kept = (a, b) => [
    clamp(a, square.x - square.half, square.x + square.half),
    clamp(b, square.y - square.half, square.y + square.half),
  ];

  const draw = () => {
    context.clearRect(0, 0, PLANE_SIDE, height);
    ruled(
      context,
      { width: PLANE_SIDE, height, ...sides(square) },
      axes.map(({ name }) => name),
    );
    const size = points.length > FEW ? 3 : 6;
    const plain = colour("muted");
    points.forEach((point, i) => {
      const [x, y] = toPixel(point);
      context.fillStyle = tints[i] ?? plain;
      context.fillRect(x - size / 2, y - size / 2, size, size);
    });
    if (code.posterior?.logvar.length)
      drawPosterior(context, code.posterior, axes, seen, toPixel, square);
    const [across, down] = toPixel(seen(code.z));
    const [x, y] = [clamp(across, 9, PLANE_SIDE - 9), clamp(down, 9, height - 9)]; // in sight
    context.lineWidth = 2;
    for (const [radius, style] of [
      [8, "page"],
      [6.5, "text"],
    ]) {
      context.strokeStyle = colour(style);
      context.beginPath();
      context.arc(x, y, radius, 0, 7);
      context.stroke();
    }
    const place = seen(code.z).map(
      (value, k) => axes[k].name && `${axes[k].name} ${digits(value)}`,
    );
    target.setAttribute(
      "aria-label",
      `Latent plane, ${place.filter(Boolean).join(", ")}; arrow keys move the code`,
    );
  };
  const choose = (chosen) => {
    axes = chosen;
    points = examples.codes.map(seen);
    square = squareAround([...points, ...prior]);
    code.look(axes, square);
  };

  dragged(target, (x, y) => {
    const a = square.x + (2 * x - 1) * square.half;
    const b = square.y - (2 * y - 1) * square.half;
    code.move(moved(code.z, axes, ...kept(a, b)));
  });
  arrowed(target, (dx, dy, event) => {
    const [a, b] = seen(code.z);
    const step = square.half / (event.shiftKey ? 100 : 20);
    code.move(moved(code.z, axes, ...kept(a + dx * step, b - dy * step)));
  });
  code.watch(draw);
  const controls = chooser(content, choose);
  recoloured(draw);
  return { box: element("div", { class: "planebox" }, target, legend(names, tint)), controls };
}

function sides({ x, y, half }) {
  return { x: { low: x - half, size: 2 * half }, y: { low: y - half, size: 2 * half } };
}

// q(z|x): an ellipse of two standard deviations around a cross.
function drawPosterior(context, { mu, logvar }, axes, seen, toPixel, square) {
  const [x, y] = toPixel(seen(mu));
  const { long, short, angle } = ellipse(logvar, axes);
  const scale = (2 * PLANE_SIDE) / (2 * square.half);
  context.strokeStyle = colour("accent");
  context.lineWidth = 2;
  context.beginPath();
  context.ellipse(x, y, long * scale, short * scale, -angle, 0, 7);
  context.moveTo(x - 4, y);
  context.lineTo(x + 4, y);
  context.moveTo(x, y - 4);
  context.lineTo(x, y + 4);
  context.stroke();
}

function legend(names, tint) {
  const entries = names.map((label) => {
    const swatch = element("span", { class: "swatch" });
    swatch.style.background = tint(label);
    return element("span", {}, swatch, `${label}`);
  });
  return element(
    "p",
    { class: "legend", hidden: names.length === 0 || names.length > PALETTE.length },
    "label ",
    ...entries,
  );
}

// Selects for the two axes; calls choose with them, at once too.
function chooser(content, choose) {
  const { nLatent, importanceName } = content;
  const all = families(content);
  const select = (label) => element("select", { "aria-label": label, onchange: () => update() });
  const [family, first, second] = ["Kind of axes", "Axis to the right", "Axis upward"].map(select);
  family.append(...all.map(({ name }, i) => element("option", { value: i }, name)));
  const fill = (axes) => {
    for (const [select, preferred] of [
      [first, 0],
      [second, 1],
    ]) {
      const option = ({ name, importance }, i) =>
        element("option", { value: i }, `${name}, ${importanceName} ${importance.toPrecision(2)}`);
      select.replaceChildren(...axes.map(option));
      select.value = Math.min(preferred, axes.length - 1);
    }
  };
  let shown = all[0];
  const update = () => {
    const { axes } = all[family.value];
    if (all[family.value] !== shown) fill(axes);
    shown = all[family.value];
    const [i, j] = [Number(first.value), Number(second.value)];
    choose([axes[i], i === j ? noAxis(nLatent) : axes[j]]);
  };
  fill(shown.axes);
  update();
  return element(
    "p",
    { class: "controls", hidden: nLatent === 1 },
    element("label", {}, "Axes ", family),
    element("label", {}, "\u2192 ", first),
    element("label", {}, "\u2191 ", second),
    element("small", {}, content.importanceText),
  );
}
