// What was not read yet, here, and whether the other one has read it.
import { title, words } from "./access.js";

const MARKERS = "urn:xmpp:chat-markers:0";

// Converse counts only messages that name the person; here each one in a group is for everybody in it.
export function countUnread({ api, exports, state }) {
  exports.MUC.prototype.incrementUnreadMsgsCounter = function (message) {
    const before = this.get("num_unread_general");
    const first = before ? {} : { first_unread_id: message.get("id") };
    this.save({ num_unread: before + 1, num_unread_general: before + 1, ...first });
  };
  api.waitUntil("chatBoxesFetched").then(() => {
    const tell = () => {
      const count = state.chatboxes.models.reduce((sum, chat) => sum + (chat.get("num_unread") || 0), 0);
      document.title = count ? `(${count}) ${title}` : title;
    };
    state.chatboxes.on("change:num_unread", tell);
    state.chatboxes.on("destroy", tell);
    tell();
  });
}

// Converse answers who asks whether it was read (XEP-0333), but neither asks nor keeps the answer. One to one only: in a
// group it would tell everybody who was how quick.
export function showWhatWasRead({ api, env, exports }) {
  exports.MUC.prototype.sendMarkerForMessage = async () => {};
  api.listen.on("createMessageStanza", (chat, data) => {
    if (chat instanceof exports.ChatBox && data.message.get("body")) {
      data.stanza.root().c("markable", { xmlns: MARKERS }).root();
    }
    return data;
  });
  api.listen.on("parseMessage", (stanza, attrs) => ({
    ...attrs, was_read: stanza.getElementsByTagNameNS(MARKERS, "displayed")[0]?.getAttribute("id"),
  }));
  const { handleChatMarker } = exports.ChatBox.prototype;
  exports.ChatBox.prototype.handleChatMarker = function (attrs) {
    if (!attrs.was_read) return handleChatMarker.call(this, attrs);
    const read = this.messages.findWhere({ msgid: attrs.was_read, sender: "me" });
    if (attrs.sender === "them" && read) {
      for (const former of this.messages.where({ was_seen: true })) former.save({ was_seen: false });
      read.save({ was_seen: true });
    }
    return true;
  };
  api.listen.on("getMessageActionContent", ({ model }, content) =>
    model.get("was_seen") ? env.html`${content}<span class="was-read">${words.read}</span>` : content);
}
