// Small things that every part of the page uses.

export const $ = (id) => document.getElementById(id);

// Makes an element; what is a string becomes text, never HTML.
export function el(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(properties)) {
    if (name in element) element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children);
  return element;
}

export function svg(tag, attributes = {}, ...children) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children);
  return element;
}

export const say = (text) => {
  $("status").textContent = text;
};

export const percent = (share) => `${(100 * share).toFixed(share < 0.0995 || share > 0.9995 ? 1 : 0)} %`;

export const size = (bytes) => {
  const units = ["bytes", "kB", "MB", "GB"];
  const step = Math.min(Math.floor(Math.log10(Math.max(bytes, 1)) / 3), 3);
  return `${+(bytes / 1000 ** step).toFixed(1)} ${units[step]}`;
};

export const duration = (seconds) =>
  seconds < 90 ? `${Math.round(seconds)} seconds` : seconds < 5400 ? `${Math.round(seconds / 60)} minutes` : `${+(seconds / 3600).toFixed(1)} hours`;

export const clock = (seconds) => `${Math.floor(seconds / 60)}:${(seconds % 60).toFixed(1).padStart(4, "0")}`;

// The names of an answer with their probabilities as bars.
export function bars(probabilities, count = 3) {
  const ranked = Object.entries(probabilities).sort((a, b) => b[1] - a[1]).slice(0, count);
  return el(
    "ul",
    { className: "bars" },
    ...ranked.map(([name, share]) =>
      el("li", {}, el("span", { className: "fill", style: `width: ${100 * share}%` }), el("span", {}, name), el("span", {}, percent(share))),
    ),
  );
}

// What a row is called: a name, or why there is none.
export const called = (row) => row.activity ?? { nobody: "nobody", error: "no answer" }[row.status] ?? "…";
