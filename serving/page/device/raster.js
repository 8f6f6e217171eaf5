// Thick lines and discs, pixel for pixel as OpenCV's cv2.line and cv2.circle (LINE_8) draw them.
// Source: opencv/modules/imgproc/src/drawing.cpp, whose names are kept: ThickLine, FillConvexPoly, Line2,
// Circle, EllipseEx. A plane is { data, width, height }, a byte per pixel; coordinates are in 1/16 pixels,
// within 65,536 times 1/65,536 pixels in here, whole numbers below 2^53.

import { rint } from "./numbers.js";

const SHIFT = 16;
const ONE = 1 << SHIFT;
const OF_SIXTEENTH = ONE / 16;

const down = (value) => Math.floor(value / ONE); // value >> SHIFT

// thickness > 1
export function line(plane, a, b, value, thickness) {
  const [x0, y0, x1, y1] = [...a, ...b].map((v) => v * OF_SIXTEENTH);
  const [dx, dy] = [(x0 - x1) / ONE, (y1 - y0) / ONE];
  const square = dx * dx + dy * dy;
  const half = thickness * (ONE / 2);
  if (square > Number.EPSILON) {
    const r = (half + (thickness & 1) * ONE * 0.5) / Math.sqrt(square);
    const [px, py] = [rint(dy * r), rint(dx * r)];
    fillConvex(plane, [[x0 + px, y0 + py], [x0 - px, y0 - py], [x1 - px, y1 - py], [x1 + px, y1 + py]], value);
  }
  for (const [x, y] of [[x0, y0], [x1, y1]]) circle(plane, down(x + ONE / 2), down(y + ONE / 2), down(half + ONE / 2), value);
}

// radius in whole pixels; the centre is between pixels, so OpenCV makes it a polygon.
export function disc(plane, centre, radius, value) {
  const [cx, cy] = centre.map((v) => v * OF_SIXTEENTH);
  const step = radius < 3 ? 90 : radius < 10 ? 30 : radius < 15 ? 18 : 5;
  const points = [];
  for (let angle = 0; angle < 360 + step; angle += step) {
    const at = (Math.min(angle, 360) * Math.PI) / 180;
    const place = [cx + radius * ONE * exact(Math.cos(at)), cy + radius * ONE * exact(Math.sin(at))].map(rint);
    const last = points.at(-1);
    if (!last || last[0] !== place[0] || last[1] !== place[1]) points.push(place);
  }
  fillConvex(plane, points.length > 1 ? points : [points[0], points[0]], value);
}

// OpenCV takes sines of whole degrees from a table of seven digits.
const exact = (value) => Math.round(value * 1e7) / 1e7;

function hline(plane, y, from, to, value) {
  if (y < 0 || y >= plane.height || to < 0 || from >= plane.width) return;
  const row = y * plane.width;
  plane.data.fill(value, row + Math.max(from, 0), row + Math.min(to, plane.width - 1) + 1);
}

function put(plane, x, y, value) {
  if (x >= 0 && y >= 0 && x < plane.width && y < plane.height) plane.data[y * plane.width + x] = value;
}

function circle(plane, cx, cy, radius, value) {
  let [error, dx, dy, plus, minus] = [0, radius, 0, 1, 2 * radius - 1];
  while (dx >= dy) {
    hline(plane, cy - dy, cx - dx, cx + dx, value);
    hline(plane, cy + dy, cx - dx, cx + dx, value);
    hline(plane, cy - dx, cx - dy, cx + dy, value);
    hline(plane, cy + dx, cx - dy, cx + dy, value);
    dy++;
    error += plus;
    plus += 2;
    if (error > 0) {
      error -= minus;
      dx--;
      minus -= 2;
    }
  }
}

function fillConvex(plane, points, value) {
  points.forEach((point, i) => thin(plane, points.at(i - 1), point, value));
  if (points.length < 3) return;
  const row = ([, y]) => down(y + ONE / 2);
  const lowest = points.reduce((best, point, i) => (point[1] < points[best][1] ? i : best), 0);
  const last = Math.min(Math.max(...points.map(row)), plane.height - 1);
  let y = row(points[lowest]);
  const edge = (step) => ({ at: lowest, step, x: -ONE, dx: 0, end: y });
  const sides = [edge(1), edge(points.length - 1)];
  let left = points.length;
  for (; y <= last; y++) {
    for (const side of sides) {
      if (y < side.end) continue;
      let from = side.at;
      let to = (from + side.step) % points.length;
      while (left-- > 0) {
        const end = row(points[to]);
        if (end > y) {
          side.end = end;
          side.dx = Math.trunc(((points[to][0] - points[from][0]) * 2 + (end - y)) / (2 * (end - y)));
          side.x = points[from][0];
          side.at = to;
          break;
        }
        from = to;
        to = (to + side.step) % points.length;
      }
    }
    const ends = sides.map((side) => down(side.x + ONE / 2)).sort((a, b) => a - b);
    hline(plane, y, ends[0], ends[1], value);
    for (const side of sides) side.x += side.dx;
  }
}

// A line of one pixel, OpenCV's Line2.
function thin(plane, from, to, value) {
  const [a, b] = clip(plane.width * ONE, plane.height * ONE, from, to) ?? [];
  if (!a) return;
  const long = Math.abs(b[0] - a[0]) > Math.abs(b[1] - a[1]) ? 0 : 1;
  const [first, second] = b[long] < a[long] ? [b, a] : [a, b];
  const [run, rise] = [second[long] - first[long], second[1 - long] - first[1 - long]];
  const step = Math.trunc((rise * ONE) / (run | 1));
  put(plane, down(second[0] + ONE / 2), down(second[1] + ONE / 2), value);
  let along = down(first[long] + ONE / 2);
  let across = first[1 - long] + ONE / 2;
  for (let count = down(run); count >= 0; count--, along++, across += step) {
    if (long === 0) put(plane, along, down(across), value);
    else put(plane, down(across), along, value);
  }
}

// OpenCV's clipLine: the part of a line inside the picture, or null.
function clip(width, height, from, to) {
  let [[x1, y1], [x2, y2]] = [from, to];
  const [right, bottom] = [width - 1, height - 1];
  const side = (x, y) => (x < 0) + 2 * (x > right) + 4 * (y < 0) + 8 * (y > bottom);
  let [c1, c2] = [side(x1, y1), side(x2, y2)];
  if (!(c1 & c2) && (c1 | c2)) {
    if (c1 & 12) {
      const edge = c1 < 8 ? 0 : bottom;
      x1 += Math.trunc(((edge - y1) * (x2 - x1)) / (y2 - y1));
      y1 = edge;
      c1 = (x1 < 0) + 2 * (x1 > right);
    }
    if (c2 & 12) {
      const edge = c2 < 8 ? 0 : bottom;
      x2 += Math.trunc(((edge - y2) * (x2 - x1)) / (y2 - y1));
      y2 = edge;
      c2 = (x2 < 0) + 2 * (x2 > right);
    }
    if (!(c1 & c2) && (c1 | c2)) {
      if (c1) {
        const edge = c1 === 1 ? 0 : right;
        y1 += Math.trunc(((edge - x1) * (y2 - y1)) / (x2 - x1));
        x1 = edge;
        c1 = 0;
      }
      if (c2) {
        const edge = c2 === 1 ? 0 : right;
        y2 += Math.trunc(((edge - x2) * (y2 - y1)) / (x2 - x1));
        x2 = edge;
        c2 = 0;
      }
    }
  }
  return c1 | c2 ? null : [[x1, y1], [x2, y2]];
}
