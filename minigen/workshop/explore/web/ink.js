// A pad to draw on, and what makes of its ink an image like those of the data.

import { clamp } from "./arrays.js";
import { arrowed, button, colour, dragged, element } from "./elements.js";
import { imageOfValues } from "./pictures.js";

const INK_SIDE = 280; // pixels of ink on a side
const PEN = 13; // radius

// onInk(x) is called with an image (height, width) of the ink after each stroke, none if there is none.
export function pad({ shape }, onInk) {
  const ink = new Uint8Array(INK_SIDE * INK_SIDE);
  const label = "Pad to draw on: arrow keys move the pen, and draw while Shift is held";
  const target = element("canvas", {
    width: INK_SIDE,
    height: INK_SIDE,
    class: "pad",
    tabindex: 0,
    role: "application",
    "aria-label": label,
  });
  const context = target.getContext("2d");
  Object.assign(context, {
    font: "18px system-ui, sans-serif",
    textAlign: "center",
    fillStyle: "#999",
  });
  let pen = [INK_SIDE / 2, INK_SIDE / 2];

  const paint = () => {
    context.putImageData(imageOfValues(ink, INK_SIDE, INK_SIDE), 0, 0);
    if (!ink.includes(1)) context.fillText("draw here", INK_SIDE / 2, (3 * INK_SIDE) / 4);
    context.strokeStyle = colour("accent");
    context.beginPath();
    context.arc(...pen, PEN, 0, 7);
    context.stroke();
  };
  const moveTo = (x, y, down) => {
    const next = [clamp(x, 0, INK_SIDE), clamp(y, 0, INK_SIDE)];
    if (down) stroke(ink, pen, next);
    pen = next;
    paint();
    if (down) onInk(imageOf(ink, shape));
  };
  dragged(target, (x, y, first) => {
    if (first) pen = [x * INK_SIDE, y * INK_SIDE];
    moveTo(x * INK_SIDE, y * INK_SIDE, true);
  });
  arrowed(target, (dx, dy, event) => moveTo(pen[0] + 8 * dx, pen[1] + 8 * dy, event.shiftKey));
  const clear = () => {
    ink.fill(0);
    paint();
    onInk(null);
  };
  paint();
  const hint = element("small", {}, "Arrow keys move the pen; with Shift it draws.");
  return element("div", { class: "source" }, target, hint, button("Clear", clear));
}

// Put a round pen down at every pixel on the way.
function stroke(ink, [x0, y0], [x1, y1]) {
  const length = Math.ceil(Math.hypot(x1 - x0, y1 - y0)) || 1;
  for (let step = 0; step <= length; step++) {
    const [x, y] = [x0 + ((x1 - x0) * step) / length, y0 + ((y1 - y0) * step) / length];
    for (let row = Math.max(0, Math.ceil(y - PEN)); row < Math.min(INK_SIDE, y + PEN); row++) {
      const half = Math.sqrt(Math.max(0, PEN ** 2 - (row - y) ** 2));
      const [first, last] = [Math.max(0, Math.ceil(x - half)), Math.min(INK_SIDE, x + half)];
      ink.fill(1, row * INK_SIDE + first, row * INK_SIDE + Math.max(first, Math.floor(last)));
    }
  }
}

// As MNIST was made: the ink's box fits into 20 of 28 pixels, and is moved by whole pixels until its
// centre of mass is in the pixel to the lower right of the middle.
export function imageOf(ink, shape) {
  const box = boxOf(ink);
  if (!box) return null;
  const side = Math.min(...shape);
  const scale = (Math.max(box.right - box.left, box.bottom - box.top) * 28) / (20 * side);
  const [x, y] = [(box.left + box.right) / 2, (box.top + box.bottom) / 2];
  const [massX, massY] = centreOfMass(resampled(ink, shape, scale, x, y), shape);
  return resampled(ink, shape, scale, x + Math.floor(massX) * scale, y + Math.floor(massY) * scale);
}

function boxOf(ink) {
  const box = { left: INK_SIDE, right: 0, top: INK_SIDE, bottom: 0 };
  ink.forEach((value, i) => {
    if (!value) return;
    const [row, column] = [Math.floor(i / INK_SIDE), i % INK_SIDE];
    box.left = Math.min(box.left, column);
    box.right = Math.max(box.right, column + 1);
    box.top = Math.min(box.top, row);
    box.bottom = Math.max(box.bottom, row + 1);
  });
  return box.right ? box : null;
}

// An image whose middle is (x, y) of the ink and whose pixels are `scale` wide there, each the mean
// of 8 by 8 points in it.
function resampled(ink, [height, width], scale, x, y) {
  const image = new Float32Array(height * width);
  for (let row = 0; row < 8 * height; row++) {
    const from = Math.floor(y + ((row + 0.5) / 8 - height / 2) * scale);
    if (from < 0 || from >= INK_SIDE) continue;
    for (let column = 0; column < 8 * width; column++) {
      const at = Math.floor(x + ((column + 0.5) / 8 - width / 2) * scale);
      if (at < 0 || at >= INK_SIDE) continue;
      image[(row >> 3) * width + (column >> 3)] += ink[from * INK_SIDE + at] / 64;
    }
  }
  return image;
}

// In pixels from the middle of the image.
function centreOfMass(image, [height, width]) {
  let [mass, x, y] = [0, 0, 0];
  image.forEach((value, i) => {
    mass += value;
    x += value * ((i % width) + 0.5 - width / 2);
    y += value * (Math.floor(i / width) + 0.5 - height / 2);
  });
  return [x / mass, y / mass];
}
