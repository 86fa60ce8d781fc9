// Forms post without JavaScript too. Here: sent once, cleared when it worked, and a clear word when not.
import { announce } from "./announce.js";

const OFFLINE = "No connection. Nothing was sent. Your text is kept; try again.";

function explain(status, xhr) {
  if (xhr?.getResponseHeader("Content-Type")?.startsWith("text/plain")) return xhr.responseText;
  if (status === 403) return "Your role does not include this. Ask an admin for access.";
  if (status === 404) return "This item is gone, or you no longer have access to it.";
  if (status === 429) return "Too many requests. Wait a moment, then try again.";
  return `RetailHub could not do this (error ${status}). Nothing was changed. Try again.`;
}

/** A red line at the top of the region the person is working in. */
function report(text, near) {
  const region = near?.closest?.("[data-region]")?.querySelector("[data-problem]") ?? document.getElementById("notices");
  if (!region) return;
  const line = document.createElement("div");
  line.className = "notice red";
  line.setAttribute("role", "alert");
  line.textContent = text;
  region.replaceChildren(line);
}

document.addEventListener("htmx:responseError", ({ detail }) => report(explain(detail.xhr.status, detail.xhr), detail.elt));
document.addEventListener("htmx:sendError", ({ detail }) => report(OFFLINE, detail.elt));
document.addEventListener("htmx:timeout", ({ detail }) => report("No answer in 15 seconds. Check the activity before you try again.", detail.elt));

document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  const form = detail.requestConfig?.elt;
  if (form?.localName !== "form" || !form.isConnected || detail.xhr.status >= 300) return;
  form.reset();
  const popover = form.closest("[popover]");
  if (popover?.matches(":popover-open")) popover.hidePopover();
});

// The pressed button may be gone, or another item is open: keep the keyboard where the person works.
document.addEventListener("htmx:afterSettle", ({ detail }) => {
  const said = document.querySelector("#pane [data-said] [data-words]");
  if (said && detail.requestConfig?.verb !== "get") announce(said.textContent.trim());
  if (detail.requestConfig?.verb !== "post") return;
  if (document.activeElement === document.body || detail.xhr.getResponseHeader("HX-Push-Url")) {
    document.querySelector("#pane-title")?.focus({ preventScroll: true });
  }
});

// A plain form leaves once; the page that answers replaces it.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (form.method !== "post" || form.hasAttribute("hx-post")) return;
  if (form.dataset.sent) event.preventDefault();
  form.dataset.sent = "1";
});
addEventListener("pageshow", () => document.querySelectorAll("form[data-sent]").forEach((form) => delete form.dataset.sent));
