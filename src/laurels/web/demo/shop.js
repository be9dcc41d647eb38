// The shop's page: who is signed in, the shelves, and beside them what points look like to a customer.
//
// All there is to the dashboard: the tag in shop.html, `getToken` below, and `member` when somebody else signs in.

import { ask, freshToken, isOver, signIn } from "./backend.js";
import * as basket from "./basket.js";
import * as mails from "./mails.js";
import { byId, loadDrawings, make, number, say } from "./parts.js";
import * as privacy from "./privacy.js";
import * as purchases from "./purchases.js";
import * as paying from "./paying.js";
import { showShelves } from "./shelves.js";
import { translate, words } from "./words.js";

const EVERY_MS = 3000;

const dashboard = document.querySelector("laurels-dashboard");
const narrow = matchMedia("(max-width: 40rem)");
const pace = byId("pace");

let customer = null;
let look = null;
let nextLook = null;
translate();
const opened = open();

dashboard.getToken = async () => {
  await opened;
  return freshToken();
};
dashboard.addEventListener("laurels-change", () => attempt(refresh));
// No board moves when points are spent, so the element is told.
addEventListener("spent", () => dashboard.refresh());
byId("privacy").addEventListener("changed", () => attempt(refresh));
narrow.addEventListener("change", fit);
byId("examples").addEventListener("click", (event) => {
  event.preventDefault();
  // In the fragment, which no server sees; that page takes it out of the address bar at once.
  attempt(async () => location.assign(`/elements/examples.html#member=${customer}&token=${await freshToken()}`));
});
pace.addEventListener("change", () =>
  attempt(async () => showBustle(await ask("/demo/bustle", { method: "POST", body: { orders_per_second: Number(pace.value) } }))),
);

fit();

async function open() {
  await loadDrawings();
  const { customers, products, point_value } = await untilItAnswers(() => ask("/demo/shop"));
  paying.begin(point_value);
  showShelves(products, basket.add);
  showCustomers(customers);
  keepUp();
}

function showCustomers(customers) {
  const form = byId("customers");
  const before = sessionStorage.getItem("customer");
  const first = customers.find(({ member_id }) => member_id === before) ?? customers[0];
  form.querySelector(".choices").replaceChildren(
    ...customers.map((each) => {
      const choice = make("input", { type: "radio", name: "customer", value: each.member_id, checked: each === first });
      choice.addEventListener("change", () => enter(each.member_id));
      return make("label", {}, choice, make("strong", {}, each.name), " ", make("span", {}, words.about[each.member_id] ?? each.about));
    }),
  );
  enter(first.member_id);
}

function enter(member) {
  customer = member;
  sessionStorage.setItem("customer", member);
  signIn(member);
  for (const part of [basket, mails, privacy, purchases]) part.clear(member);
  for (const place of document.querySelectorAll("[data-of=member]")) place.textContent = member;
  dashboard.setAttribute("member", member);
  attempt(refresh);
}

/** One look at a time, so that no older answer overwrites a newer one; who asks meanwhile shares the next look. */
function refresh() {
  if (look === null) {
    look = lookNow().finally(() => {
      look = null;
    });
    return look;
  }
  nextLook ??= look.catch(() => {}).then(() => {
    nextLook = null;
    return refresh();
  });
  return nextLook;
}

async function lookNow() {
  const looks = await Promise.allSettled([purchases, mails, privacy].map((part) => part.refresh(customer)));
  const failed = looks.find(({ status }) => status === "rejected");
  if (failed) throw failed.reason;
}

/** Look again from time to time, while somebody looks at the page. */
async function keepUp() {
  for (;;) {
    if (document.visibilityState === "visible") {
      await attempt(async () => {
        showBustle(await ask("/demo/bustle"));
        await refresh();
      });
    }
    await pause();
  }
}

function showBustle({ orders_per_second, customers, of }) {
  if (pace !== document.activeElement) showPace(String(orders_per_second));
  say(byId("customers-made"), customers < of ? words.arriving(number(customers), number(of)) : words.customers(number(of)));
}

/** The pace that `laurels demo` was started with may be none of those on offer. */
function showPace(value) {
  const offered = [...pace.options].some((option) => option.value === value);
  if (!offered) pace.append(make("option", { value }, words.paceOf(value)));
  pace.value = value;
}

/** Do it, and say where the shop does not answer. What is shown stays. */
async function attempt(work) {
  try {
    await work();
    tell("");
  } catch (error) {
    if (!isOver(error)) tell(error.status ? error.message : words.pageGoesOn);
  }
}

async function untilItAnswers(work) {
  for (;;) {
    try {
      return await work();
    } catch {
      tell(words.pageGoesOn);
      await pause();
    }
  }
}

const pause = () => new Promise((resolve) => setTimeout(resolve, EVERY_MS));

function tell(words) {
  byId("notice").hidden = words === "";
  say(byId("notice"), words);
}

function fit() {
  dashboard.setAttribute("top", narrow.matches ? "3" : "5");
}
