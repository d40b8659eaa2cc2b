/* The technician's page: what is tapped is kept at once and sent when there is a network, in its order; the visits follow the plan. */

import { toast } from "./asking.js";
import { drop, keep, keptBy, newKey, renew } from "./my_kept.js";

const byId = (id) => document.getElementById(id);
const root = byId("my");
const texts = JSON.parse(byId("my-texts").textContent);
const who = root.dataset.who;
const AFTER = {
  technician_accepted: "accepted",
  technician_declined: "declined",
  technician_driving: "driving",
  technician_arrived: "arrived",
};
const OVER = ["done", "unresolved", "closed", "cancelled", "declined"];
const LONGEST_SIDE = 2048;
const AGAIN_MS = { first: 2000, last: 30000 };
let csrf = byId("list").dataset.csrf;
let [isAway, isOver, isSending] = [false, false, false];

/* What is shown */

function fill(text, values) {
  return text.replace(/\{(\w+)\}/g, (_all, name) => values[name] ?? "");
}

/** The visits as they are once everything that is kept has arrived, and how much that is. */
async function show() {
  const kept = await keptBy(who);
  const waiting = kept.filter((record) => !record.refused);
  for (const card of document.querySelectorAll(".visit")) setState(card, card.dataset.told, false);
  for (const record of waiting) {
    const card = [...document.querySelectorAll(".visit")].find((one) => one.dataset.ticket === record.ticket);
    const state = record.kind === "technician_finished" ? (record.facts.result === "resolved" ? "done" : "unresolved") : AFTER[record.kind];
    if (card && state) setState(card, state, true);
  }
  showNext();
  showNet(waiting.length);
  showRefused(kept.filter((record) => record.refused));
}

function setState(card, state, isKept) {
  card.dataset.state = state;
  card.querySelector(".visit-state").textContent = texts.states[state] + (isKept ? ` · ${texts.notSent}` : "");
  card.classList.toggle("kept", isKept);
  for (const button of card.querySelectorAll("[data-when]")) button.hidden = !button.dataset.when.split(" ").includes(state);
}

/** The first visit that is left stands out and lies open, also when the one before it was done without a network. */
function showNext() {
  const cards = [...document.querySelectorAll(".visit")];
  const next = cards.find((card) => !OVER.includes(card.dataset.state));
  for (const card of cards) {
    if (card === next && !card.classList.contains("next")) card.querySelector(".facts").open = true;
    card.classList.toggle("next", card === next);
  }
}

function showNet(count) {
  const line = byId("net");
  const parts = [];
  if (isOver) parts.push(texts.sessionOver);
  else if (isAway || !navigator.onLine) parts.push(texts.noNetwork);
  if (count) parts.push(fill(isSending ? texts.sending : texts.kept, { count }));
  const words = parts.join(" ");
  if (byId("net-words").textContent !== words) byId("net-words").textContent = words;
  byId("net-login").hidden = !isOver;
  line.hidden = !words;
}

function showRefused(records) {
  const list = byId("refused");
  list.hidden = records.length === 0;
  list.replaceChildren(
    ...records.map((record) => {
      const item = document.createElement("li");
      item.textContent = `${texts.kinds[record.kind]} ${record.ticket || ""}: ${record.refused} `;
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = texts.understood;
      button.addEventListener("click", async () => {
        await drop(record);
        await show();
      });
      item.append(button);
      return item;
    }),
  );
}

/** Ask for the visits; gives whether the server answered and knows us. */
async function refresh() {
  let answer;
  try {
    answer = await fetch("/my/list", { headers: { Accept: "text/html", "HX-Request": "true" } });
  } catch {
    isAway = true;
    await show();
    return false;
  }
  isAway = answer.headers.has("X-Kept") || answer.status >= 502;
  isOver = answer.status === 401;
  if (!answer.ok) {
    await show();
    return false;
  }
  put(await answer.text());
  await show();
  return !isAway;
}

function put(html) {
  const open = new Set([...document.querySelectorAll(".visit details[open]")].map((one) => `${one.closest(".visit").dataset.ticket} ${one.className}`));
  const focused = document.activeElement?.closest?.(".visit");
  const mark = focused && [focused.dataset.ticket, document.activeElement.dataset.tell || ""];
  byId("visits").innerHTML = html; // our own template, every value escaped
  const list = byId("list");
  csrf = list.dataset.csrf;
  for (const field of document.querySelectorAll("input[name='csrf']")) field.value = csrf;
  document.querySelector('meta[name="csrf-token"]').content = csrf;
  if (list.dataset.who !== who) location.reload(); // somebody else has logged in on this phone
  for (const one of document.querySelectorAll(".visit details")) one.open ||= open.has(`${one.closest(".visit").dataset.ticket} ${one.className}`);
  if (mark) {
    const card = [...document.querySelectorAll(".visit")].find((one) => one.dataset.ticket === mark[0]);
    const button = mark[1] ? [...(card?.querySelectorAll("[data-tell]") || [])].find((one) => one.dataset.tell === mark[1]) : null;
    (button && !button.hidden ? button : card)?.focus();
  }
}

/* What is told */

async function tell(kind, ticket, facts = {}, photos = []) {
  const record = { who, key: newKey(), kind, ticket, at: new Date().toISOString(), facts, photos };
  try {
    await keep(record);
  } catch {
    toast(texts.noRoom, "failure");
    return false;
  }
  await show();
  send();
  return true;
}

async function post(address, body, type) {
  const headers = { Accept: "application/json", "X-CSRF-Token": csrf, "Content-Type": type };
  const answer = await fetch(address, { method: "POST", headers, body });
  if (answer.ok) return;
  const told = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
  throw Object.assign(new Error(told.detail || `${answer.status}`), { status: answer.status });
}

/** Send one record: the event, then its photos, each noted as soon as it has arrived. */
async function sendOne(record) {
  if (!record.isTold) {
    const said = { ...record.facts, key: record.key, kind: record.kind, ticket: record.ticket, at: record.at };
    await post("/my/events", JSON.stringify({ ...said, sent_at: new Date().toISOString() }), "application/json");
    record.isTold = true;
    await renew(record);
  }
  while (record.photos.length) {
    const photo = record.photos[0];
    const query = new URLSearchParams({ ticket: record.ticket, key: photo.key, event: record.key });
    await post(`/my/photos?${query}`, photo.blob, photo.blob.type || "application/octet-stream");
    record.photos.shift();
    await renew(record);
  }
  await drop(record);
}

/** Gives whether to go on with the next: what the server will never take is set aside, all else is tried again later. */
async function tried(record) {
  for (let attempt = 0; ; attempt++) {
    try {
      await sendOne(record);
      return true;
    } catch (error) {
      if (error.status === 403 && attempt === 0 && (await refresh())) continue; // a token of an older session
      isOver = error.status === 401;
      isAway = !error.status || error.status >= 502;
      if (!error.status || error.status === 401 || error.status === 403 || error.status === 429 || error.status >= 500) return false;
      if (record.isTold) record.photos.shift();
      record.refused = error.message;
      if (record.isTold && record.photos.length) {
        toast(`${texts.photoRefused} ${error.message}`, "failure");
        delete record.refused;
        await renew(record);
        continue;
      }
      await renew(record);
      return true;
    }
  }
}

async function sendAll() {
  if (!(await keptBy(who)).some((record) => !record.refused)) return;
  if (!(await refresh())) return;
  isSending = true;
  try {
    let next;
    const done = new Set();
    // Read anew each time: more may be tapped while this goes on.
    while ((next = (await keptBy(who)).find((record) => !record.refused && !done.has(record.number)))) {
      done.add(next.number);
      await show();
      if (!(await tried(next))) break;
    }
  } finally {
    isSending = false;
  }
  if (isAway || isOver) await show();
  else await refresh();
}

let sending = null;
let wantsAgain = false;
/** Send what is kept; one tab at a time, and once more when something was tapped while it ran. */
function send() {
  wantsAgain = true;
  sending ||= (async () => {
    while (wantsAgain) {
      wantsAgain = false;
      await (navigator.locks ? navigator.locks.request("twohour-my-send", sendAll) : sendAll()).catch(() => show());
    }
    sending = null;
  })();
  return sending;
}

/* Photos: made smaller here, so that they pass a thin network; as they are where the browser cannot read them. */

async function smaller(file) {
  try {
    const picture = await createImageBitmap(file, { imageOrientation: "from-image" });
    const scale = Math.min(1, LONGEST_SIDE / Math.max(picture.width, picture.height));
    const canvas = document.createElement("canvas");
    [canvas.width, canvas.height] = [Math.max(1, Math.round(picture.width * scale)), Math.max(1, Math.round(picture.height * scale))];
    canvas.getContext("2d").drawImage(picture, 0, 0, canvas.width, canvas.height);
    return (await new Promise((resolve) => canvas.toBlob(resolve, "image/jpeg", 0.85))) || file;
  } catch {
    return file;
  }
}

/* Dialogs */

let asked = null;
function open(dialog, ticket) {
  asked = ticket;
  const form = dialog.querySelector("form");
  form.reset();
  byId("photo-count").textContent = "";
  for (const name of dialog.querySelectorAll("[data-about]")) name.textContent = ticket || "";
  dialog.showModal();
}

root.addEventListener("click", async (event) => {
  const button = event.target.closest("button");
  if (!button) return;
  if (button.dataset.tell) {
    const { ticket } = button.closest(".visit").dataset;
    const dialog = byId(`${button.dataset.tell}-dialog`);
    if (dialog) open(dialog, ticket);
    else await tell(button.dataset.tell, ticket);
  } else if (button.dataset.open) open(byId(button.dataset.open), null);
  else if (button.dataset.cancel !== undefined) button.closest("dialog").close();
});

function onSubmit(id, act) {
  const dialog = byId(id);
  dialog.querySelector("form").addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = dialog.querySelector("button.primary");
    button.disabled = true;
    try {
      if (await act(new FormData(event.target))) dialog.close();
    } finally {
      button.disabled = false;
    }
  });
}

onSubmit("technician_declined-dialog", (form) => tell("technician_declined", asked, { reason: form.get("reason").trim() || form.get("why") }));

onSubmit("technician_finished-dialog", async (form) => {
  const files = form.getAll("photos").filter((file) => file.size);
  const photos = [];
  for (const file of files.slice(0, Number(root.dataset.mostPhotos))) photos.push({ key: newKey(), blob: await smaller(file) });
  return tell("technician_finished", asked, { result: form.get("result"), note: form.get("note").trim() }, photos);
});

onSubmit("delay-dialog", (form) => {
  // The time on the wall, today or tomorrow: what the phone's clock says otherwise does not matter for it.
  const [hour, minute] = form.get("until").split(":").map(Number);
  const until = new Date();
  until.setHours(hour, minute, 0, 0);
  if (until <= new Date()) until.setDate(until.getDate() + 1);
  return tell("technician_delayed", "", { until: until.toISOString(), reason: form.get("reason").trim() });
});

byId("photos").addEventListener("change", (event) => {
  const count = event.target.files.length;
  byId("photo-count").textContent = count ? fill(texts.photos, { count }) : "";
});

/* When to look and to send again */

/* All phones of a company hear the same news: each waits a moment of its own, so that they do not all ask at once. */
let soon = 0;
document.addEventListener("news", () => {
  soon ||= setTimeout(() => {
    soon = 0;
    refresh();
  }, Math.random() * 1500);
});
addEventListener("online", () => send().then(refresh));
addEventListener("offline", () => show());
document.addEventListener("visibilitychange", () => {
  if (document.visibilityState === "visible") send().then(refresh);
});
/* Where the server does not answer it is asked again: soon at first, since networks come back in pieces, then less and less often. */
let pause = AGAIN_MS.first;
async function again() {
  if ((await keptBy(who)).some((record) => !record.refused)) await send();
  else if (isAway) await refresh();
  pause = isAway && navigator.onLine ? Math.min(2 * pause, AGAIN_MS.last) : AGAIN_MS.first;
  setTimeout(again, pause);
}
setTimeout(again, pause);

document.querySelector('form[action="/logout"]')?.addEventListener("submit", async (event) => {
  event.preventDefault();
  const form = event.target;
  const count = (await keptBy(who)).length;
  if (count && !confirm(fill(texts.logOutAnyway, { count }))) return;
  // Customers' names and addresses must not stay on the phone.
  await globalThis.caches?.delete("twohour-my-pages");
  form.submit();
});

if (navigator.serviceWorker) {
  const workers = navigator.serviceWorker;
  const mark = () => (root.dataset.isKept = workers.controller ? "yes" : "no"); // whether the page would come without a network
  workers.addEventListener("controllerchange", mark);
  workers.register("/my/worker.js", { scope: "/my" }).then(mark, () => toast(texts.onlineOnly));
}
await show();
send();
