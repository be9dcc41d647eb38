// The customer's orders: what each earned, why, and the way back.

import { call, isOver } from "./backend.js";
import { byId, make, moment, points, price, say } from "./parts.js";

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

  constructor({ order_id, source, ordered_at, total, currency, items }) {
    this.address = `/order/${encodeURIComponent(order_id)}?source=${encodeURIComponent(source)}`;
    this.refundAddress = `/demo/orders/${encodeURIComponent(order_id)}/refund?source=${encodeURIComponent(source)}`;
    this.what = `the order of ${price(total, currency)} on ${moment(ordered_at)}`;
    this.earned = make("span", { className: "earned" });
    this.why = make("button", { type: "button", aria: { expanded: "false" } });
    this.back = make("button", { type: "button" });
    this.#name("Return it");
    this.keep = make("button", { type: "button", hidden: true }, "Keep it");
    this.reason = make("div", { className: "reason", hidden: true });
    this.notice = make("p", { className: "note", role: "status" });
    this.element = make(
      "li",
      {},
      make("span", { className: "what" }, make("strong", {}, price(total, currency)), ` ${moment(ordered_at)}`),
      this.earned,
      make("span", { className: "items" }, items.join(", ")),
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
    say(this.why, `Why ${points(earned)}?`);
    if (this.#entries !== entries && this.reason.childElementCount) this.#fill();
    this.#entries = entries;
    if (!isBack) return;
    const held = [this.back, this.keep].includes(document.activeElement);
    this.back.hidden = this.keep.hidden = true;
    say(this.notice, "Returned. Its points were taken back, exactly.");
    if (held) this.why.focus(); // what was focused is gone
  }

  /** Returning cannot be taken back, so it is asked for twice. */
  #ask(isAsked) {
    this.#isAsked = isAsked;
    this.#name(isAsked ? "Yes, return it" : "Return it");
    this.keep.hidden = !isAsked;
    say(this.notice, isAsked ? "Return the whole order? Its points go back." : "");
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

  /** What it earned, and what each refund took back: together they are what it is worth now. */
  async #fill() {
    try {
      const { entries } = await call(this.address);
      const lines = entries.map(({ points: moved, reason }) => {
        const sum = entries.length > 1 ? `${points(moved, { signed: true })}: ` : "";
        return make("p", {}, sum + reason.replace("->", "→"));
      });
      this.reason.replaceChildren(...lines);
    } catch (error) {
      this.#fail(error);
    }
  }

  async #return() {
    this.back.disabled = this.keep.disabled = true;
    try {
      await call(this.refundAddress, { method: "POST" });
      this.notice.textContent = "On its way back…";
    } catch (error) {
      this.back.disabled = this.keep.disabled = false;
      this.#fail(error);
    }
  }

  #fail(error) {
    if (isOver(error)) return;
    this.notice.textContent = error.status ? error.message : "The shop does not answer just now. Try again in a moment.";
  }
}
