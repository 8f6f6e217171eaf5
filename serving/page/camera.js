// The camera: one frame under way at a time, drawn over with what was said of it.

import { $, bars, called, el, say } from "./elements.js";
import { openLink } from "./links.js";
import { paint, peopleOf } from "./overlay.js";

const SENTENCES = {
  NotAllowedError: "The camera was refused. Allow it for this page in the browser's address bar, and try again.",
  NotFoundError: "There is no camera on this device.",
  NotReadableError: "The camera is busy: another program uses it. Close that one, and try again.",
  OverconstrainedError: "This camera cannot give what was asked for. Choose another one.",
};
const INSECURE =
  "Browsers give cameras only to pages from this computer or over https. Start the server with --tls-cert and --tls-key, or tunnel to it: ssh -L 8000:localhost:8000 HOST, then open http://localhost:8000.";

export class Camera {
  constructor(model, device) {
    this.model = model;
    this.device = device; // .current: what answers in this browser, or null
    this.listeners = new Set(); // told every answer: (seconds, activity)
    this.canvas = document.createElement("canvas");
    this.context = this.canvas.getContext("2d", { willReadFrequently: true });
    $("camera-stage").classList.toggle("covered", model.hides_faces);
    $("close-camera").onclick = () => this.close();
    $("camera-menu").onchange = (event) => this.start({ deviceId: { exact: event.target.value } });
    $("flip-camera").onclick = () => this.start({ facingMode: this.rear ? "user" : "environment" });
    document.addEventListener("visibilitychange", () => {
      if (document.hidden && this.stream) this.release("The camera was let go while this page was hidden.");
    });
    addEventListener("pagehide", () => this.release());
  }

  async open() {
    $("camera").hidden = false;
    $("open-camera").disabled = true;
    $("camera").scrollIntoView({ block: "nearest" });
    await this.start({ facingMode: "user" });
  }

  close() {
    this.release();
    $("camera").hidden = true;
    $("open-camera").disabled = false;
    $("open-camera").focus();
  }

  release(why = "") {
    for (const track of this.stream?.getTracks() ?? []) track.stop();
    this.stream = null;
    this.link?.close();
    this.link = null;
    $("preview").srcObject = null;
    if (why) this.complain(why);
  }

  complain(text) {
    $("camera-problem").textContent = text;
    $("camera-problem").hidden = !text;
    if (text) say(text);
  }

  async start(wish) {
    this.release();
    this.complain("");
    if (!navigator.mediaDevices?.getUserMedia) return this.complain(INSECURE);
    try {
      this.stream = await navigator.mediaDevices.getUserMedia({ video: { width: { ideal: 640 }, height: { ideal: 480 }, ...wish } });
    } catch (error) {
      return this.complain(SENTENCES[error.name] ?? `The camera does not start: ${error.message}`);
    }
    const [track] = this.stream.getVideoTracks();
    track.onended = () => this.stream && this.release("The camera gives no more pictures.");
    const facing = track.getSettings().facingMode;
    this.rear = facing === "environment" || wish.facingMode === "environment";
    $("camera-stage").classList.toggle("mirrored", !this.rear); // the preview alone, not what is sent
    $("preview").srcObject = this.stream;
    await $("preview").play();
    await this.list(track.getSettings().deviceId);
    this.connect();
    return undefined;
  }

  async list(current) {
    const cameras = (await navigator.mediaDevices.enumerateDevices()).filter((device) => device.kind === "videoinput");
    const options = cameras.map((camera, i) => el("option", { value: camera.deviceId, selected: camera.deviceId === current }, camera.label || `Camera ${i + 1}`));
    $("camera-menu").replaceChildren(...options);
    $("flip-camera").hidden = cameras.length < 2;
  }

  connect() {
    this.sent = 0;
    this.begun = performance.now();
    this.times = [];
    const device = this.device.current;
    const onEnd = (reason) => {
      const refused = $("camera-problem").textContent;
      this.release(refused || reason || "The connection to the server broke. Open the camera again.");
    };
    this.link = openLink(device, (said) => this.take(said), onEnd);
    $("camera-privacy").textContent = whereTo(device);
  }

  // Somebody else answers from now on.
  again() {
    if (!this.stream) return;
    this.link?.close();
    this.connect();
  }

  get seconds() {
    return (performance.now() - this.begun) / 1000;
  }

  take(said) {
    if (said.type === "hello") {
      this.longest = said.longest_side;
      this.send();
      return;
    }
    if (said.type === "problem") {
      this.complain(said.detail);
      if (said.number !== null) setTimeout(() => this.send(), 250);
      return;
    }
    this.show(said); // over the frame that it is about: the next one takes its place
    this.send();
  }

  send() {
    const video = $("preview");
    if (!this.link || !video.videoWidth) return;
    const scale = Math.min(1, this.longest / Math.max(video.videoWidth, video.videoHeight));
    this.canvas.width = Math.round(scale * video.videoWidth);
    this.canvas.height = Math.round(scale * video.videoHeight);
    this.context.drawImage(video, 0, 0, this.canvas.width, this.canvas.height);
    const number = this.sent++;
    this.times[number] = performance.now();
    this.link.send(this.canvas, number, this.seconds);
  }

  show(said) {
    const people = said.rows.some((row) => row.box) && !said.people ? [] : peopleOf(said.people, this.model, said.rows);
    if (this.model.takes === "videos") nameByBox(people, said.rows);
    $("camera-drawing").dataset.frame = said.number;
    paint($("camera-drawing"), this.canvas, said.size, people, this.model, { mirrored: !this.rear });
    const first = said.rows[0];
    const seconds = this.seconds;
    for (const listener of this.listeners) listener(seconds, first.activity);
    this.count(performance.now() - this.times[said.number]);
    delete this.times[said.number];
    const named = said.rows.map((row) =>
      el("div", {}, el("p", { className: "answer" }, row.person === null ? called(row) : `Person ${row.person + 1}: ${called(row)}`),
        row.probabilities ? bars(row.probabilities) : "", row.note ? el("p", { className: "small" }, row.note) : ""));
    $("camera-answer").replaceChildren(...named);
    const text = said.rows.map(called).join(", ");
    if (text !== this.told) say(text);
    this.told = text;
  }

  count(latency) {
    const now = performance.now();
    this.recent = [...(this.recent ?? []), { now, latency }].filter((frame) => now - frame.now < 3000);
    const span = (now - this.recent[0].now) / 1000;
    const rate = span ? (this.recent.length - 1) / span : 0;
    const middle = this.recent.map((frame) => frame.latency).sort((a, b) => a - b)[this.recent.length >> 1];
    $("rates").textContent = `${rate.toFixed(1)} frames/s, answered after ${Math.round(middle)} ms`;
  }
}

function whereTo(device) {
  if (!device) return "Frames go to this server, are answered, and are not stored.";
  if (device.about.recipe) return "Frames are answered on this device. Nothing is sent.";
  return "People are found on this device, and only their joints go to this server. No picture is sent.";
}

// A model of motion has numbers of its own for people: the row whose box is a person's is theirs.
function nameByBox(people, rows) {
  for (const row of rows) {
    if (!row.box) continue;
    const far = (person) => person.box.reduce((sum, value, i) => sum + Math.abs(value - row.box[i]), 0);
    const own = people.reduce((best, person) => (!best || far(person) < far(best) ? person : best), null);
    if (own) {
      own.person = row.person;
      own.label = row.activity ?? "";
    }
  }
}
