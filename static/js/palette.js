// Ctrl+K or ⌘K: pages, views and this page's own buttons by name, and any id. It presses what is there.
import { announce } from "./announce.js";

const MODIFIER = /Mac|iP/.test(navigator.platform) ? "metaKey" : "ctrlKey";
const PAUSE = 200; // milliseconds without a letter before the search is asked
const VERB = ":is(a, button):is([data-key], [data-undo], .buttons > *, .buttons > form > *)";
const LISTS = [
  ["This exception", `#pane ${VERB}`],
  ["This page", `main ${VERB}:not(#pane *)`],
  ["Pages", ".side a:not(.brand), #user-menu a"],
];

const dialog = document.getElementById("palette");
const field = dialog?.querySelector("[role=combobox]");
const list = dialog?.querySelector("[role=listbox]");
let commands = []; // groups of what this page has, as it was opened
let views = [];
let answers = []; // groups the search found for what is typed now
let shown = []; // options in their order; each carries its own press
let asked = new AbortController();
let waiting = 0;

const folded = (text) => text.normalize("NFD").replace(/\p{M}/gu, "").toLowerCase();
const typed = () => field.value.trim();

function nameOf(element) {
  const copy = element.cloneNode(true);
  for (const part of copy.querySelectorAll("kbd, .count, .count + .vh, .sub, svg")) part.remove();
  return copy.textContent.trim().replace(/\s+/g, " ");
}

function isOffered(element) {
  return !element.closest("[popover]:not(#user-menu)") && element.ariaDisabled !== "true" && !element.disabled;
}

/** The buttons and links in sight, each name once. */
function collect([label, selector]) {
  const byName = new Map();
  for (const element of document.querySelectorAll(selector)) {
    const isInSight = element.closest("#user-menu, .side") || element.checkVisibility();
    const title = nameOf(element);
    if (isInSight && title && isOffered(element) && !byName.has(title)) {
      const key = element.dataset.key ?? (element.dataset.go ? `G ${element.dataset.go.toUpperCase()}` : "");
      byName.set(title, { title, key, press: () => press(element) });
    }
  }
  return { label, options: [...byName.values()] };
}

function press(element) {
  if (element.isConnected) element.click();
  else announce("The page changed meanwhile. Nothing was done.");
}

async function ask(text, signal) {
  const response = await fetch(`${dialog.dataset.url}?${new URLSearchParams({ q: text })}`, { signal });
  if (!response.ok) return [];
  const { groups } = await response.json();
  for (const { options } of groups) for (const option of options) option.press = () => location.assign(option.href);
  return groups;
}

function matching(groups) {
  const words = folded(typed()).split(/\s+/);
  const fits = ({ title }) => words.every((word) => folded(title).includes(word));
  return groups
    .map(({ label, options }) => ({ label, options: options.filter(fits) }))
    .filter(({ options }) => options.length > 0);
}

function build(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) made.setAttribute(attribute, value);
  made.append(...children);
  return made;
}

function optionOf({ title, sub, key }, index) {
  const parts = [build("span", {}, title)];
  if (sub) parts.push(build("span", { class: "sub" }, sub));
  if (key) parts.push(build("kbd", { "aria-hidden": "true" }, key));
  return build("div", { class: "option", role: "option", id: `palette-${index}`, "aria-selected": "false" }, ...parts);
}

function show() {
  const found = [...matching([...commands, ...views]), ...answers];
  const wholeSearch = () => location.assign(`${dialog.dataset.searchUrl}?${new URLSearchParams({ q: typed() })}`);
  if (typed()) found.push({ label: "Search", options: [{ title: `Search for “${typed()}”`, press: wholeSearch }] });
  shown = found.flatMap(({ options }) => options);
  let index = 0;
  const groups = found.map(({ label, options }) =>
    build(
      "div",
      { role: "group", "aria-label": label },
      build("div", { role: "presentation" }, label),
      ...options.map((option) => optionOf(option, index++)),
    ),
  );
  list.replaceChildren(...groups);
  select(0);
  dialog.querySelector("[role=status]").textContent = shown.length === 1 ? "1 choice" : `${shown.length} choices`;
}

function select(index) {
  const options = list.querySelectorAll("[role=option]");
  list.querySelector("[aria-selected=true]")?.setAttribute("aria-selected", "false");
  const option = options[(index + options.length) % options.length];
  option?.setAttribute("aria-selected", "true");
  option?.scrollIntoView({ block: "nearest" });
  field.setAttribute("aria-activedescendant", option?.id ?? "");
}

const selected = () => Number(field.getAttribute("aria-activedescendant").replace("palette-", ""));

function choose(index) {
  const option = shown[index];
  dialog.close();
  option?.press();
}

// Offline, or asked for something else by now: what is here already remains.
async function take(question, keep) {
  try {
    keep(await question);
    show();
  } catch {
    // The last choice opens the search itself, which says what is wrong.
  }
}

function open() {
  document.querySelector("[popover]:popover-open")?.hidePopover(); // its button gets the focus back
  field.value = "";
  commands = LISTS.map(collect);
  views = answers = [];
  dialog.showModal();
  show();
  take(ask(""), (groups) => (views = groups));
}

// An id is what no command is called. Whoever goes on typing is not interrupted by an older answer.
function hear() {
  clearTimeout(waiting);
  asked.abort();
  asked = new AbortController();
  answers = [];
  show();
  if (!typed() || shown.length > 1) return;
  waiting = setTimeout(() => take(ask(typed(), asked.signal), (groups) => (answers = groups)), PAUSE);
}

const MOVES = { ArrowDown: 1, ArrowUp: -1 };

function steer(event) {
  if (event.isComposing) return;
  if (MOVES[event.key]) select(selected() + MOVES[event.key]);
  else if (event.key === "Enter") choose(selected());
  else return;
  event.preventDefault();
}

function toggle(event) {
  if (event.key.toLowerCase() !== "k" || !event[MODIFIER] || event.shiftKey || event.altKey || event.isComposing) return;
  // A form that is open keeps what is being written in it.
  if (document.querySelector("[popover]:popover-open, dialog[open]:not(#palette)")) return;
  event.preventDefault();
  if (dialog.open) dialog.close();
  else open();
}

if (dialog) {
  document.addEventListener("keydown", toggle);
  document.addEventListener("click", (event) => {
    if (event.target.closest("[data-open-palette]")) open();
    else if (event.target === dialog) dialog.close();
  });
  field.addEventListener("input", hear);
  field.addEventListener("keydown", steer);
  list.addEventListener("mousedown", (event) => event.preventDefault()); // the field keeps the focus
  list.addEventListener("click", (event) => {
    const option = event.target.closest("[role=option]");
    if (option) choose([...list.querySelectorAll("[role=option]")].indexOf(option));
  });
}
