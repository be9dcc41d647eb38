// One customer's dashboard. The token comes in the fragment (#member=…&token=…), which no server ever sees, and leaves
// the address bar at once, so that it is not bookmarked or shown over a shoulder.

// Where Laurels is, whatever path a proxy shows it at.
const BASE = new URL("..", import.meta.url);
const EVERY_MS = 1000;
const numbers = new Intl.NumberFormat("en-GB");
const byId = (id) => document.getElementById(id);

const { member, token } = takeFromAddress();
let tag = null;

addEventListener("hashchange", () => location.reload());

if (member && token) {
  refresh();
} else {
  say("");
  byId("welcome").hidden = false;
}

function takeFromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  history.replaceState(null, "", location.pathname);
  return { member: given.get("member"), token: given.get("token") };
}

async function refresh() {
  let goOn = true;
  try {
    goOn = await ask();
  } catch {
    say("Laurels does not answer. Trying again…");
    tag = null;
  }
  if (goOn) setTimeout(refresh, EVERY_MS);
}

// Ask once; says whether it makes sense to ask again.
async function ask() {
  const headers = { Authorization: `Bearer ${token}` };
  if (tag) headers["If-None-Match"] = tag;
  const answer = await fetch(new URL(`loyalty/${encodeURIComponent(member)}`, BASE), { headers, cache: "no-store" });
  if (answer.status === 304) return true;
  const body = await answer.json();
  if (answer.ok) {
    tag = answer.headers.get("ETag");
    show(body);
    return true;
  }
  tag = null;
  say(body.detail);
  return answer.status >= 500;
}

function show({ me, ranked, top, around, stale }) {
  say(stale ? "The shop's records cannot be reached just now. This is the last that is known." : "");
  set("points", numbers.format(me.points));
  set("place", place(me, ranked));
  set("name", me.name ?? "not named before your first order");
  byId("top").replaceChildren(...top.map(row));
  byId("around").replaceChildren(...around.map(row));
  byId("me").hidden = byId("boards").hidden = false;
}

function place(me, ranked) {
  if (me.hidden) return "You are not shown on the board.";
  if (me.rank === null) return "You are on the board from your first point.";
  const others = me.tied > 1 ? `, shared by ${numbers.format(me.tied)}` : "";
  return `Rank ${numbers.format(me.rank)} of ${numbers.format(ranked)}${others}`;
}

function row({ rank, name, points, me }) {
  const line = document.createElement("tr");
  if (me) line.setAttribute("aria-current", "true");
  for (const text of [numbers.format(rank), me ? `${name} (you)` : name, numbers.format(points)]) {
    const cell = document.createElement("td");
    cell.textContent = text;
    line.append(cell);
  }
  return line;
}

function set(what, text) {
  document.querySelector(`[data-of="${what}"]`).textContent = text;
}

// Screen readers read the notice out when it changes, so it is written only when it does.
function say(text) {
  const notice = byId("notice");
  if (notice.textContent !== text) notice.textContent = text;
}
