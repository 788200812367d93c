// The small network of page 1: values run right, gradients run left, and every number can be moved.

import { between, clamp } from "../../minigen/workshop/explore/web/arrays.js";
import {
  arrowed,
  button,
  dragged,
  significant,
} from "../../minigen/workshop/explore/web/elements.js";
import { choice, line, picture, player, row, slider, stage } from "./stage.js";

const FIRST = {
  x1: 1,
  x2: 2,
  u11: 1,
  u12: -1,
  u21: 0.5,
  u22: 1,
  b1: 0,
  b2: -2,
  w1: 0.5,
  w2: 3,
  c: 0,
  target: 3,
};
const RATE = 0.01;

// u_ij leads from x_i to hidden unit j, w_j from there to y; b_j and c are biases.
export function forward({ x1, x2, u11, u12, u21, u22, b1, b2, w1, w2, c, target }) {
  const h1 = x1 * u11 + x2 * u21 + b1;
  const h2 = x1 * u12 + x2 * u22 + b2;
  const [a1, a2] = [Math.max(h1, 0), Math.max(h2, 0)];
  const y = a1 * w1 + a2 * w2 + c;
  return { h1, h2, a1, a2, y, S: (y - target) ** 2 };
}

// The derivative of S with respect to each of these numbers.
export function backward({ x1, x2, u11, u12, u21, u22, w1, w2, target }, { h1, h2, a1, a2, y }) {
  const dy = 2 * (y - target);
  const dh1 = h1 > 0 ? dy * w1 : 0;
  const dh2 = h2 > 0 ? dy * w2 : 0;
  return {
    y: dy,
    target: -dy,
    w1: a1 * dy,
    w2: a2 * dy,
    c: dy,
    h1: dh1,
    h2: dh2,
    u11: x1 * dh1,
    u12: x1 * dh2,
    u21: x2 * dh1,
    u22: x2 * dh2,
    b1: dh1,
    b2: dh2,
    x1: dh1 * u11 + dh2 * u12,
    x2: dh1 * u21 + dh2 * u22,
  };
}

// Where the nodes are, in parts of the picture; the value of each and the name of its gradient.
const nodes = {
  x1: { at: [0.09, 0.25], value: "x1", gradient: "x1", back: 3 },
  x2: { at: [0.09, 0.75], value: "x2", gradient: "x2", back: 3 },
  h1: { at: [0.45, 0.25], value: "a1", gradient: "h1", back: 2, bias: "b1" },
  h2: { at: [0.45, 0.75], value: "a2", gradient: "h2", back: 2, bias: "b2" },
  y: { at: [0.8, 0.5], value: "y", gradient: "y", back: 1, bias: "c" },
};
const edges = {
  u11: ["x1", "h1"],
  u12: ["x1", "h2"],
  u21: ["x2", "h1"],
  u22: ["x2", "h2"],
  w1: ["h1", "y"],
  w2: ["h2", "y"],
};
const names = {
  x1: "input 1",
  x2: "input 2",
  u11: "the weight from input 1 to unit 1",
  u12: "the weight from input 1 to unit 2",
  u21: "the weight from input 2 to unit 1",
  u22: "the weight from input 2 to unit 2",
  b1: "the bias of unit 1",
  b2: "the bias of unit 2",
  w1: "the weight from unit 1 to y",
  w2: "the weight from unit 2 to y",
  c: "the bias of y",
  target: "the target",
};
const keys = Object.keys(names);

let numbers = { ...FIRST };
const chosen = () => keys[which.select.selectedIndex];
const crossing = ["u12", "u21"];
const part = (key) => (crossing.includes(key) ? 0.33 : 0.47); // of an edge before its number
const places = {
  ...Object.fromEntries(keys.filter((key) => nodes[key]).map((key) => [key, nodes[key].at])),
  ...Object.fromEntries(
    Object.entries(edges).map(([key, ends]) => [
      key,
      between(...ends.map((end) => nodes[end].at), part(key)),
    ]),
  ),
  ...Object.fromEntries(
    Object.values(nodes)
      .filter((node) => node.bias)
      .map(({ bias, at }) => [bias, [at[0], at[1] + 0.2]]),
  ),
  target: [0.93, 0.2],
};

function draw(pen, width, high, colour) {
  const values = { ...numbers, ...forward(numbers) };
  const gradients = backward(numbers, values);
  const spot = ([x, y]) => [x * width, y * high];
  const size = width < 450 ? 12 : 16;
  const pair = (at, key, value, gradient, shown) => {
    const black = (key[0] === "b" || key === "c" ? "b = " : "") + significant(value);
    const red = shown ? significant(gradient + 0) : "";
    pen.font = `${key === chosen() ? "bold " : ""}${size}px system-ui, sans-serif`;
    const [wide, gap] = [pen.measureText(black).width, 5];
    const whole = wide + (red && gap + pen.measureText(red).width);
    const [x, y] = spot(at);
    pen.fillStyle = colour("ground");
    pen.fillRect(x - whole / 2 - 3, y - size * 0.75, whole + 6, size * 1.5);
    if (key === chosen()) {
      pen.strokeStyle = colour("blue");
      pen.strokeRect(x - whole / 2 - 3, y - size * 0.75, whole + 6, size * 1.5);
    }
    Object.assign(pen, { textAlign: "left", textBaseline: "middle", fillStyle: colour("ink") });
    pen.fillText(black, x - whole / 2, y);
    pen.fillStyle = colour("red");
    pen.fillText(red, x - whole / 2 + wide + gap, y);
  };
  const disc = (at, radius) => {
    pen.beginPath();
    pen.arc(...spot(at), radius, 0, 7);
  };
  const travel = (from, to, gradient, begin) => {
    const way = back.value - begin;
    if (!gradient || way <= 0 || way >= 1) return;
    disc(between(from, to, way), clamp(2 + 2 * Math.sqrt(Math.abs(gradient)), 3, 11));
    pen.fillStyle = colour("red");
    pen.fill();
  };
  for (const ends of Object.values(edges)) {
    pen.beginPath();
    ends.forEach((end) => pen.lineTo(...spot(nodes[end].at)));
    Object.assign(pen, { strokeStyle: colour("muted"), lineWidth: 1.5 });
    pen.stroke();
  }
  for (const [key, ends] of Object.entries(edges)) {
    const [left, right] = ends.map((end) => nodes[end]);
    pair(places[key], key, numbers[key], gradients[key], back.value >= right.back + 1);
    travel(right.at, left.at, gradients[right.gradient] * numbers[key], right.back);
  }
  for (const [key, node] of Object.entries(nodes)) {
    disc(node.at, size * 1.9);
    Object.assign(pen, { fillStyle: colour("ground"), lineWidth: key === chosen() ? 3 : 1.5 });
    pen.strokeStyle = colour(key === chosen() ? "blue" : "ink");
    pen.fill();
    pen.stroke();
    Object.assign(pen, { textAlign: "center", textBaseline: "middle", fillStyle: colour("ink") });
    pen.font = `${size}px system-ui, sans-serif`;
    const [x, y] = spot(node.at);
    pen.fillText(significant(values[node.value]), x, y - size * 0.6);
    pen.fillStyle = colour("red");
    const gradient = significant(gradients[node.gradient] + 0);
    if (back.value >= node.back) pen.fillText(gradient, x, y + size * 0.7);
    if (node.bias) {
      pair(
        places[node.bias],
        node.bias,
        numbers[node.bias],
        gradients[node.bias],
        back.value >= node.back,
      );
    }
  }
  pair(places.target, "target", numbers.target, gradients.target, back.value >= 1);
  travel(places.target, nodes.y.at, gradients.y, 0);
  Object.assign(pen, { textAlign: "center", fillStyle: colour("muted") });
  pen.font = `${size - 1}px system-ui, sans-serif`;
  const words = [
    ["inputs", [0.09, 0.05]],
    ["hidden, with ReLU", [0.45, 0.05]],
    ["target", [0.93, 0.1]],
  ];
  for (const [word, at] of words) pen.fillText(word, ...spot(at));
  pen.fillText(`S = ${significant(values.S)}`, ...spot([0.88, 0.93]));
}

const graph = picture(1.7, { class: "play-hand", tabindex: 0, role: "application" }, draw);
const says = line();

function show() {
  const key = chosen();
  amount.value = numbers[key];
  const { S } = forward(numbers);
  const gradient = backward(numbers, forward(numbers))[key];
  const moved = forward({ ...numbers, [key]: numbers[key] + RATE }).S - S;
  says.textContent =
    `S = ${significant(S)}. Its derivative with respect to ${names[key]} is ` +
    `${significant(gradient + 0)}: add 0.01, and S should change by ` +
    `${significant(RATE * gradient + 0)}. It changes by ${significant(moved)}.`;
  graph.target.setAttribute(
    "aria-label",
    `Network; ${names[key]} is ${significant(numbers[key])}. ` +
      "Arrow keys up and down change it, left and right choose another number",
  );
  graph.redraw();
}

const set = (value) => {
  numbers[chosen()] = clamp(Math.round(value * 100) / 100, -4, 4);
  show();
};
const choose = (index) => {
  which.select.selectedIndex = (index + keys.length) % keys.length;
  show();
};
const which = choice("Change", Object.values(names), show);
const amount = slider("to", { min: -4, max: 4, step: 0.01, value: 1, say: significant }, () =>
  set(amount.value),
);
const back = slider(
  "walk back",
  { min: 0, max: 4, step: 0.02, value: 4, say: (value) => `${Math.round(25 * value)} %` },
  show,
);
const play = player("Play the way back", () => {
  back.value = back.value >= 4 ? 0 : back.value + 0.02;
  graph.redraw();
  return back.value < 4;
});

let held = 0; // the number where the hand took it
let taken = 0; // and the place
dragged(graph.target, (x, y, first) => {
  if (first) {
    const far = (key) => Math.hypot((places[key][0] - x) * 1.7, places[key][1] - y);
    choose(keys.indexOf(keys.reduce((best, key) => (far(key) < far(best) ? key : best))));
    [held, taken] = [numbers[chosen()], y];
  } else set(held + 4 * (taken - y));
});
arrowed(graph.target, (dx, dy) =>
  dx ? choose(which.select.selectedIndex + dx) : set(numbers[chosen()] - dy / 10),
);

function descend() {
  const gradients = backward(numbers, forward(numbers));
  for (const key of keys.filter((name) => !["x1", "x2", "target"].includes(name))) {
    numbers[key] -= RATE * gradients[key];
  }
  show();
}

stage(
  "backprop-network",
  "Take a number, and drag it; red are the derivatives of S, in a hidden unit before its ReLU",
  graph.target,
  row(which.label, amount.label),
  row(back.label, play),
  row(
    button("A step downhill, all weights", descend),
    button("The numbers of the page", () => {
      numbers = { ...FIRST };
      show();
    }),
  ),
  says,
);
show();
