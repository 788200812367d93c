// The decoder under the pointer: a trained latent plane, with codes of test digits.

import { bytesOf, clamp, range } from "../../minigen/workshop/explore/web/arrays.js";
import { arrowed, digits, element, placeOf } from "../../minigen/workshop/explore/web/elements.js";
import { logStandardNormal, sequential, sigmoid } from "../../minigen/workshop/explore/web/nn.js";
import { imageOfValues } from "../../minigen/workshop/explore/web/pictures.js";
import { manifold } from "./manifold.js";
import { Plot } from "./plot.js";
import { line, picture, player, row, slider, stage } from "./stage.js";

const HALF = 3.5; // of the plane that is shown
const CIRCLE = 2.45; // which holds 95 % of the prior
const SIDE = 28;
const PALETTE = [
  ...["#1f77b4", "#ff7f0e", "#2ca02c", "#d62728", "#9467bd"],
  ...["#8c564b", "#e377c2", "#7f7f7f", "#bcbd22", "#17becf"],
];

// Whole numbers times the step of their column, in float64.
const decoder = manifold.decoder.map((layer) => {
  if (layer.kind !== "Linear") return layer;
  const [step, bias] = [layer.step, layer.bias].map(
    (text) => new Float32Array(bytesOf(text).buffer),
  );
  const levels = new Int8Array(bytesOf(layer.levels).buffer);
  const weight = Float64Array.from(levels, (level, k) => level * step[k % step.length]);
  return { kind: "Linear", weight, bias: Float64Array.from(bias) };
});
const codes = manifold.codes.map((code) => code.map((level) => level * manifold.codeStep));

// The probabilities of the pixels at a code.
export function decode(z) {
  return Array.from(sigmoid(sequential(decoder, Float64Array.from(z))));
}

const square = (pen, width, high) =>
  new Plot(pen, [1, 1, width - 2, high - 2], [-HALF, HALF], [-HALF, HALF]);

function drawPlane(pen, width, high, colour) {
  const plot = square(pen, width, high);
  pen.globalAlpha = 0.7;
  codes.forEach((code, i) => plot.dot(code, PALETTE[manifold.labels[i]], 2));
  pen.globalAlpha = 1;
  const turn = range(101).map((i) => (2 * Math.PI * i) / 100);
  const circle = turn.map((t) => [CIRCLE * Math.cos(t), CIRCLE * Math.sin(t)]);
  plot.line(circle, colour("ink"), { dash: [2, 4] });
  plot.dot(code(), colour("ground"), 9);
  plot.dot(code(), colour("ink"), 9, false);
  plot.dot(code(), colour("ink"), 3);
}

function drawDigit(pen, width, high) {
  const pixels = element("canvas", { width: SIDE, height: SIDE });
  pixels.getContext("2d").putImageData(imageOfValues(decode(code()), SIDE, SIDE), 0, 0);
  pen.imageSmoothingEnabled = false;
  pen.drawImage(pixels, 0, 0, width, high);
}

const hand = { class: "play-hand", tabindex: 0, role: "application" };
const plane = picture(1, hand, drawPlane);
const digit = picture(1, {}, drawDigit);
const says = line();

function show() {
  const place = `z = (${code()
    .map((value) => digits(value))
    .join(", ")})`;
  const share = Math.exp(-(Math.hypot(...code()) ** 2) / 2);
  says.textContent =
    `${place}: log p(z) = ${digits(logStandardNormal(code()))} nats; ` +
    `${Math.round(100 * share)} % of the prior lie further out.`;
  plane.target.setAttribute("aria-label", `Latent plane, ${place}; arrow keys move the code`);
  digit.target.setAttribute("aria-label", `The digit decoded from ${place}`);
  plane.redraw();
  digit.redraw();
}

const axis = { min: -HALF, max: HALF, step: 0.01, say: (value) => digits(value) };
const sliders = [
  slider("z\u2081", { ...axis, value: 0.1 }, show),
  slider("z\u2082", { ...axis, value: -0.9 }, show),
];
const code = () => sliders.map((one) => one.value);
const move = (z) => {
  z.forEach((value, i) => (sliders[i].value = clamp(value, -HALF, HALF)));
  show();
};

// A mouse only has to pass over the plane; a finger draws.
for (const kind of ["pointerdown", "pointermove"]) {
  plane.target.addEventListener(kind, (event) =>
    move(square(null, 100, 100).at(placeOf(event, plane.target), [100, 100])),
  );
}
arrowed(plane.target, (dx, dy) => move([code()[0] + dx / 20, code()[1] - dy / 20]));

let turned = 0;
const walk = player("Walk around", () => {
  turned += Math.PI / 180;
  move([1.5 * Math.cos(turned), 1.5 * Math.sin(turned)]);
  return true;
});
const legend = element(
  "p",
  {},
  "Codes of 1,000 test digits: ",
  ...PALETTE.map((colour, i) => element("b", { style: `color: ${colour}` }, `${i} `)),
);

stage(
  "vae-manifold",
  "Move over the plane: what does the decoder draw?",
  row(plane.target, digit.target),
  legend,
  row(...sliders.map((one) => one.label)),
  row(walk),
  says,
);
show();
