// Arrays: out of text, and the little algebra that codes need.

// The bytes of a text in base64.
export function bytesOf(text) {
  return Uint8Array.from(atob(text), (one) => one.charCodeAt(0));
}

// float16 -> float32: the same sign and fraction, an exponent of bias 127 in place of 15
export function fromHalf(halves) {
  const floats = new Float32Array(halves.length);
  const bits = new Uint32Array(floats.buffer);
  for (let i = 0; i < halves.length; i++) {
    const half = halves[i];
    const magnitude = half & 0x7fff;
    if (magnitude < 0x400) floats[i] = magnitude * 2 ** -24;
    else bits[i] = (magnitude << 13) + (112 << 23);
    bits[i] |= (half & 0x8000) << 16;
  }
  return floats;
}

// Row i of an array whose rows hold `width` values.
export function rowOf(array, width, i) {
  return array.subarray(i * width, (i + 1) * width);
}

export function dot(a, b) {
  return a.reduce((sum, value, i) => sum + value * b[i], 0);
}

// (1 - t) a + t b
export function between(a, b, t) {
  return a.map((value, i) => (1 - t) * value + t * b[i]);
}

export function clamp(value, low, high) {
  return Math.min(Math.max(value, low), high);
}

export function range(count) {
  return Array.from({ length: count }, (_, i) => i);
}
