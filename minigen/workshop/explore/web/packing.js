// The content out of the page, as packing.py packed it.

import { bytesOf, fromHalf } from "./arrays.js";

const kinds = {
  uint8: (buffer) => new Uint8Array(buffer),
  float16: (buffer) => fromHalf(new Uint16Array(buffer)),
  float32: (buffer) => new Float32Array(buffer),
};

export async function unpacked(text) {
  const inflated = new Blob([bytesOf(text)])
    .stream()
    .pipeThrough(new DecompressionStream("deflate"));
  const bytes = new Uint8Array(await new Response(inflated).arrayBuffer());
  const start = 4 + new DataView(bytes.buffer).getUint32(0, true);
  const arrays = bytes.subarray(start);
  return JSON.parse(new TextDecoder().decode(bytes.subarray(4, start)), (_, value) =>
    value?.array ? arrayAt(arrays, value) : value,
  );
}

// The bytes of each value side by side again.
function arrayAt(bytes, { array, size, at }) {
  const width = { uint8: 1, float16: 2, float32: 4 }[array];
  const whole = new Uint8Array(size * width);
  for (let i = 0; i < whole.length; i++)
    whole[i] = bytes[at + (i % width) * size + ((i / width) | 0)];
  return kinds[array](whole.buffer);
}
