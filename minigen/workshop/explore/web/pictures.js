// Pictures of rows: images as pixels, and rows that are neither images nor points as bars.

import { clamp } from "./arrays.js";
import { colour } from "./elements.js";

// Black is 0 and white 1, or as far as the range of the data reaches beyond.
export function paintImage(target, row, { shape, range }) {
  const [height, width] = shape;
  const [black, white] = [Math.min(0, range[0]), Math.max(1, range[1])];
  const context = target.getContext("2d");
  const greys = row.map((value) => (value - black) / (white - black));
  context.putImageData(greyImage(greys, width, height), 0, 0);
}

// Pixels of greys in [0, 1]; beyond them, black or white.
export function greyImage(greys, width, height) {
  const image = new ImageData(width, height);
  const pixels = new Uint32Array(image.data.buffer); // opaque, and three equal bytes
  for (let i = 0; i < greys.length; i++) {
    pixels[i] = 0xff000000 | (Math.round(255 * clamp(greys[i], 0, 1)) * 0x010101);
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
