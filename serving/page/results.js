// A card for each file: how far it is, then what is shown, people and names drawn over it.

import { ask, askJson, events, fileOf, Problem, upload } from "./api.js";
import { $, bars, called, clock, el, percent, say, size } from "./elements.js";
import { colourOf, paint, peopleOf } from "./overlay.js";
import { timeline } from "./timeline.js";

const SHOWN_ROWS = 200;

class Card {
  constructor(model, name) {
    this.model = model;
    this.name = name;
    this.stopping = new AbortController();
    this.state = el("p", { className: "small" }, "Waiting");
    this.progress = el("progress", { max: 1, ariaLabel: `Progress of ${name}` });
    this.cancel = el("button", { className: "second", type: "button", onclick: () => this.stop() }, "Cancel");
    this.body = el("div");
    this.root = el("article", { className: "card", ariaLabel: name },
      el("div", { className: "card-head" }, el("h2", {}, name), this.cancel), this.state, this.progress, this.body);
    $("results").prepend(this.root);
  }

  tell(text, share) {
    this.state.textContent = text;
    if (share === undefined) this.progress.removeAttribute("value");
    else this.progress.value = share;
  }

  end(text) {
    this.state.textContent = text;
    this.progress.remove();
    this.cancel.remove();
  }

  fail(error) {
    this.end("");
    const text = error.name === "AbortError" ? "Cancelled. Nothing of it is kept." : error.message;
    this.state.replaceWith(el("p", { className: "problem" }, text));
    say(`${this.name}: ${text}`);
  }

  async stop() {
    this.stopping.abort();
    if (this.job) await this.forget();
  }

  async forget() {
    try {
      await ask(`/v1/jobs/${this.job}`, { method: "DELETE" });
    } catch (error) {
      if (error.status !== 404) throw error;
    }
    if (location.hash.includes(this.job)) history.replaceState(null, "", location.pathname);
  }
}

// Sends a file, or has it answered on the device, and shows what comes of it.
export async function showFile(model, file, device) {
  const card = new Card(model, file.name || "picture");
  if (device) return showHere(card, file, device);
  if (file.size > model.limits.bytes) {
    card.fail(new Problem(413, `It has ${size(file.size)}, and a file may have ${size(model.limits.bytes)}. Make it smaller, or cut it.`));
    return;
  }
  try {
    const sent = await upload(file, { name: file.name || "picture" },
      (done, total) => card.tell(done < total ? `Sending: ${size(done)} of ${size(total)}` : "Looking at it", done / total), card.stopping.signal);
    if (sent.isJob) await follow(card, sent.records[0].id, file);
    else showPicture(card, sent.records, file);
  } catch (error) {
    card.fail(error);
  }
}

async function showHere(card, file, device) {
  try {
    if (!device.about.recipe || !file.type.startsWith("image/")) {
      throw new Problem(415, "On this device videos are not answered, and nothing was sent. Turn “On this device” off to send it.");
    }
    card.tell("Looking at it");
    showPicture(card, await device.answer(file), file);
  } catch (error) {
    card.fail(error);
  }
}

// Shows a job that was begun before: its video is on the server alone.
export async function showJob(model, id) {
  let job;
  try {
    job = await askJson(`/v1/jobs/${id}`);
  } catch (error) {
    new Card(model, "A video").fail(error);
    return;
  }
  const card = new Card(model, job.name);
  try {
    await follow(card, id, null);
  } catch (error) {
    card.fail(error);
  }
}

function showPicture(card, records, file) {
  card.end("");
  const found = records[0].people ?? [];
  const picture = el("img", { alt: `${card.name}, with ${found.length} people drawn`, src: URL.createObjectURL(file) });
  const canvas = el("canvas", { ariaHidden: "true" });
  const people = peopleOf(found, card.model, records);
  const redraw = () => paint(canvas, picture, [picture.naturalWidth, picture.naturalHeight], people, card.model);
  picture.onload = () => {
    redraw();
    new ResizeObserver(redraw).observe(picture);
  };
  const answers = records.map((row) => answerOf(row, records.length > 1));
  const records_ = records.map((row) => JSON.stringify(row)).join("\n");
  card.body.append(el("div", { className: "columns" },
    el("div", { className: "stage" }, picture, canvas),
    el("div", {}, ...answers, note(records),
      el("p", { className: "buttons" }, saver("Save the answer (JSON)", `${card.name}.json`, async () => new Blob([records_]))))));
  say(`${card.name}: ${records.map(called).join(", ")}`);
}

function answerOf(row, several) {
  const whose = several || row.person !== null ? `Person ${row.person + 1}: ` : "";
  const title = el("p", { className: "answer" }, `${whose}${called(row)}`);
  if (whose) title.prepend(el("span", { ariaHidden: "true", style: `color:${colourOf(row.person)}` }, "● "));
  return el("div", {}, title, row.probabilities ? bars(row.probabilities) : "");
}

const note = (records) => {
  const said = new Set(records.flatMap((row) => [row.error, row.note]).filter(Boolean));
  return el("div", {}, ...[...said].map((text) => el("p", { className: "small" }, text)));
};

async function follow(card, id, file) {
  card.job = id;
  history.replaceState(null, "", `#job=${id}`);
  const rows = [];
  for await (const { event, data } of events(id, card.stopping.signal)) {
    if (event === "row") {
      rows.push(data);
      continue;
    }
    if (event === "failed") throw new Problem(422, data.error ?? "The video cannot be read.");
    if (event === "cancelled") throw new DOMException("stopped", "AbortError");
    if (event === "done") return showVideo(card, data, rows, file);
    const place = data.state === "waiting" ? `Waiting, ${data.place} before it` : `Frame ${data.done} of ${data.of || "?"}`;
    card.tell(place, data.of ? data.done / data.of : undefined);
  }
  return undefined;
}

async function showVideo(card, job, rows, file) {
  card.end("");
  const followed = job.files.tracks ? withSeconds(await askJson(job.files.tracks)) : null;
  const film = new Film(card, rows, followed);
  const left = el("div");
  if (file) left.append(film.show(URL.createObjectURL(file)));
  else left.append(saver("Show the video with drawings", null, async () => {
    const blob = await fileOf(job.files.drawn, () => say("The video is being drawn"), card.stopping.signal);
    left.replaceChildren(el("video", { controls: true, muted: true, playsInline: true, src: URL.createObjectURL(blob) }));
  }));
  const summary = followed ? rows.map((row) => (row.person === null ? "" : answerOf(row, true))) : [summaryOf(rows)];
  card.body.append(
    el("div", { className: "columns" }, left, el("div", {}, ...summary, note(rows))),
    timeline(film.lanes(), film.duration, (seconds) => film.seek(seconds)),
    table(rows),
    el("p", { className: "buttons" },
      saver("Table (CSV)", `${card.name}.csv`, () => fileOf(job.files.rows_csv)),
      saver("Rows (JSON lines)", `${card.name}.jsonl`, () => fileOf(job.files.rows_jsonl)),
      saver("Drawn video (WebM)", `${card.name}.webm`, () => fileOf(job.files.drawn, () => say("The video is being drawn"))),
      saver("Gallery (HTML)", `${card.name}.html`, () => fileOf(job.files.gallery, () => say("The gallery is being drawn"))),
      el("a", { href: `#job=${card.job}` }, "Link to this job"),
      deleter(card)),
  );
  say(`${card.name}: done, ${rows.length} rows`);
}

// The file says once when each frame was shown; here everybody gets the seconds of their own frames.
function withSeconds(followed) {
  const shown = new Map(followed.frames.map((frame, i) => [frame, followed.seconds[i]]));
  const tracks = followed.people.map((track) => ({ ...track, seconds: track.frames.map((frame) => shown.get(frame)) }));
  return { ...followed, tracks };
}

function deleter(card) {
  const button = el("button", { className: "second", type: "button" }, "Delete now");
  button.onclick = async () => {
    await card.forget();
    card.root.remove();
    say(`${card.name} was deleted from the server.`);
    $("main").focus();
  };
  return button;
}

// A video's rows and people by time.
class Film {
  constructor(card, rows, followed) {
    this.card = card;
    this.rows = rows.filter((row) => row.seconds !== null);
    this.followed = followed;
    const ends = followed ? followed.tracks.map((track) => track.seconds.at(-1)) : this.rows.map((row) => row.seconds);
    this.duration = Math.max(...ends, 0.1);
  }

  show(url) {
    this.video = el("video", { src: url, controls: true, muted: true, playsInline: true, ariaLabel: this.card.name });
    this.canvas = el("canvas", { ariaHidden: "true" });
    const draw = () => this.draw();
    const step = () => {
      draw();
      this.video.requestVideoFrameCallback?.(step);
    };
    this.video.addEventListener("loadeddata", step);
    for (const event of ["seeked", "timeupdate"]) this.video.addEventListener(event, draw);
    new ResizeObserver(draw).observe(this.video);
    return el("div", { className: "stage" }, this.video, this.canvas);
  }

  seek(seconds) {
    if (this.video) this.video.currentTime = seconds;
  }

  draw() {
    if (!this.video.videoWidth) return;
    const seen = [this.video.videoWidth, this.video.videoHeight];
    paint(this.canvas, this.video, this.followed?.size ?? seen, this.people(this.video.currentTime), this.card.model);
  }

  people(seconds) {
    if (!this.followed) {
      const now = this.rows.filter((row) => row.frame === nearest(this.rows, seconds)?.frame);
      return peopleOf(now[0]?.people, this.card.model, now);
    }
    const names = new Map(this.rows.map((row) => [row.person, row.activity ?? ""]));
    const people = [];
    for (const track of this.followed.tracks) {
      const i = track.seconds.findLastIndex((moment) => moment <= seconds + 0.02);
      if (i < 0 || seconds - track.seconds[i] > 0.25) continue;
      people.push({ person: track.person, box: track.boxes[i], joints: track.keypoints[i], label: names.get(track.person) ?? "" });
    }
    return people;
  }

  // { name, parts: [{ start, stop, label }] }, a lane per person.
  lanes() {
    if (this.followed) {
      return this.followed.tracks.map((track) => {
        const own = this.rows.find((row) => row.person === track.person);
        const label = own ? called(own) : "";
        return { name: `Person ${track.person + 1}`, parts: [{ start: track.seconds[0], stop: track.seconds.at(-1), label }] };
      });
    }
    const lanes = new Map();
    for (const row of this.rows) {
      const key = row.person ?? 0;
      if (!lanes.has(key)) lanes.set(key, { name: row.person === null ? "Picture" : `Person ${key + 1}`, parts: [] });
      const parts = lanes.get(key).parts;
      if (parts.at(-1)) parts.at(-1).stop = row.seconds;
      if (parts.at(-1)?.label !== called(row)) parts.push({ start: row.seconds, stop: row.seconds, label: called(row) });
    }
    return [...lanes.values()];
  }
}

const nearest = (rows, seconds) => rows.findLast((row) => row.seconds <= seconds + 0.02) ?? rows[0];

function summaryOf(rows) {
  const counts = new Map();
  for (const row of rows) counts.set(called(row), (counts.get(called(row)) ?? 0) + 1);
  const shares = Object.fromEntries([...counts].map(([name, count]) => [name, count / rows.length]));
  const [first] = [...counts].sort((a, b) => b[1] - a[1])[0] ?? ["nothing"];
  return el("div", {}, el("p", { className: "answer" }, first), el("p", { className: "small" }, "Share of the rows:"), bars(shares));
}

function table(rows) {
  const columns = ["seconds", "person", "activity", "probability"];
  const cells = (row) => [
    row.seconds === null ? "" : clock(row.seconds),
    row.person === null ? "" : row.person + 1,
    called(row),
    row.probability === null ? "" : percent(row.probability),
  ].map((text) => el("td", {}, String(text)));
  const head = el("tr", {}, ...columns.map((name) => el("th", { scope: "col" }, name)));
  const body = rows.slice(0, SHOWN_ROWS).map((row) => el("tr", {}, ...cells(row)));
  const more = rows.length > SHOWN_ROWS ? `, the first ${SHOWN_ROWS}` : "";
  return el("details", {},
    el("summary", {}, `Table (${rows.length} rows${more})`),
    el("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Rows" }, el("table", {}, el("thead", {}, head), el("tbody", {}, ...body))));
}

// A button that makes a file and saves it (or only makes it, without a name).
function saver(text, name, make) {
  const button = el("button", { className: "second", type: "button" }, text);
  button.onclick = async () => {
    button.disabled = true;
    try {
      const blob = await make();
      if (name) el("a", { href: URL.createObjectURL(blob), download: name }).click();
    } catch (error) {
      button.after(el("p", { className: "problem" }, error.message));
    }
    button.disabled = false;
  };
  return button;
}
