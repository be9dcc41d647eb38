// The basket and the purchase. An order keeps its id until it is known what became of it, so that pressing "Buy" again
// after a break in the line never charges twice.

import { call, isOver } from "./backend.js";
import { byId, make, pence, points, price, say } from "./parts.js";

const MOST = 100; // pieces an order may have
const LOOKS = 40;
const EVERY_MS = 250;
const SHOWN_MS = 8_000;

const form = byId("basket");
const list = form.querySelector("ul");
const outcome = form.querySelector(".outcome");
const buyButton = form.querySelector(".buy");
const chosen = new Map();

let order = null;
let isBuying = false;
let leaving = 0;

form.addEventListener("submit", (event) => {
  event.preventDefault();
  buy();
});
form.addEventListener("change", () => {
  order = null;
});

/** Put one more into the basket. */
export function add(product) {
  put(product, 1);
}

/** Empty it: somebody else is signed in. */
export function clear() {
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
}

const pieces = () => [...chosen.values()].reduce((sum, { count }) => sum + count, 0);

function draw() {
  const lines = [...chosen.values()];
  form.hidden = lines.length === 0 && outcome.textContent === "";
  form.classList.toggle("empty", lines.length === 0);
  list.replaceChildren(...lines.map(line));
  if (lines.length === 0) return;
  const total = lines.reduce((sum, { product, count }) => sum + pence(product.price) * count, 0);
  buyButton.textContent = `Buy for ${price(total / 100, lines[0].product.currency)}`;
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
    change("−", -1, `One ${product.title} less`),
    make("span", { className: "count" }, String(count)),
    change("+", 1, `One ${product.title} more`),
  );
}

async function buy() {
  if (isBuying || chosen.size === 0) return;
  order ??= crypto.randomUUID();
  const id = order;
  const itemIds = [...chosen.values()].flatMap(({ product, count }) => Array(count).fill(product.sku));
  const token = new FormData(form).get("card");
  isBuying = true;
  draw();
  say(outcome, "One moment…");
  try {
    const bought = await call(`/order/${encodeURIComponent(id)}`, { method: "POST", body: { itemIds, paymentDetails: { method: "card", token } } });
    finish(`Thank you! ${price(bought.total, bought.currency)} paid. Your points are on their way.`);
    await tellPoints(id);
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
async function tellPoints(id) {
  for (let look = 0; look < LOOKS; look++) {
    const state = await call(`/order/${encodeURIComponent(id)}?source=checkout`);
    if (state.status === "awarded") {
      if (chosen.size === 0) {
        say(outcome, `Thank you! ${state.points === 0 ? "No points this time." : points(state.points, { signed: true })}`);
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
    say(outcome, "Your card was declined, and nothing was charged. Your basket is as it was: try the other card.");
  } else if (error.status === undefined || error.status >= 500) {
    say(outcome, "The shop does not answer just now. Press Buy again in a moment: you will be charged once at most.");
  } else {
    order = null;
    say(outcome, error.message);
  }
}
