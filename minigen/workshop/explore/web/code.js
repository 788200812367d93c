// The code z: one for the whole page, its picture, and a slider for each of its dimensions.

import { families } from "./axes.js";
import { button, digits, element, quantities } from "./elements.js";
import { logStandardNormal } from "./nn.js";
import { gallery } from "./gallery.js";
import { image } from "./points.js";

const SHOWN = 8; // sliders, before the rest is opened

export class Code {
  constructor(z) {
    this.z = z;
    this.posterior = null;
    this.watchers = [];
  }

  // The axes of the latent plane that is shown, and the square of it.
  look(axes, square) {
    Object.assign(this, { axes, square });
    this.move(this.z);
  }

  watch(watcher) {
    this.watchers.push(watcher);
  }

  // z goes elsewhere; q(z|x), if it is given, is that of another row.
  move(z, posterior = this.posterior) {
    [this.z, this.posterior] = [z, posterior];
    this.watchers.forEach((watcher) => watcher());
  }
}

// The row of z, and what is known of it.
export function decoded(page) {
  const { content, model, code } = page;
  const picture = page.points ? image(page) : gallery(page, "The row decoded from z", true);
  const { list, show } = quantities();
  const prior = content.model !== "ae";
  const update = () => {
    const row = model.decode(code.z);
    picture.show([row]);
    show([
      ["distance from the origin |z|", digits(Math.hypot(...code.z)), "in units of z"],
      ...(prior ? [["log p(z)", digits(logStandardNormal(code.z), 1), "nats"]] : []),
      ...(model.discriminator
        ? [["D(G(z))", digits(model.score(row)), "probability of being data"]]
        : []),
    ]);
  };
  code.watch(update);
  update();
  return element("div", { class: "decoded" }, picture.box, list);
}

// Sliders with typed numbers, the most active dimension first.
export function sliders({ content, examples, code }) {
  const [{ axes }] = families(content);
  const rows = axes.map(({ name, vector, importance }) => {
    const i = vector.indexOf(1);
    const most = Math.max(
      ...examples.codes.map((z) => Math.abs(z[i])),
      content.model === "ae" ? 1e-3 : 3,
    );
    const move = (event) => {
      const value = event.target.valueAsNumber;
      if (Number.isFinite(value)) code.move(code.z.with(i, value));
    };
    const title = `${name}, ${content.importanceName} ${importance.toPrecision(2)}`;
    const bounds = { min: -most, max: most, step: "any", oninput: move };
    const slider = element("input", { type: "range", "aria-label": title, ...bounds });
    const number = element("input", {
      type: "number",
      "aria-label": name,
      step: "any",
      oninput: move,
    });
    const update = () => {
      if (document.activeElement !== slider) slider.value = code.z[i];
      if (document.activeElement !== number) number.value = code.z[i].toFixed(2);
    };
    code.watch(update);
    update();
    return element("label", { title }, element("span", {}, name), slider, number);
  });
  const rest = rows.slice(SHOWN);
  return element(
    "div",
    { class: "sliders" },
    ...rows.slice(0, SHOWN),
    element(
      "details",
      { hidden: !rest.length },
      element("summary", {}, `${rest.length} more`),
      ...rest,
    ),
    button("To the origin", () => code.move(new Float32Array(code.z.length))),
  );
}
