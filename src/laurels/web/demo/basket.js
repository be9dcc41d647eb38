// The basket and the purchase. An order keeps its id until it is known what became of it, so that pressing "Buy" again
// after a break in the line never charges twice.

import { call, isOver } from "./backend.js";
import { byId, make, pence, points, price, say } from "./parts.js";
import * as paying from "./paying.js";
import { words } from "./words.js";

const MOST = 100; // pieces an order may have
const LOOKS = 40;
const EVERY_MS = 250;
const SHOWN_MS = 8_000;

const form = byId("basket");
const list = form.querySelector("ul");
const outcome = form.querySelector(".outcome");
const buyButton = form.querySelector(".buy");
const chosen = new Map();

let member = null;
let order = null;
let isBuying = false;
let leaving = 0;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  buy();
});
form.addEventListener("change", () => {
  order = null;
  drawPrice();
  ask();
});

/** Put one more into the basket. */
export function add(product) {
  put(product, 1);
}

/** Empty it: `customer` is signed in. */
export function clear(customer) {
  member = customer;
  paying.clear();
  chosen.clear();
  order = null;
  isBuying = false;
  say(outcome, "");
  draw();
}

function put(product, more) {
  if (isBuying) return;
  const count = (chosen.get(product.sku)?.count ?? 0) + more;
  if (more > 0 && pieces() === MOST) return;
  if (count) chosen.set(product.sku, { product, count });
  else chosen.delete(product.sku);
  order = null;
  say(outcome, "");
  draw();
  ask();
}

/** Ask what it would earn, and what points can pay. */
function ask() {
  if (chosen.size) paying.update(member, [...chosen.values()], drawPrice);
  else paying.clear();
}

const pieces = () => [...chosen.values()].reduce((sum, { count }) => sum + count, 0);

function draw() {
  const lines = [...chosen.values()];
  form.hidden = lines.length === 0 && outcome.textContent === "";
  form.classList.toggle("empty", lines.length === 0);
  list.replaceChildren(...lines.map(line));
  drawPrice();
}

/** The button alone: the list stays, and with it the keyboard's place. */
function drawPrice() {
  const lines = [...chosen.values()];
  if (lines.length === 0) return;
  const total = lines.reduce((sum, { product, count }) => sum + pence(product.price) * count, 0);
  buyButton.textContent = words.buyFor(price((total - paying.taken()) / 100, lines[0].product.currency));
  buyButton.disabled = isBuying;
}

function line({ product, count }) {
  const change = (text, more, label) => {
    const button = make("button", { type: "button", aria: { label } }, text);
    button.addEventListener("click", () => {
      const place = [...list.children].indexOf(button.closest("li"));
      put(product, more);
      // The list was drawn anew: the keyboard stays where it was.
      (list.children[place]?.querySelectorAll("button")[more > 0 ? 1 : 0] ?? buyButton).focus();
    });
    return button;
  };
  return make(
    "li",
    {},
    make("span", {}, product.title),
    change("−", -1, words.less(product.title)),
    make("span", { className: "count" }, String(count)),
    change("+", 1, words.more(product.title)),
  );
}

async function buy() {
  if (isBuying || chosen.size === 0) return;
  order ??= crypto.randomUUID();
  const id = order;
  const itemIds = [...chosen.values()].flatMap(({ product, count }) => Array(count).fill(product.sku));
  const body = { itemIds, paymentDetails: { method: "card", token: new FormData(form).get("card") } };
  const spent = paying.pointsUsed();
  isBuying = true;
  draw();
  say(outcome, words.moment);
  try {
    // Where points pay for a part of it, the shop's own till takes them; else Laurels' checkout sells it alone.
    const bought = spent
      ? await call(`/demo/orders/${encodeURIComponent(id)}`, { method: "POST", body: { ...body, points: spent } })
      : await call(`/order/${encodeURIComponent(id)}`, { method: "POST", body });
    finish(words.paid(price(bought.total, bought.currency)));
    if (spent) form.dispatchEvent(new Event("spent", { bubbles: true }));
    await tellPoints(id, spent ? "shop" : "checkout");
  } catch (error) {
    if (isOver(error)) return;
    isBuying = false;
    explain(error);
    draw();
  }
}

function finish(words) {
  isBuying = false;
  order = null;
  chosen.clear();
  paying.clear();
  const held = form.contains(document.activeElement) || document.activeElement === document.body;
  say(outcome, words);
  draw();
  if (held) outcome.focus({ preventScroll: true }); // the button is gone; the keyboard stays where the news is
  leaveSoon();
}

/** The news goes by itself; "Your orders" keeps it. */
function leaveSoon() {
  clearTimeout(leaving);
  leaving = setTimeout(() => {
    if (chosen.size) return;
    const held = form.contains(document.activeElement);
    say(outcome, "");
    draw();
    if (held) document.getElementById("shelves").focus({ preventScroll: true });
  }, SHOWN_MS);
}

/** Wait until the order was awarded, then say what it earned. */
async function tellPoints(id, source) {
  for (let look = 0; look < LOOKS; look++) {
    const state = await call(`/order/${encodeURIComponent(id)}?source=${source}`);
    if (state.status === "awarded") {
      if (chosen.size === 0) {
        say(outcome, state.points === 0 ? words.noPoints : words.thanks(points(state.points, { signed: true })));
        draw();
        leaveSoon();
      }
      return;
    }
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

function explain(error) {
  if (error.status === 402) {
    order = null;
    say(outcome, words.declined);
  } else if (error.status === undefined || error.status >= 500) {
    say(outcome, words.again);
  } else {
    order = null;
    say(outcome, error.message);
  }
}
