// Probabilities into what an answer is called, as inference/results.py and stage2_classifier/calibrate.py.

const TINY = 1.1754943508222875e-38; // replaces a probability that was rounded to 0

// softmax(log p / T)
export function calibrate(probabilities, temperature) {
  if (temperature === 1) return [...probabilities];
  const logits = [...probabilities].map((p) => Math.log(Math.max(p, TINY)) / temperature);
  const most = Math.max(...logits);
  const powers = logits.map((logit) => Math.exp(logit - most));
  const sum = powers.reduce((a, b) => a + b, 0);
  return powers.map((power) => Math.fround(power / sum));
}

// A row as the server gives it.
export function rowOf(probabilities, about, { person = null, box = null } = {}) {
  const best = probabilities ? probabilities.indexOf(Math.max(...probabilities)) : -1;
  const probability = probabilities ? probabilities[best] : null;
  const name = probability !== null && probability < about.unknown_below ? "unknown" : about.classes[best];
  return {
    status: probabilities ? "ok" : "nobody",
    activity: probabilities ? name : null,
    probability,
    probabilities: probabilities && Object.fromEntries(about.classes.map((label, i) => [label, probabilities[i]])),
    person,
    box,
    error: null,
    note: null,
  };
}

// The mean of the answers of the last seconds, as inference/smoothing.py.
export class TrailingMean {
  constructor(window) {
    this.window = window;
    this.recent = [];
  }

  add(seconds, probabilities) {
    this.recent.push({ seconds, probabilities });
    while (this.recent.length > 1 && this.recent[0].seconds <= seconds - this.window) this.recent.shift();
    return probabilities.map((_, i) => this.recent.reduce((sum, one) => sum + one.probabilities[i], 0) / this.recent.length);
  }
}
