// A walk: the straight line from one code to another, in steps and in motion.

import { between, range } from "./arrays.js";
import { button, digits, element } from "./elements.js";
import { gallery } from "./gallery.js";
import { normals, uniforms } from "./random.js";

const STEPS = 10;
const SECONDS = 4; // from one end to the other

export function walk(page) {
  const { content, model, examples, code } = page;
  const uniform = uniforms(4);
  const strip = gallery(page, `${STEPS} steps from one code to the other`);
  const now = gallery(page, "The row on the way", true);
  const ends = element("p", { "aria-live": "polite" });
  const part = element("input", {
    type: "range",
    min: 0,
    max: 1,
    step: "any",
    value: 0,
    "aria-label": "Part of the way",
  });
  let [from, to, playing] = [null, null, false];

  const go = (t) => {
    const z = between(from, to, t);
    now.show([model.decode(z)], [`${digits(100 * t, 0)} % of the way`]);
    code.move(z);
  };
  const ofRows = () => {
    const count = examples.rows.length;
    const first = Math.floor(count * uniform());
    const second = (first + 1 + Math.floor((count - 1) * uniform())) % count; // another, if there is one
    [from, to] = [first, second].map((i) => model.encode(examples.rows[i]).mu);
    if (count > 1) return [first, second].map((i) => examples.name(i));
    to = new Float32Array(content.nLatent);
    return [examples.name(first), "the origin, z = 0"];
  };
  const ofDraws = () => {
    [from, to] = range(2).map(() => normals(uniform, content.nLatent));
    return ["one draw of z", "another draw"];
  };
  const choose = () => {
    const names = model.encoder ? ofRows() : ofDraws();
    ends.textContent = `From ${names[0]} to ${names[1]}.`;
    part.value = 0;
    const rows = range(STEPS).map((k) => model.decode(between(from, to, k / (STEPS - 1))));
    strip.show(rows, model.discriminator ? rows.map((row) => digits(model.score(row))) : []);
    now.show([model.decode(from)], ["0 % of the way"]);
  };
  const play = button("Play", () => {
    playing = !playing;
    play.textContent = playing ? "Stop" : "Play";
    let before = performance.now();
    const step = (time) => {
      if (!playing) return;
      part.value = (Number(part.value) + Math.max(0, time - before) / (1000 * SECONDS)) % 1;
      before = time;
      go(Number(part.value));
      requestAnimationFrame(step);
    };
    requestAnimationFrame(step);
  });
  part.addEventListener("input", () => go(Number(part.value)));
  play.hidden = matchMedia("(prefers-reduced-motion: reduce)").matches;
  choose();
  return element(
    "div",
    { class: "columns" },
    element("div", {}, now.box),
    element(
      "div",
      { class: "wide" },
      ends,
      strip.box,
      element(
        "p",
        { class: "controls" },
        element("label", {}, "Part of the way ", part),
        play,
        button("Other ends", choose),
      ),
    ),
  );
}
