// <rh-live>: hears over a WebSocket *what* changed, never how it looks, and asks for what it missed.
// A hint is {topic, items: [[id, version, "upd" | "new" | "gone"]]}; listeners get it as "rh:changes".
const SOCKET = "/ws/live/";
const SINCE = "/live/since";
const SILENCE = 60_000; // longer without a frame: the line is dead
const STEADY = 60_000; // this long open: the next failure starts counting from zero
const PATIENCE = 10_000; // this long without a socket: ask by HTTP
const POLL = 15_000;
const FINAL = { 4401: "Signed out. Sign in again", 4403: "No access to live updates" };

const between = (low, high) => low + Math.random() * (high - low);

class Live extends HTMLElement {
  #known = {};
  #socket = null;
  #tries = 0;
  #heard = 0;
  #opened = 0;
  #downSince = Date.now();
  #isPaused = false;
  #isOver = false;
  #retry = 0;
  #watch = 0;
  #lastPoll = 0;
  #asking = new Set();
  #looking = "";

  connectedCallback() {
    this.#known = JSON.parse(this.dataset.topics || "{}");
    if (Object.keys(this.#known).length === 0) return;
    const button = this.querySelector("button");
    button.hidden = false;
    button.addEventListener("click", () => this.#pause(!this.#isPaused));
    document.addEventListener("visibilitychange", this.#wake);
    addEventListener("online", this.#wake);
    document.addEventListener("rh:look", this.#look);
    this.#watch = setInterval(() => this.#check(), 5_000);
    this.#connect();
  }

  disconnectedCallback() {
    clearInterval(this.#watch);
    clearTimeout(this.#retry);
    document.removeEventListener("visibilitychange", this.#wake);
    removeEventListener("online", this.#wake);
    document.removeEventListener("rh:look", this.#look);
    this.#isOver = true;
    this.#socket?.close();
  }

  #connect() {
    clearTimeout(this.#retry);
    if (this.#isOver || this.#isPaused || this.#socket) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = new WebSocket(`${scheme}://${location.host}${SOCKET}`);
    this.#socket = socket;
    this.#heard = Date.now();
    socket.addEventListener("open", () => {
      this.#opened = this.#heard = Date.now();
      socket.send(JSON.stringify({ t: "sub", topics: Object.keys(this.#known), since: this.#known }));
      if (this.#looking) socket.send(this.#looking);
    });
    socket.addEventListener("message", ({ data }) => {
      this.#heard = Date.now();
      this.#read(JSON.parse(data));
    });
    socket.addEventListener("close", ({ code }) => this.#lost(socket, code));
  }

  #lost(socket, code) {
    if (socket !== this.#socket) return;
    this.#socket = null;
    if (this.#opened && Date.now() - this.#opened > STEADY) this.#tries = 0;
    if (this.#opened || !this.#downSince) this.#downSince = Date.now();
    this.#opened = 0;
    if (FINAL[code]) {
      this.#isOver = true;
      this.#say("red", FINAL[code]);
      return;
    }
    if (this.#isPaused || this.#isOver) return;
    this.#say("amber", "Reconnecting");
    const delay = this.#tries === 0 ? between(500, 5_000) : between(0, Math.min(30_000, 1_000 * 2 ** this.#tries));
    this.#tries += 1;
    this.#retry = setTimeout(() => this.#connect(), delay);
  }

  #read(frame) {
    if (frame.t === "ok") {
      this.#downSince = 0;
      this.#say("green", "Live");
      this.#begin(frame.topics);
    } else if (frame.t === "no") delete this.#known[frame.topic];
    else if (frame.t === "hb") this.#compare(frame.seq);
    else if (frame.t === "ch") this.#hear(frame);
    else if (frame.t === "many") {
      this.#known[frame.topic] = frame.seq;
      this.#emit("rh:changes", { topic: frame.topic, items: [], many: frame.n ?? true });
    } else if (frame.t === "who") this.#emit("rh:who", frame);
    else if (frame.t === "ver" && this.dataset.build && frame.build !== this.dataset.build) this.#emit("rh:build", frame);
  }

  // What came after `since` follows as a hint; a topic without a start begins here.
  #begin(newest) {
    for (const [topic, seq] of Object.entries(newest)) this.#known[topic] ??= seq;
  }

  // Frames of one socket are complete; one that names another predecessor means asking.
  #hear(frame) {
    const known = this.#known[frame.topic];
    if (known === undefined || frame.seq <= known) return;
    if (frame.prev !== undefined && frame.prev !== known) {
      this.#catchUp(frame.topic);
      return;
    }
    this.#known[frame.topic] = frame.seq;
    this.#emit("rh:changes", { topic: frame.topic, items: frame.items });
  }

  #compare(newest) {
    for (const [topic, seq] of Object.entries(newest ?? {})) {
      if (topic in this.#known && seq > (this.#known[topic] ?? seq)) this.#catchUp(topic);
    }
  }

  async #catchUp(topic) {
    if (this.#known[topic] == null || this.#asking.has(topic) || document.hidden || this.#isPaused) return;
    this.#asking.add(topic);
    try {
      await new Promise((resolve) => setTimeout(resolve, between(100, 500)));
      const query = new URLSearchParams({ topic, seq: this.#known[topic] });
      const response = await fetch(`${SINCE}?${query}`, { headers: { Accept: "application/json" } });
      if (!response.ok) return;
      const { seq, items, reset } = await response.json();
      if (seq > this.#known[topic]) this.#known[topic] = seq;
      this.#emit("rh:changes", { topic, items: items ?? [], reset: Boolean(reset) });
    } catch {
      // Offline: the next heartbeat or poll asks again.
    } finally {
      this.#asking.delete(topic);
    }
  }

  #check() {
    if (this.#isOver || this.#isPaused) return;
    if (this.#socket && Date.now() - this.#heard > SILENCE) this.#drop();
    const isDown = this.#downSince && Date.now() - this.#downSince > PATIENCE;
    if (!isDown || document.hidden) return;
    this.#say("amber", navigator.onLine ? "Delayed: checking every 15 s" : "Offline");
    if (Date.now() - this.#lastPoll < POLL * between(0.8, 1.2)) return;
    this.#lastPoll = Date.now();
    for (const topic of Object.keys(this.#known)) this.#catchUp(topic);
  }

  #drop() {
    const socket = this.#socket;
    this.#lost(socket, 0);
    socket.close();
  }

  #wake = () => {
    if (document.hidden || this.#isOver || this.#isPaused) return;
    if (this.#socket && Date.now() - this.#heard > SILENCE) this.#drop();
    if (!this.#socket) this.#connect();
    for (const topic of Object.keys(this.#known)) this.#catchUp(topic);
  };

  // Colleagues see what is open here.
  #look = ({ detail }) => {
    this.#looking = JSON.stringify({ t: "look", ...detail });
    if (this.#opened) this.#socket?.send(this.#looking);
  };

  #pause(isPaused) {
    if (this.#isOver) return;
    this.#isPaused = isPaused;
    if (isPaused) {
      this.#say("gray", "Paused");
      this.#socket?.close();
      this.#socket = null;
    } else {
      this.#say("amber", "Reconnecting");
      this.#tries = 0;
      this.#connect();
    }
  }

  #say(color, word) {
    this.querySelector(".dot").className = `dot ${color}`;
    const place = this.querySelector("[data-word]");
    if (place.textContent !== word) place.textContent = word;
  }

  #emit(name, detail) {
    document.dispatchEvent(new CustomEvent(name, { detail }));
  }
}

customElements.define("rh-live", Live);
