/* What scripts of every page use: requests with the session's token, and short messages. Nothing happens when this is loaded. */

export const token = () => document.querySelector('meta[name="csrf-token"]').content;

/** Where a message goes: into the open dialog, since what lies behind one can neither be read nor clicked. */
function place() {
  const dialog = document.querySelector("dialog[open]");
  if (!dialog) return document.getElementById("toasts");
  let own = dialog.querySelector(".toasts");
  if (!own) {
    own = document.createElement("div");
    own.className = "toasts";
    own.setAttribute("role", "status");
    dialog.append(own);
  }
  return own;
}

/** A short message at the edge of the page that goes away by itself, or when it is clicked; told twice it is shown once. */
export function toast(text, kind = "") {
  document.querySelectorAll(".toast").forEach((each) => each.textContent === text && each.remove());
  const note = document.createElement("button");
  note.type = "button";
  note.className = `toast ${kind}`;
  note.textContent = text;
  note.addEventListener("click", () => note.remove());
  place().append(note);
  note.scrollIntoView({ block: "nearest" });
  if (kind !== "failure") setTimeout(() => note.remove(), 8000);
  return note;
}

/** The session is over: a link to the login in another tab, once; the page stays as it is. `console.js` takes it away after the login. */
export function offerLogin() {
  document.querySelectorAll(".login-again").forEach((each) => each.remove());
  const link = document.createElement("a");
  link.className = "toast failure login-again";
  link.href = "/login?next=/logged-in";
  link.target = "_blank";
  link.rel = "noopener";
  link.textContent = document.body.dataset.loginAgain;
  place().append(link);
}

/** What a request answers, as JSON; a problem is thrown as an `Error` with its `status` and `problem`. */
export async function ask(address, { method = "GET", body } = {}) {
  const headers = { Accept: "application/json", "X-CSRF-Token": token() };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(address, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) }).catch(() => {
    throw new Error(document.body.dataset.offline);
  });
  const told = answer.headers.get("content-type")?.includes("json") ? await answer.json() : {};
  if (answer.ok) return told;
  throw Object.assign(new Error(told.detail || `${answer.status}`), { status: answer.status, problem: told });
}
