// The report: the curves of the training, the options, and findings if they were computed.

import { element, significant } from "./elements.js";

const [WIDTH, HEIGHT] = [320, 170];
const BOTTOM = HEIGHT - 24; // of the curves

export function curves(content) {
  return element("div", { class: "columns" }, ...content.curves.map(curve));
}

function curve({ title, train, test, reference }) {
  const [level, name] = reference ?? [null, ""];
  const values = [...train, ...test, ...(level === null ? [] : [level])];
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const x = (epoch) => 60 + ((WIDTH - 68) * epoch) / Math.max(1, train.length - 1);
  const y = (value) => BOTTOM - ((BOTTOM - 8) * (value - low)) / (high - low || 1);
  const line = (series, kind) =>
    svg("polyline", {
      class: kind,
      points: [...series, series.at(-1)] // twice, so that one epoch is a dot
        .map((value, i) => `${x(Math.min(i, series.length - 1))},${y(value)}`)
        .join(" "),
    });
  const last = (series) => significant(series.at(-1));
  const words = `after epoch ${train.length}: train ${last(train)}, test ${last(test)}`;
  return element(
    "figure",
    {},
    svg(
      "svg",
      { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}, ${words}` },
      ...(level === null
        ? []
        : [
            line(
              train.map(() => level),
              "reference",
            ),
          ]),
      line(train, "train"),
      line(test, "test"),
      svg("text", { x: 2, y: 12 }, significant(high)),
      svg("text", { x: 2, y: BOTTOM + 4 }, significant(low)),
      svg("text", { x: x(0) - 4, y: HEIGHT - 3 }, "epoch 1"),
      svg(
        "text",
        { x: WIDTH - 2, y: HEIGHT - 3, "text-anchor": "end" },
        train.length > 1 ? `${train.length}` : "",
      ),
    ),
    element(
      "figcaption",
      {},
      element("strong", {}, title),
      `; ${words}. `,
      element("span", { class: "train" }, "train"),
      ", ",
      element("span", { class: "test" }, "test, dashed"),
      name && `; dotted: ${name}, ${significant(level)}`,
    ),
  );
}

function svg(tag, attributes, ...children) {
  const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
  Object.entries(attributes).forEach(([name, value]) => made.setAttribute(name, value));
  made.append(...children);
  return made;
}

export function options(content) {
  const rows = Object.entries(content.options).map(([name, value]) =>
    element("tr", {}, element("th", { scope: "row" }, name), element("td", {}, value)),
  );
  return element(
    "details",
    {},
    element("summary", {}, "Options of the run"),
    element("table", {}, ...rows),
  );
}

export function findings(content) {
  const found = content.findings.map(([value, ...remarks]) => {
    const lines = remarks.map((remark) => element("dd", {}, remark));
    return element("div", {}, element("dt", {}, value), ...lines);
  });
  return element("dl", { class: "findings" }, ...found);
}
