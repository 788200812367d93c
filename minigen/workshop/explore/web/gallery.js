// A gallery shows rows side by side, each with its caption: images, bars, or points in one plane.

import { canvas, element } from "./elements.js";
import { LARGE_BARS, SMALL_BARS, paintBars, paintImage } from "./pictures.js";
import { cloud } from "./points.js";

export function gallery(page, label, large = false) {
  const { shape } = page.content;
  if (page.points) return cloud(page, label);
  const box = element("div", { class: large ? "gallery large" : "gallery", role: "img" });
  const paint = shape ? paintImage : paintBars;
  const make = () =>
    shape
      ? element("canvas", { width: shape[1], height: shape[0], class: "pixels" })
      : canvas(...(large ? LARGE_BARS : SMALL_BARS), { class: "bars" });
  const show = (rows, captions = []) => {
    box.setAttribute("aria-label", [label, ...captions].join(", "));
    while (box.children.length > rows.length) box.lastChild.remove();
    while (box.children.length < rows.length)
      box.append(element("figure", {}, make(), element("figcaption")));
    rows.forEach((row, i) => {
      paint(box.children[i].firstChild, row, page.content);
      box.children[i].lastChild.textContent = captions[i] ?? "";
    });
  };
  return { box, show };
}
