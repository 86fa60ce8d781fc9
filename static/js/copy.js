// <button data-copy="text">: the text goes to the clipboard, the button says so.
import { announce } from "./announce.js";

const SHOWN = 1_500;

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
