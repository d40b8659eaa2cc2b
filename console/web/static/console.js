/* What every page does: its CSRF token goes along, errors are told beside what was done, and a lost session never costs what was typed. */

import { offerLogin, toast, token } from "./asking.js";

document.body.addEventListener("htmx:configRequest", (event) => {
  event.detail.headers["X-CSRF-Token"] = token();
});

document.body.addEventListener("htmx:responseError", (event) => {
  const { status, responseText } = event.detail.xhr;
  if (status === 401) offerLogin();
  else toast(problemText(responseText, status), "failure");
});

document.body.addEventListener("htmx:sendError", () => toast(document.body.dataset.offline, "failure"));

function problemText(body, status) {
  try {
    return JSON.parse(body).detail || String(status);
  } catch {
    return String(status);
  }
}

/* Whoever logged in again in another tab goes on here: the new session's token takes the place of the old one. */
const sessions = new BroadcastChannel("twohour-session");
sessions.addEventListener("message", ({ data }) => {
  if (!token()) return; // the login page has no session yet
  document.querySelector('meta[name="csrf-token"]').content = data;
  document.querySelectorAll('input[name="csrf"]').forEach((field) => (field.value = data));
  document.querySelectorAll(".login-again").forEach((each) => each.remove());
  document.dispatchEvent(new Event("logged-in"));
});
if (token()) sessions.postMessage(token());

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
if (token()) {
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
      const begin = () => {
        const source = new EventSource("/live");
        source.addEventListener("message", (event) => {
          const news = JSON.parse(event.data);
          tell(news);
          channel.postMessage(news);
        });
        // A lost connection is made again by the browser itself; one that was refused is not, as when the session was over.
        source.addEventListener("error", () => {
          if (source.readyState === EventSource.CLOSED) document.addEventListener("logged-in", begin, { once: true });
        });
      };
      begin();
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
