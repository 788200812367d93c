// Lines of a plane at round numbers, with the numbers and the names of its axes.

import { range } from "./arrays.js";
import { colour, digits } from "./elements.js";

const ROOM = 42; // pixels from line to line

// x and y: where the plane begins and how far it reaches, { low, size }. An axis without a name has no
// lines.
export function ruled(context, { width, height, x, y }, [right, up]) {
  Object.assign(context, { lineWidth: 1, font: "11px system-ui, sans-serif", textAlign: "left" });
  context.strokeStyle = colour("line");
  context.fillStyle = colour("muted");
  for (const [value, words] of ticks(x, width)) {
    const across = ((value - x.low) / x.size) * width;
    context.strokeRect(across, 0, 0, height);
    context.fillText(words, across + 3, height - 4);
  }
  for (const [value, words] of up ? ticks(y, height) : []) {
    const down = height - ((value - y.low) / y.size) * height;
    context.strokeRect(0, down, width, 0);
    context.fillText(words, 3, down - 3);
  }
  context.fillStyle = colour("text");
  context.fillText(up && `\u2191 ${up}`, 24, 14);
  context.textAlign = "right";
  context.fillText(`${right} \u2192`, width - 5, height - 18);
}

// The multiples of 1, 2 or 5 times a power of ten that leave room for their words.
export function ticks({ low, size }, pixels) {
  const least = (size * ROOM) / pixels;
  const ten = 10 ** Math.floor(Math.log10(least));
  const step = [ten, 2 * ten, 5 * ten].find((one) => one >= least) ?? 10 * ten;
  const places = Math.max(0, -Math.floor(Math.log10(1.01 * step)));
  const first = Math.ceil(low / step);
  return range(Math.floor((low + size) / step) - first + 1).map((k) => [
    (first + k) * step,
    digits((first + k) * step, places),
  ]);
}
