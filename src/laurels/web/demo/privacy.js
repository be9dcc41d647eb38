// Who the customer is on the board, and what they may do about it themselves.

import { call, isOver } from "./backend.js";
import { byId, say } from "./parts.js";
import { words as texts } from "./words.js";

const section = byId("privacy");
const words = section.querySelector("p");
const rename = section.querySelector("[data-do=rename]");
const hide = section.querySelector("[data-do=hide]");

let customer = null;
let isHidden = false;

rename.addEventListener("click", () => change("rename"));
hide.addEventListener("click", () => change(isHidden ? "show" : "hide"));

/** Bring the words up to date. */
export async function refresh(member) {
  customer = member;
  const { me } = await call(`/loyalty/${encodeURIComponent(member)}?top=0&around=0`);
  isHidden = me.hidden;
  section.hidden = me.name === null;
  say(words, isHidden ? texts.hidden : texts.toOthers(me.name));
  hide.textContent = isHidden ? texts.show : texts.hide;
  rename.hidden = isHidden;
}

/** Empty it: somebody else is signed in. */
export function clear() {
  section.hidden = true;
  say(words, "");
}

/** The board follows within milliseconds; a busy machine may take longer than one call waits. */
async function boardShows(member, version, tries = 20) {
  try {
    await call(`/loyalty/${encodeURIComponent(member)}?top=0&around=0&min_version=${encodeURIComponent(version)}`);
  } catch (error) {
    if (error.status !== 409 || tries === 0) throw error;
    await boardShows(member, version, tries - 1);
  }
}

async function change(what) {
  const member = customer;
  try {
    const { as_of } = await call(`/members/${encodeURIComponent(member)}/${what}`, { method: "POST" });
    await boardShows(member, as_of);
    section.dispatchEvent(new Event("changed"));
  } catch (error) {
    if (!isOver(error)) say(words, error.message);
  }
}
