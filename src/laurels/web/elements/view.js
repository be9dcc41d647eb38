/** What is on the screen. `show` takes all there is to know and says that alone: no state leaves a trace in the next. */

import { Announcer, Marker, h, mark, piece, write } from "./parts.js";
import { sheet } from "./style.js";
import { Table, listOf } from "./table.js";

const MONTH = /^month:(\d{4})-(\d{2})$/;

export class View {
  #title = h("h2", { part: "title" });
  #period = piece("p", "period");
  #place = new Figure("place");
  #points = new Figure("points");
  #milestone = h("progress", { part: "milestone", "aria-labelledby": "points-note" });
  #summary = piece("div", "summary", this.#place.element, this.#points.element);
  #table = new Table();
  #skeleton = piece("div", "skeleton");
  #message = piece("p", "message");
  #signIn = h("slot", { name: "sign-in" });
  #retry = h("button", { type: "button", part: "retry" });
  #notice = piece("div", "notice", this.#message, this.#signIn, this.#retry);
  #list = piece("div", "list", this.#table.element, this.#skeleton, this.#notice);
  #status = piece("bdi", "status");
  #count = piece("bdi", "count");
  #announcer = new Announcer();
  #card = h(
    "section",
    { class: "card", part: "card", "aria-labelledby": "title period" },
    h("header", { part: "header" }, this.#title, this.#period),
    this.#summary,
    this.#list,
    h("footer", { part: "footer" }, this.#status, this.#count),
    this.#announcer.element,
  );

  constructor(root, retry) {
    this.#title.id = "title";
    this.#period.id = "period";
    this.#points.note.id = "points-note";
    this.#points.element.append(this.#milestone);
    this.#retry.addEventListener("click", retry);
    root.adoptedStyleSheets = [sheet];
    root.append(this.#card);
  }

  /** Another member or board comes next. */
  forget() {
    this.#table.clear();
    this.#place.forget();
    this.#announcer.silence();
  }

  announce(text) {
    this.#announcer.say(text);
  }

  /**
   * `state`: loading, shown, signed-out, failed; `answer`: null unless shown; `personal`: there is a member;
   * `milestones`: ascending; `confirmedAt`: when it last was up to date (null: never); `say`: the texts.
   */
  show({ state, answer, personal, board, milestones, upToDate, confirmedAt, top, around, say }) {
    const me = answer?.me;
    const list = answer ? listOf(answer, top, around) : [];
    mark(this.#card, "lang", say.language);
    mark(this.#card, "data-state", state);
    mark(this.#card, "aria-busy", state === "loading" ? "true" : null);
    write(this.#title, say.title);
    write(this.#period, periodOf(answer?.board ?? board, say));
    this.#summary.hidden = !personal || state === "signed-out" || state === "failed";
    this.#showPlace(me, answer?.ranked, say);
    this.#showPoints(me, (answer?.board ?? board) === "all-time" ? milestones : [], say);

    // Room for the longest list, so that nothing moves when the own place joins the top.
    const longest = top + (top && personal ? 1 : 0) + (personal ? 2 * around + 1 : 0);
    this.#list.style.setProperty("--_rows", Math.min(longest, answer?.ranked ?? longest));
    this.#table.element.hidden = list.length === 0;
    if (list.length) this.#table.show(list, say, `${say.title}, ${this.#period.textContent}`);
    else this.#table.clear();
    this.#showSkeleton(state === "loading" ? longest : 0);
    this.#showNotice(state, noticeOf(state, answer, say), say);

    this.#status.hidden = state !== "shown";
    mark(this.#status, "data-up-to-date", upToDate ? "" : null);
    write(this.#status, upToDate ? say.live : confirmedAt ? say.asOf(say.time(confirmedAt)) : say.reconnecting);
    write(this.#count, answer ? say.members(answer.ranked) : "");
  }

  #showPlace(me, ranked, say) {
    const isRanked = Number.isInteger(me?.rank);
    const note = me?.tied > 1 ? say.levelWith(me.tied - 1) : say.outOf(ranked);
    this.#place.show(say.yourPlace, isRanked ? say.place(me.rank) : "–", isRanked ? note : "");
    this.#place.showMove(isRanked ? me.rank : null, say.number);
  }

  #showPoints(me, milestones, say) {
    // A milestone is crossed with MORE points than it has.
    const next = milestones.find((milestone) => !(me?.points > milestone));
    const last = milestones.at(-1);
    this.#milestone.hidden = milestones.length === 0;
    this.#milestone.max = (next ?? last ?? 0) + 1;
    this.#milestone.value = Math.min(Math.max(me?.points ?? 0, 0), this.#milestone.max);
    let note = "";
    if (me && next !== undefined) note = say.milestoneAhead(next + 1 - me.points, next);
    else if (me && last !== undefined) note = say.milestonePassed(last);
    this.#points.show(say.yourPoints, me ? say.number(me.points) : "–", note);
  }

  #showSkeleton(rows) {
    this.#skeleton.hidden = rows === 0;
    while (this.#skeleton.childElementCount > rows) this.#skeleton.lastElementChild.remove();
    while (this.#skeleton.childElementCount < rows) this.#skeleton.append(h("span"));
  }

  #showNotice(state, text, say) {
    this.#notice.hidden = text === "";
    mark(this.#notice, "class", state === "loading" ? "notice unseen" : "notice");
    write(this.#message, text);
    this.#signIn.hidden = state !== "signed-out";
    this.#retry.hidden = state !== "failed";
    write(this.#retry, say.retry);
  }
}

class Figure {
  #name = h("bdi", { class: "figure-name" });
  #value = h("bdi", { class: "value" });
  #marker = new Marker();
  note = h("bdi", { class: "note" });

  constructor(part) {
    this.element = h(
      "p",
      { class: `figure ${part}`, part: `figure ${part}-figure` },
      this.#name,
      h("span", { class: "line" }, this.#value, this.#marker.element),
      this.note,
    );
  }

  show(name, value, note) {
    write(this.#name, name);
    write(this.#value, value);
    write(this.note, note);
  }

  showMove(rank, number) {
    this.#marker.show(rank, number);
  }

  forget() {
    this.#marker.forget();
  }
}

function periodOf(board, say) {
  if (board === "all-time") return say.allTime;
  const month = MONTH.exec(board);
  return month ? say.month(new Date(Date.UTC(month[1], month[2] - 1))) : "";
}

function noticeOf(state, answer, say) {
  if (state === "loading") return say.loading;
  if (state === "signed-out") return say.signIn;
  if (state === "failed") return say.failed;
  const { me } = answer;
  if (me?.hidden) return say.hidden;
  if (me && me.rank === null) return me.name === null ? say.neverOrdered : say.notYet;
  return answer.ranked === 0 ? say.nobody : "";
}
