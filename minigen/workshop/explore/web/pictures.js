// Pictures of rows: images as pixels, and rows that are neither images nor points as bars.

import { clamp } from "./arrays.js";
import { colour, significant } from "./elements.js";

export const SMALL_BARS = [160, 90];
export const LARGE_BARS = [320, 200];

// Black is 0 and white 1, or as far as the range of the data reaches beyond.
export function paintImage(target, row, { shape, range }) {
  const [height, width, channels = 1] = shape;
  const [black, white] = [Math.min(0, range[0]), Math.max(1, range[1])];
  const context = target.getContext("2d");
  const values = row.map((value) => (value - black) / (white - black));
  context.putImageData(imageOfValues(values, width, height, channels), 0, 0);
}

// Opaque pixels of values in [0, 1], one a pixel if they are grey and three in colour; beyond 0 and
// 1 they are clipped.
export function imageOfValues(values, width, height, channels = 1) {
  const image = new ImageData(width, height);
  for (let i = 0; i < width * height; i++) {
    for (let c = 0; c < 3; c++) {
      const value = values[i * channels + (c % channels)];
      image.data[4 * i + c] = Math.round(255 * clamp(value, 0, 1));
    }
    image.data[4 * i + 3] = 255;
  }
  return image;
}

// A row as bars, a column each; where there is room, with numbers: the ends of the data's range, and
// the first and last column.
export function paintBars(target, row, { range }) {
  const context = target.getContext("2d");
  const [width, height] = [target.width / 2, target.height / 2];
  const [left, below] = height > SMALL_BARS[1] ? [44, 18] : [0, 0];
  const [low, high] = [Math.min(0, range[0]), Math.max(0, range[1])];
  const y = (value) => 2 + (height - below - 4) * (1 - (value - low) / (high - low || 1));
  const wide = (width - left) / row.length;
  context.clearRect(0, 0, width, height);
  context.fillStyle = colour("accent");
  row.forEach((value, i) => {
    const [top, bottom] = [y(Math.max(value, 0)), y(Math.min(value, 0))];
    context.fillRect(left + (i + 0.08) * wide, top, 0.85 * wide, bottom - top);
  });
  context.fillStyle = colour("text");
  context.fillRect(left, y(0), width - left, 0.5);
  if (!left) return;
  Object.assign(context, { fillStyle: colour("muted"), font: "11px system-ui, sans-serif" });
  context.textAlign = "right";
  context.fillText(significant(high, 3), left - 4, y(high) + 9);
  context.fillText(significant(low, 3), left - 4, y(low));
  context.textAlign = "center";
  context.fillText("1", left + wide / 2, height - 5);
  if (row.length > 1) context.fillText(`${row.length}`, width - wide / 2 - 3, height - 5);
  context.fillText("column", left + (width - left) / 2, height - 5);
}
