// People drawn into one plane, as cache/heatmap.py. Keypoints are in the plane's pixels; v = 0 is missing.

import { clamp, rint } from "./numbers.js";
import { disc, line } from "./raster.js";

const REACH = 3; // a Gaussian is cut at three sigma

// people: rows of [x, y, v]; bones: pairs of joints' numbers; returns a byte per pixel.
export function draw(people, bones, width, height, style) {
  const plane = { data: new Uint8ClampedArray(width * height), width, height };
  const limit = Math.fround(Math.max(style.min_confidence, 0));
  const seen = people.map((joints) => joints.map((joint) => joint[2] > limit));
  if (style.style === "gaussian") {
    people.forEach((joints, i) => joints.forEach((joint, k) => seen[i][k] && stamp(plane, joint, style.sigma)));
    return plane.data;
  }
  const far = 8 * Math.max(width, height);
  const fixed = people.map((joints) => joints.map(([x, y]) => [x, y].map((v) => rint(clamp(v, -far, far) * 16))));
  fixed.forEach((points, i) => {
    for (const [a, b] of bones) {
      if (seen[i][a] && seen[i][b]) line(plane, points[a], points[b], style.bone_value, style.bone_width);
    }
  });
  fixed.forEach((points, i) => points.forEach((point, k) => seen[i][k] && disc(plane, point, style.joint_radius, style.joint_value)));
  return plane.data;
}

function stamp(plane, [x, y, v], sigma) {
  const reach = Math.ceil(REACH * sigma);
  const [left, right] = [Math.max(0, rint(x) - reach), Math.min(plane.width, rint(x) + reach + 1)];
  const [top, bottom] = [Math.max(0, rint(y) - reach), Math.min(plane.height, rint(y) + reach + 1)];
  const bell = (distance) => Math.exp(-(distance ** 2) / (2 * sigma ** 2));
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) {
      const at = row * plane.width + column;
      plane.data[at] = Math.max(plane.data[at], rint(255 * v * bell(row - y) * bell(column - x)));
    }
  }
}
