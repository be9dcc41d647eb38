/**
 * What a member can spend, what of it lapses next, and the tier, for `<laurels-dashboard purse>`: fetched for the elements
 * alone that ask for it.
 *
 * No board moves when points are spent, so the live stream does not tell: it is asked anew when the member's score is
 * another, from time to time, and when the page says so (`refresh()`).
 */

import { dayBefore, wordsFor } from "./more.js";

const HOME = new URL("..", import.meta.url);
const EVERY_MS = 30_000;
const purses = new WeakMap();

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  .summary:has(+ .purse) { border-block-end: 0; padding-block-end: 0.4em; }
  .purse { display: flex; flex-wrap: wrap; gap: 1em; padding-block: 0.4em 1.1em; border-block-end: 1px solid var(--_line); min-block-size: 5.6em; }
  .purse .value { font-size: 1.5em; }
  .purse .note { min-block-size: 0; }
`);

/**
 * Draw an element's purse, or take it away. `answer` is the board's: null while it has none for this member; undefined to
 * ask anew now, since points were spent. What is another member's is gone when this returns.
 */
export function show(dashboard, answer) {
  let purse = purses.get(dashboard);
  if (answer === undefined) return purse?.refresh();
  if (!purse) purses.set(dashboard, (purse = new Purse(dashboard)));
  const locale = dashboard.getAttribute("locale") || dashboard.closest("[lang]")?.lang || navigator.language;
  purse.show(answer, addressOf(dashboard), locale);
}

/** Where the balance is; null where none is to be shown. */
function addressOf(dashboard) {
  const member = dashboard.hasAttribute("purse") && dashboard.getAttribute("member");
  if (!member) return null;
  try {
    const base = new URL(dashboard.getAttribute("src") ?? HOME, document.baseURI);
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    return new URL(`loyalty/${encodeURIComponent(member)}/balance`, base).href;
  } catch {
    return null; // `src` is not an address: the board says so
  }
}

class Purse {
  #dashboard;
  #section = h("div", { class: "purse", part: "purse", role: "group" });
  #spend = figure("spend");
  #tier = figure("tier");
  #progress = h("progress", { part: "tier-progress", "aria-labelledby": "tier-note" });
  #url = null;
  #points = null;
  #askedAt = 0;
  #isAsking = false;
  #isStale = false;
  #balance = null;
  #locale = null;
  #say = null;

  constructor(dashboard) {
    this.#dashboard = dashboard;
    const root = dashboard.shadowRoot;
    root.adoptedStyleSheets.push(sheet);
    this.#tier.lines[0].id = "tier-note";
    this.#tier.element.append(this.#progress);
    this.#section.append(this.#spend.element, this.#tier.element);
    root.querySelector(".summary").after(this.#section);
  }

  async show(answer, url, locale) {
    this.#section.hidden = url === null;
    const points = answer?.me?.points ?? null;
    if (url !== this.#url || (points === null && this.#balance !== null)) this.#forget(url);
    if (locale !== this.#locale) await this.#speak(locale);
    this.#draw();
    if (points === null || url !== this.#url) return;
    if (points === this.#points && performance.now() - this.#askedAt < EVERY_MS) return;
    this.#points = points;
    this.refresh();
  }

  /** One question at a time; who asks meanwhile gets one more after it. */
  async refresh() {
    this.#isStale = true;
    if (this.#isAsking) return;
    this.#isAsking = true;
    try {
      while (this.#isStale && this.#url !== null) {
        this.#isStale = false;
        await this.#ask(this.#url);
      }
    } finally {
      this.#isAsking = false;
    }
  }

  async #ask(url) {
    const { token } = this.#dashboard;
    if (!token || !this.#dashboard.isConnected) return;
    this.#askedAt = performance.now();
    let balance;
    try {
      const response = await fetch(url, {
        headers: { Authorization: `Bearer ${token}` },
        cache: "no-store",
        credentials: "omit",
        referrerPolicy: "no-referrer",
        redirect: "error",
      });
      // What fails stays as it was: the board beside it says when all of it is old, and renews the token.
      if (!response.ok) return;
      balance = await response.json();
    } catch {
      return; // the line broke: the next change asks again
    }
    if (url !== this.#url || token !== this.#dashboard.token) return;
    this.#balance = balance;
    this.#draw();
  }

  // Another member's must not be seen for a moment.
  #forget(url) {
    this.#url = url;
    this.#balance = this.#points = null;
    this.#draw();
  }

  async #speak(locale) {
    this.#locale = locale;
    const say = await wordsFor(locale);
    if (locale === this.#locale) this.#say = say;
  }

  #draw() {
    const say = this.#say;
    if (!say) return;
    const balance = this.#balance;
    this.#section.setAttribute("aria-label", say.purse);
    const spendable = balance && Math.max(0, balance.available ?? balance.balance);
    this.#spend.show(say.toSpend, balance ? say.number(spendable) : "–", balance ? notesOf(balance, say) : []);
    const tier = balance?.tier;
    this.#tier.element.hidden = Boolean(balance) && !tier;
    this.#tier.show(say.tier, balance ? (tier?.name ?? say.noTier) : "–", tier ? tierNotes(tier, say) : []);
    this.#progress.hidden = !tier?.reach;
    this.#progress.max = tier?.reach || 1;
    this.#progress.value = tier?.reach ? tier.reach - tier.missing : 0;
  }
}

function notesOf({ pending = [], held, owed, expiring = [] }, say) {
  const notes = [];
  if (owed) notes.push(say.owed(owed));
  if (held) notes.push(say.held(held));
  if (pending.length) notes.push(say.pending(pending[0].points, new Date(pending[0].active_at)));
  if (expiring.length) notes.push(say.lapses(expiring[0].points, dayBefore(expiring[0].at)));
  return notes;
}

function tierNotes({ next, missing, currency, until }, say) {
  const notes = until ? [say.until(dayBefore(until))] : [];
  if (next === null) return [say.top, ...notes];
  return [currency ? say.spendAhead(missing, currency, next) : say.ahead(missing, next), ...notes];
}

/** A name, a value, and up to two notes under it. */
function figure(word) {
  const name = h("bdi", { class: "figure-name" });
  const value = h("bdi", { class: "value" });
  const lines = [h("bdi", { class: "note" }), h("bdi", { class: "note" })];
  const element = h("p", { class: "figure", part: `figure ${word}-figure` }, name, value, ...lines);
  const write = (place, text) => {
    if (place.textContent !== text) place.textContent = text;
  };
  return {
    element,
    lines,
    show(title, text, notes) {
      write(name, title);
      write(value, text);
      lines.forEach((line, at) => write(line, notes[at] ?? ""));
    },
  };
}

function h(name, attributes, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}
