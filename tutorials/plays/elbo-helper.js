// A Gaussian helper q over the two peaks of a posterior, and the three numbers of (4.4).

import { clamp, range } from "../../minigen/workshop/explore/web/arrays.js";
import { arrowed, button, digits, dragged } from "../../minigen/workshop/explore/web/elements.js";
import { Plot } from "./plot.js";
import { line, picture, row, slider, stage } from "./stage.js";

const STEP = 0.02;
const STAR = [-0.85, 0.2];
const NOISE = 0.25; // of the decoder
const codes = range(601).map((i) => -6 + STEP * i);
const HIGH = 3.2; // of the densities that are shown
const LEAST = -8; // of the nats

const sum = (values) => values.reduce((total, value) => total + value, 0);
const logNormal = (x, mean, sigma) =>
  -0.5 * Math.log(2 * Math.PI) - Math.log(sigma) - ((x - mean) / sigma) ** 2 / 2;

// log p(x | z) + log p(z) of the star, at each code
const logJoint = codes.map(
  (z) =>
    logNormal(STAR[0], Math.cos(2 * z), NOISE) +
    logNormal(STAR[1], Math.sin(2 * z), NOISE) +
    logNormal(z, 0, 1),
);
const logP = Math.log(sum(logJoint.map(Math.exp)) * STEP);
const posterior = logJoint.map((value) => Math.exp(value - logP));

// Both by sums over the codes.
export function elboAndKl(mu, sigma) {
  const logQ = codes.map((z) => logNormal(z, mu, sigma));
  const mean = (f) => STEP * sum(logQ.map((value, i) => Math.exp(value) * f(value, logJoint[i])));
  return {
    elbo: mean((q, joint) => joint - q),
    kl: mean((q, joint) => q - joint + logP),
    logP,
  };
}

const curve = (heights) => codes.map((z, i) => [z, heights[i]]);
const peak = () => 1 / (width.value * Math.sqrt(2 * Math.PI));
const plane = (pen, wide, high) => new Plot(pen, [8, 8, wide - 16, high - 48], [-3, 3], [0, HIGH]);

function drawDensities(pen, wide, high, colour) {
  const plot = plane(pen, wide, high);
  plot.area(curve(posterior), colour("orange"));
  const q = codes.map((z) => Math.exp(logNormal(z, mean.value, width.value)));
  plot.line(curve(q), colour("blue"), { width: 2.5 });
  const top = [mean.value, Math.min(peak(), HIGH)];
  plot.dot(top, colour("blue"), 7);
  const side = mean.value < 2 ? 1 : -1;
  pen.font = "bold 13px system-ui, sans-serif";
  plot.text("q", [top[0] + 0.2 * side, top[1] - 0.08], colour("blue"), side < 0 ? "right" : "left");
  plot.text("p(z | star)", [-2.9, 1.6], colour("orange"));
  pen.font = "13px system-ui, sans-serif";
  plot.scale([-2, -1, 0, 1, 2], "code z", colour("ink"));
}

function drawBars(pen, wide, high, colour) {
  const plot = new Plot(pen, [8, 8, wide - 16, high - 48], [LEAST, 0], [0, 3]);
  const { elbo, kl } = elboAndKl(mean.value, width.value);
  const bars = [
    ["ELBO", LEAST, elbo, colour("blue"), digits(elbo, 3)],
    ["KL(q \u2016 p(z | star))", elbo, logP, colour("orange"), digits(kl, 3)],
    ["log p(x)", LEAST, logP, colour("muted"), digits(logP, 3)],
  ];
  bars.forEach(([name, from, to, tint, value], i) => {
    const [left, right] = [from, to].map((nats) => plot.x(clamp(nats, LEAST, 0)));
    const [top, bottom] = [plot.y(2.55 - i), plot.y(2 - i) - 2];
    pen.fillStyle = tint;
    pen.fillRect(left, top, Math.max(right - left, 1), bottom - top);
    plot.text(`${name} = ${value}`, [LEAST, 2.66 - i], colour("ink"));
  });
  plot.line(
    [
      [logP, 0],
      [logP, 3],
    ],
    colour("ink"),
    { dash: [4, 3] },
  );
  plot.scale([-8, -6, -4, -2, 0], "nats", colour("ink"));
}

const hand = { class: "play-hand", tabindex: 0, role: "application" };
const densities = picture(1.25, hand, drawDensities);
const bars = picture(1.25, {}, drawBars);
const says = line();

function show() {
  const { elbo, kl } = elboAndKl(mean.value, width.value);
  const beyond = elbo < LEAST ? " (This ELBO lies beyond the picture.)" : "";
  const words = `ELBO ${digits(elbo, 3)} + KL ${digits(kl, 3)} = log p(x) ${digits(elbo + kl, 3)}`;
  says.textContent = `${words}: a better q raises the bound, and never beyond log p(x).${beyond}`;
  const place = `mean ${digits(mean.value)}, width ${digits(width.value)}`;
  densities.target.setAttribute("aria-label", `Helper q, ${place}; arrow keys move and widen it`);
  bars.target.setAttribute("aria-label", `Bars in nats: ${words}`);
  densities.redraw();
  bars.redraw();
}

const two = (value) => digits(value);
const mean = slider("mean of q", { min: -3, max: 3, step: 0.01, value: 1.15, say: two }, show);
const width = slider("width of q", { min: 0.1, max: 2, step: 0.005, value: 0.25, say: two }, show);

function move(mu, sigma) {
  mean.value = mu;
  width.value = sigma;
  show();
}

// The hand holds the top of q, whose height is 1 / (sigma sqrt(2 pi)).
dragged(densities.target, (x, y) => {
  const size = [densities.target.clientWidth, densities.target.clientHeight];
  const [mu, height] = plane(null, ...size).at([x, y], size);
  move(mu, 1 / (Math.max(height, 0.1) * Math.sqrt(2 * Math.PI)));
});
arrowed(densities.target, (dx, dy) => move(mean.value + dx / 20, width.value * 1.1 ** dy));

stage(
  "elbo-helper",
  "Take the top of q, and fit it to the posterior",
  row(densities.target, bars.target),
  row(mean.label, width.label),
  row(
    button("The prior", () => move(0, 1)),
    button("The lower peak", () => move(-1.65, 0.135)),
    button("The higher peak", () => move(1.43, 0.135)),
  ),
  says,
);
show();
