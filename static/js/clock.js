// One timer keeps every relative time and every deadline on the page true.
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const EVERY = 15_000;
const SOON = 30 * MINUTE;
const KEY = "rh.utc";

function span(milliseconds) {
  if (milliseconds < HOUR) return `${Math.floor(milliseconds / MINUTE)} m`;
  if (milliseconds < DAY) return `${Math.floor(milliseconds / HOUR)} h`;
  return `${Math.floor(milliseconds / DAY)} d`;
}

export function relative(moment, now) {
  const distance = now - moment;
  if (Math.abs(distance) > 14 * DAY) return null;
  if (Math.abs(distance) < MINUTE) return "now";
  return distance > 0 ? `${span(distance)} ago` : `in ${span(-distance)}`;
}

export function timeLeft(due, now) {
  const left = due - now;
  const rest = Math.abs(left);
  const sign = left < 0 ? "−" : "";
  if (rest < HOUR) return `${sign}${Math.floor(rest / MINUTE)} m`;
  if (rest < DAY) return `${sign}${Math.floor(rest / HOUR)} h ${Math.floor((rest % HOUR) / MINUTE)} m`;
  return `${sign}${Math.floor(rest / DAY)} d ${Math.floor((rest % DAY) / HOUR)} h`;
}

function write(element, text) {
  if (text !== null && element.textContent !== text) element.textContent = text;
}

function tick(root = document) {
  const now = Date.now();
  for (const time of root.querySelectorAll("time[data-relative]")) {
    write(time, relative(Date.parse(time.dateTime), now));
  }
  for (const sla of root.querySelectorAll(".sla[data-due]")) {
    const due = Date.parse(sla.dataset.due);
    if (Number.isNaN(due)) continue;
    write(sla.querySelector(".text"), timeLeft(due, now));
    sla.classList.toggle("over", due < now);
    sla.classList.toggle("soon", due >= now && due - now < SOON);
  }
}

const inUtc = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: "UTC", ...options });
const UTC = {
  clock: inUtc({ hour: "2-digit", minute: "2-digit" }),
  stamp: inUtc({ day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" }),
};

function showZone(isUtc, root = document) {
  for (const kind of Object.keys(UTC)) {
    for (const time of root.querySelectorAll(`time[data-${kind}]`)) {
      time.dataset.local ??= time.textContent;
      write(time, isUtc ? UTC[kind].format(new Date(time.dateTime)).replace(",", "") : time.dataset.local);
    }
  }
  const zone = document.querySelector("[data-zone]");
  if (!zone) return;
  zone.dataset.local ??= zone.textContent;
  write(zone, isUtc ? "Times in UTC" : zone.dataset.local);
}

export function toggleUtc() {
  const isUtc = localStorage.getItem(KEY) !== "1";
  localStorage.setItem(KEY, isUtc ? "1" : "0");
  showZone(isUtc);
}

function refresh(root) {
  tick(root);
  if (localStorage.getItem(KEY) === "1") showZone(true, root);
}

refresh(document);
setInterval(() => document.hidden || tick(), EVERY);
document.addEventListener("visibilitychange", () => document.hidden || tick());
document.addEventListener("htmx:afterSettle", (event) => refresh(event.target));
