// Runs in each page before its own scripts: what the browser itself says of speed and stability.
(() => {
  const vitals = { shift: 0, fcp: 0, lcp: 0, events: [], cursor: [], panes: [], blank: 0 };
  globalThis.vitals = vitals;

  const see = (type, note, options) =>
    new PerformanceObserver((list) => list.getEntries().forEach(note)).observe({ type, buffered: true, ...options });

  // The worst burst of shifts: at most five seconds long, no second without one in it (web.dev/articles/cls).
  let burst = { began: -Infinity, last: -Infinity, sum: 0 };
  see("layout-shift", ({ hadRecentInput, startTime, value }) => {
    if (hadRecentInput) return;
    const isOver = startTime - burst.last > 1_000 || startTime - burst.began > 5_000;
    if (isOver) burst = { began: startTime, last: startTime, sum: 0 };
    burst.last = startTime;
    burst.sum += value;
    vitals.shift = Math.max(vitals.shift, burst.sum);
  });
  see("largest-contentful-paint", (paint) => (vitals.lcp = paint.startTime));
  see("paint", (paint) => paint.name === "first-contentful-paint" && (vitals.fcp = paint.startTime));
  see("event", (event) => event.interactionId && vitals.events.push(event.duration), { durationThreshold: 16 });

  // The first task after a frame runs when that frame is on its way to the screen.
  const painted = (then) =>
    requestAnimationFrame(() => {
      const { port1, port2 } = new MessageChannel();
      port1.onmessage = () => then(performance.now());
      port2.postMessage(0);
    });

  let pressed = 0;
  let clicked = 0;
  let shown = null;
  addEventListener("keydown", (event) => (pressed = event.timeStamp), true);
  addEventListener("click", (event) => event.target.closest("a[data-open-row]") && opening(event.timeStamp), true);

  new MutationObserver(() => {
    if (!pressed) return;
    const began = pressed;
    pressed = 0;
    painted((now) => vitals.cursor.push(now - began));
  }).observe(document, { subtree: true, attributeFilter: ["data-cursor"] });

  function opening(at) {
    clicked = at;
    shown = document.getElementById("pane")?.dataset.id;
    requestAnimationFrame(look);
  }

  function look() {
    if (!clicked) return;
    if (!document.getElementById("pane")?.textContent.trim()) vitals.blank += 1;
    requestAnimationFrame(look);
  }

  new MutationObserver(() => {
    const id = document.getElementById("pane")?.dataset.id;
    if (!clicked || !id || id === shown) return;
    const began = clicked;
    clicked = 0;
    painted((now) => vitals.panes.push(now - began));
  }).observe(document, { childList: true, subtree: true, attributeFilter: ["data-id"] });

  // A page that is left takes its figures along to the next one.
  addEventListener("pagehide", () => {
    const left = { pressed: performance.timeOrigin + pressed, events: vitals.events };
    sessionStorage.setItem("vitals", JSON.stringify(left));
  });
})();
