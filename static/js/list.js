// <rh-list>: cursor, selection, and rows that change in place. Nothing is inserted above the reader.
import { announceLive } from "./announce.js";
import { morph } from "./morph.js";

const BATCH = 50;
const NEW_MARK = 10_000;
const FLASH = 600;
const NUMBERS = 4_000; // what waits for an incident changes with every order: read it together
const NARROW = matchMedia("(max-width: 60rem)");

const idOf = (entity) => String(entity).match(/\d+$/)?.[0];
const version = (element) => Number(element?.dataset.v ?? 0);
const pause = (low, high) => new Promise((resolve) => setTimeout(resolve, low + Math.random() * (high - low)));

class List extends HTMLElement {
  #wanted = new Map(); // id -> version heard of
  #isFetching = false;
  #recount = 0;
  #fresh = new Map(); // id -> row that waits behind "Show n new"
  #lastTicked = null;

  connectedCallback() {
    this.addEventListener("click", this.#click);
    this.addEventListener("change", this.#ticked);
    document.addEventListener("rh:changes", this.#changes);
    document.addEventListener("htmx:afterSettle", this.#settled);
    this.#count();
  }

  disconnectedCallback() {
    document.removeEventListener("rh:changes", this.#changes);
    document.removeEventListener("htmx:afterSettle", this.#settled);
  }

  get rows() {
    return [...this.querySelectorAll("tbody > tr[data-id]")];
  }

  get cursor() {
    return this.querySelector("tr[data-cursor]");
  }

  get selected() {
    return this.querySelectorAll("tbody .tick input:checked").length;
  }

  row(id) {
    return this.querySelector(`tr[data-id="${id}"]`);
  }

  move(step) {
    const rows = this.rows;
    const at = rows.indexOf(this.cursor ?? this.querySelector("tr[data-open]"));
    const next = rows[Math.min(Math.max(at + step, 0), rows.length - 1)];
    if (!next) return;
    this.#place(next);
    next.querySelector("a[href]")?.focus({ preventScroll: true });
    next.scrollIntoView({ block: "nearest" });
  }

  toggle() {
    this.cursor?.querySelector(".tick input")?.click();
  }

  clear() {
    for (const box of this.querySelectorAll(".tick input:checked")) box.checked = false;
    this.#count();
  }

  /** Open the row in the pane; on narrow screens its page. Resolves when it is there, or will not come. */
  async open(row) {
    const link = row.querySelector("a[href]");
    if (NARROW.matches || !link.hasAttribute("hx-get")) {
      location.assign(link.href);
      return new Promise(() => {});
    }
    const ends = ["htmx:afterSettle", "htmx:responseError", "htmx:sendError", "htmx:timeout"];
    const done = ends.map((end) => new Promise((resolve) => document.addEventListener(end, resolve, { once: true })));
    link.click();
    await Promise.race(done);
  }

  showNew() {
    const body = this.querySelector("tbody");
    const anchor = this.cursor ?? this.rows[0];
    const before = anchor?.getBoundingClientRect().top ?? 0;
    for (const row of [...this.#fresh.values()].reverse()) {
      row.dataset.new = "";
      body.prepend(row);
      globalThis.htmx.process(row);
      setTimeout(() => delete row.dataset.new, NEW_MARK);
    }
    this.#fresh.clear();
    this.#offer();
    const scroller = this.querySelector(".scroll");
    if (anchor && this.cursor) scroller.scrollTop += anchor.getBoundingClientRect().top - before;
    else scroller.scrollTop = 0;
  }

  #place(row) {
    this.cursor?.removeAttribute("data-cursor");
    row.dataset.cursor = "";
  }

  #click = (event) => {
    if (event.target.closest("[data-show-new]")) this.showNew();
    if (event.target.closest("[data-clear-selection]")) this.clear();
    const row = event.target.closest("tbody > tr[data-id]");
    if (row) this.#place(row);
    const box = event.target.closest("tbody .tick input");
    if (box) {
      if (event.shiftKey && this.#lastTicked?.isConnected) this.#range(this.#lastTicked, box);
      this.#lastTicked = box;
    }
  };

  #range(from, to) {
    const boxes = [...this.querySelectorAll("tbody .tick input")];
    const [start, end] = [boxes.indexOf(from), boxes.indexOf(to)].sort((a, b) => a - b);
    for (const box of boxes.slice(start, end + 1)) box.checked = to.checked;
  }

  #ticked = (event) => {
    if (event.target.matches("[data-tick-all]")) {
      for (const box of this.querySelectorAll("tbody .tick input")) box.checked = event.target.checked;
    }
    this.#count();
  };

  #count() {
    for (const place of this.querySelectorAll("[data-selected]")) place.textContent = this.selected;
    const all = this.querySelector("[data-tick-all]");
    if (all) {
      all.checked = this.selected > 0 && this.selected === this.rows.length;
      all.indeterminate = this.selected > 0 && !all.checked;
    }
  }

  #changes = ({ detail }) => {
    if (detail.topic === "orders" || detail.topic === "queue") this.#recountSoon();
    if (detail.topic !== this.dataset.topic) return;
    if (detail.reset || detail.many) this.#stale();
    if (!this.dataset.rowsUrl) return void (detail.items.length && this.#stale());
    for (const [entity, v, verb] of detail.items) {
      if (entity.startsWith("cause-")) {
        this.#stale();
        continue;
      }
      const id = idOf(entity);
      const row = this.row(id);
      if (row ? version(row) < v : verb === "new") this.#wanted.set(id, v);
    }
    this.#fetch();
  };

  #recountSoon() {
    if (this.#recount || !this.querySelector("tr[data-numbers]")) return;
    this.#recount = setTimeout(() => {
      this.#recount = 0;
      for (const row of this.querySelectorAll("tr[data-numbers]")) this.#wanted.set(row.dataset.id, version(row));
      this.#fetch(0, 0);
    }, NUMBERS * (0.8 + Math.random() * 0.4));
  }

  // The pane knows more than its row: after an action, and without a socket too.
  #settled = () => {
    const pane = document.querySelector("#pane[data-id]");
    const was = this.querySelector("tr[data-open]");
    for (const row of this.querySelectorAll("tr[data-open]")) row.removeAttribute("data-open");
    const row = pane && this.row(pane.dataset.id);
    if (!row) return;
    row.dataset.open = "";
    if (was !== row && was === this.cursor) this.#place(row);
    if (version(row) < version(pane)) {
      this.#wanted.set(pane.dataset.id, version(pane));
      this.#fetch(0, 0);
    }
  };

  async #fetch(low = 200, high = 1_200) {
    if (this.#isFetching || this.#wanted.size === 0) return;
    this.#isFetching = true;
    try {
      await pause(low, high);
      while (this.#wanted.size > 0 && !document.hidden) {
        const ids = [...this.#wanted.keys()].slice(0, BATCH);
        for (const id of ids) this.#wanted.delete(id);
        await this.#fetchRows(ids);
      }
    } catch {
      // Offline: the next hint or catch-up asks again.
    } finally {
      this.#isFetching = false;
    }
  }

  async #fetchRows(ids) {
    const query = new URLSearchParams(location.search);
    for (const name of ["case", "after", "ids"]) query.delete(name);
    query.set("ids", ids.join(","));
    const response = await fetch(`${this.dataset.rowsUrl}?${query}`, { headers: { "HX-Request": "true" } });
    if (!response.ok) return;
    const holder = document.createElement("template");
    holder.innerHTML = `<table><tbody>${await response.text()}</tbody></table>`;
    for (const fresh of holder.content.querySelectorAll("tr[data-id]")) this.#take(fresh);
    for (const id of (response.headers.get("X-Gone") ?? "").split(",").map(idOf)) this.#gone(id);
    this.#counts(response.headers.get("X-Counts"));
    this.#offer();
    this.#count();
  }

  #take(fresh) {
    const id = fresh.dataset.id;
    const old = this.row(id);
    if (!old) {
      this.#fresh.set(id, document.importNode(fresh, true));
      return;
    }
    if (version(fresh) < version(old)) return;
    const isNews = version(fresh) > version(old);
    for (const name of ["cursor", "open"]) if (name in old.dataset) fresh.dataset[name] = "";
    const row = morph(old, fresh);
    if (!isNews) return;
    row.dataset.flash = "";
    setTimeout(() => delete row.dataset.flash, FLASH);
  }

  #gone(id) {
    this.#fresh.delete(id);
    const row = id && this.row(id);
    if (row) row.dataset.gone = "";
  }

  #counts(header) {
    for (const [name, n] of Object.entries(header ? JSON.parse(header) : {})) {
      for (const place of document.querySelectorAll(`[data-count="${name}"]`)) place.textContent = n || "";
    }
  }

  #offer() {
    const button = this.querySelector("[data-show-new]");
    if (!button) return;
    const n = this.#fresh.size;
    button.hidden = n === 0;
    button.querySelector("span").textContent = `Show ${n} new`;
    if (n > 0) announceLive(n === 1 ? "1 new exception" : `${n} new exceptions`);
  }

  #stale() {
    this.querySelector("[data-refresh]")?.removeAttribute("hidden");
  }
}

customElements.define("rh-list", List);

// On narrow screens a row is a page of its own.
document.addEventListener("htmx:confirm", (event) => {
  const link = event.target.closest?.("a[data-open-row]");
  if (!link || !NARROW.matches) return;
  event.preventDefault();
  location.assign(link.href);
});
