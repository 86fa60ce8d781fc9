// <button data-copy="text">: the text goes to the clipboard, the button says so.
import { announce } from "./announce.js";

const SHOWN = 1_500;
const READ = 4_000;

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  const text = button.dataset.copy || document.getElementById(button.dataset.copyFrom)?.textContent;
  if (!text) return;
  try {
    await navigator.clipboard.writeText(text);
    announce("Copied");
    button.dataset.copied = "";
    setTimeout(() => delete button.dataset.copied, SHOWN);
  } catch {
    announce("Copying is not allowed here. Select the text instead.");
  }
});

/** Said once, by the one voice; who looks reads it over the page, where nothing moves for it. */
function toast(text) {
  announce(text);
  document.querySelector(".toast")?.remove();
  const line = document.createElement("p");
  line.className = "toast";
  line.setAttribute("aria-hidden", "true");
  line.textContent = text;
  document.body.append(line);
  setTimeout(() => line.remove(), READ);
}

/** The address of the exception that is open, without the list beside it; else that of the page. */
export async function copyLink() {
  const pane = document.querySelector("#pane[data-url]");
  const link = pane ? location.origin + new URL(pane.dataset.url, location.href).pathname : location.href;
  try {
    await navigator.clipboard.writeText(link);
    toast(pane ? `Copied the link of exception ${pane.dataset.id}` : "Copied the link of this page");
  } catch {
    toast("Copying is not allowed here. Copy the address of the page instead.");
  }
}
