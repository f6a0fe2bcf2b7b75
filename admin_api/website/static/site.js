// Nothing here is needed to work with the pages: it saves reloads and typing.
"use strict";

// Buttons that copy: <button data-copy="#id-of-the-text" hidden>, shown where copying is possible.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-copy][hidden]")) button.hidden = !navigator.clipboard;
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent);
  const before = button.textContent;
  button.textContent = button.dataset.copied ?? before;
  setTimeout(() => { button.textContent = before; }, 2000);
});

// Buttons that hand a text to another app of the phone: <button data-share="#id-of-the-text" hidden>.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-share][hidden]")) button.hidden = !navigator.share;
});
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-share]");
  if (!button) return;
  await navigator.share({ text: document.querySelector(button.dataset.share).textContent }).catch((error) => {
    if (error.name !== "AbortError") throw error; // somebody changed their mind
  });
});

// Forms that ask first: <form data-confirm="…">
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// Forms that count: <form data-once> is not sent a second time by a double click.
document.addEventListener("submit", (event) => {
  if (!("once" in event.target.dataset)) return;
  if (event.target.dataset.once === "sent") event.preventDefault();
  event.target.dataset.once = "sent";
});
// … but is again when somebody comes back to the page.
window.addEventListener("pageshow", () => {
  for (const form of document.querySelectorAll('form[data-once="sent"]')) form.dataset.once = "";
});

// Every request of a script carries the session's own secret, as forms do.
document.addEventListener("htmx:configRequest", (event) => {
  const field = document.querySelector('input[name="csrf"]');
  if (field && event.detail.verb !== "get") event.detail.parameters.csrf ??= field.value;
});

// Buttons that print the page: <button data-print hidden>, shown where scripts run.
document.addEventListener("DOMContentLoaded", () => {
  for (const button of document.querySelectorAll("[data-print]")) button.hidden = false;
});
document.addEventListener("click", (event) => {
  if (event.target.closest("[data-print]")) window.print();
});

// Parts that refresh themselves (data-live): they rest while nobody looks, and only what is new is said aloud.
const refreshing = (event) => event.detail.elt?.hasAttribute("data-live");
document.addEventListener("htmx:beforeRequest", (event) => {
  if (document.hidden && refreshing(event)) event.preventDefault();
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) document.querySelectorAll("[data-live]").forEach((part) => window.htmx?.trigger(part, "awake"));
});
document.addEventListener("htmx:afterRequest", (event) => {
  const stale = document.querySelector("#stale");
  if (stale && refreshing(event)) stale.hidden = event.detail.successful;
});
document.addEventListener("htmx:afterSettle", () => {
  const said = document.querySelector("#said"), summary = document.querySelector("[data-summary]");
  if (said && summary && said.textContent !== summary.textContent) said.textContent = summary.textContent;
});

// Whoever works by keyboard goes on where they were when a part of the page is replaced. By ids htmx does that itself.
let left = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  const at = document.activeElement, part = event.detail.target;
  left = part?.contains(at) ? { href: at.getAttribute("href"), part: part.id } : null;
});
document.addEventListener("htmx:afterSettle", () => {
  if (!left || document.activeElement !== document.body) return;
  const part = document.getElementById(left.part);
  const same = left.href && part?.querySelector(`a[href="${CSS.escape(left.href)}"]`);
  (same || part?.querySelector("a[href], button, input:not([type=hidden]), summary"))?.focus({ preventScroll: true });
});

// Links that look like buttons answer to the space key, as buttons do.
document.addEventListener("keydown", (event) => {
  if (event.key !== " " || !event.target.matches('a[role="button"]')) return;
  event.preventDefault();
  event.target.click();
});
