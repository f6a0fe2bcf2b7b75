// Which chat is shown: none until somebody chooses one. From a chat the arrow and the browser's back lead to the list.
import { isOver, page, words } from "./access.js";

const isShown = (chat) => chat.get("jid") && !chat.get("hidden") && !chat.get("closed");

// Converse shows the first room that it joined, whichever that is, and would count it as read.
function nothingByItself({ exports }) {
  for (const { prototype } of [exports.MUC, exports.ChatBox]) {
    const show = prototype.maybeShow;
    prototype.maybeShow = function (chosen) {
      return chosen ? show.call(this, true) : this;
    };
  }
}

function toList(chatboxes) {
  for (const chat of chatboxes.models.filter(isShown)) chat.save({ hidden: true });
}

function backToList(chatboxes) {
  const opened = (chat) => isOver() || history[history.state?.chat ? "replaceState" : "pushState"]({ chat: chat.get("jid") }, "");
  const left = (chat) => setTimeout(() => { // another chat may take its place
    if (isOver() || chatboxes.models.some(isShown) || !history.state?.chat) return;
    history.back();
    const jid = CSS.escape(chat.get("jid"));
    document.querySelector(`#controlbox [data-room-jid="${jid}"] a, #controlbox a[data-jid="${jid}"]`)?.focus();
  });
  chatboxes.on("change:hidden", (chat) => (isShown(chat) ? opened : left)(chat));
  chatboxes.on("destroy", left);
  window.addEventListener("popstate", ({ state }) => {
    const chat = state?.chat && chatboxes.get(state.chat);
    if (chat) chat.maybeShow(true);
    else toList(chatboxes);
  });
}

// Who is put out of a room, or finds it gone, has it no more: it leaves the list with all that was read there, and its
// bookmark is forgotten here, so that it is there again if it comes back. A lost connection gives no reason, and is none.
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

function appear() {
  document.body.classList.add("is-whole");
  document.getElementById("wait")?.remove();
}

// The list appears when it is whole, so nothing in it moves away from under a finger. But it does appear.
async function showWhole({ api, state }) {
  setTimeout(appear, 8000);
  await Promise.all(["bookmarksInitialized", "rosterContactsFetched", "controlBoxInitialized"].map((event) => api.waitUntil(event)));
  const isWhole = () => state.bookmarks.models.every((one) => !one.get("autojoin") || state.chatboxes.get(one.get("jid")));
  while (!isWhole()) await new Promise((resolve) => { state.chatboxes.once("add", () => setTimeout(resolve)); });
  setTimeout(appear, 50); // until Converse has drawn what it learned
}

const once = (collection, jid) => collection.get(jid) ?? new Promise((resolve) => {
  collection.on("add", (added) => added.get("jid") === jid && resolve(added));
});

// #room=SLUG and #person=USERNAME open what the person has anyway, and nothing else.
async function openAsked({ api, state }) {
  const asked = new URLSearchParams(location.hash.slice(1));
  const [room, person] = [asked.get("room"), asked.get("person")];
  if (!room && !person) return;
  history.replaceState(history.state, "", location.pathname);
  await Promise.all(["chatBoxesFetched", "rosterContactsFetched"].map((event) => api.waitUntil(event)));
  if (room) {
    const chat = await once(state.chatboxes, `${room}@${page.rooms}`);
    if (!state.chatboxes.models.some(isShown)) chat.maybeShow(true);
  } else {
    const { jid } = (await once(state.roster, `${person}@${page.domain}`)).attributes;
    await api.chats.open(jid, {}, true);
  }
}

export function chooseByHand(_converse) {
  const { api, state } = _converse;
  nothingByItself(_converse);
  forgetWhenPutOut(_converse);
  api.waitUntil("chatBoxesFetched").then(() => backToList(state.chatboxes));
  api.listen.once("connected", () => Promise.all([showWhole(_converse), openAsked(_converse)]));
  // Rooms, nicknames and contacts are the directory's: of Converse's menu only "who is here" is left.
  api.listen.on("getHeadingButtons", (_, buttons) =>
    buttons.filter(({ icon_class }) => icon_class === "fa-users")
      .map((button) => ({ ...button, a_class: "show-people", i18n_title: words.people, standalone: true })));
}
