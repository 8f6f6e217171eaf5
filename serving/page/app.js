// The page's beginning: what the model is, and the ways in: choose, drop, paste, example, camera, link.

import { ask, askJson, Problem, useToken } from "./api.js";
import { Camera } from "./camera.js";
import { setUpSwitch } from "./device/switch.js";
import { $, duration, el, size } from "./elements.js";
import { setUpGame } from "./game.js";
import { showFile, showJob } from "./results.js";

async function begin() {
  let model;
  try {
    model = await askJson("/v1/model");
  } catch (error) {
    if (error.status === 401) return askForToken();
    $("about").textContent = error.message;
    return undefined;
  }
  describe(model);
  const guarded = guard(model);
  const device = setUpSwitch(model, () => camera.again());
  const camera = new Camera(model, device);
  setUpFiles(model, guarded, device);
  await setUpExamples(model, guarded, device);
  setUpGame(camera);
  $("open-camera").onclick = () => guarded(() => camera.open());
  if (model.takes === "videos" && model.classes.length < 2) $("game").hidden = true;
  const job = new URLSearchParams(location.hash.slice(1)).get("job");
  if (job) await showJob(model, job);
  return undefined;
}

function askForToken() {
  $("sign-in").hidden = false;
  $("token-form").onsubmit = (event) => {
    event.preventDefault();
    useToken($("token").value);
    location.reload();
  };
}

function describe(model) {
  const what = model.identifies_people ? "Who is it?" : "What is shown here?";
  document.title = $("title").textContent = what;
  const names = model.classes.slice(0, 8).join(", ");
  const more = model.classes.length > 8 ? ` and ${model.classes.length - 8} more` : "";
  const from = model.takes === "videos" ? "how people move in a video" : "a photo or a video";
  $("about").textContent = `The model ${model.name} tells from ${from}: ${names}${more}.`;
  $("start").hidden = false;
  if (model.takes === "videos") {
    $("start-title").textContent = "Choose a video";
    $("hint").textContent = "Drop files here.";
  }
  $("files").accept = model.takes === "videos" ? "video/*" : "image/*,video/*";
  $("snapshot-item").hidden = model.takes === "videos" || !matchMedia("(pointer: coarse)").matches;
  $("limits").textContent = `Up to ${size(model.limits.bytes)} each; videos up to ${duration(model.limits.seconds)}.`;
  $("kept").textContent =
    `Photos are answered and not stored. Videos and what is made of them are deleted ${duration(model.limits.keep_seconds)} after they are done, or at once by “Delete now”.`;
  const digest = Object.values(model.digests).map((text) => text.slice(0, 12)).join(", ");
  $("facts").append(
    `Model ${model.name} (${digest}) on ${model.engine} ${model.precision}. pose-activity ${model.version}, ${model.licence}: `,
    el("a", { href: model.source_url, rel: "noreferrer" }, "source code"),
    ".",
  );
}

// Of a model that recognizes people nothing starts before everybody shown has agreed.
function guard(model) {
  if (!model.identifies_people) return (action) => action();
  $("consent").hidden = false;
  const doors = [$("files"), $("open-camera"), $("snapshot")];
  const lock = () => doors.forEach((door) => (door.disabled = !$("agreed").checked));
  $("agreed").onchange = lock;
  lock();
  return (action) => {
    if ($("agreed").checked) return action();
    $("agreed").focus();
    return undefined;
  };
}

function setUpFiles(model, guarded, device) {
  const take = (files) => guarded(async () => {
    for (const file of files) await showFile(model, file, device.current);
  });
  for (const input of [$("files"), $("snapshot")]) {
    input.onchange = () => {
      take([...input.files]);
      input.value = "";
    };
  }
  const drop = $("drop");
  const over = (event) => {
    event.preventDefault();
    drop.classList.toggle("over", event.type === "dragover");
  };
  for (const event of ["dragover", "dragleave", "drop"]) addEventListener(event, over);
  addEventListener("drop", (event) => take([...event.dataTransfer.files]));
  addEventListener("paste", (event) => {
    const files = [...(event.clipboardData?.files ?? [])];
    if (files.length) take(files);
  });
}

async function setUpExamples(model, guarded, device) {
  const { examples } = await askJson("/v1/examples");
  const run = (name) => guarded(async () => {
    const blob = await (await ask(`/v1/examples/${encodeURIComponent(name)}`)).blob();
    await showFile(model, new File([blob], name, { type: blob.type }), device.current);
  });
  const buttons = examples.map((name) => el("li", {}, el("button", { className: "second", type: "button", onclick: () => run(name) }, name)));
  $("examples").hidden = !buttons.length;
  $("examples").querySelector("ul").replaceChildren(...buttons);
}

begin().catch((error) => {
  $("about").textContent = error instanceof Problem ? error.message : "The page could not start.";
  throw error;
});
