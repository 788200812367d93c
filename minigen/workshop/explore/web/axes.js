// Axes of the latent plane: two unit vectors, of latent dimensions or of principal directions.

import { dot, range, rowOf } from "./arrays.js";

// The families of axes, best first: { name, axes: [{ name, vector, importance }, ...] }.
export function families(content) {
  const { nLatent, activity, directions, variances } = content;
  const byActivity = range(nLatent).sort((i, j) => activity[j] - activity[i]);
  const unit = (i) => Float32Array.from({ length: nLatent }, (_, j) => Number(i === j));
  return [
    {
      name: "latent dimensions",
      axes: byActivity.map((i) => ({
        name: `z${i + 1}`,
        vector: unit(i),
        importance: activity[i],
      })),
    },
    {
      name: "principal directions",
      axes: variances.map((variance, i) => ({
        name: `direction ${i + 1}`,
        vector: rowOf(directions, nLatent, i),
        importance: variance,
      })),
    },
  ];
}

// An axis along which nothing lies, where there is no second one.
export function noAxis(nLatent) {
  return { name: "", vector: new Float32Array(nLatent), importance: 0 };
}

// z moved so that its coordinates along two orthonormal axes are a and b.
export function moved(z, [first, second], a, b) {
  const da = a - dot(z, first.vector);
  const db = b - dot(z, second.vector);
  return z.map((value, i) => value + da * first.vector[i] + db * second.vector[i]);
}

// A square that holds these points and a tenth more: its middle and half of its side.
export function squareAround(points) {
  const [xs, ys] = [0, 1].map((k) => points.map((point) => point[k]));
  const [left, right, low, high] = [
    Math.min(...xs),
    Math.max(...xs),
    Math.min(...ys),
    Math.max(...ys),
  ];
  const half = 0.55 * Math.max(right - left, high - low) || 1;
  return { x: (left + right) / 2, y: (low + high) / 2, half };
}

// The ellipse of one standard deviation of N(., diag(sigma^2)) seen along two axes: the half-axes
// are roots of the eigenvalues of its covariance [[p, r], [r, q]], the angle is that of the longer.
export function ellipse(logvar, [first, second]) {
  let [p, q, r] = [0, 0, 0];
  logvar.forEach((value, i) => {
    const variance = Math.exp(value);
    p += variance * first.vector[i] ** 2;
    q += variance * second.vector[i] ** 2;
    r += variance * first.vector[i] * second.vector[i];
  });
  const root = Math.hypot((p - q) / 2, r);
  return {
    long: Math.sqrt((p + q) / 2 + root),
    short: Math.sqrt(Math.max(0, (p + q) / 2 - root)),
    angle: Math.atan2(2 * r, p - q) / 2,
  };
}
