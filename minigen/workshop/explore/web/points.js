// Rows that are points: the plane, or the line, of the data.

import { clamp, range } from "./arrays.js";
import { moved } from "./axes.js";
import { arrowed, canvas, colour, digits, dragged, element, recoloured } from "./elements.js";
import { ruled } from "./ruler.js";

const DATA_SIDE = 260;
const LINE_HEIGHT = 80; // of a plane that is a line
const FIELD = 32; // cells on a side
const [FINE, COARSE] = [13, 9]; // nodes on a side of a grid that stays, and of one that moves

// The plane of the data, around all test rows and a fifth more: its canvas and its two directions.
function frame({ content, examples }, attributes) {
  const flat = content.width === 1;
  const [width, height] = [DATA_SIDE, flat ? LINE_HEIGHT : DATA_SIDE];
  const [x, y] = [0, 1].map((k) => {
    const values = examples.rows.map((row) => row[k] ?? 0);
    const [low, high] = [Math.min(...values), Math.max(...values)];
    const margin = Math.max((high - low) / 5, 1e-3);
    return { low: low - margin, size: high - low + 2 * margin };
  });
  const target = canvas(width, height, { class: "data", role: "img", ...attributes });
  return {
    flat,
    names: flat ? ["x", ""] : ["x1", "x2"],
    width,
    height,
    x,
    y,
    target,
    context: target.getContext("2d"),
    toPixel: ([a, b = 0]) => [
      ((a - x.low) / x.size) * width,
      height - ((b - y.low) / y.size) * height,
    ],
    toRow: (across, down) =>
      Float32Array.of(x.low + across * x.size, y.low + (1 - down) * y.size).slice(0, content.width),
  };
}

function dots({ context, toPixel, flat, height }, rows, style, size) {
  context.fillStyle = colour(style);
  context.globalAlpha = flat ? Math.min(1, 60 / rows.length) : 1; // strokes that overlap
  for (const row of rows) {
    const [x, y] = toPixel(row);
    if (flat) context.fillRect(x - size / 4, 8, size / 2, height - 16);
    else context.fillRect(x - size / 2, y - size / 2, size, size);
  }
  context.globalAlpha = 1;
}

function background(plane, { examples }) {
  plane.context.clearRect(0, 0, plane.width, plane.height);
  ruled(plane.context, plane, plane.names);
  dots(plane, examples.rows, "muted-soft", 2);
}

// Rows as points before the test rows.
export function cloud(page, label) {
  const plane = frame(page);
  const caption = element("figcaption");
  let shown = [];
  const draw = () => {
    background(plane, page);
    dots(plane, shown, "accent", shown.length > 1 ? 3 : 8);
  };
  const show = (rows, captions = []) => {
    shown = rows;
    const words = rows.length === 1 ? coordinates(rows[0]) : `${rows.length} points`;
    plane.target.setAttribute("aria-label", `${label}: ${words}`);
    caption.textContent = `${words}${captions.length === 1 ? `, ${captions[0]}` : ""}`;
    draw();
  };
  draw();
  recoloured(draw);
  return { box: element("figure", {}, plane.target, caption), show };
}

export function coordinates(row) {
  return `(${Array.from(row, (value) => digits(value, 3)).join(", ")})`;
}

// A point that the hand moves: calls onRow(x, name). `put` shows a row from elsewhere.
export function pointer(page, onRow) {
  const plane = frame(page, {
    tabindex: 0,
    role: "application",
    "aria-label": "The data's plane: arrow keys move your point",
  });
  let row = plane.toRow(0.5, 0.5);
  const draw = () => {
    background(plane, page);
    dots(plane, [row], "accent", 8);
  };
  const put = (x) => {
    row = x;
    draw();
  };
  const move = (across, down) => {
    put(plane.toRow(clamp(across, 0, 1), clamp(down, 0, 1)));
    onRow(row, "your point");
  };
  dragged(plane.target, move);
  arrowed(plane.target, (dx, dy) => {
    const [x, y] = plane.toPixel(row);
    move(x / plane.width + dx / 50, y / plane.height + dy / 50);
  });
  draw();
  recoloured(draw);
  return { target: plane.target, put };
}

// The row of z among the data, above D(x) as a field, with the image of a grid of the latent plane.
export function image(page) {
  const { model, code } = page;
  const plane = frame(page);
  const field = model.discriminator && scores(plane, model);
  let [origin, axes, nodes, row] = [null, null, null, null];

  const draw = () => {
    background(plane, page);
    if (field) paintField(plane, field);
    drawGrid(plane, nodes);
    dots(plane, [row], "accent", 8);
  };
  const show = (rows) => {
    [row] = rows;
    const now = moved(code.z, code.axes, 0, 0); // which a drag in the plane leaves as it is
    if (axes !== code.axes || now.some((value, i) => Math.abs(value - origin[i]) > 1e-4)) {
      [origin, axes, nodes] = [now, code.axes, gridOf(model, code)];
    }
    plane.target.setAttribute("aria-label", `The row of z: ${coordinates(row)}`);
    draw();
  };
  recoloured(draw);
  const words = field
    ? `. Shade: D(x), the probability of being data, from ${digits(field.low)} to ${digits(field.high)}`
    : "";
  const caption = `Blue mark: the row of z. Lines: the image of a grid over the latent plane. Grey marks: test rows${words}.`;
  return { box: element("figure", {}, plane.target, element("figcaption", {}, caption)), show };
}

// Lines through the nodes in both directions, or a stroke for each node.
function drawGrid(plane, nodes) {
  if (plane.flat) return dots(plane, nodes.flat(), "accent", 2);
  const { context, toPixel } = plane;
  const across = nodes[0].map((_, k) => nodes.map((line) => line[k]));
  context.strokeStyle = colour("accent-soft");
  context.lineWidth = 1;
  for (const line of [...nodes, ...across]) {
    context.beginPath();
    line.forEach((node) => context.lineTo(...toPixel(node)));
    context.stroke();
  }
}

function gridOf(model, { z, axes, square }) {
  const side = z.length > 2 ? COARSE : FINE; // all codes of a plane are in the grid of the first
  const counts = axes[1].name ? [side, side] : [side ** 2, 1];
  const [across, up] = counts.map((count) =>
    range(count).map((k) => ((2 * k + 1) / count - 1) * square.half),
  );
  return across.map((a) => up.map((b) => model.decode(moved(z, axes, square.x + a, square.y + b))));
}

function scores(plane, model) {
  const lines = plane.flat ? 1 : FIELD;
  const values = range(lines).map((i) =>
    range(FIELD).map((j) => model.score(plane.toRow((j + 0.5) / FIELD, (i + 0.5) / lines))),
  );
  return { values, low: Math.min(...values.flat()), high: Math.max(...values.flat()) };
}

function paintField({ context, width, height }, { values, low, high }) {
  const [wide, tall] = [width / FIELD, height / values.length];
  context.fillStyle = colour("accent");
  values.forEach((line, i) =>
    line.forEach((value, j) => {
      context.globalAlpha = (0.5 * (value - low)) / (high - low || 1);
      context.fillRect(j * wide, i * tall, wide, tall);
    }),
  );
  context.globalAlpha = 1;
}
