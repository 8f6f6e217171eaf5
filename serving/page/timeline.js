// What was seen when: a lane per person, clickable and by keyboard.

import { clock, el, svg } from "./elements.js";

const WIDEST = 900;
const NARROWEST = 240;
const AROUND = 64; // pixels beside it
const HIGH = 34;
const NAMES = 90;
const MOST = 20;

export function timeline(lanes, duration, seek) {
  const shown = lanes.slice(0, MOST);
  if (!shown.length) return el("div");
  // As wide as it will be shown: scaled down to a phone, its words could not be read.
  const wide = Math.min(Math.max(document.documentElement.clientWidth - AROUND, NARROWEST), WIDEST);
  const x = (seconds) => NAMES + ((wide - NAMES) * seconds) / duration;
  const drawing = svg("svg", { viewBox: `0 0 ${wide} ${HIGH * shown.length + 20}`, class: "lanes", role: "group", "aria-label": "Timeline" });
  shown.forEach((lane, i) => {
    const y = HIGH * i;
    drawing.append(svg("text", { x: 0, y: y + 20 }, lane.name), svg("rect", { class: "lane", x: NAMES, y, width: wide - NAMES, height: HIGH - 6 }));
    for (const part of lane.parts) {
      const width = Math.max(x(part.stop) - x(part.start), 3);
      const text = `${lane.name}: ${part.label}, ${clock(part.start)} to ${clock(part.stop)}`;
      const go = () => seek(part.start);
      const rect = svg("rect", { class: "part", x: x(part.start), y, width, height: HIGH - 6, tabindex: 0, role: "button", "aria-label": text }, svg("title", {}, text));
      rect.addEventListener("click", go);
      rect.addEventListener("keydown", (event) => {
        if (event.key === "Enter" || event.key === " ") {
          event.preventDefault();
          go();
        }
      });
      drawing.append(rect);
      if (width > 8 * part.label.length) drawing.append(svg("text", { x: x(part.start) + 6, y: y + 19, "pointer-events": "none" }, part.label));
    }
  });
  const y = HIGH * shown.length + 14;
  drawing.append(svg("text", { x: NAMES, y }, clock(0)), svg("text", { x: wide, y, "text-anchor": "end" }, clock(duration)));
  return el("div", {}, el("h3", {}, "When"), drawing);
}
