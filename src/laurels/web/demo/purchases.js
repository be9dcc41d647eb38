// The customer's orders: what each earned, why, and the way back.

import { call, isOver } from "./backend.js";
import { byId, make, moment, points, price } from "./parts.js";

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
  constructor({ order_id, source, ordered_at, total, currency }) {
    this.address = `/order/${encodeURIComponent(order_id)}?source=${encodeURIComponent(source)}`;
    this.refundAddress = `/demo/orders/${encodeURIComponent(order_id)}/refund?source=${encodeURIComponent(source)}`;
    const what = `${price(total, currency)} on ${moment(ordered_at)}`;
    this.earned = make("span", { className: "earned" });
    this.why = make("button", { type: "button", aria: { expanded: "false" } });
    this.back = make("button", { type: "button", aria: { label: `Return the order of ${what}` } }, "Return it");
    this.reason = make("p", { className: "reason", hidden: true });
    this.notice = make("p", { className: "note", role: "status" });
    this.element = make(
      "li",
      {},
      make("span", { className: "what" }, make("strong", {}, price(total, currency)), ` ${moment(ordered_at)}`),
      this.earned,
      make("span", { className: "actions" }, this.why, this.back),
      this.reason,
      this.notice,
    );
    this.why.addEventListener("click", () => this.#explain());
    this.back.addEventListener("click", () => this.#return());
  }

  show({ left, points: earned }) {
    const isBack = Number(left) === 0;
    this.earned.textContent = points(earned, { signed: true });
    this.why.textContent ||= `Why ${points(earned)}?`;
    this.back.hidden = isBack;
    if (isBack) this.notice.textContent = "Returned. Its points were taken back, exactly.";
  }

  async #explain() {
    const isOpen = this.why.getAttribute("aria-expanded") === "true";
    this.why.setAttribute("aria-expanded", String(!isOpen));
    this.reason.hidden = isOpen;
    if (isOpen || this.reason.textContent) return;
    try {
      const { reason } = await call(this.address);
      this.reason.textContent = reason.replace("->", "→");
    } catch (error) {
      this.#fail(error);
    }
  }

  async #return() {
    this.back.disabled = true;
    try {
      await call(this.refundAddress, { method: "POST" });
      this.notice.textContent = "On its way back…";
    } catch (error) {
      this.back.disabled = false;
      this.#fail(error);
    }
  }

  #fail(error) {
    if (isOver(error)) return;
    this.notice.textContent = error.status ? error.message : "The shop does not answer just now. Try again in a moment.";
  }
}
