// People drawn over a picture or a frame: box, bones, joints, name; with their faces hidden, if they are to be.

import { hideFaces } from "./faces.js";

const COLOURS = ["#4f9dff", "#ff9f43", "#34d399", "#f472b6", "#facc15", "#a78bfa", "#fb7185", "#22d3ee"];
const SEEN = 0.25; // joints of a lower confidence would only clutter a drawing

export const colourOf = (person) => COLOURS[person % COLOURS.length];

// people: [{ box, joints: [[x, y, confidence], ...], label, person }] in pixels of the picture. picture: what is
// drawn over; where faces are to be hidden it is drawn into the canvas, without them.
export function paint(canvas, picture, pictureSize, people, model, { mirrored = false } = {}) {
  const { width, height } = canvas.getBoundingClientRect();
  const dense = Math.min(devicePixelRatio || 1, 2);
  canvas.width = Math.max(Math.round(width * dense), 1);
  canvas.height = Math.max(Math.round(height * dense), 1);
  const context = canvas.getContext("2d");
  const scale = Math.min(canvas.width / pictureSize[0], canvas.height / pictureSize[1]);
  const left = (canvas.width - scale * pictureSize[0]) / 2;
  const top = (canvas.height - scale * pictureSize[1]) / 2;
  const at = ([x, y]) => [left + scale * x, top + scale * y];
  if (model.hides_faces) {
    context.drawImage(picture, left, top, scale * pictureSize[0], scale * pictureSize[1]);
    hideFaces(context, people, model.joints, at, scale);
  }
  const index = new Map(model.joints.map((name, i) => [name, i]));
  context.lineWidth = 2.5 * dense;
  context.lineCap = "round";
  for (const person of people) {
    context.strokeStyle = context.fillStyle = colourOf(person.person);
    for (const [a, b] of model.bones) {
      const [one, other] = [person.joints[index.get(a)], person.joints[index.get(b)]];
      if (!one || !other || one[2] < SEEN || other[2] < SEEN) continue;
      context.beginPath();
      context.moveTo(...at(one));
      context.lineTo(...at(other));
      context.stroke();
    }
    for (const joint of person.joints) {
      if (joint[2] < SEEN) continue;
      context.beginPath();
      context.arc(...at(joint), 3 * dense, 0, 7);
      context.fill();
    }
    if (person.box) {
      const [x1, y1] = at(person.box);
      const [x2, y2] = at(person.box.slice(2));
      context.strokeRect(x1, y1, x2 - x1, y2 - y1);
      if (person.label) write(context, person.label, [x1, y1, x2], dense, mirrored);
    }
  }
  canvas.dataset.people = people.length;
}

function write(context, label, [x1, y1, x2], dense, mirrored) {
  context.font = `600 ${14 * dense}px system-ui, sans-serif`;
  const wide = context.measureText(label).width + 8 * dense;
  const high = 20 * dense;
  const y = y1 >= high ? y1 - high : y1;
  context.save();
  const x = Math.max(Math.min(x1, context.canvas.width - wide), 0);
  if (mirrored) {
    // The whole canvas is mirrored by the style sheet; the text must not be.
    context.translate(Math.min(x2, context.canvas.width), 0);
    context.scale(-1, 1);
  } else {
    context.translate(x, 0);
  }
  context.fillRect(0, y, wide, high);
  context.fillStyle = "#0b0d12";
  context.fillText(label, 4 * dense, y + 15 * dense);
  context.restore();
}

// The people of a record, as `paint` takes them; `rows` name them.
export function peopleOf(found, model, rows) {
  const label = new Map(rows.filter((row) => row.person !== null).map((row) => [row.person, row.activity ?? ""]));
  return (found ?? []).map((person, i) => ({
    person: i,
    box: person.box,
    joints: model.joints.map((name) => person.keypoints[name] ?? [0, 0, 0]),
    label: label.get(i) ?? "",
  }));
}
