/** What is on the screen: `show` takes all there is to know, so no state leaves a trace in the next. */

import { sheet } from "./style.js";

const GLIDE = { duration: 450, easing: "cubic-bezier(0.2, 0.7, 0.2, 1)" };
const APPEAR = { duration: 450, easing: "ease-out" };
const SEEN_MS = 8_000;
const APART_MS = 5_000;

export class View {
  #title = h("h2", { part: "title" });
  #period = piece("p", "period");
  #place = new Figure("place");
  #points = new Figure("points");
  #milestone = h("progress", { part: "milestone", "aria-labelledby": "points-note" });
  #summary = piece("div", "summary", this.#place.element, this.#points.element);
  #table = new Table();
  #skeleton = piece("div", "skeleton");
  #message = piece("p", "message");
  #signIn = h("slot", { name: "sign-in" });
  #retry = h("button", { type: "button", part: "retry" });
  #notice = piece("div", "notice", this.#message, this.#signIn, this.#retry);
  #list = piece("div", "list", this.#table.element, this.#notice, this.#skeleton);
  #status = piece("bdi", "status");
  #count = piece("bdi", "count");
  #announcer = new Announcer();
  #card = h(
    "div",
    // No landmark: a page may show several boards, and one name for all leads nowhere.
    { class: "card", part: "card", role: "group" },
    h("header", { part: "header" }, this.#title, this.#period),
    this.#summary,
    this.#list,
    h("footer", { part: "footer" }, this.#status, this.#count),
    this.#announcer.element,
  );

  constructor(root, retry) {
    this.#points.note.id = "points-note";
    this.#points.element.append(this.#milestone);
    this.#retry.addEventListener("click", retry);
    root.adoptedStyleSheets = [sheet];
    root.append(this.#card);
  }

  /** Another member or board comes next. */
  forget() {
    this.#table.clear();
    this.#place.marker.forget();
    this.#announcer.silence();
  }

  announce(text) {
    this.#announcer.say(text);
  }

  /**
   * `state`: loading, shown, signed-out, failed; `answer`: null unless shown; `milestones`: ascending;
   * `confirmedAt`: when it last was up to date, or null; `say`: the texts.
   */
  show({ state, answer, personal, board, milestones, upToDate, confirmedAt, top, around, say }) {
    const me = answer?.me;
    const longest = longestList(personal, top, around);
    const list = answer ? listOf(answer, top, around, longest) : [];
    mark(this.#card, "lang", say.language);
    mark(this.#card, "data-state", state);
    mark(this.#card, "aria-busy", state === "loading");
    const shown = answer?.board ?? board;
    const period = periodOf(shown, say);
    const name = `${say.title}, ${period}`;
    mark(this.#card, "aria-label", name);
    write(this.#title, say.title);
    write(this.#period, period);
    this.#summary.hidden = !personal;
    this.#showPlace(me, answer?.ranked, say);
    this.#showPoints(me, shown === "all-time" ? milestones : [], say);

    // Room for the longest list, so that nothing below moves.
    this.#list.style.setProperty("--_rows", Math.min(longest, answer?.ranked ?? longest));
    this.#table.element.hidden = list.length === 0;
    if (list.length) this.#table.show(list, say, name);
    else this.#table.clear();
    this.#showSkeleton(answer ? 0 : longest);
    this.#showNotice(state, noticeOf(state, answer, say), say);

    this.#status.hidden = state !== "shown";
    mark(this.#status, "data-up-to-date", upToDate);
    write(this.#status, upToDate ? say.live : confirmedAt ? say.asOf(say.time(confirmedAt)) : say.reconnecting);
    write(this.#count, answer ? say.members(answer.ranked) : "");
  }

  #showPlace(me, ranked, say) {
    const isRanked = Number.isInteger(me?.rank);
    const note = me?.tied > 1 ? say.levelWith(me.tied - 1) : say.outOf(ranked);
    this.#place.show(say.yourPlace, isRanked ? say.place(me.rank) : "–", isRanked ? note : "");
    this.#place.marker.show(isRanked ? me.rank : null, say.number);
  }

  #showPoints(me, milestones, say) {
    // A milestone is crossed with MORE points than it has.
    const next = milestones.find((milestone) => !(me?.points > milestone));
    const last = milestones.at(-1);
    this.#milestone.hidden = milestones.length === 0;
    this.#milestone.max = (next ?? last ?? 0) + 1;
    this.#milestone.value = Math.min(Math.max(me?.points ?? 0, 0), this.#milestone.max);
    let note = "";
    if (me && next) note = say.milestoneAhead(next + 1 - me.points, next);
    else if (me && last) note = say.milestonePassed(last);
    this.#points.show(say.yourPoints, me ? say.number(me.points) : "–", note);
  }

  #showSkeleton(rows) {
    this.#skeleton.hidden = rows === 0;
    while (this.#skeleton.childElementCount < rows) this.#skeleton.append(h("span"));
  }

  #showNotice(state, text, say) {
    this.#notice.hidden = text === "";
    this.#notice.classList.toggle("unseen", state === "loading");
    write(this.#message, text);
    this.#signIn.hidden = state !== "signed-out";
    this.#retry.hidden = state !== "failed";
    write(this.#retry, say.retry);
  }
}

class Figure {
  #name = h("bdi", { class: "figure-name" });
  #value = h("bdi", { class: "value" });
  marker = new Marker();
  note = h("bdi", { class: "note" });

  constructor(part) {
    this.element = h(
      "p",
      { class: `figure ${part}`, part: `figure ${part}-figure` },
      this.#name,
      h("span", { class: "line" }, this.#value, this.marker.element),
      this.note,
    );
  }

  show(name, value, note) {
    write(this.#name, name);
    write(this.#value, value);
    write(this.note, note);
  }
}

function periodOf(board, say) {
  if (board === "all-time") return say.allTime;
  const month = /^month:(\d{4})-(\d{2})$/.exec(board);
  return month ? say.month(new Date(Date.UTC(month[1], month[2] - 1))) : "";
}

function noticeOf(state, answer, say) {
  if (state === "loading") return say.loading;
  if (state === "signed-out") return say.signIn;
  if (state === "failed") return say.failed;
  const { me } = answer;
  if (me?.hidden) return say.hidden;
  if (me && me.rank === null) return me.name === null ? say.neverOrdered : say.notYet;
  return answer.ranked === 0 ? say.nobody : "";
}

/** How many rows a list has at most: the top, a gap, the own place and its neighbours. */
export const longestList = (personal, top, around) => top + (personal ? (top && 1) + 2 * around + 1 : 0);

/**
 * The list to show, in board order: the first places and those around the own one; `{ gap: how many }` stands for those
 * between. Where they meet, further places make it as long as ever. The answer's row beyond the edge tells of a tie.
 */
function listOf({ top, around = [], me }, topShown, aroundShown, longest) {
  const places = new Map(top.map((row, index) => [index + 1, row]));
  const own = around.findIndex((row) => row.me);
  around.forEach((row, index) => places.set(me.position - own + index, row));

  const meet = own >= 0 && me.position - aroundShown <= topShown + 1;
  const isNear = (at) => own >= 0 && Math.abs(at - me.position) <= aroundShown;
  const isShown = (at) => at <= (meet ? longest : topShown) || isNear(at);
  const list = [];
  let last = 0;
  for (const at of [...places.keys()].filter(isShown).sort((a, b) => a - b)) {
    if (last && at > last + 1) list.push({ gap: at - last - 1 });
    const row = places.get(at);
    const isTied = row.rank < at || row.rank === places.get(at + 1)?.rank;
    list.push({ ...row, isMe: at === me?.position, isTied });
    last = at;
  }
  return list;
}

/** The list of places. A row stays the same element as long as its name is on the list. */
class Table {
  #caption = h("caption", { class: "unseen" });
  #headings = ["rank", "name", "points"].map((name) => h("th", { class: name, scope: "col" }, h("span")));
  #body = h("tbody");
  #rows = new Map();
  #gap = new Gap();
  element = h(
    "table",
    { part: "table" },
    this.#caption,
    h("thead", { part: "head" }, h("tr", {}, ...this.#headings)),
    this.#body,
  );

  /** Show a list that `listOf` made. */
  show(list, say, caption) {
    write(this.#caption, caption);
    this.#headings.forEach((heading) => write(heading.firstChild, say[heading.className]));
    const place = () => this.#place(list, say);
    if (this.#rows.size) glide(this.#body, place);
    else place();
  }

  clear() {
    this.#body.replaceChildren();
    this.#rows.clear();
  }

  #place(list, say) {
    const rows = new Map();
    const elements = list.map((item) => {
      const row = item.gap ? this.#gap : (this.#rows.get(item.name) ?? new Row());
      if (!item.gap) rows.set(item.name, row);
      row.show(item, say);
      return row.element;
    });
    const there = this.#body.children;
    for (const element of [...there]) if (!elements.includes(element)) element.remove();
    elements.forEach((element, index) => {
      if (there[index] !== element) this.#body.insertBefore(element, there[index] ?? null);
    });
    this.#rows = rows;
  }
}

class Row {
  #number = h("span", { class: "number" });
  #tie = h("span", { class: "tie", "aria-hidden": "true" });
  #joint = h("span", { class: "unseen" });
  #name = h("bdi", { class: "label", part: "name" });
  #you = piece("span", "you");
  #marker = new Marker();
  #points = piece("td", "points");
  element = h(
    "tr",
    { part: "row" },
    piece("td", "rank", this.#number, this.#tie, this.#joint),
    h("th", { class: "name", scope: "row" }, h("span", { class: "line" }, this.#name, this.#you, this.#marker.element)),
    this.#points,
  );

  show({ rank, name, points, isMe, isTied }, say) {
    write(this.#number, say.number(rank));
    write(this.#tie, isTied ? "=" : "");
    write(this.#joint, isTied ? ` ${say.joint}` : "");
    write(this.#name, name);
    write(this.#you, isMe ? say.you : "");
    write(this.#points, say.number(points));
    mark(this.element, "data-medal", rank <= 3 && rank);
    mark(this.element, "part", isMe ? "row me" : "row");
    mark(this.element, "class", isMe && "me");
    this.#marker.show(rank, say.number);
  }
}

class Gap {
  #label = h("span", { class: "unseen" });
  #cell = h("td", { colspan: 3 }, h("span", { class: "dots", "aria-hidden": "true" }), this.#label);
  element = piece("tr", "gap", this.#cell);

  show({ gap }, say) {
    write(this.#label, say.between(gap));
  }
}

/** Let rows glide from where they are seen to where `rearrange` puts them; new ones appear. */
function glide(list, rearrange) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return rearrange();
  const tops = () => new Map([...list.children].map((row) => [row, topOf(row, list)]));
  const before = tops();
  rearrange();
  for (const row of list.children) row.getAnimations().forEach((animation) => animation.cancel());
  // All reading after all writing, so the browser lays out once.
  for (const [row, to] of tops()) {
    const from = before.get(row);
    if (from === undefined) row.animate([{ opacity: 0 }, { opacity: 1 }], APPEAR);
    else if (from !== to) row.animate([{ transform: `translateY(${from - to}px)` }, { transform: "none" }], GLIDE);
  }
}

function topOf(row, list) {
  return row.getBoundingClientRect().top - list.getBoundingClientRect().top;
}

/** The ▲2 beside a rank that has just changed. It fades. */
class Marker {
  element = piece("span", "marker");
  #rank = null;
  #moved = 0;
  #fading = null;

  constructor() {
    this.element.ariaHidden = "true";
  }

  /** The rank is now this. Changes in a row are marked as one. */
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
    this.#fading.onfinish = () => this.#clear();
  }

  /** What comes next is of another member or board. */
  forget() {
    this.#rank = null;
    this.#clear();
  }

  // The browser would keep the animation as long as the row.
  #clear() {
    this.#fading?.cancel();
    this.#fading = null;
    write(this.element, "");
  }
}

/** Speaks to screen readers: at most every few seconds, then only the latest. */
class Announcer {
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

function h(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const attribute in attributes) mark(element, attribute, attributes[attribute]);
  element.append(...children);
  return element;
}

/** An element that the page's style reaches as `::part(word)` and ours as `.word`. */
const piece = (name, word, ...children) => h(name, { class: word, part: word }, ...children);

/** Write a text where it differs. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** Set an attribute, or take it away (false). */
function mark(element, attribute, value) {
  if (value === false) element.removeAttribute(attribute);
  else element.setAttribute(attribute, value);
}
