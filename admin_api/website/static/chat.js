// The chat: Converse, signed in by what is made for this page, and taken away as soon as access ends.
"use strict";

const page = document.body.dataset;
let over = false;

function post(path, fields = {}) {
  return fetch(path, { method: "POST", body: new URLSearchParams({ csrf: page.csrf, ...fields }), cache: "no-store" });
}

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

function show(template) {
  document.body.replaceChildren(document.getElementById(template).content.cloneNode(true));
}

async function forget() {
  sessionStorage.clear();
  localStorage.clear();
  for (const { name } of (await indexedDB.databases?.()) ?? []) indexedDB.deleteDatabase(name);
}

// Nothing stays: not on the screen, not in the browser's storage, and with the next page not in its memory.
async function end() {
  if (over) return;
  over = true;
  show("ended");
  await forget().catch(() => {});
  location.replace("/chat/ended");
}

async function look() {
  if (over) return;
  const answer = await fetch("/chat/state", { cache: "no-store" }).catch(() => null);
  if (answer?.ok && !(await answer.json()).open) await end();
}

async function signOut() {
  await Promise.all([post("/sign-out"), end()]);
}

// A code stands behind # only, where no server and no log sees it, and not for longer than it takes to use it.
async function takeCode() {
  const code = location.hash.match(/^#code=([0-9A-Za-z_-]+)$/)?.[1];
  if (!code) return false;
  history.replaceState(null, "", location.pathname);
  const answer = await post("/chat/session", { code, framed: window.self === window.top ? "" : "yes" });
  if (answer.ok) location.reload();
  else show("code-is-over");
  return true;
}

// The policy allows no style attributes. Converse sets them as attributes; set as properties they are no markup.
function styleByProperty() {
  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function (name, value) {
    if (name === "style" && this.style) this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
}

// Offline members of a room have no nickname there, but a name in the directory.
function nameOccupants({ exports, state }) {
  const occupant = exports.MUCOccupant.prototype;
  const shown = occupant.getDisplayName;
  occupant.getDisplayName = function () {
    return this.get("nick") || state.roster?.get(this.get("jid"))?.getDisplayName() || shown.call(this);
  };
}

// Who is put out of a room, or finds it gone, has it no more: it leaves the list with all that was read there, and its
// bookmark is forgotten here, so that it opens by itself if it comes back. A lost connection gives no reason, and is none.
function forgetWhenPutOut({ api, state }) {
  api.listen.on("chatRoomInitialized", (room) => {
    let forgotten = false;
    room.session.on("change:connection_status", async () => {
      const { connection_status: status, disconnection_message: said } = room.session.attributes;
      if (forgotten || (status !== window.converse.ROOMSTATUS.DESTROYED && !said)) return;
      forgotten = true; // closing changes the status twice more
      state.bookmarks?.get(room.get("jid"))?.destroy({ silent: true });
      await room.clearMessages();
      await room.close();
    });
  });
}

// For each connection a credential of its own: it is good for minutes and stands nowhere but in memory.
async function credential() {
  const answer = await post("/chat/credential");
  if (answer.ok) return answer.json();
  if (answer.status === 401 || answer.status === 403) await end();
  else setTimeout(() => location.reload(), 5000);
  return new Promise(() => {}); // nothing more comes of this page
}

const klean = {
  initialize() {
    const { _converse } = this;
    const { api } = _converse;
    _converse.state.config.set({ trusted: false });
    nameOccupants(_converse);
    forgetWhenPutOut(_converse);
    api.listen.on("beforeAttemptNonPreboundSession", async (_, attempt) => ({ ...attempt, credentials: await credential() }));
    api.listen.on("beforeLogout", signOut);
    api.listen.on("disconnected", async () => {
      await look();
      if (over) return;
      over = true;
      show("lost");
      setTimeout(() => location.reload(), 5000);
    });
  },
};

async function chat() {
  const { jid, nickname, rooms, domain, files, icon } = page;
  const language = document.documentElement.lang;
  const folder = page.chat.slice(0, page.chat.lastIndexOf("/"));
  const hosts = [location.hostname, ...(files ? [new URL(files).hostname] : [])];
  window.WebSocket = class extends WebSocket {
    constructor(...given) {
      super(...given);
      this.addEventListener("close", look);
    }
  };
  styleByProperty();
  customElements.define("converse-footer", class extends HTMLElement {}); // Converse's own asks another host for pictures
  await import(page.chat);
  const { converse } = window;
  converse.plugins.add("klean", klean);
  await converse.initialize({
    // who, and where
    authentication: "login", auto_login: true, jid, nickname, keepalive: true,
    websocket_url: location.origin.replace(/^http/, "ws") + "/chat/websocket",
    discover_connection_methods: false, default_domain: domain, locked_domain: domain,
    muc_domain: rooms, locked_muc_domain: "hidden", locked_muc_nickname: true, auto_register_muc_nickname: false,
    whitelisted_plugins: ["klean"], blacklisted_plugins: ["converse-omemo", "converse-register", "converse-push"],
    // nothing is kept longer than the tab
    persistent_store: "sessionStorage", allow_user_trust_override: false, reuse_scram_keys: false, clear_cache_on_logout: true,
    // nothing is asked of others
    assets_path: folder + "/", sounds_path: folder + "/sounds/", notification_icon: icon, fetch_url_headers: false,
    embed_3rd_party_media_players: false, use_system_emojis: true, show_client_info: false, allow_adhoc_commands: false, allow_registration: false,
    providers_link: "", xmpp_providers_url: "", autocomplete_providers_url: "", muc_search_service: "",
    allowed_image_domains: hosts, allowed_audio_domains: hosts, allowed_video_domains: hosts, geouri_replacement: "$1, $2",
    // circles and contacts come from the directory
    allow_bookmarks: true, muc_respect_autojoin: true, allow_muc_invitations: false, allow_contact_requests: false,
    allow_contact_removal: false, allow_non_roster_messaging: true, muc_instant_rooms: false, auto_join_on_invite: false,
    message_archiving: "always", muc_show_logs_before_join: true, hide_open_bookmarks: true, roster_groups: true,
    visible_toolbar_buttons: { call: false, clear: false, emoji: true, location: false, spoiler: false },
    i18n: language, locales: ["de", "en"], view_mode: "fullscreen", loglevel: "warn",
    show_controlbox_by_default: true, play_sounds: true, notify_all_room_messages: true, muc_clear_messages_on_leave: true,
    muc_show_info_messages: [],
  });
  document.getElementById("wait")?.remove();
}

for (const [target, event] of [[window, "online"], [window, "pageshow"], [document, "visibilitychange"]]) {
  if ("chat" in page) target.addEventListener(event, look);
}
if ("ended" in page) forget().catch(() => {});
else if (!(await takeCode()) && "chat" in page) await chat();
