// Whether this page may go on showing the chat, what it signs in with, and how it takes itself away.

export const page = document.body.dataset;
export const title = document.title;
export const words = document.getElementById("words")?.dataset ?? {};

const tabs = "BroadcastChannel" in window ? new BroadcastChannel("chat") : null;
let over = false;

// Also if the page goes meanwhile: a browser is signed out before it shows that it is.
export function post(path, fields = {}) {
  const body = new URLSearchParams({ csrf: page.csrf, ...fields });
  return fetch(path, { method: "POST", body, cache: "no-store", keepalive: true });
}

export function show(template) {
  document.body.replaceChildren(document.getElementById(template).content.cloneNode(true));
}

export async function forget() {
  sessionStorage.clear();
  localStorage.clear();
  for (const { name } of (await indexedDB.databases?.()) ?? []) indexedDB.deleteDatabase(name);
}

// Nothing stays: not on the screen, not in the browser's storage, and with the next page not in its memory.
async function end() {
  if (over) return;
  over = true;
  document.title = title;
  show("ended");
  await forget().catch(() => {});
  location.replace("/chat/ended");
}

// Whoever moves in the history then would call off the way to the last page.
export const isOver = () => over;

export async function look() {
  if (over) return;
  const answer = await fetch("/chat/state", { cache: "no-store" }).catch(() => null);
  if (answer?.ok && !(await answer.json()).open) await end();
}

// This browser's other tabs look at once, too. What they show goes in any case: their streams end with the session.
export async function signOut() {
  await Promise.all([post("/sign-out").then(() => tabs?.postMessage("look")), end()]);
}

// For each connection a credential of its own: it is good for minutes and stands nowhere but in memory.
export async function credential() {
  const answer = await post("/chat/credential");
  if (answer.ok) return answer.json();
  if (answer.status === 401 || answer.status === 403) await end();
  else setTimeout(() => location.reload(), 5000);
  return new Promise(() => {}); // nothing more comes of this page
}

export async function wasDisconnected() {
  await look();
  if (over) return;
  over = true;
  show("lost");
  setTimeout(() => location.reload(), 5000);
}

export function watch() {
  for (const [target, event] of [[window, "online"], [window, "pageshow"], [document, "visibilitychange"]]) {
    target.addEventListener(event, look);
  }
  tabs?.addEventListener("message", look);
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("close", look);
    }
  };
}
