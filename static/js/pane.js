// The open item: fresh when it changed, never while somebody is writing in it.
// #pane is fetched by its own address; a page's [data-entity] or [data-follow] region by the page's.
import { hasUnsavedText, morph } from "./morph.js";

const idOf = (entity) => String(entity).match(/\d+$/)?.[0];
const NUMBERS = 4_000; // what waits for an incident or a cause changes with every order: read it together
let waiting = 0;
let recount = 0;

const isWrittenIn = (region) => hasUnsavedText(region) || Boolean(region.querySelector(":popover-open"));

function isInUse(region) {
  const inUse = isWrittenIn(region);
  if (inUse) region.querySelector("[data-changed]")?.removeAttribute("hidden");
  return inUse;
}

function refresh(id, isBusy = isInUse) {
  const pane = document.querySelector(`#pane[data-id="${id}"]`);
  if (!pane || document.hidden || isBusy(pane)) return;
  globalThis.htmx.ajax("GET", pane.dataset.url, { source: pane, target: pane, swap: "morph show:none" });
}

document.addEventListener("rh:changes", ({ detail }) => {
  const pane = document.querySelector("#pane[data-id]");
  if (!pane) return;
  const { id, v, cause } = pane.dataset;
  const isNews = ([entity, version]) => (entity === `case-${id}` && version > Number(v)) || entity === cause;
  if (detail.items.some(isNews)) {
    clearTimeout(waiting);
    waiting = setTimeout(() => refresh(id), 200 + Math.random() * 1_000);
  } else if ("numbers" in pane.dataset && (detail.topic === "orders" || detail.topic === "queue")) recountSoon(() => refresh(id, isWrittenIn));
});

// Whoever writes is not bothered with numbers: they come with the next hint after that.
function recountSoon(read) {
  recount ||= setTimeout(() => {
    recount = 0;
    read();
  }, NUMBERS * (0.8 + Math.random() * 0.4));
}

async function refreshRegion(id, isBusy = isInUse) {
  const region = document.getElementById(id);
  if (!region || document.hidden || isBusy(region)) return;
  const response = await fetch(location.href, { headers: { Accept: "text/html" } });
  if (response.redirected) return void region.querySelector("[data-changed]")?.removeAttribute("hidden");
  if (!response.ok) return;
  const page = new DOMParser().parseFromString(await response.text(), "text/html");
  const fresh = page.getElementById(id);
  if (fresh && !isBusy(region)) morph(region, document.importNode(fresh, true));
}

document.addEventListener("rh:changes", ({ detail }) => {
  const region = document.querySelector("[data-entity], [data-follow]");
  if (!region) return;
  const hit = region.dataset.follow === detail.topic || detail.items.some(([entity]) => entity === region.dataset.entity);
  if (hit || detail.reset || detail.many) {
    clearTimeout(waiting);
    waiting = setTimeout(() => refreshRegion(region.id).catch(() => {}), 200 + Math.random() * 1_000);
  } else if (detail.items.some(([entity]) => entity === region.dataset.counts)) {
    recountSoon(() => refreshRegion(region.id, isWrittenIn).catch(() => {}));
  }
});

document.addEventListener("htmx:afterSettle", () => {
  const title = document.querySelector("#pane[data-title]")?.dataset.title;
  if (title) document.title = title;
});

// Tabs that do not fit scroll sideways; the current one is never out of sight.
for (const tab of document.querySelectorAll(".tabs [aria-current]")) tab.scrollIntoView({ block: "nearest", inline: "nearest" });

// What is open here: the case in the pane, or the one whose message is being edited.
let looked = "";
function look() {
  const region = document.querySelector("#pane[data-id], [data-editing]");
  const isEditing = Boolean(region?.hasAttribute("data-editing"));
  const detail = { case: Number((isEditing || !document.hidden) && region?.dataset.id) || null, edit: isEditing };
  if (JSON.stringify(detail) === looked) return;
  looked = JSON.stringify(detail);
  document.dispatchEvent(new CustomEvent("rh:look", { detail }));
}

look();
document.addEventListener("htmx:afterSettle", look);
document.addEventListener("visibilitychange", look);

document.addEventListener("rh:who", ({ detail }) => {
  const region = document.querySelector("#pane[data-id], [data-editing]");
  if (!region || idOf(detail.topic) !== region.dataset.id) return;
  const place = region.querySelector("[data-who]");
  place.textContent = detail.text;
  place.toggleAttribute("data-edited", detail.edited);
  const edit = region.querySelector("[data-edit]");
  if (edit) edit.textContent = detail.edited ? "Edit anyway" : "Edit message";
});

document.addEventListener("rh:build", () => {
  const notices = document.getElementById("notices");
  if (!notices || notices.querySelector("[data-build-notice]")) return;
  const line = document.createElement("div");
  line.className = "notice blue";
  line.dataset.buildNotice = "";
  line.textContent = "RetailHub was updated. Reload when ready.";
  notices.append(line);
});
