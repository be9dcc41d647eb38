// The mails that the customer was sent, as they look.

import { call } from "./backend.js";
import { byId, make, moment } from "./parts.js";
import { words } from "./words.js";

const section = byId("mails");
const list = section.querySelector("ol");
const news = byId("news");
const shown = new Map();

let isFirstLook = true;

/** Bring the list up to date. A mail that comes while one looks opens by itself. */
export async function refresh(customer) {
  for (const mail of (await call(`/demo/customers/${customer}/mails`)).reverse()) {
    if (shown.has(mail.id)) continue;
    shown.set(mail.id, mail);
    list.prepend(item(mail, { open: !isFirstLook }));
    if (!isFirstLook) news.replaceChildren(words.news, make("a", { href: "#mails" }, mail.subject));
  }
  isFirstLook = false;
  section.classList.toggle("empty", shown.size === 0);
  section.ariaBusy = "false";
}

/** Empty it: somebody else is signed in. */
export function clear() {
  isFirstLook = true;
  shown.clear();
  list.replaceChildren();
  news.replaceChildren();
  section.classList.add("empty");
  section.ariaBusy = "true";
}

function item({ id, subject, sender, sent_at }, { open }) {
  const details = make("details", {}, make("summary", {}, make("strong", {}, subject), " ", make("span", {}, moment(sent_at))));
  details.addEventListener("toggle", () => {
    if (details.querySelector("iframe")) return;
    const frame = make("iframe", { title: `Mail from ${sender}: ${subject}`, src: `/demo/mails/${encodeURIComponent(id)}` });
    // Nothing in a mail runs, links or asks; the answer's own policy says so too.
    frame.setAttribute("sandbox", "");
    details.append(frame);
  });
  details.open = open;
  return make("li", {}, details);
}
