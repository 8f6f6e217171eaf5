// Faces made unrecognizable in a canvas, found by the joints of the head, as annotations/faces.py.

const FACE = ["nose", "left_eye", "right_eye", "left_ear", "right_ear", "head_top"];
const THROATS = ["upper_neck", "neck"];
const SEEN = 0.1; // joints of a lower confidence may be anywhere
const ROOM = 1.5; // times the distance of the farthest joint from the middle of the head
const OF_BOX = 0.12; // of a box's height: no face's radius is smaller
const OF_BOX_ALONE = 0.2; // the same where one joint says where it is
const UPPER = 0.3; // of a box's height, where no joint of the head was found
const PATCHES = 4; // across a face

// people: as `paint` takes them; returns [x1, y1, x2, y2, whether it is the disc in there] of each face.
export function findFaces(people, names) {
  const numbers = (wanted) => wanted.map((name) => names.indexOf(name)).filter((k) => k >= 0);
  const [face, throat] = [numbers(FACE), numbers(THROATS)];
  return people.flatMap(({ box, joints }) => {
    const [x1, y1, x2, y2] = box;
    const there = (k) => joints[k][2] > SEEN;
    if (!face.some(there)) return x2 > x1 && y2 > y1 ? [[x1, y1, x2, y1 + UPPER * (y2 - y1), false]] : [];
    const seen = [...face, ...throat].filter(there).map((k) => joints[k]);
    const mean = (i) => seen.reduce((sum, joint) => sum + joint[i], 0) / seen.length;
    const [x, y] = [mean(0), mean(1)];
    const farthest = Math.max(...seen.map((joint) => Math.hypot(joint[0] - x, joint[1] - y)));
    const radius = Math.max(ROOM * farthest, (seen.length > 1 ? OF_BOX : OF_BOX_ALONE) * (y2 - y1), 2);
    return [[x - radius, y - radius, x + radius, y + radius, true]];
  });
}

// at: takes pixels of the picture to those of the canvas, which shows it `scale` times as large.
export function hideFaces(context, people, names, at, scale) {
  const few = new OffscreenCanvas(PATCHES, PATCHES);
  const { canvas } = context;
  for (const [x1, y1, x2, y2, isRound] of findFaces(people, names)) {
    const [left, top] = at([x1, y1]).map((value) => Math.max(value, 0));
    const right = Math.min(at([x2, y2])[0], canvas.width);
    const bottom = Math.min(at([x2, y2])[1], canvas.height);
    if (right <= left || bottom <= top) continue;
    const part = [left, top, right - left, bottom - top];
    few.getContext("2d").drawImage(canvas, ...part, 0, 0, PATCHES, PATCHES);
    context.save();
    context.beginPath();
    if (isRound) context.arc(...at([(x1 + x2) / 2, (y1 + y2) / 2]), (scale * (x2 - x1)) / 2, 0, 7);
    else context.rect(...part);
    context.clip();
    context.imageSmoothingEnabled = false;
    context.drawImage(few, 0, 0, PATCHES, PATCHES, ...part);
    context.restore();
  }
}
