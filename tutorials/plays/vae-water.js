// The best linear VAE as beta rises, on digits: beta s^2 is a water level, and units drown one by one.

import { bytesOf, clamp, range, rowOf } from "../../minigen/workshop/explore/web/arrays.js";
import { arrowed, digits, dragged, element } from "../../minigen/workshop/explore/web/elements.js";
import { imageOfValues } from "../../minigen/workshop/explore/web/pictures.js";
import { stored } from "./directions.js";
import { Plot } from "./plot.js";
import { choice, line, picture, player, row, slider, stage } from "./stage.js";

const SIDE = 28;
const WIDTH = SIDE * SIDE;
const { variances, rest } = stored; // s^2 is the mean of the variances that no unit codes
const [mean, step] = [stored.mean, stored.step].map(
  (text) => new Float32Array(bytesOf(text).buffer),
);
const levels = new Int8Array(bytesOf(stored.levels).buffer);
const directions = variances.map((_, i) =>
  Float64Array.from(rowOf(levels, WIDTH, i), (level) => level * step[i]),
);
const images = range(10).map((i) =>
  Float64Array.from(rowOf(bytesOf(stored.images), WIDTH, i), (pixel) => pixel / 255),
);

// (D5.2) and (D5.3) in one direction of variance lambda, with beta s^2 as the level: the decoder w z,
// the encoder N(a x, v), and what they cost: the KL in nats, and the squared error.
export function unit(lambda, level) {
  const w = Math.sqrt(Math.max(lambda - level, 0));
  const [a, v] = [w / (w * w + level), level / (w * w + level)];
  return {
    w,
    a,
    v,
    kl: (a * a * lambda + v - 1 - Math.log(v)) / 2,
    error: (1 - w * a) ** 2 * lambda + w * w * v,
  };
}

export function units(beta) {
  return variances.map((lambda) => unit(lambda, beta * rest));
}

// What the decoder makes of the mean code of one of the images.
export function restored(digit, beta) {
  const restoration = Float64Array.from(mean);
  units(beta).forEach(({ w, a }, i) => {
    const x = directions[i].reduce((sum, u, d) => sum + u * (images[digit][d] - mean[d]), 0);
    directions[i].forEach((u, d) => (restoration[d] += w * a * x * u));
  });
  return Array.from(restoration);
}

const HEIGHTS = [-2, 1]; // log10 of a variance
const box = (width, high) => [38, 26, width - 46, high - 66];
const chart = (pen, width, high) =>
  new Plot(pen, box(width, high), [0.4, variances.length + 0.6], HEIGHTS);

function drawWater(pen, width, high, colour) {
  const plot = chart(pen, width, high);
  const level = Math.log10(beta() * rest);
  variances.forEach((lambda, i) => {
    const top = Math.log10(lambda);
    fill(plot, [i + 0.65, i + 1.35], [HEIGHTS[0], Math.min(top, level)], colour("muted"));
    if (top > level) fill(plot, [i + 0.65, i + 1.35], [level, top], colour("orange"));
  });
  pen.globalAlpha = 0.3;
  fill(plot, plot.xs, [HEIGHTS[0], level], colour("blue"));
  pen.globalAlpha = 1;
  const ends = plot.xs.map((x) => [x, level]);
  plot.line(ends, colour("blue"), { width: 2.5 });
  range(4).forEach((k) => plot.text(10 ** (k - 2), [0.2, k - 2.04], colour("ink"), "right"));
  pen.textAlign = "left";
  pen.fillText("variance of the digits along a direction", 4, 14);
  plot.text("\u03b2s\u00b2", [variances.length + 0.5, level + 0.06], colour("blue"), "right");
  plot.scale([1, 5, 10, 15, 20], "unit", colour("ink"));
}

function fill(plot, [left, right], [low, top], colour) {
  plot.pen.fillStyle = colour;
  const [x, y] = [plot.x(left), plot.y(top)];
  plot.pen.fillRect(x, y, plot.x(right) - x, plot.y(low) - y);
}

// The image, and beside it what is left of it.
function drawDigits(pen, width, high, colour) {
  const side = (width - 10) / 2;
  const pixels = element("canvas", { width: SIDE, height: SIDE });
  const both = [
    ["a test image x", images[number()]],
    [`decoded at \u03b2 = ${digits(beta(), 1)}`, restored(number(), beta())],
  ];
  both.forEach(([name, values], i) => {
    const left = i * (side + 10);
    pixels.getContext("2d").putImageData(imageOfValues(values, SIDE, SIDE), 0, 0);
    Object.assign(pen, { imageSmoothingEnabled: false, fillStyle: colour("ink") });
    pen.drawImage(pixels, left, high - side, side, side);
    pen.fillText(name, left, high - side - 7);
  });
}

const hand = { class: "play-hand", tabindex: 0, role: "application" };
const water = picture(1.25, hand, drawWater);
const pair = picture(1.75, {}, drawDigits);
const says = line();

function show() {
  const all = units(beta());
  const sum = (name) => all.reduce((total, one) => total + one[name], 0);
  const afloat = all.filter(({ w }) => w > 0).length;
  const level = `\u03b2 = ${digits(beta(), 1)}: the water stands at \u03b2s\u00b2 = ${digits(beta() * rest, 3)}`;
  const error = sum("error") + (WIDTH - all.length) * rest;
  says.textContent =
    `${level}, and ${afloat} of ${all.length} units stand above it. Over the digits in the mean: ` +
    `KL ${digits(sum("kl"), 1)} nats, of each unit half the logarithm of how far it stands out; ` +
    `squared error ${digits(error, 1)}, summed over ${WIDTH} pixels.`;
  const words = `${level}; ${afloat} units above; arrow keys move the water`;
  water.target.setAttribute("aria-label", words);
  pair.target.setAttribute("aria-label", `A test image of a ${number()}, and decoded at ${level}`);
  water.redraw();
  pair.redraw();
}

const ENDS = [0, 8]; // log2 of beta
const height = slider(
  "weight \u03b2",
  { min: ENDS[0], max: ENDS[1], step: 0.01, value: 5, say: (log2) => digits(2 ** log2, 1) },
  show,
);
const beta = () => 2 ** height.value;
const picked = choice("Digit", range(10), show);
const number = () => picked.select.selectedIndex;
const rise = (to) => {
  height.value = clamp(to, ...ENDS);
  show();
};
dragged(water.target, (x, y) => {
  const size = [water.target.clientWidth, water.target.clientHeight];
  rise(Math.log2(10 ** chart(null, ...size).at([x, y], size)[1] / rest));
});
arrowed(water.target, (dx, dy) => rise(height.value + (dx - dy) / 10));
const flood = player("Let the water rise", () => {
  rise(height.value < ENDS[1] ? height.value + 0.02 : ENDS[0]);
  return height.value < ENDS[1];
});

stage(
  "vae-water",
  "Move the water: which units drown, and what is left of the digit?",
  row(water.target, pair.target),
  row(height.label),
  row(picked.label, flood),
  says,
);
picked.select.selectedIndex = 3;
show();
