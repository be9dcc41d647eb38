// The customer's orders: what each earned, why, and the way back.

import { why } from "/elements/why.js";
import { call, isOver } from "./backend.js";
import { byId, make, moment, points, price, say } from "./parts.js";
import { locales, words } from "./words.js";

const section = byId("purchases");
const list = section.querySelector("ol");
const rows = new Map();

/** Bring the list up to date. Until the first answer is in the section is busy: it says neither "none" nor how many. */
export async function refresh(customer) {
  const purchases = await call(`/demo/customers/${encodeURIComponent(customer)}/orders`);
  const shown = purchases.map((purchase) => {
    const key = `${purchase.source} ${purchase.order_id}`;
    if (!rows.has(key)) rows.set(key, new Row(purchase));
    rows.get(key).show(purchase);
    return rows.get(key).element;
  });
  // Rows that stand already are not moved, so that what is open or focused stays so.
  shown.forEach((element, at) => {
    if (list.children[at] !== element) list.insertBefore(element, list.children[at] ?? null);
  });
  section.classList.toggle("empty", shown.length === 0);
  section.ariaBusy = "false";
}

/** Empty it: somebody else is signed in. */
export function clear() {
  rows.clear();
  list.replaceChildren();
  section.classList.add("empty");
  section.ariaBusy = "true";
}

class Row {
  #isAsked = false;
  #entries = 0;

  constructor({ order_id, source, ordered_at, total, currency, items, with_points }) {
    this.sums = { total, currency };
    this.withPoints = with_points;
    this.address = `/order/${encodeURIComponent(order_id)}?source=${encodeURIComponent(source)}`;
    this.refundAddress = `/demo/orders/${encodeURIComponent(order_id)}/refund?source=${encodeURIComponent(source)}`;
    this.what = words.order(price(total, currency), moment(ordered_at));
    this.earned = make("span", { className: "earned" });
    this.why = make("button", { type: "button", aria: { expanded: "false" } });
    this.back = make("button", { type: "button" });
    this.#name(words.returnIt);
    this.keep = make("button", { type: "button", hidden: true }, words.keepIt);
    this.reason = make("div", { className: "reason", hidden: true });
    this.notice = make("p", { className: "note", role: "status" });
    this.element = make(
      "li",
      {},
      make("span", { className: "what" }, make("strong", {}, price(total, currency)), ` ${moment(ordered_at)}`),
      this.earned,
      make("span", { className: "items" }, items.join(", ")),
      make("span", { className: "paid" }, with_points ? words.withPoints(price(with_points, currency)) : ""),
      make("span", { className: "actions" }, this.why, this.back, this.keep),
      this.reason,
      this.notice,
    );
    this.why.addEventListener("click", () => this.#explain());
    this.back.addEventListener("click", () => (this.#isAsked ? this.#return() : this.#ask(true)));
    this.keep.addEventListener("click", () => this.#ask(false));
  }

  show({ left, points: earned, entries }) {
    const isBack = Number(left) === 0;
    say(this.earned, points(earned, { signed: true }));
    say(this.why, words.why(points(earned)));
    if (this.#entries !== entries && this.reason.childElementCount) this.#fill();
    this.#entries = entries;
    if (!isBack) return;
    const held = [this.back, this.keep].includes(document.activeElement);
    this.back.hidden = this.keep.hidden = true;
    say(this.notice, this.withPoints ? words.returnedBoth : words.returned);
    if (held) this.why.focus(); // what was focused is gone
  }

  /** Returning cannot be taken back, so it is asked for twice. */
  #ask(isAsked) {
    this.#isAsked = isAsked;
    this.#name(isAsked ? words.reallyReturn : words.returnIt);
    this.keep.hidden = !isAsked;
    say(this.notice, isAsked ? words.askReturn : "");
    this.back.focus();
  }

  /** Said aloud, a button says which order it is for. */
  #name(words) {
    this.back.textContent = words;
    this.back.setAttribute("aria-label", `${words}: ${this.what}`);
  }

  async #explain() {
    const isOpen = this.why.getAttribute("aria-expanded") === "true";
    this.why.setAttribute("aria-expanded", String(!isOpen));
    this.reason.hidden = isOpen;
    if (!isOpen && !this.reason.childElementCount) await this.#fill();
  }

  /** What it is worth now, and why, in a customer's words. */
  async #fill() {
    try {
      const lines = await why({ ...this.sums, ...(await call(this.address)) }, locales[0]);
      this.reason.replaceChildren(...lines.map((line) => make("p", {}, line)));
    } catch (error) {
      this.#fail(error);
    }
  }

  async #return() {
    this.back.disabled = this.keep.disabled = true;
    try {
      await call(this.refundAddress, { method: "POST" });
      this.notice.textContent = words.onItsWay;
      this.element.dispatchEvent(new Event("spent", { bubbles: true }));
    } catch (error) {
      this.back.disabled = this.keep.disabled = false;
      this.#fail(error);
    }
  }

  #fail(error) {
    if (isOver(error)) return;
    this.notice.textContent = error.status ? error.message : words.noAnswer;
  }
}
