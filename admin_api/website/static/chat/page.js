// The chat's pages: what the browser has to forget, a code that opens the chat, and the chat itself.
import { forget, page, post, show } from "./access.js";

// In a frame of another site some browsers refuse any storage: then it is memory, and gone with the page.
function inMemory() {
  const kept = new Map();
  return {
    get length() { return kept.size; },
    key: (place) => [...kept.keys()][place] ?? null,
    getItem: (name) => kept.get(name) ?? null,
    setItem: (name, value) => { kept.set(name, String(value)); },
    removeItem: (name) => { kept.delete(name); },
    clear: () => kept.clear(),
  };
}

for (const name of ["sessionStorage", "localStorage"]) {
  try {
    window[name].getItem("");
  } catch {
    Object.defineProperty(window, name, { value: inMemory() });
  }
}

// A code stands behind # only, where no server and no log sees it, and not for longer than it takes to use it.
async function takeCode() {
  const asked = new URLSearchParams(location.hash.slice(1));
  const code = asked.get("code");
  if (!code) return false;
  asked.delete("code");
  history.replaceState(null, "", location.pathname + (asked.size ? `#${asked}` : ""));
  const answer = await post("/chat/session", { code, framed: window.self === window.top ? "" : "yes" });
  if (answer.ok) location.reload();
  else show("code-is-over");
  return true;
}

if ("ended" in page) forget().catch(() => {});
else if (!(await takeCode()) && "chat" in page) await (await import("./converse.js")).open();
