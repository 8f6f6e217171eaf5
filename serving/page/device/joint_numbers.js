// One person's joints as numbers, and those of the mirror image, as cache/joint_numbers.py, which says what they
// are. people: as in pose.js; person: a number, or -1 for nobody; about: the skeleton, as in planes.js.

const MOST_SURE = (a, b) => b.worth - a.worth;

export function jointNumbers({ boxes, scores, keypoints }, person, size, about) {
  const count = about.joints.length;
  const length = 11 + 3 * count + 2 * about.bones.length;
  if (person < 0) return new Float32Array(2 * length);
  const area = (box) => Math.fround(Math.fround(box[2] - box[0]) * Math.fround(box[3] - box[1]));
  const others = boxes.map((box, i) => ({ i, worth: Math.fround(scores[i] * area(box)) })).sort(MOST_SURE);
  const next = others.filter(({ i }) => i !== person).slice(0, 1);
  const shown = [person, ...next.map(({ i }) => i)].map((i) => boxes[i]);
  const flip = about.joints.map((name) => about.joints.indexOf(mirrored(name, about.pairs)));
  const [width] = size;
  const turned = flip.map((k) => keypoints[person][k]).map(([x, y, v]) => [width - x, y, v]);
  const turnedBoxes = shown.map(([x1, y1, x2, y2]) => [width - x2, y1, width - x1, y2]);
  return Float32Array.from([
    ...row(shown, keypoints[person], size, boxes.length, about),
    ...row(turnedBoxes, turned, size, boxes.length, about),
  ]);
}

function mirrored(name, pairs) {
  const pair = pairs.find((both) => both.includes(name));
  return pair ? pair.find((other) => other !== name) : name;
}

function row(boxes, joints, size, people, { joints: names, bones }) {
  const middles = boxes.map((box) => [0, 1].map((i) => (box[i] + box[i + 2]) / 2));
  const sides = boxes.map((box) => [0, 1].map((i) => Math.max(box[i + 2] - box[i], 1)));
  const longer = sides.map((both) => Math.max(...both));
  const places = joints.map(([x, y, v]) => (v > 0 ? [(x - middles[0][0]) / longer[0], (y - middles[0][1]) / longer[0]] : [0, 0]));
  const other = [0, 0, 0, 0];
  if (boxes.length > 1) {
    other.splice(0, 4, 1, ...[0, 1].map((i) => (middles[1][i] - middles[0][i]) / longer[0]), Math.log(longer[1] / longer[0]));
  }
  const directions = bones.flatMap((bone) => {
    const [a, b] = bone.map((name) => names.indexOf(name));
    const way = [0, 1].map((i) => places[b][i] - places[a][i]);
    const sure = Math.min(joints[a][2], joints[b][2]);
    return way.map((step) => (step / Math.max(Math.hypot(...way), 1e-6)) * sure);
  });
  return [
    1,
    ...joints.flatMap(([, , v], k) => [...places[k], v]),
    ...directions,
    Math.log(sides[0][0] / sides[0][1]),
    ...[0, 1].map((i) => middles[0][i] / size[i] - 0.5),
    ...[0, 1].map((i) => Math.log(sides[0][i] / size[i])),
    Math.log1p(people),
    ...other,
  ];
}
