/** Why an order earned what it did, in a customer's words: sentences to show below one another. */

import { dayBefore, wordsFor } from "./more.js";

const TIER = "tier ";

/**
 * `order` is the answer to `GET /order/{id}`; under a program of one rate that has no `total` and `currency`: give them.
 * Promises the sentences in the language of `locale`, English where it has no words.
 */
export async function why(order, locale) {
  const say = await wordsFor(locale);
  const { total, currency, points } = order;
  const left = order.left ?? total;
  const parts = order.parts ?? [{ name: "base", points }];
  // An order that was changed was taken back and earned anew: what came before that is no more.
  const since = order.entries.slice(order.entries.findLastIndex(({ kind }) => kind === "earn") + 1);
  const back = since.reduce((taken, entry) => taken + entry.points, 0);
  if (Number(left) === 0 && Number(total) !== 0) return [say.allBack(-back)];
  const lines = [sumOf(parts, say, say.money(order.earning ?? left, currency), left !== total)];
  if (left !== total) lines.push(say.cameBack(say.money(String(minus(total, left)), currency), -back));
  if (parts.some((part) => !Number.isInteger(Number(part.points)))) lines.push(say.carried);
  if (points > 0 && order.active_at && new Date(order.active_at) > new Date()) {
    lines.push(say.spendFrom(points, new Date(order.active_at)));
  } else if (points > 0 && order.expires_at) {
    lines.push(say.spendUntil(points, dayBefore(order.expires_at)));
  }
  return lines;
}

/** "7 points for £74.00 spent, 5 extra for Double Dairy.", of an order's `parts` or a quote's; `money` as it is read. */
export function sumOf(parts, say, money, isPartlyBack = false) {
  const said = parts.map(({ name, points: text }) => {
    const n = Number(text);
    if (name === "base") return n === 0 ? say.nothing(money) : isPartlyBack ? say.kept(n, money) : say.earned(n, money);
    if (n < 0) return say.fewer(-n);
    return name.startsWith(TIER) ? say.ofTier(n, name.slice(TIER.length)) : say.extra(n, name);
  });
  return `${said.join(", ")}.`;
}

/** The difference of two decimal strings of one currency, exactly. */
function minus(a, b) {
  const decimals = (a.split(".")[1] ?? "").length;
  return ((Number(a) * 10 ** decimals - Number(b) * 10 ** decimals).toFixed(0) / 10 ** decimals).toFixed(decimals);
}
