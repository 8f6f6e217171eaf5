// A model in this browser: it is loaded once it is asked for, judged by its sample, and then asked in a worker.

import { ask, askJson } from "../api.js";

export class Device {
  // onProgress: told the share of the bytes that are there.
  static async open(onProgress) {
    const about = await askJson("/v1/device");
    const whole = Object.values(about.graphs).reduce((sum, graph) => sum + graph.bytes, 0);
    let there = 0;
    const graphs = {};
    for (const [name, { file }] of Object.entries(about.graphs)) {
      graphs[name] = await load(`/v1/device/${file}`, (bytes) => onProgress((there += bytes) / whole));
    }
    const device = new Device(about);
    try {
      await device.call("open", { about, graphs }, Object.values(graphs));
      device.verdict = await device.call("judge", { pictures: await readSample(about.sample) });
    } catch (error) {
      device.close();
      throw error;
    }
    return device;
  }

  constructor(about) {
    this.about = about;
    this.waiting = new Map();
    this.asked = 0;
    this.worker = new Worker(new URL("worker.js", import.meta.url), { type: "module" });
    this.worker.onmessage = ({ data: { number, value, error } }) => {
      const { resolve, reject } = this.waiting.get(number);
      this.waiting.delete(number);
      if (error === undefined) resolve(value);
      else reject(new Error(error));
    };
    this.worker.onerror = () => {
      for (const { reject } of this.waiting.values()) reject(new Error("This browser cannot run the model."));
      this.waiting.clear();
    };
  }

  close() {
    this.worker.terminate();
  }

  call(call, given, transferred = []) {
    const number = this.asked++;
    this.worker.postMessage({ number, call, ...given }, transferred);
    return new Promise((resolve, reject) => this.waiting.set(number, { resolve, reject }));
  }

  // picture: ImageData, which is handed over; returns { people, rows, answers }, see worker.js.
  see(picture) {
    return this.call("see", { picture }, [picture.data.buffer]);
  }

  // The rows of a picture file, with people as the server gives them.
  async answer(file) {
    const bitmap = await createImageBitmap(file, { colorSpaceConversion: "none" });
    const { people, rows } = await this.see(pixelsOf(bitmap, [0, 0, bitmap.width, bitmap.height]));
    const named = this.named(people);
    return rows.map((row) => ({ image: file.name, frame: null, seconds: null, ...row, people: named }));
  }

  // People as the server gives them: joints by their names.
  named({ boxes, scores, keypoints }) {
    if (!this.about.pose) return null;
    return boxes.map((box, i) => ({
      box,
      score: scores[i],
      keypoints: Object.fromEntries(this.about.pose.joints.map((name, k) => [name, keypoints[i][k]])),
    }));
  }
}

async function load(path, onBytes) {
  const reader = (await ask(path)).body.getReader();
  const parts = [];
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return new Blob(parts).arrayBuffer();
    parts.push(value);
    onBytes(value.length);
  }
}

async function readSample({ file, pictures }) {
  const sheet = await createImageBitmap(await (await ask(`/v1/device/${file}`)).blob(), { colorSpaceConversion: "none" });
  return pictures.map(({ place }) => pixelsOf(sheet, place));
}

function pixelsOf(bitmap, [x, y, width, height]) {
  const canvas = new OffscreenCanvas(width, height);
  const context = canvas.getContext("2d", { willReadFrequently: true });
  context.drawImage(bitmap, x, y, width, height, 0, 0, width, height);
  return context.getImageData(0, 0, width, height);
}
