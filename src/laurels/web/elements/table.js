/** The list of places, as a table. A row stays the same element as long as its name is on the list. */

import { Marker, h, mark, piece, write } from "./parts.js";

/**
 * The list to show, in board order: the first places and those around the own one, each once; `{ gap: how many }`
 * stands for places between them. The answer may hold more rows: one beyond the edge tells whether the last is tied.
 */
export function listOf({ top, around = [], me }, topShown, aroundShown) {
  const places = new Map(top.map((row, index) => [index + 1, row]));
  const own = around.findIndex((row) => row.me);
  around.forEach((row, index) => places.set(me.position - own + index, row));

  const isShown = (at) => at <= topShown || (own >= 0 && Math.abs(at - me.position) <= aroundShown);
  const list = [];
  let last = 0;
  for (const at of [...places.keys()].filter(isShown).sort((a, b) => a - b)) {
    if (last > 0 && at > last + 1) list.push({ gap: at - last - 1 });
    const row = places.get(at);
    const isMe = at === me?.position;
    const isTied = row.rank < at || row.rank === places.get(at + 1)?.rank;
    list.push({ name: row.name, rank: row.rank, points: row.points, isMe, isTied });
    last = at;
  }
  return list;
}

const GLIDE = { duration: 450, easing: "cubic-bezier(0.2, 0.7, 0.2, 1)" };
const APPEAR = { duration: 450, easing: "ease-out" };

export class Table {
  #caption = h("caption", { class: "unseen" });
  #headings = ["rank", "name", "points"].map((name) => h("th", { class: name, scope: "col" }));
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
    this.#headings.forEach((heading) => write(heading, say[heading.className]));
    const place = () => this.#place(list, say);
    if (this.#rows.size) glide(this.#body, place);
    else place();
  }

  clear() {
    this.#body.replaceChildren();
    this.#rows.clear();
  }

  #place(list, say) {
    const rows = new Map(list.filter((item) => !item.gap).map(({ name }) => [name, this.#rows.get(name) ?? new Row()]));
    const elements = list.map((item) => {
      const row = item.gap ? this.#gap : rows.get(item.name);
      row.show(item, say);
      return row.element;
    });
    for (const element of [...this.#body.children]) {
      if (!elements.includes(element)) element.remove();
    }
    elements.forEach((element, index) => {
      const there = this.#body.children[index] ?? null;
      if (there !== element) this.#body.insertBefore(element, there);
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
    mark(this.element, "data-medal", rank <= 3 ? rank : null);
    mark(this.element, "part", isMe ? "row me" : "row");
    mark(this.element, "class", isMe ? "me" : null);
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

/** Let rows glide from where they are seen, be it halfway, to where `rearrange` puts them; new ones appear. */
function glide(list, rearrange) {
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return rearrange();
  const before = new Map([...list.children].map((row) => [row, topOf(row, list)]));
  rearrange();
  for (const row of list.children) row.getAnimations().forEach((animation) => animation.cancel());
  // All reading after all writing, so the browser lays out once.
  const moves = [...list.children].map((row) => [row, before.get(row), topOf(row, list)]);
  for (const [row, from, to] of moves) {
    if (from === undefined) row.animate([{ opacity: 0 }, { opacity: 1 }], APPEAR);
    else if (from !== to) row.animate([{ transform: `translateY(${from - to}px)` }, { transform: "none" }], GLIDE);
  }
}

function topOf(row, list) {
  return row.getBoundingClientRect().top - list.getBoundingClientRect().top;
}
