// Both stages of a model in this browser: pixels in, people and rows out. Graphs are handed in.

import { calibrate, rowOf } from "./answers.js";
import { makeArrays } from "./planes.js";
import { find } from "./pose.js";

const NOBODY = { boxes: [], scores: [], keypoints: [] };

export class Model {
  // about: /v1/device; graphs: { pose, classifier } as runtime.js opens them, of those that there are.
  constructor(about, graphs) {
    this.about = about;
    this.graphs = graphs;
  }

  people(picture) {
    if (!this.about.pose) return NOBODY;
    const graph = (values, [width, height]) => this.graphs.pose({ images: { values, dims: [1, 3, height, width] } });
    return find(picture, graph, this.about.pose);
  }

  // { people, answers }: of a model of pictures; an answer has probabilities, whom it is about, and their box.
  async answer(picture) {
    const people = await this.people(picture);
    const answers = [];
    for (const person of this.about.recipe.people === "each" ? people.boxes.keys() : [null]) {
      const probabilities = await this.classify(picture, people, person);
      answers.push({ probabilities, person, box: person === null ? null : people.boxes[person] });
    }
    return { people, answers };
  }

  async classify(picture, people, person) {
    const arrays = makeArrays(picture, people, this.about.recipe, this.about.pose, person);
    const inputs = Object.entries(this.about.shapes).map(([name, shape]) => [name, { values: arrays[name], dims: [1, ...shape] }]);
    const { data } = await this.graphs.classifier(Object.fromEntries(inputs));
    return calibrate(data, this.about.temperature);
  }

  rows(answers) {
    if (!answers.length) return [rowOf(null, this.about)];
    return answers.map(({ probabilities, ...whose }) => rowOf(probabilities, this.about, whose));
  }
}
