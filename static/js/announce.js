// One voice for screen readers: results at once, live changes at most every 20 seconds.
const QUIET = 20_000;
let lastLive = 0;

export function announce(text) {
  const status = document.getElementById("status");
  if (status) status.textContent = text;
}

export function announceLive(text) {
  if (document.hidden || Date.now() - lastLive < QUIET) return;
  lastLive = Date.now();
  announce(text);
}
