// What the classifier sees of a picture and the people in it, as cache/planes.py: by the names of its
// inputs, float32 values in 0..255. `recipe` is that of classifier.json; people are as in pose.js; `skeleton`
// has joints by name, and bones and left and right ones as pairs of names.

import { draw } from "./heatmap.js";
import { jointNumbers } from "./joint_numbers.js";
import { argmin, clamp, rint } from "./numbers.js";
import { cut, grey, paste, resize } from "./pixels.js";

const middle = (box) => [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2].map(Math.fround);
const area = (box) => Math.fround((box[2] - box[0]) * (box[3] - box[1]));
const first = (badness) => (badness.length ? [argmin(badness)] : []);
const distance = ([x, y], [u, v]) => Math.hypot(x - u, y - v);

// Who is shown: policies from people and the picture's size to their numbers.
const POLICIES = {
  centre: ({ boxes }, size) => first(boxes.map((box) => distance(middle(box), size.map((side) => side / 2)))),
  centre_and_farthest: (people, size) => {
    const nearest = POLICIES.centre(people, size);
    if (people.boxes.length < 2) return nearest;
    const from = middle(people.boxes[nearest[0]]);
    const far = people.boxes.map((box, i) => (i === nearest[0] ? 1 : -distance(middle(box), from)));
    return [nearest[0], argmin(far)];
  },
  most_prominent: ({ boxes, scores }) => first(boxes.map((box, i) => -Math.fround(scores[i] * area(box)))),
  largest: ({ boxes }) => first(boxes.map((box) => -area(box))),
  top_score: ({ scores }) => first(scores.map((score) => -score)),
  all: ({ boxes }) => boxes.map((_, i) => i),
};

// person: whom the tensor shows, where the recipe's people are "each"; else null.
export function makeArrays(picture, people, recipe, skeleton, person = null) {
  const bones = (skeleton?.bones ?? []).map((bone) => bone.map((name) => skeleton.joints.indexOf(name)));
  const size = [picture.width, picture.height];
  const view = recipe.person_view;
  const shown = person === null ? { picture, start: [0, 0] } : showOnly(picture, people.boxes[person], recipe);
  const whole = resized(shown.picture, recipe.width, recipe.height, recipe.resize);
  const drawn = person === null ? chosenOf(recipe, people, size) : [person];
  const planes = stack(whole, people, drawn, recipe, bones, shown.start);
  if (!view) return { x: planes };
  const chosen = POLICIES[view.people](people, size);
  const square = chosen.length
    ? cropSquare(picture, people.boxes[chosen[0]], view.margin, view.size)
    : resized(picture, view.size, view.size, "letterbox");
  const arrays = { picture: planes, person: stack(square, people, chosen, view, bones, [0, 0]), found: Float32Array.of(chosen.length ? 1 : 0) };
  if (view.joints) arrays.joints = jointNumbers(people, chosen[0] ?? -1, size, skeleton);
  return arrays;
}

const chosenOf = (recipe, people, size) =>
  recipe.planes.every((plane) => plane === "rgb") ? [] : POLICIES[recipe.people](people, size);

// { frame, scale, offset }: picture pixels times scale plus offset are the frame's.
export function resized(picture, width, height, way) {
  const wanted = [width, height];
  const size = [picture.width, picture.height];
  if (way === "stretch") {
    return { frame: resize(picture, width, height), scale: size.map((side, i) => Math.fround(wanted[i] / side)), offset: [0, 0] };
  }
  const ratio = Math.min(...size.map((side, i) => Math.fround(wanted[i] / side)));
  const inner = size.map((side) => Math.max(1, rint(Math.fround(side * ratio))));
  const offset = inner.map((side, i) => Math.floor((wanted[i] - side) / 2));
  const frame = paste(grey(width, height), resize(picture, ...inner), ...offset);
  return { frame, scale: inner.map((side, i) => Math.fround(side / size[i])), offset };
}

export function cropSquare(picture, box, margin, size) {
  const [x1, y1, x2, y2] = box;
  const side = Math.max(1, rint(Math.max(x2 - x1, y2 - y1) * (1 + 2 * margin)));
  const corner = [rint((x1 + x2 - side) / 2), rint((y1 + y2 - side) / 2)];
  const whole = [picture.width, picture.height];
  const low = corner.map((at) => Math.max(at, 0));
  const high = corner.map((at, i) => Math.min(at + side, whole[i]));
  const frame = grey(size, size);
  if (low.some((at, i) => at >= high[i])) {
    return { frame, scale: [size / side, size / side], offset: corner.map((at) => (-at * size) / side) };
  }
  const start = low.map((at, i) => Math.min(rint(((at - corner[i]) * size) / side), size - 1));
  const end = high.map((at, i) => Math.max(rint(((at - corner[i]) * size) / side), start[i] + 1));
  const inner = end.map((at, i) => at - start[i]);
  paste(frame, resize(cut(picture, ...low, ...high), ...inner), ...start);
  const scale = inner.map((pixels, i) => pixels / (high[i] - low[i]));
  return { frame, scale: scale.map(Math.fround), offset: start.map((at, i) => Math.fround(at - low[i] * scale[i])) };
}

// The picture cut to, or painted grey around, a person; and where it starts.
function showOnly(picture, box, recipe) {
  const size = [picture.width, picture.height];
  const added = Math.fround(recipe.margin * Math.fround(Math.max(box[2] - box[0], box[3] - box[1])));
  const low = size.map((side, i) => clamp(Math.floor(Math.fround(box[i] - added)), 0, side - 1));
  const high = size.map((side, i) => clamp(Math.ceil(Math.fround(box[i + 2] + added)), low[i] + 1, side));
  const part = cut(picture, ...low, ...high);
  if (recipe.person === "crop") return { picture: part, start: low };
  return { picture: paste(grey(...size), part, ...low), start: [0, 0] };
}

// The planes of a view one behind the other: (height, width, channels).
function stack({ frame, scale, offset }, people, chosen, view, bones, start) {
  const [width, height] = [frame.width, frame.height];
  const placed = ([x, y, v]) => [...[x, y].map((at, i) => Math.fround(Math.fround(Math.fround(at - start[i]) * scale[i]) + offset[i])), v];
  const channels = view.planes.flatMap((plane) => {
    if (plane === "rgb") return [0, 1, 2].map((c) => (i) => frame.data[3 * i + c]);
    const drawn = draw(chosen.map((k) => people.keypoints[k].map(placed)), bones, width, height, view.heatmap);
    return [(i) => drawn[i]];
  });
  const values = new Float32Array(channels.length * width * height);
  for (let i = 0, to = 0; i < width * height; i++) for (const channel of channels) values[to++] = channel(i);
  return values;
}
