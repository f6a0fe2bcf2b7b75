// Nothing here is needed to work with the pages: it saves reloads and typing.
"use strict";

// Buttons that copy: <button data-copy="#id-of-the-text">
document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const source = document.querySelector(button.dataset.copy);
  await navigator.clipboard.writeText(source.value ?? source.textContent);
  const before = button.textContent;
  button.textContent = button.dataset.copied ?? before;
  setTimeout(() => { button.textContent = before; }, 2000);
});

// Forms that ask first: <form data-confirm="…">
document.addEventListener("submit", (event) => {
  const question = event.target.dataset.confirm;
  if (question && !window.confirm(question)) event.preventDefault();
});

// Every request of a script carries the session's own secret, as forms do.
document.addEventListener("htmx:configRequest", (event) => {
  const field = document.querySelector('input[name="csrf"]');
  if (field && event.detail.verb !== "get") event.detail.parameters.csrf ??= field.value;
});
