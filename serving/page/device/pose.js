// Stage 1 around its graph, as stage1_pose/predict.py: letterbox, decode, non-maximum suppression.
// People are { boxes, scores, keypoints }, a row each, by falling score: x1, y1, x2, y2; x, y, confidence
// of each joint. They are in pixels of the picture once `find` returns them.

import { clamp, rint } from "./numbers.js";
import { grey, paste, resizeLinear } from "./pixels.js";

const STRIDE = 32;
const MOST_CANDIDATES = 30_000;

export function letterbox(width, height, size) {
  const ratio = Math.min(size / height, size / width);
  const inner = [Math.max(rint(width * ratio), 1), Math.max(rint(height * ratio), 1)];
  const pads = inner.map((side) => (((size - side) % STRIDE) + STRIDE) % STRIDE);
  return { inner, offset: pads.map((pad) => rint(pad / 2 - 0.1)), input: inner.map((side, i) => side + pads[i]) };
}

// The graph's input: (3, h, w) in 0..1.
export function toInput(picture, { inner, offset, input }) {
  const frame = paste(grey(...input), resizeLinear(picture, ...inner), ...offset);
  const plane = input[0] * input[1];
  const values = new Float32Array(3 * plane);
  for (let i = 0; i < plane; i++) {
    for (let c = 0; c < 3; c++) values[c * plane + i] = frame.data[3 * i + c] / 255;
  }
  return values;
}

// raw: (rows, anchors): box centre x, y, width, height; score; x, y, confidence of each joint.
export function decode(raw, rows, anchors, { confidence, iou, max_people }) {
  const at = (row, i) => raw[row * anchors + i];
  const limit = Math.fround(confidence);
  let found = [];
  for (let i = 0; i < anchors; i++) if (at(4, i) > limit) found.push(i);
  found.sort((a, b) => at(4, b) - at(4, a)); // stable
  found = found.slice(0, MOST_CANDIDATES);
  const boxes = found.map((i) => {
    const [x, y, halfW, halfH] = [at(0, i), at(1, i), at(2, i) / 2, at(3, i) / 2];
    return [x - halfW, y - halfH, x + halfW, y + halfH].map(Math.fround);
  });
  const kept = suppress(boxes, iou).slice(0, max_people);
  const joints = (rows - 5) / 3;
  const jointsOf = (i) => Array.from({ length: joints }, (_, k) => [0, 1, 2].map((c) => at(5 + 3 * k + c, i)));
  return {
    boxes: kept.map((k) => boxes[k]),
    scores: kept.map((k) => at(4, found[k])),
    keypoints: kept.map((k) => jointsOf(found[k])),
  };
}

// boxes by falling score; returns the indices of those that no kept, stronger one overlaps by more than iou.
export function suppress(boxes, iou) {
  const kept = [];
  boxes.forEach((box, i) => {
    if (kept.every((k) => overlap(boxes[k], box) <= iou)) kept.push(i);
  });
  return kept;
}

function overlap(a, b) {
  const side = (i) => Math.max(Math.min(a[i + 2], b[i + 2]) - Math.max(a[i], b[i]), 0);
  const area = (box) => (box[2] - box[0]) * (box[3] - box[1]);
  const shared = side(0) * side(1);
  return shared / Math.max(area(a) + area(b) - shared, 1e-38);
}

export function toPicture({ boxes, scores, keypoints }, { inner, offset }, size) {
  const gain = size.map((side, i) => Math.fround(inner[i] / side));
  const back = (value, i) => Math.fround(clamp(Math.fround(Math.fround(value - offset[i]) / gain[i]), 0, size[i]));
  return {
    boxes: boxes.map((box) => box.map((value, i) => back(value, i % 2))),
    scores,
    keypoints: keypoints.map((joints) => joints.map(([x, y, v]) => (v === 0 ? [0, 0, 0] : [back(x, 0), back(y, 1), v]))),
  };
}

// graph: takes (3, h, w) values and [w, h]; returns { data, dims }.
export async function find(picture, graph, about) {
  const size = [picture.width, picture.height];
  const place = letterbox(...size, about.size);
  const { data, dims } = await graph(toInput(picture, place), place.input);
  return toPicture(decode(data, dims[1], dims[2], about), place, size);
}
