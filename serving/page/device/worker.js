// The worker: graphs run here, beside the page. A message in is { number, call, ...arguments }, its answer
// { number, value } or { number, error }.

import { fromCanvas } from "./pixels.js";
import { judge } from "./gate.js";
import { Model } from "./model.js";
import { open } from "./runtime.js";

let model = null;

const CALLS = {
  // graphs: bytes by name; they are compared with the model's digests.
  async open({ about, graphs }) {
    const opened = {};
    for (const [name, bytes] of Object.entries(graphs)) {
      if ((await digest(bytes)) !== about.graphs[name].sha256) throw new Error(`${about.graphs[name].file} arrived damaged.`);
      opened[name] = await open(bytes);
    }
    model = new Model(about, opened);
  },

  async judge({ pictures }) {
    const found = [];
    for (const picture of pictures) {
      const said = await see(picture);
      found.push({ people: said.people, activities: said.answers && said.answers.map(mostProbable) });
    }
    return judge(found, model.about);
  },

  async see({ picture }) {
    const { people, answers } = await see(picture);
    return { people, rows: answers && model.rows(answers), answers };
  },
};

async function see(picture) {
  const pixels = fromCanvas(picture);
  return model.about.recipe ? model.answer(pixels) : { people: await model.people(pixels), answers: null };
}

const mostProbable = ({ probabilities }) => model.about.classes[probabilities.indexOf(Math.max(...probabilities))];

async function digest(bytes) {
  const found = new Uint8Array(await crypto.subtle.digest("SHA-256", bytes));
  return [...found].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}

addEventListener("message", async ({ data: { number, call, ...given } }) => {
  try {
    postMessage({ number, value: await CALLS[call](given) });
  } catch (error) {
    postMessage({ number, error: String(error.message ?? error) });
  }
});
