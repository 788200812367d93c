// Samples: rows of codes drawn from p(z), and what the discriminator says of them and of data.

import { range } from "./arrays.js";
import { button, digits, element, quantities } from "./elements.js";
import { gallery } from "./gallery.js";
import { source } from "./posterior.js";
import { normals, uniforms } from "./random.js";

const [ROWS, POINTS] = [30, 200];

export function samples(page) {
  const { content, model, examples, points } = page;
  const count = points ? POINTS : ROWS;
  const uniform = uniforms(5);
  const drawn = gallery(page, "Samples");
  const real = gallery(page, "Test rows");
  const { list, show } = quantities();
  const draw = () => {
    const rows = range(count).map(() => model.decode(normals(uniform, content.nLatent)));
    if (!model.discriminator) return drawn.show(rows);
    const [fake, data] = [scored(model, rows), scored(model, examples.rows.slice(0, count))];
    drawn.show(
      fake.map(({ row }) => row),
      fake.map(({ score }) => digits(score)),
    );
    real.show(
      data.map(({ row }) => row),
      data.map(({ score }) => digits(score)),
    );
    show([
      [`mean D(G(z)), ${fake.length} samples`, digits(mean(fake)), "probability of being data"],
      [`mean D(x), ${data.length} test rows`, digits(mean(data)), "probability of being data"],
      ["where D cannot tell", digits(content.undecided), "probability of being data"],
    ]);
  };
  draw();
  const sorted = [element("h3", {}, "Test rows, what D finds fake last"), real.box];
  return element(
    "div",
    {},
    button("Draw again", draw),
    drawn.box,
    list,
    ...(model.discriminator && !points ? sorted : []),
  );
}

// D's score of a row of the test set or of one's own hand.
export function judge(page) {
  const { model } = page;
  const seen = gallery(page, "What the discriminator sees", true);
  const { list, show } = quantities();
  const name = element("p", { "aria-live": "polite" });
  const { box, take } = source(page, (x, text) => {
    name.textContent = x
      ? `x is ${text}.`
      : "Nothing is drawn; the number is still of the last row.";
    if (!x) return;
    seen.show([x]);
    show([["D(x)", digits(model.score(x)), "probability of being data"]]);
  });
  take();
  return element(
    "div",
    { class: "columns" },
    box,
    element("div", {}, name, ...(page.points ? [] : [seen.box]), list),
  );
}

// With their scores, and the most credible first.
function scored(model, rows) {
  return rows.map((row) => ({ row, score: model.score(row) })).sort((a, b) => b.score - a.score);
}

function mean(judged) {
  return judged.reduce((sum, { score }) => sum + score, 0) / judged.length;
}
