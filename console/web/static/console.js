/* What every page does: its CSRF token goes along, errors are told beside what was done, and a lost session never costs what was typed. */

const token = () => document.querySelector('meta[name="csrf-token"]').content;

document.body.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = token();
});

document.body.addEventListener("htmx:responseError", async (event) => {
  toast(problemText(event.detail.xhr.responseText, event.detail.xhr.status), "failure");
});

document.body.addEventListener("htmx:sendError", () => toast(document.body.dataset.offline || "The server does not answer.", "failure"));

function problemText(body, status) {
  try {
    return JSON.parse(body).detail || String(status);
  } catch {
    return String(status);
  }
}

/** A short message at the edge of the page that goes away by itself, or when it is clicked. */
export function toast(text, kind = "") {
  const note = document.createElement("button");
  note.type = "button";
  note.className = `toast ${kind}`;
  note.textContent = text;
  note.addEventListener("click", () => note.remove());
  document.getElementById("toasts").append(note);
  if (kind !== "failure") setTimeout(() => note.remove(), 8000);
  return note;
}

/** What a request answers, as JSON; a problem is thrown as an `Error` with its `status` and `problem`. */
export async function ask(address, { method = "GET", body } = {}) {
  const headers = { Accept: "application/json", "X-CSRF-Token": token() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  const told = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
  if (answer.ok) return told;
  throw Object.assign(new Error(told.detail || `${answer.status}`), { status: answer.status, problem: told });
}

/* A button that copies what it carries; where the browser does not let it, the text is shown to be copied by hand. */
document.addEventListener("click", async (event) => {
  const button = event.target.closest?.("button[data-copy]");
  if (!button) return;
  try {
    await navigator.clipboard.writeText(button.dataset.copy);
    toast(button.dataset.copied);
  } catch {
    const field = document.createElement("input");
    Object.assign(field, { value: button.dataset.copy, readOnly: true });
    field.setAttribute("aria-label", button.textContent);
    button.replaceWith(field);
    field.select();
  }
});

/* One open tab listens for all of them: browsers allow six connections to a server, and each listening tab would hold one. */
if (document.querySelector('meta[name="csrf-token"]').content) {
  const channel = new BroadcastChannel("twohour-news");
  let last = null;
  const tell = (news) => {
    const before = last;
    last = news;
    if (before) document.dispatchEvent(new CustomEvent("news", { detail: { now: news, before } }));
  };
  channel.addEventListener("message", (event) => tell(event.data));
  const listen = () =>
    new Promise(() => {
      const source = new EventSource("/live");
      source.addEventListener("message", (event) => {
        const news = JSON.parse(event.data);
        tell(news);
        channel.postMessage(news);
      });
    });
  if (navigator.locks) navigator.locks.request("twohour-news", listen);
  else listen();
}

/* The badge of the inbox, and a sound when an emergency comes in: two short tones, made here so that no file is needed. */
const badge = document.getElementById("inbox-badge");
if (badge) {
  let known = null;
  const refresh = async () => {
    const answer = await fetch("/inbox/count", { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const count = Number((await answer.text()).trim() || 0);
    badge.textContent = count || "";
    badge.hidden = count === 0;
    document.title = document.title.replace(/^(\(\d+\) )?/, count ? `(${count}) ` : "");
    if (known !== null && count > known) chime();
    known = count;
  };
  document.addEventListener("news", refresh);
  refresh();
}

function chime() {
  const sound = new AudioContext();
  [880, 1174].forEach((tone, index) => {
    const [source, volume] = [sound.createOscillator(), sound.createGain()];
    source.frequency.value = tone;
    volume.gain.setValueAtTime(0.12, sound.currentTime + index * 0.18);
    volume.gain.exponentialRampToValueAtTime(0.001, sound.currentTime + index * 0.18 + 0.16);
    source.connect(volume).connect(sound.destination);
    source.start(sound.currentTime + index * 0.18);
    source.stop(sound.currentTime + index * 0.18 + 0.17);
  });
}
