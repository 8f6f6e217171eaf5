// The game: the server asks for actions and judges the answers; scores stay in this browser.

import { post } from "./api.js";
import { $, el, say } from "./elements.js";

const BEST = "best score";
const COUNTDOWN = 3; // seconds

export function setUpGame(camera) {
  const button = $("start-game");
  button.onclick = async () => {
    button.disabled = true;
    try {
      await play(camera);
    } catch (error) {
      $("game-result").hidden = false;
      $("game-result").replaceChildren(el("p", { className: "problem" }, error.message));
    }
    $("game-board").hidden = true;
    button.disabled = false;
    button.textContent = "Play again";
  };
}

async function play(camera) {
  const wish = { seed: Math.floor(Math.random() * 2 ** 31), rounds: 6, seconds: 5 };
  const { prompts } = await post("/v1/game", wish);
  $("game-result").hidden = true;
  $("game-board").hidden = false;
  $("camera-stage").scrollIntoView({ block: "center" });
  $("game-clock").value = 0;
  for (let left = COUNTDOWN; left; left--) {
    $("game-prompt").textContent = `Ready? ${left}`;
    await wait(1);
  }
  const begun = camera.seconds;
  const answers = [];
  let asked = null;
  const listen = (seconds, activity) => {
    answers.push({ seconds: Math.max(seconds - begun, 0), action: activity });
    $("game-prompt").textContent = activity === asked ? `${asked} ✓` : asked;
  };
  camera.listeners.add(listen);
  for (const prompt of prompts) {
    $("game-prompt").textContent = asked = prompt.action;
    say(prompt.action);
    for (;;) {
      const share = (camera.seconds - begun - prompt.start) / (prompt.stop - prompt.start);
      if (share >= 1 || !camera.stream) break;
      $("game-clock").value = Math.max(share, 0);
      await wait(0.1);
    }
  }
  camera.listeners.delete(listen);
  show(await post("/v1/game/score", { ...wish, answers }));
}

function show(score) {
  const best = Math.max(score.points, Number(localStorage.getItem(BEST) ?? 0));
  localStorage.setItem(BEST, best);
  const cells = (round) => [
    round.action,
    round.hit ? `after ${round.reaction.toFixed(1)} s, held ${round.hold.toFixed(1)} s` : round.missed,
    Math.round(round.points),
  ].map((text) => el("td", {}, String(text)));
  $("game-result").replaceChildren(
    el("p", { className: "answer" }, `${score.points} of 1000 points`),
    el("p", {}, `${score.hits} of ${score.rounds.length} actions, ${score.streak} one after another. Best so far: ${best}.`),
    el("div", { className: "scroll", tabIndex: 0, role: "region", ariaLabel: "Rounds" },
      el("table", {},
        el("thead", {}, el("tr", {}, ...["Action", "Seen", "Points"].map((name) => el("th", { scope: "col" }, name)))),
        el("tbody", {}, ...score.rounds.map((round) => el("tr", {}, ...cells(round)))))));
  $("game-result").hidden = false;
  say(`${score.points} of 1000 points`);
}

const wait = (seconds) => new Promise((resolve) => setTimeout(resolve, 1000 * seconds));
