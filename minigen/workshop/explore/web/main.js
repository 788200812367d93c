// The page of a run: its sections, made of what the model has.

import { Code, decoded, sliders } from "./code.js";
import { element, section } from "./elements.js";
import { imageOf } from "./ink.js";
import { Examples, Model } from "./model.js";
import { klToStandardNormal } from "./nn.js";
import { unpacked } from "./packing.js";
import { plane } from "./plane.js";
import { posterior } from "./posterior.js";
import { curves, findings, options } from "./report.js";
import { ticks } from "./ruler.js";
import { judge, samples } from "./samples.js";
import { walk } from "./walk.js";

const content = await unpacked(document.getElementById("content").textContent);
const model = new Model(content);
const examples = new Examples(content);
const code = new Code(examples.codes[0]);
const points = !content.shape && content.width <= 2; // rows that have a place
const drawable = content.shape?.length === 2; // with a white pen, in grey
const page = { content, model, examples, code, points, drawable };

const tinted = content.codeLabels ? ", in the colour of its label" : "";
const aboutDots = {
  vae:
    `Each dot is the code \u03bc of a test row${tinted}; the ellipse is q(z|x) of the row below, ` +
    "at two standard deviations.",
  ae: `Each dot is the code of a test row${tinted}.`,
  gan: "Each dot is a draw of the noise z.",
};
const others = content.nLatent > 2 ? " The other dimensions stay where they are." : "";
const aboutBars =
  content.shape || points
    ? ""
    : " A row is shown as bars, a column each, in the units of the data.";
const aboutScores = points ? "." : ", with D's score below each, the most credible first.";
const aboutWalk = model.discriminator && !points ? ", with D's score below each step." : ".";
const way = drawable ? "Draw an image" : "Place a point";

function codePanel() {
  const { box, controls } = plane(page);
  const settings = element("div", {}, controls, sliders(page));
  return element("div", { class: "columns" }, box, decoded(page), settings);
}

const sections = {
  code: () =>
    section(
      "Move the code",
      `${aboutDots[content.model]} Drag, touch or use the arrow keys, with Shift for small steps: the picture follows.${others}${aboutBars}`,
      codePanel(),
    ),
  posterior: () =>
    section(
      drawable || points ? `${way}, or take a row` : "Take a row",
      "The encoder answers with a code, and the decoder with what it makes of that code.",
      posterior(page),
    ),
  judge: () =>
    section(
      "Ask the discriminator",
      "D(x) is the probability that x is data and not a sample.",
      judge(page),
    ),
  walk: () =>
    section(
      "Walk from code to code",
      `A straight line in the latent space; the code above walks along${aboutWalk}`,
      walk(page),
    ),
  samples: () =>
    section(
      "Samples",
      `Decoded from z ~ N(0, 1)${model.discriminator ? aboutScores : "."}`,
      samples(page),
    ),
  curves: () => section("How it learnt", "Means over the rows after each epoch.", curves(content)),
  findings: () => section("Findings", "Each number with what stands beside it.", findings(content)),
  options: () => options(content),
};
const order = {
  vae: ["code", "posterior", "walk", "samples"],
  ae: ["code", "posterior", "walk"],
  gan: ["code", ...(model.discriminator ? ["judge"] : []), "walk", "samples"],
}[content.model];
if (content.curves[0].train.length) order.push("curves");
if (content.findings.length) order.push("findings");

document.querySelector("header").append(...content.facts.map((fact) => element("p", {}, fact)));
document.querySelector("main").append(...[...order, "options"].map((name) => sections[name]()));
globalThis.minigen = { ...page, imageOf, klToStandardNormal, ticks }; // to play with in the console
document.documentElement.dataset.ready = performance.now().toFixed(0);
