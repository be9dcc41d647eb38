// What the basket would earn, and the points that can pay for a part of it. Laurels is asked each time the basket changes;
// only the answer to the latest question is shown.

import { wordsFor } from "/elements/more.js";
import { sumOf } from "/elements/why.js";
import { call, isOver } from "./backend.js";
import { byId, number, pence, price, say } from "./parts.js";
import { locales, words } from "./words.js";

const form = byId("basket");
const choice = form.querySelector(".use-points");
const box = choice.querySelector("input");
const earns = form.querySelector(".earns");

let value = 0;
let usable = 0;
let asked = 0;

/** What a point pays for, as a decimal string; null: nothing. */
export function begin(pointValue) {
  value = pointValue === null ? 0 : pence(pointValue);
}

/** How many points the customer wants to pay with. */
export const pointsUsed = () => (box.checked && !choice.hidden ? usable : 0);

/** What those take off the price, in minor units. */
export const taken = () => pointsUsed() * value;

/** Forget the last basket. */
export function clear() {
  asked += 1;
  usable = 0;
  box.checked = false;
  choice.hidden = true;
  say(earns, "");
}

/** Ask what these lines would earn `member`, and what may be paid with points; `redraw` the price when there is an answer. */
export async function update(member, lines, redraw) {
  const turn = (asked += 1);
  const path = `/loyalty/${encodeURIComponent(member)}`;
  const { currency } = lines[0].product;
  const total = lines.reduce((sum, { product, count }) => sum + pence(product.price) * count, 0);
  try {
    const speech = await wordsFor(locales[0]);
    const { available = 0 } = await call(`${path}/balance`);
    const whole = await call(`${path}/quote`, { method: "POST", body: order(member, lines, total, 0) });
    if (turn !== asked) return;
    usable = value ? Math.max(0, Math.min(available, whole.payable_with_points ?? 0)) : 0;
    choice.hidden = usable === 0;
    say(choice.querySelector("span"), words.usePoints(number(usable), price((usable * value) / 100, currency)));
    // What is paid with points earns nothing.
    const off = taken();
    const quoted = off ? await call(`${path}/quote`, { method: "POST", body: order(member, lines, total, off) }) : whole;
    if (turn !== asked) return;
    say(earns, words.wouldEarn(sumOf(quoted.parts, speech, price((total - off) / 100, currency))));
    redraw();
  } catch (error) {
    if (!isOver(error) && turn === asked) clear();
  }
}

/** The basket as an order, as a service would send it; sums in minor units, `off` of the total paid with points. */
function order(member, lines, total, off) {
  const paid = [["points", off], ["card", total - off]].filter(([, amount]) => amount > 0);
  return {
    member_id: member,
    currency: lines[0].product.currency,
    total: (total / 100).toFixed(2),
    ...(off && { payments: paid.map(([method, amount]) => ({ method, amount: (amount / 100).toFixed(2) })) }),
    lines: lines.map(({ product: { sku, price: unit_price, category }, count }) => ({
      sku,
      quantity: String(count),
      unit_price,
      ...(category && { category }),
    })),
  };
}
