// Pictures of rows: images as pixels, and rows that are neither images nor points as bars.

import { clamp } from "./arrays.js";
import { colour } from "./elements.js";

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

export function paintBars(target, row, { range }) {
  const context = target.getContext("2d");
  const [low, high] = [Math.min(0, range[0]), Math.max(0, range[1])];
  const y = (value) => 88 - (86 * (value - low)) / (high - low || 1);
  const width = 160 / row.length;
  context.clearRect(0, 0, 160, 90);
  context.fillStyle = colour("accent");
  row.forEach((value, i) =>
    context.fillRect(i * width, y(Math.max(value, 0)), width * 0.85, Math.abs(y(0) - y(value))),
  );
  context.fillStyle = colour("text");
  context.fillRect(0, y(0), 160, 0.5);
}
