// The browser's notices of new messages while nobody looks at the tab: only after somebody asked for them here, and
// with the sender and the group, never the text, because others see the screen, too (decision 43).
import { page, words } from "./access.js";

const Notice = window.Notification;
delete window.Notification; // Converse would ask for permission as soon as it opens, and show the text

// Chromium on Android has notices, but not for pages.
function canShow() {
  try {
    new Notice("").close();
    return true;
  } catch {
    return false;
  }
}

export const canBeAskedFor = () => Notice?.permission === "default" && canShow();

export async function ask() {
  return (await Notice.requestPermission()) === "granted";
}

export function sendNotices({ api, exports, state }) {
  const inGroup = (attrs) => attrs.type === "groupchat";
  const chatOf = (attrs) => state.chatboxes.get(inGroup(attrs) ? attrs.from_muc : attrs.contact_jid);
  api.listen.on("shouldNotifyOfGroupMessage", (attrs, should) =>
    should && !attrs.is_delayed && (document.hidden || chatOf(attrs)?.get("hidden")));
  api.listen.on("messageNotification", ({ attrs }) => {
    const chat = chatOf(attrs);
    if (Notice?.permission !== "granted" || !document.hidden || !chat || !attrs.body) return;
    const sender = inGroup(attrs) ? attrs.nick : chat.getDisplayName();
    const body = inGroup(attrs) ? words.messageIn.replace("…", chat.getDisplayName()) : words.message;
    try {
      const notice = new Notice(sender, { body, tag: chat.get("jid"), icon: page.icon, lang: document.documentElement.lang });
      notice.addEventListener("click", () => {
        window.focus();
        chat.maybeShow(true);
        notice.close();
      });
    } catch (error) {
      if (!(error instanceof TypeError)) throw error; // Chromium on Android
    }
  });
}
