// Single keys, outside of fields and dialogs only. A button names its own key: data-key="R".
import { toggleTheme } from "./theme.js";
import { toggleUtc } from "./clock.js";
import { copyLink } from "./copy.js";
import { previousPage } from "./paging.js";

const OFF = "rh.keys";
const CHORD = 1_200;
const areOff = () => localStorage.getItem(OFF) === "off" || document.documentElement.dataset.keys === "off";
const FIELD = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
let goUntil = 0;
let isOpening = false; // what is typed meanwhile is meant for the field that is about to open

const press = (selector) => {
  const target = document.querySelector(selector);
  target?.click();
  return Boolean(target);
};
const list = () => document.querySelector("rh-list");

function openShortcuts() {
  document.querySelector("[popover]:popover-open")?.hidePopover();
  document.getElementById("shortcuts")?.showPopover();
}

const KEYS = {
  "/": () => document.querySelector("[data-search]")?.focus(),
  "?": openShortcuts,
  T: toggleTheme,
  U: toggleUtc,
  Z: () => press("[data-undo]"),
  J: () => (list() ? list().move(1) : press('[data-key="J"]')),
  K: () => (list() ? list().move(-1) : press('[data-key="K"]')),
  ".": () => list()?.showNew(),
  F: () => press('.filters [data-key="F"]'),
  V: () => press('.filters [data-key="V"]'),
  X: () => list()?.toggle(),
  "*": () => press("rh-list [data-tick-all]"),
  "[": previousPage,
  "]": () => press(".more a"),
  Y: copyLink,
  P: () => press('a[data-key="P"]'),
  "Shift+J": () => press('.strip [data-key="J"]'),
  O: () => list()?.cursor && list().open(list().cursor),
};

/** The same letter does the same thing in the list and on the page. */
async function act(key) {
  const rows = list();
  if (rows?.selected && press(`.bulk-bar [data-key="${key}"]`)) return;
  const cursor = rows?.cursor;
  const isOpen = () => !cursor || cursor.dataset.id === document.getElementById("pane")?.dataset.id;
  if (!isOpen()) {
    isOpening = true;
    await rows.open(cursor).finally(() => (isOpening = false));
  }
  // It may not have come: then the pane shows another item, which nobody meant.
  if (isOpen()) press(`#pane [data-key="${key}"]`);
}

function escape() {
  const active = document.activeElement;
  if (active?.matches(FIELD)) active.blur();
  else if (list()?.selected) list().clear();
  else press("[data-back]");
}

function nameOf(event) {
  const letter = event.key.length === 1 ? event.key.toUpperCase() : event.key;
  return event.shiftKey && /^[A-Z]$/.test(letter) ? `Shift+${letter}` : letter;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (document.querySelector("[popover]:popover-open, dialog[open]")) return;
  if (event.key === "Escape") return escape();
  // The field of a dialog that just closed keeps the focus until the next frame.
  if (event.target.closest(FIELD)?.checkVisibility() || areOff()) return;
  if (isOpening) return event.preventDefault();
  const name = nameOf(event);
  if (Date.now() < goUntil) {
    goUntil = 0;
    if (press(`[data-go="${name.toLowerCase()}"]`)) event.preventDefault();
    return;
  }
  if (name === "G") goUntil = Date.now() + CHORD;
  else if (/^[1-9]$/.test(name)) press(`.tabs a:nth-of-type(${name})`);
  else if (KEYS[name]) {
    event.preventDefault();
    KEYS[name]();
  } else if (/^(Shift\+)?[A-Z]$/.test(name)) {
    event.preventDefault(); // else the letter lands in the field that the button opens
    act(name);
  }
});

document.addEventListener("click", (event) => {
  if (event.target.closest("[data-open-shortcuts]")) openShortcuts();
});

for (const box of document.querySelectorAll("[data-keys-off]")) {
  box.checked = localStorage.getItem(OFF) === "off";
  box.addEventListener("change", () => localStorage.setItem(OFF, box.checked ? "off" : "on"));
}
