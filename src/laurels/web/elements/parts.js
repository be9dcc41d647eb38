/** Small parts of the view. No markup is read from a string, so data stays text. */

/** An element with attributes and children: `h("td", { class: "points" }, text)`. */
export function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [attribute, value] of Object.entries(attributes)) {
    element.setAttribute(attribute, value);
  }
  element.append(...children);
  return element;
}

/** An element that the page's style reaches as `::part(word)` and ours as `.word`. */
export const piece = (name, word, ...children) => h(name, { class: word, part: word }, ...children);

/** Write a text, where it differs. */
export function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set an attribute, or take it away (null). */
export function mark(element, attribute, value) {
  if (value === null) element.removeAttribute(attribute);
  else element.setAttribute(attribute, value);
}

const SEEN_MS = 8_000;

/** The small ▲2 beside a rank that has just changed. It fades by itself. */
export class Marker {
  element = piece("span", "marker");
  #rank = null;
  #moved = 0;
  #fading = null;

  constructor() {
    this.element.ariaHidden = "true";
  }

  /** The rank is now this; several changes in a row are marked as one. */
  show(rank, number) {
    const up = this.#rank === null || rank === null ? 0 : this.#rank - rank;
    this.#rank = rank;
    if (up === 0) return;
    const isSeen = this.#fading?.playState === "running";
    this.#moved = (isSeen ? this.#moved : 0) + up;
    this.#fading?.cancel();
    this.element.dataset.moved = this.#moved > 0 ? "up" : "down";
    write(this.element, this.#moved ? `${this.#moved > 0 ? "▲" : "▼"}${number(Math.abs(this.#moved))}` : "");
    this.#fading = this.element.animate([{ opacity: 1 }, { opacity: 1, offset: 0.8 }, { opacity: 0 }], SEEN_MS);
    this.#fading.onfinish = () => write(this.element, "");
  }

  /** What comes next is of another member or board. */
  forget() {
    this.#rank = null;
    this.#fading?.cancel();
    write(this.element, "");
  }
}

const APART_MS = 5_000;

/** Speaks to screen readers, politely: at most every few seconds, then only the latest. */
export class Announcer {
  element = h("p", { class: "unseen", role: "status" });
  #next = null;
  #timer = null;

  say(text) {
    this.#next = text;
    if (this.#timer === null) this.#speak();
  }

  silence() {
    clearTimeout(this.#timer);
    this.#timer = this.#next = null;
    write(this.element, "");
  }

  #speak() {
    this.#timer = null;
    if (this.#next === null) return;
    write(this.element, this.#next);
    this.#next = null;
    this.#timer = setTimeout(() => this.#speak(), APART_MS);
  }
}
