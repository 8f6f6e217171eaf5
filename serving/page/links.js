// Who answers the camera's frames: the server, or this device. A link is given one frame at a time, a canvas
// with its number and seconds, and tells what came of it to `take`, in the server's words ("answer", "problem").

import { openLive } from "./api.js";
import { rowOf, TrailingMean } from "./device/answers.js";

const QUALITY = 0.8;
const HEADER = 16; // number, width, height (0 of a JPEG), seconds
const STEADY = 1; // seconds whose mean the answer is, as inference/pictures/live.py

export function openLink(device, take, onEnd) {
  if (!device) return new ServerLink(take, onEnd, jpegOf);
  if (device.about.recipe) return new DeviceLink(device, take);
  return new ServerLink(take, onEnd, (canvas) => jointsOf(device, canvas));
}

// Sends what `read` makes of a frame: { size, bytes }.
class ServerLink {
  constructor(take, onEnd, read) {
    this.read = read;
    this.socket = openLive();
    this.socket.onmessage = (event) => take(JSON.parse(event.data));
    this.socket.onclose = (event) => this.socket && onEnd(event.reason);
  }

  async send(canvas, number, seconds) {
    const { size, bytes } = await this.read(canvas);
    if (this.socket?.readyState !== WebSocket.OPEN) return;
    const frame = new Uint8Array(HEADER + bytes.byteLength);
    const view = new DataView(frame.buffer);
    view.setUint32(0, number, true);
    view.setUint16(4, size[0], true);
    view.setUint16(6, size[1], true);
    view.setFloat64(8, seconds, true);
    frame.set(new Uint8Array(bytes), HEADER);
    this.socket.send(frame);
  }

  close() {
    const { socket } = this;
    this.socket = null;
    socket.close();
  }
}

async function jpegOf(canvas) {
  const blob = await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", QUALITY));
  return { size: [0, 0], bytes: await blob.arrayBuffer() };
}

// Per person a box, a score, and x, y, confidence of each joint, as serving/live.py reads them.
async function jointsOf(device, canvas) {
  const { people } = await device.see(pixelsOf(canvas));
  const values = people.boxes.flatMap((box, i) => [...box, people.scores[i], ...people.keypoints[i].flat()]);
  return { size: [canvas.width, canvas.height], bytes: Float32Array.from(values).buffer };
}

// Nothing leaves the browser.
class DeviceLink {
  constructor(device, take) {
    this.device = device;
    this.take = take;
    this.mean = device.about.recipe.people === "each" ? null : new TrailingMean(STEADY);
    queueMicrotask(() => this.take?.({ type: "hello", longest_side: device.about.longest_side }));
  }

  async send(canvas, number, seconds) {
    const size = [canvas.width, canvas.height];
    try {
      const { people, rows, answers } = await this.device.see(pixelsOf(canvas));
      const steady = this.mean ? [rowOf(this.mean.add(seconds, answers[0].probabilities), this.device.about)] : rows;
      this.take?.({ type: "answer", number, size, fresh: true, rows: steady, people: this.device.named(people) });
    } catch (error) {
      this.take?.({ type: "problem", number: null, detail: error.message });
    }
  }

  close() {
    this.take = null;
  }
}

const pixelsOf = (canvas) => canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
