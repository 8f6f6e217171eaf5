// The server's interface: requests with the token, uploads that tell how far they are, and a job's events.

const fragment = new URLSearchParams(location.hash.slice(1));
let token = fragment.get("token") ?? sessionStorage.getItem("token") ?? "";
if (token) sessionStorage.setItem("token", token);
if (fragment.has("token")) {
  fragment.delete("token"); // it stays out of the address bar, of history and of links
  history.replaceState(null, "", fragment.size ? `#${fragment}` : location.pathname);
}

export class Problem extends Error {
  constructor(status, detail) {
    super(detail);
    this.status = status;
  }
}

export const useToken = (text) => {
  token = text;
  sessionStorage.setItem("token", text);
};

const headers = (more = {}) => (token ? { Authorization: `Bearer ${token}`, ...more } : more);

const problemOf = (status, text) => {
  try {
    return new Problem(status, JSON.parse(text).detail);
  } catch {
    return new Problem(status, `The server answered ${status}.`);
  }
};

export async function ask(path, options = {}) {
  let answer;
  try {
    answer = await fetch(path, { ...options, headers: headers(options.headers) });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    throw new Problem(0, "The server cannot be reached. Try again.");
  }
  if (!answer.ok) throw problemOf(answer.status, await answer.text());
  return answer;
}

export const askJson = async (path, options) => (await ask(path, options)).json();

export const post = (path, value) =>
  askJson(path, { method: "POST", body: JSON.stringify(value), headers: { "Content-Type": "application/json" } });

// fetch() does not tell how much of a body was sent.
export function upload(file, parameters, onProgress, signal) {
  const request = new XMLHttpRequest();
  request.open("POST", `/v1/predictions?${new URLSearchParams(parameters)}`);
  for (const [name, value] of Object.entries(headers())) request.setRequestHeader(name, value);
  return new Promise((resolve, reject) => {
    request.upload.onprogress = (event) => onProgress(event.loaded, event.total);
    request.onload = () => {
      if (request.status >= 300) return reject(problemOf(request.status, request.responseText));
      const lines = request.responseText.split("\n").filter(Boolean);
      resolve({ isJob: request.status === 202, records: lines.map((line) => JSON.parse(line)) });
    };
    request.onerror = () => reject(new Problem(0, "The connection broke. Try again."));
    request.onabort = () => reject(new DOMException("stopped", "AbortError"));
    signal.addEventListener("abort", () => request.abort());
    request.send(file);
  });
}

// Yields { event, id, data } of a job until it ends; goes on where a broken connection left off.
export async function* events(id, signal) {
  let last = null;
  for (let broken = 0; broken < 20; ) {
    try {
      const more = last === null ? {} : { "Last-Event-ID": last };
      const answer = await ask(`/v1/jobs/${id}/events`, { signal, headers: more });
      for await (const event of parse(answer.body)) {
        broken = 0;
        if (event.event === "row") last = event.id;
        yield event;
        if (["done", "failed", "cancelled"].includes(event.event)) return;
      }
    } catch (error) {
      if (error.name === "AbortError" || (error.status && error.status < 500)) throw error;
    }
    broken += 1;
    await new Promise((resolve) => setTimeout(resolve, Math.min(500 * broken, 5000)));
  }
  throw new Problem(0, "The server cannot be reached any more.");
}

async function* parse(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    text += value.replaceAll("\r", "");
    const blocks = text.split("\n\n");
    text = blocks.pop();
    for (const block of blocks) {
      const found = { event: "message", id: null, data: "" };
      for (const line of block.split("\n")) {
        const at = line.indexOf(": ");
        if (at > 0) found[line.slice(0, at)] = line.slice(at + 2);
      }
      if (found.data) yield { ...found, data: JSON.parse(found.data) };
    }
  }
}

// A file of a job, waited for while it is being made.
export async function fileOf(path, onWait, signal) {
  for (;;) {
    const answer = await ask(path, { signal });
    if (answer.status !== 202) return answer.blob();
    onWait();
    await new Promise((resolve) => setTimeout(resolve, 1000 * Number(answer.headers.get("Retry-After") ?? 2)));
  }
}

export function openLive() {
  const protocols = ["pose-activity", ...(token ? [`bearer.${token}`] : [])];
  const socket = new WebSocket(`${location.protocol === "https:" ? "wss" : "ws"}://${location.host}/v1/live`, protocols);
  socket.binaryType = "arraybuffer";
  return socket;
}
