// What Converse makes for a mouse, within reach of a keyboard and a screen reader; and what stands below its list.
import { page, words } from "./access.js";
import { ask, canBeAskedFor } from "./notices.js";

const asButton = (label) => (element) => {
  element.setAttribute("role", "button");
  element.setAttribute("tabindex", "0");
  element.setAttribute("aria-label", label);
};
const asLink = (element) => element.setAttribute("href", "#");
const labelled = (label) => (element) => element.setAttribute("aria-label", label);
const untitled = (element) => element.removeAttribute("title");

// Who opened a chat goes on in it. On a phone its keyboard would cover what was written.
function goOn(field) {
  field.setAttribute("aria-label", words.write);
  const chosen = document.activeElement === document.body || document.activeElement?.closest("#controlbox li");
  if (chosen && !matchMedia("(pointer: coarse)").matches) field.focus();
}

// Converse says these before it knows the language.
function inOurLanguage(element) {
  if (element.ariaLabel) element.ariaLabel = words.close;
  for (const part of element.childNodes) if (part.nodeValue?.trim() === "Close") part.nodeValue = words.close;
}

const CHANGES = [
  ["converse-chats", (element) => element.setAttribute("role", "main")],
  ["converse-controlbox-navback converse-icon", asButton(words.back)],
  [".items-filter", (element) => { element.placeholder = words.find; }],
  ["a.open-chat, a.open-room, .chatbox-title__text, .occupant-nick", untitled],
  ["a.show-profile", (element) => element.removeAttribute("href")],
  ["converse-muc-occupant-list-item", (element) => element.setAttribute("role", "listitem")],
  [".occupant-list .occupant", (element) => element.setAttribute("role", "none")],
  ["li > a.open-room, .occupant-list .occupant > a", asLink],
  [".chat-textarea", goOn],
  [".send-button", labelled(words.send)],
  ["img.chat-image, converse-image-modal img", (element) => { element.alt = words.photo; }],
  [".modal [data-bs-dismiss]", inOurLanguage],
  [".reaction-item.more", labelled(words.more)],
  [".suggestion-box__results", (element) => { element.role = "listbox"; element.ariaLabel = words.names; }],
  [".suggestion-box__results > li", (element) => { element.role = "option"; }],
  [".emoji-skintone-picker", (element) => { element.firstChild.data = words.tone; }],
];

export function withinReach({ api }) {
  const changed = CHANGES.map(() => new WeakSet());
  const change = () => {
    for (const [place, [selector, apply]] of CHANGES.entries()) {
      for (const element of document.querySelectorAll(`#conversejs :is(${selector})`)) {
        if (!changed[place].has(element)) apply(element);
        changed[place].add(element);
      }
    }
    const list = document.querySelector("#controlbox .flyout:has(> .controlbox-pane)");
    if (list && !list.querySelector(".own")) addOwn(list, api);
  };
  new MutationObserver(change).observe(document.body, { childList: true, subtree: true });
  document.addEventListener("keydown", press, true);
  document.addEventListener("click", (event) => openColleague(event, api), true);
}

// Converse's menus take the Enter key for themselves, before the button that has it; and its rooms take Tab.
function press(event) {
  const element = event.target;
  if (element.matches?.(".chat-textarea") && !element.parentElement.querySelector(".suggestion-box__results:not([hidden])")) {
    if (event.key === "Tab" && !element.value.includes(":")) event.stopPropagation();
    if (event.key === "Escape" && !element.matches(".correcting")) leave(element);
    return;
  }
  const menu = element.closest?.("converse-dropdown:has(.dropdown-item)");
  const items = menu ? [...menu.querySelectorAll(".dropdown-item")] : [];
  const place = items.indexOf(element);
  const steps = { ArrowDown: place + 1, ArrowUp: place - 1 + (place < 1 ? items.length : 0), Home: 0, End: items.length - 1 };
  if (["Enter", " "].includes(event.key) && element.matches?.(".dropdown-toggle, .dropdown-item, [role=button]:not(button)")) {
    element.click();
    if (place >= 0) menu.hide();
  } else if (menu && event.key in steps && menu.querySelector(".dropdown-menu.show")) {
    items[steps[event.key] % items.length].focus();
  } else if (menu && event.key === "Escape" && menu.querySelector(".dropdown-menu.show")) {
    menu.hide();
    menu.querySelector(".dropdown-toggle").focus();
  } else return;
  event.preventDefault();
  event.stopPropagation();
}

// From where one writes to the list, past all that was written.
function leave(field) {
  const arrow = field.closest(".chatbox").querySelector("converse-controlbox-navback converse-icon");
  if (arrow?.checkVisibility()) arrow.click();
  else document.querySelector("#controlbox .open a")?.focus();
}

// A click on somebody in a group writes to them, as everywhere else; Converse would begin a conversation inside the room.
function openColleague(event, api) {
  const item = event.target.closest?.("converse-muc-occupant-list-item");
  if (!item) return;
  event.preventDefault();
  event.stopPropagation();
  const jid = item.model.get("jid");
  if (jid && jid !== page.jid) api.chats.open(jid, {}, true);
}

function addOwn(list, api) {
  list.append(document.getElementById("own").content.cloneNode(true));
  const part = list.querySelector(".own .notices");
  part.hidden = !canBeAskedFor();
  part.querySelector("button").addEventListener("click", async () => {
    const given = await ask();
    part.replaceChildren(given ? words.willTell : words.refused);
  });
  list.querySelector(".own .sign-out").addEventListener("click", async () => {
    if (await api.confirm(words.signOut, [words.sure])) await api.user.logout();
  });
}
