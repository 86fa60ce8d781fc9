// Single keys, outside of fields and dialogs only. A button names its own key: data-key="R".
// This device may want them only with Alt, or not at all, whatever holds on the person's others.
import { toggleTheme } from "./theme.js";
import { toggleUtc } from "./clock.js";
import { copyLink } from "./copy.js";
import { previousPage } from "./paging.js";

const HERE = "rh.keys"; // "alt", "off", or what the settings say
const MODIFIERS = new Set(["Alt", "Shift"]); // pressed again between the keys of a chord
const CHORD = 1_200;
const root = document.documentElement;
const everywhere = root.dataset.keys ?? "";
const FIELD = "input:not([type=checkbox], [type=radio]), textarea, select, [contenteditable]";
let goUntil = 0;
let isOpening = false; // what is typed meanwhile is meant for the field that is about to open

function press(selector) {
  const target = document.querySelector(selector);
  target?.click();
  return Boolean(target);
}
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

const PRINTED = { Slash: "/", Period: ".", BracketLeft: "[", BracketRight: "]" };

/** What is printed on the key: on a Mac, Option types another sign. */
function keyOf(event) {
  if (!event.altKey || /^[ -~]+$/.test(event.key)) return event.key;
  return PRINTED[event.code] ?? event.code.replace(/^(Key|Digit)/, "");
}

function nameOf(event) {
  const key = keyOf(event);
  const letter = key.length === 1 ? key.toUpperCase() : key;
  return event.shiftKey && /^[A-Z]$/.test(letter) ? `Shift+${letter}` : letter;
}

document.addEventListener("keydown", (event) => {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.isComposing) return;
  if (document.querySelector("[popover]:popover-open, dialog[open]")) return;
  if (event.key === "Escape" && !event.altKey) return escape();
  // The field of a dialog that just closed keeps the focus until the next frame.
  if (event.target.closest(FIELD)?.checkVisibility()) return;
  const how = root.dataset.keys ?? "";
  if (how === "off" || event.altKey !== (how === "alt") || MODIFIERS.has(event.key)) return;
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

function hold(mode) {
  root.dataset.keys = mode === "alt" || mode === "off" ? mode : everywhere;
}

hold(localStorage.getItem(HERE));
for (const choice of document.querySelectorAll("[data-keys-here]")) {
  choice.value = root.dataset.keys === everywhere ? "" : root.dataset.keys;
  choice.addEventListener("change", () => {
    localStorage.setItem(HERE, choice.value);
    hold(choice.value);
  });
}
