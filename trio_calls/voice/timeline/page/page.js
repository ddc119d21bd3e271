"use strict";

(() => {
  const body = document.body;
  const start = Number(body.dataset.start);
  const end = Number(body.dataset.end);
  const last = Number(body.dataset.last);
  const by = (id) => document.getElementById(id);
  const scroll = by("scroll");
  const lanes = by("lanes");
  const playhead = by("playhead");
  const play = by("play");
  const seek = by("seek");
  const now = by("now");
  const trouble = by("trouble");
  const ruler = by("ruler");
  const calm = matchMedia("(prefers-reduced-motion: reduce)");

  const sounds = [...document.querySelectorAll("audio")].map((audio) => ({
    audio,
    start: Number(audio.dataset.start),
    end: Number(audio.dataset.start) + Number(audio.dataset.seconds),
  }));

  let at = Math.max(0, start);
  let playing = null;
  let frame = 0;
  let width = 0;

  // Times

  const clock = (seconds) => {
    const tenths = Math.round(Math.abs(seconds) * 10);
    const minutes = Math.floor(tenths / 600);
    const hours = Math.floor(minutes / 60);
    const whole = hours ? `${hours}:${String(minutes % 60).padStart(2, "0")}` : `${minutes}`;
    const sign = seconds < 0 && tenths ? "−" : "";
    return `${sign}${whole}:${((tenths % 600) / 10).toFixed(1).padStart(4, "0")}`;
  };

  const pixels = (seconds) => ((seconds - start) / (end - start)) * width;
  const within = (seconds) => Math.min(last, Math.max(start, seconds));

  // Zoom: the lanes become wider, and are scrolled

  const MOST_PIXELS = 60000;
  const PADDING = 16;
  const LETTER = 6.7;
  const room = () => scroll.clientWidth - PADDING;
  const STEPS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 1800, 3600];

  const drawRuler = () => {
    const step = STEPS.find((each) => (each / (end - start)) * width >= 64) ?? (64 * (end - start)) / width;
    ruler.replaceChildren();
    for (let index = Math.ceil(start / step); pixels(index * step) < width - 36; index += 1) {
      const x = pixels(index * step);
      const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
      for (const [name, value] of [["x1", x], ["x2", x], ["y1", 14], ["y2", 22]]) {
        line.setAttribute(name, value);
      }
      const text = document.createElementNS("http://www.w3.org/2000/svg", "text");
      text.setAttribute("x", x + 4);
      text.setAttribute("y", 15);
      text.textContent = clock(index * step).replace(/\.0$/, "");
      ruler.append(line, text);
    }
  };

  const labels = [...lanes.querySelectorAll("svg svg > text")].map((label) => ({
    label,
    text: label.textContent,
    share: parseFloat(label.parentNode.getAttribute("width")) / 100,
  }));

  const fitLabels = () => {
    for (const { label, text, share } of labels) {
      const letters = Math.floor((share * width - 10) / LETTER);
      const isWhole = text.length <= letters;
      label.textContent = isWhole ? text : letters < 3 ? "" : `${text.slice(0, letters - 1)}…`;
    }
  };

  const resize = (wanted) => {
    const least = room();
    const before = pixels(at) - scroll.scrollLeft;
    width = Math.min(Math.max(wanted, least), Math.max(MOST_PIXELS, least));
    lanes.style.width = width > least ? `${width}px` : "100%";
    drawRuler();
    fitLabels();
    place();
    scroll.scrollLeft = pixels(at) - before;
  };

  // Short calls are stretched until what was said can be read.
  const usual = () =>
    Math.min(Math.max(room(), 24 * (end - start)), 3 * room());

  // Where it is

  const rows = [...document.querySelectorAll("#story li, tbody tr")].map((row) => ({
    row,
    at: Number(row.dataset.at),
  }));
  const lists = ["#story", "tbody"].map((name) => ({
    list: document.querySelector(name),
    rows: rows.filter((each) => each.row.closest(name)),
    current: null,
  }));

  const markCurrent = () => {
    for (const each of lists) {
      let low = 0;
      let high = each.rows.length;
      while (low < high) {
        const middle = (low + high) >> 1;
        if (each.rows[middle].at <= at + 0.01) low = middle + 1;
        else high = middle;
      }
      const row = low ? each.rows[low - 1].row : null;
      if (row === each.current) continue;
      each.current?.removeAttribute("aria-current");
      row?.setAttribute("aria-current", "true");
      each.current = row;
      if (row) bringIntoView(row);
    }
  };

  // In its own box only: the page itself stays where it is.
  const bringIntoView = (row) => {
    const box = row.closest("#story, .table");
    if (box.scrollHeight <= box.clientHeight) return;
    const distance = row.getBoundingClientRect().top - box.getBoundingClientRect().top;
    if (distance >= 0 && distance <= box.clientHeight - row.offsetHeight) return;
    box.scrollBy({
      top: distance - box.clientHeight / 3,
      behavior: calm.matches ? "auto" : "smooth",
    });
  };

  const place = () => {
    playhead.style.transform = `translateX(${pixels(at)}px)`;
    seek.value = at;
    seek.setAttribute("aria-valuetext", clock(at));
    now.textContent = clock(at);
  };

  const follow = () => {
    const x = pixels(at) - scroll.scrollLeft;
    if (x < 0 || x > scroll.clientWidth * 0.85) {
      scroll.scrollLeft = pixels(at) - scroll.clientWidth * 0.15;
    }
  };

  const moveTo = (seconds) => {
    at = within(seconds);
    place();
    markCurrent();
  };

  // The sound

  const say = (text) => {
    trouble.textContent = text;
  };

  const soundAt = (seconds) =>
    sounds.find((sound) => seconds < sound.end - 0.02 && seconds >= sound.start) ??
    sounds.find((sound) => sound.start > seconds);

  const stop = () => {
    const sound = playing;
    playing = null;
    if (play) play.textContent = "Play";
    sound?.audio.pause();
  };

  const begin = () => {
    const sound = soundAt(at) ?? soundAt(start);
    if (!sound) return;
    if (soundAt(at) !== sound || at < sound.start) moveTo(sound.start);
    playing = sound;
    play.textContent = "Pause";
    sound.audio.currentTime = at - sound.start;
    sound.audio.play().then(
      () => say(""),
      (error) => {
        if (playing !== sound || error.name === "AbortError") return;
        stop();
        say("This browser cannot play the recording.");
      },
    );
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(tick);
  };

  const tick = () => {
    if (!playing) return;
    moveTo(playing.start + playing.audio.currentTime);
    follow();
    frame = requestAnimationFrame(tick);
  };

  const goTo = (seconds) => {
    const isPlaying = playing !== null;
    if (isPlaying) stop();
    moveTo(seconds);
    if (isPlaying) begin();
  };

  const goToAndShow = (seconds) => {
    goTo(seconds);
    follow();
  };

  for (const sound of sounds) {
    sound.audio.addEventListener("ended", () => {
      if (playing !== sound) return;
      stop();
      moveTo(sound.end);
      if (sounds.some((other) => other.start >= sound.end - 0.02)) begin();
    });
  }

  // Hands

  const zoom = (factor) => resize(width * factor);

  play?.addEventListener("click", () => (playing ? stop() : begin()));
  by("wider").addEventListener("click", () => zoom(1.6));
  by("narrower").addEventListener("click", () => zoom(1 / 1.6));
  seek.addEventListener("input", () => goToAndShow(Number(seek.value)));
  lanes.addEventListener("click", (event) => {
    const box = lanes.getBoundingClientRect();
    goTo(start + ((event.clientX - box.left) / box.width) * (end - start));
  });
  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-seek]");
    if (button) goToAndShow(Number(button.dataset.seek));
  });

  const keys = {
    ArrowLeft: () => goToAndShow(at - 2),
    ArrowRight: () => goToAndShow(at + 2),
    Home: () => goToAndShow(start),
    End: () => goToAndShow(last),
    "+": () => zoom(1.6),
    "=": () => zoom(1.6),
    "-": () => zoom(1 / 1.6),
    0: () => resize(usual()),
    " ": () => (playing ? stop() : begin()),
  };
  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || !(event.key in keys)) return;
    if (event.key === " " && (!play || event.target.closest("button"))) return;
    event.preventDefault();
    keys[event.key]();
  });

  let seen = 0;
  addEventListener("resize", () => {
    if (scroll.clientWidth === seen) return;
    seen = scroll.clientWidth;
    resize(usual());
  });

  by("player").hidden = false;
  playhead.hidden = false;
  seen = scroll.clientWidth;
  resize(usual());
  moveTo(at);
  scroll.scrollLeft = 0;
})();
