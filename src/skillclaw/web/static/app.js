"use strict";

// Parts of a page that say so are fetched again when what they show has changed.
const parts = new Map();
let news = null;

function listen() {
  const place = document.querySelector('meta[name="live"]');
  if (!place || news || document.hidden) return;
  news = new EventSource(place.content);
  for (const topic of ["sessions", "hub", "run", "jobs", "traffic"]) {
    news.addEventListener(topic, () => renew(topic));
  }
}

function silence() {
  if (news) news.close();
  news = null;
}

// What somebody writes in a part, or wrote and has not sent, is not taken away by its renewal.
function written(part) {
  if (part.contains(document.activeElement) && document.activeElement.matches("input, textarea, select")) return true;
  return [...part.querySelectorAll("input, textarea, select")].some((field) => {
    if (field.type === "hidden") return false;
    if (field.type === "checkbox" || field.type === "radio") return field.checked !== field.defaultChecked;
    if (field.options) return field.selectedIndex !== Math.max(0, [...field.options].findIndex((one) => one.defaultSelected));
    return field.value !== field.defaultValue;
  });
}

const renewing = new Set();
const stale = new Set();

function renew(topic) {
  for (const part of document.querySelectorAll("[data-live]")) {
    if (part.dataset.live.split(" ").includes(topic)) plan(part);
  }
}

function plan(part) {
  if (parts.has(part.id)) return;
  parts.set(part.id, setTimeout(() => {
    parts.delete(part.id);
    if (!part.isConnected) return;
    if (written(part)) {
      stale.add(part.id);
      return;
    }
    const opened = [...part.querySelectorAll("details")].map((one) => one.open);
    renewing.add(part.id);
    htmx.ajax("GET", location.href, {
      source: part, target: `#${CSS.escape(part.id)}`, select: `#${CSS.escape(part.id)}`, swap: "outerHTML",
    }).then(() => {
      // what somebody opened stays open
      const there = document.getElementById(part.id)?.querySelectorAll("details") ?? [];
      if (there.length === opened.length) there.forEach((one, at) => { one.open = opened[at]; });
    }).finally(() => renewing.delete(part.id));
  }, 300));
}

// The answer may have taken a while.
document.addEventListener("htmx:beforeSwap", (event) => {
  const part = event.detail.target;
  if (!renewing.has(part.id) || !written(part)) return;
  event.detail.shouldSwap = false;
  stale.add(part.id);
});

// Once nothing is written there any more, it shows what changed meanwhile.
document.addEventListener("focusout", () => setTimeout(() => {
  for (const id of stale) {
    const part = document.getElementById(id);
    if (part && written(part)) continue;
    stale.delete(id);
    if (part) plan(part);
  }
}));

document.addEventListener("visibilitychange", () => (document.hidden ? silence() : listen()));
addEventListener("pagehide", silence);
addEventListener("pageshow", listen);

// Each page has style sheets of its own; those of the others are here too, and do not count.
document.addEventListener("htmx:afterSwap", (event) => {
  const main = document.getElementById("main");
  if (event.detail.target !== document.body || !main) return;
  const wanted = main.dataset.sheets.split(" ");
  for (const link of document.querySelectorAll("link[data-sheet]")) {
    link.media = wanted.includes(link.dataset.sheet) ? "all" : "not all";
  }
});

// After a page was put in place of another, the reader begins at its heading, as after a load.
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.detail.target === document.body) document.getElementById("main")?.focus({ preventScroll: true });
});

// Boosted forms answer with the page that they lead to: the token in the body's headers is the same.
// Keys: data-key="a" on a link or button is pressed by that key, unless somebody writes.
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.target.matches("input, textarea, select, [contenteditable]")) return;
  // Rows of a list that say so are walked through by j and k; by arrows once the reader is among them.
  const rows = [...document.querySelectorAll("[data-row]")];
  const at = rows.indexOf(document.activeElement);
  const step = { j: 1, k: -1, ...(at < 0 ? {} : { ArrowDown: 1, ArrowUp: -1 }) }[event.key];
  if (rows.length && step) {
    event.preventDefault();
    rows[Math.max(0, Math.min(rows.length - 1, at + step))].focus();
    return;
  }
  const found = document.querySelector(`[data-key="${CSS.escape(event.key)}"]`);
  if (!found || found.disabled) return;
  event.preventDefault();
  if (found.matches("input, textarea, select")) found.focus();
  else found.click();
});

// A filter is applied when it changes, without a press on its button.
document.addEventListener("change", (event) => {
  const form = event.target.closest("form[data-filter]");
  if (form) form.requestSubmit();
});

listen();
