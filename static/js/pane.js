// The open item: fresh when it changed, never while somebody is writing in it.
import { hasUnsavedText } from "./morph.js";

const idOf = (entity) => String(entity).match(/\d+$/)?.[0];
let waiting = 0;

function refresh(id) {
  const pane = document.querySelector(`#pane[data-id="${id}"]`);
  if (!pane || document.hidden) return;
  if (hasUnsavedText(pane) || pane.querySelector(":popover-open")) {
    pane.querySelector("[data-changed]")?.removeAttribute("hidden");
    return;
  }
  globalThis.htmx.ajax("GET", pane.dataset.url, { source: pane, target: pane, swap: "morph show:none" });
}

document.addEventListener("rh:changes", ({ detail }) => {
  const pane = document.querySelector("#pane[data-id]");
  const hit = detail.items.find(([entity]) => idOf(entity) === pane?.dataset.id);
  if (!hit || hit[1] <= Number(pane.dataset.v)) return;
  clearTimeout(waiting);
  waiting = setTimeout(() => refresh(pane.dataset.id), 200 + Math.random() * 1_000);
});

document.addEventListener("htmx:afterSettle", () => {
  const title = document.querySelector("#pane[data-title]")?.dataset.title;
  if (title) document.title = title;
});

document.addEventListener("rh:who", ({ detail }) => {
  const pane = document.querySelector("#pane[data-id]");
  const place = pane?.querySelector("[data-who]");
  if (!place || idOf(detail.topic) !== pane.dataset.id) return;
  const names = detail.users.join(" and ");
  place.textContent = names && `${names} ${detail.users.length > 1 ? "are" : "is"} viewing`;
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
