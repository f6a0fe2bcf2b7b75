// Converse, unmodified, with the options and the small changes that make it this company's chat.
import { credential, page, signOut, wasDisconnected, watch } from "./access.js";
import { chooseByHand } from "./lists.js";
import { sendNotices } from "./notices.js";
import { countUnread, showWhatWasRead } from "./reading.js";
import { withinReach } from "./reach.js";

// The policy allows no style attributes. Converse sets them as attributes; set as properties they are no markup.
function styleByProperty() {
  const { setAttribute } = Element.prototype;
  Element.prototype.setAttribute = function (name, value) {
    if (name === "style" && this.style) this.style.cssText = value;
    else setAttribute.call(this, name, value);
  };
}

// After a reload Converse takes up the tab's former stream, but under a new resource, which the server answers by ending it.
// What was written stays; the stream and the rooms' doors are new.
function beginAnew(_converse) {
  _converse.exports.MUC.prototype.restoreFromCache = async function () {
    this.session.save("connection_status", window.converse.ROOMSTATUS.DISCONNECTED);
    this.clearOccupantsCache();
    return false;
  };
  _converse.api.listen.on("userSessionInitialized", () => _converse.session.save({
    smacks_enabled: false, smacks_stream_id: null, unacked_stanzas: [],
    num_stanzas_handled: 0, num_stanzas_handled_by_server: 0, num_stanzas_since_last_ack: 0,
  }));
}

// Everybody once, in the order of the alphabet, and not again for each group that they share; a search where there are many.
const MANY = 8;
function listColleagues({ api, exports, state }) {
  const { get } = exports.RosterContact.prototype;
  exports.RosterContact.prototype.get = function (name) {
    return name === "groups" ? [] : get.call(this, name);
  };
  api.listen.on("rosterContactsFetched", async () => {
    await api.waitUntil("rosterViewInitialized");
    document.querySelector("converse-roster")?.model.save({ filter_visible: state.roster.length >= MANY });
  });
}

// Offline members of a room have no nickname there, but a name in the directory.
function nameOccupants({ exports, state }) {
  const occupant = exports.MUCOccupant.prototype;
  const shown = occupant.getDisplayName;
  occupant.getDisplayName = function () {
    return this.get("nick") || state.roster?.get(this.get("jid"))?.getDisplayName() || shown.call(this);
  };
}

// Converse tells everybody who enters what kind of room it is, whatever its option says; and writes dates in English order.
function sayItPlainly({ env, exports }) {
  exports.MUC.prototype.createInfoMessageFromPresence = () => {};
  const { format } = env.dayjs.prototype;
  const day = new Intl.DateTimeFormat(document.documentElement.lang, { dateStyle: "full" });
  env.dayjs.prototype.format = function (pattern) {
    return pattern === "dddd MMM Do YYYY" ? day.format(this.toDate()) : format.call(this, pattern);
  };
}

const klean = {
  initialize() {
    const { _converse } = this;
    const { api } = _converse;
    _converse.state.config.set({ trusted: false });
    for (const change of [
      beginAnew, listColleagues, nameOccupants, sayItPlainly, chooseByHand, countUnread, showWhatWasRead, sendNotices, withinReach,
    ]) {
      change(_converse);
    }
    api.listen.on("beforeAttemptNonPreboundSession", async (_, attempt) => ({ ...attempt, credentials: await credential() }));
    api.listen.on("beforeLogout", signOut);
    api.listen.on("disconnected", wasDisconnected);
  },
};

export async function open() {
  const { jid, nickname, rooms, domain, files, icon } = page;
  const language = document.documentElement.lang;
  const folder = page.chat.slice(0, page.chat.lastIndexOf("/"));
  const hosts = [location.hostname, ...(files ? [new URL(files).hostname] : [])];
  watch();
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
    muc_disable_slash_commands: true, message_archiving: "always", muc_show_logs_before_join: true, hide_open_bookmarks: true, roster_groups: false,
    // what is shown, and told
    visible_toolbar_buttons: { call: false, clear: false, emoji: true, location: false, spoiler: false },
    i18n: language, locales: ["de", "en"], view_mode: "fullscreen", loglevel: "warn",
    auto_focus: false, show_controlbox_by_default: true, show_self_in_roster: false, hide_muc_participants: true,
    play_sounds: true, notify_all_room_messages: true, muc_clear_messages_on_leave: true,
    send_chat_markers: ["displayed"], muc_show_info_messages: [],
  });
}
