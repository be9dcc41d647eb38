/** <laurels-dashboard>: attributes, events, whose data is shown. `feed.js` talks to the server, `view.js` draws. */

import { Failure, Feed } from "./feed.js";
import { View, longestList } from "./view.js";

const HOME = new URL("..", import.meta.url);
const LANGUAGES = { en: "en-GB", ga: "ga-IE" };
const WHOSE = ["src", "member", "board"];

export class LaurelsDashboard extends HTMLElement {
  static observedAttributes = [...WHOSE, "top", "around", "locale", "milestone", "boards", "purse"];

  #token = null;
  #getToken = null;
  #awaitsToken = false;
  #feed = null;
  #isStarting = false;
  #view = new View(this.attachShadow({ mode: "open" }), () => this.#hurry());
  #frame = null;
  #state = "loading";
  #answer = null;
  #isUpToDate = false;
  #confirmedAt = null;
  #say = null;
  #locale = null;
  #purse = null;

  constructor() {
    super();
    // A page may have set these before this file arrived.
    for (const name of ["token", "getToken"]) {
      if (!Object.hasOwn(this, name)) continue;
      const value = this[name];
      delete this[name];
      this[name] = value;
    }
  }

  /** One that `laurels-token` asked for renews; any other may be another person's: it clears the screen. */
  get token() {
    return this.#token;
  }

  set token(token) {
    if (token === this.#token) return;
    this.#token = token;
    if (!this.#awaitsToken) this.#forget();
    this.#awaitsToken = false;
    this.#restart();
  }

  /** An async function that returns a fresh token, or null when nobody is signed in. */
  get getToken() {
    return this.#getToken;
  }

  set getToken(getToken) {
    this.#getToken = getToken;
    if (!this.#token) this.#restart();
  }

  /** Ask anew: points were spent. */
  refresh() {
    this.#purse?.(this);
  }

  connectedCallback() {
    document.addEventListener("visibilitychange", this.#onVisibility);
    addEventListener("online", this.#hurry);
    this.#render();
    this.#restart();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#onVisibility);
    removeEventListener("online", this.#hurry);
    this.#restart();
  }

  attributeChangedCallback(name, was, now) {
    if (was === now) return;
    if (WHOSE.includes(name)) {
      if (this.#getToken) this.#token = null;
      this.#forget();
    }
    this.#renderSoon();
    this.#restart();
  }

  #onVisibility = () => {
    this.#doubt();
    this.#restart();
  };

  #hurry = () => this.#feed?.hurry();

  // Attributes that change together start it once; a hidden page asks for nothing.
  #restart() {
    this.#feed?.stop();
    this.#feed = null;
    if (this.#isStarting) return;
    this.#isStarting = true;
    queueMicrotask(() => {
      this.#isStarting = false;
      if (this.isConnected && document.visibilityState === "visible") this.#follow();
    });
  }

  #follow() {
    const asked = this.#asked;
    let url;
    try {
      url = this.#url(asked);
    } catch {
      this.#fail(new Failure("`src` is not an address", { status: 400 }));
      return;
    }
    this.#feed = new Feed({
      ...asked,
      url,
      version: this.#answer?.as_of,
      token: (refused) => this.#currentToken(refused),
      to: {
        answer: (answer) => this.#hear(answer),
        unchanged: () => this.#confirm(),
        failed: (failure) => this.#fail(failure),
        signedOut: (failure) => this.#signOut(failure),
      },
    });
    this.#feed.run();
  }

  get #asked() {
    const member = this.getAttribute("member");
    return {
      member,
      personal: Boolean(member),
      board: this.getAttribute("board") || "all-time",
      top: wholeNumber(this.getAttribute("top"), 10, 100),
      around: wholeNumber(this.getAttribute("around"), 2, 50),
    };
  }

  #url({ member, personal, board, top, around }) {
    const base = new URL(this.getAttribute("src") ?? HOME, document.baseURI);
    if (!base.pathname.endsWith("/")) base.pathname += "/";
    const path = personal ? ["loyalty", member] : ["leaderboard", board];
    const url = new URL(path.map(encodeURIComponent).join("/"), base);
    // One row more than is shown tells whether the last is tied.
    const longest = longestList(personal, top, around);
    url.searchParams.set("top", longest && Math.min(longest + 1, 100));
    if (personal) {
      url.searchParams.set("board", board);
      url.searchParams.set("around", Math.min(around + 1, 50));
    }
    return url;
  }

  async #currentToken(refused) {
    if (this.#token && !refused) return this.#token;
    this.#token = null;
    if (this.#getToken) {
      const feed = this.#feed;
      const token = await this.#getToken();
      if (feed === this.#feed) this.#token = token;
      return token;
    }
    this.#awaitsToken = true;
    const event = new CustomEvent("laurels-token", { bubbles: true, composed: true, cancelable: true });
    // A page that prevents the default sets `token` later, which starts anew.
    if (!this.dispatchEvent(event)) return new Promise(() => {});
    return null;
  }

  #hear(answer) {
    const before = this.#answer;
    // At the turn of a month, `month` is another board.
    if (before && before.board !== answer.board) this.#view.forget();
    this.#state = "shown";
    this.#answer = answer;
    this.#isUpToDate = false;
    this.#confirm();
    this.#renderSoon();
    if (answer.me) this.#tell(answer, before?.me);
  }

  #confirm() {
    if (this.#answer.stale) return;
    this.#confirmedAt = new Date();
    if (this.#isUpToDate) return;
    this.#isUpToDate = true;
    this.#renderSoon();
  }

  #tell({ me, as_of }, before) {
    if (before?.rank === me.rank && before?.points === me.points) return;
    this.#send("laurels-change", { rank: me.rank, points: me.points, as_of });
    if (!before || !this.#say) return;
    const { nowRanked, nowUnranked } = this.#say;
    this.#view.announce(me.rank === null ? nowUnranked(me.points) : nowRanked(me.rank, me.tied > 1, me.points));
  }

  #fail(failure) {
    if (!failure.passes) this.#forget();
    if (!this.#answer) this.#state = "failed";
    this.#doubt();
    this.#report(failure);
  }

  #signOut(failure) {
    this.#feed = this.#token = null;
    this.#awaitsToken = false;
    this.#forget("signed-out");
    this.#report(failure);
  }

  #doubt() {
    this.#isUpToDate = false;
    this.#renderSoon();
  }

  #report({ status, title, message }) {
    this.#send("laurels-error", { status, title, detail: message });
  }

  #send(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }

  // At once: whoever looks next must not see the former member.
  #forget(state = "loading") {
    this.#state = state;
    this.#answer = this.#confirmedAt = null;
    this.#isUpToDate = false;
    this.#view.forget();
    this.#render();
  }

  // However many messages come.
  #renderSoon() {
    this.#frame ??= requestAnimationFrame(() => this.#render());
  }

  #render() {
    if (this.#frame !== null) cancelAnimationFrame(this.#frame);
    this.#frame = null;
    if (!this.isConnected) return;
    if (this.hasAttribute("boards")) import("./switch.js").then(({ show }) => show(this));
    if (this.hasAttribute("purse") || this.#purse) this.#showPurse();
    this.#speak();
    if (!this.#say) return;
    this.#view.show({
      ...this.#asked,
      state: this.#state,
      answer: this.#answer,
      milestones: milestones(this.getAttribute("milestone")),
      upToDate: this.#isUpToDate,
      confirmedAt: this.#confirmedAt,
      say: this.#say,
    });
  }

  async #showPurse() {
    this.#purse ??= (await import("./purse.js")).show;
    this.#purse(this, this.#answer);
  }

  async #speak() {
    const locale = this.getAttribute("locale") || this.closest("[lang]")?.lang || navigator.language;
    if (locale === this.#locale) return;
    this.#locale = locale;
    const say = await speechFor(locale);
    if (locale !== this.#locale) return;
    this.#say = say;
    this.#render();
  }
}

function wholeNumber(text, otherwise, most) {
  return /^\d+$/.test(text ?? "") ? Math.min(Number(text), most) : otherwise;
}

function milestones(text) {
  const totals = (text ?? "").split(/[\s,]+/).map(Number);
  return totals.filter((total) => Number.isSafeInteger(total) && total > 0).sort((a, b) => a - b);
}

/** The texts for a locale; where its language has none, English around its own numbers. */
async function speechFor(locale) {
  let tag = "en-GB";
  try {
    tag = String(new Intl.Locale(locale));
  } catch {
    // Misspelt: show English.
  }
  const language = LANGUAGES[tag.split("-")[0]] ?? "en-GB";
  const { texts, fallback } = await import(`./texts/${language}.js`);
  const date = (when, options) => when.toLocaleString([tag, fallback], options);
  const { format: number } = new Intl.NumberFormat([tag, fallback]);
  return { ...texts(number, date), language, number, time: (when) => time(when, date) };
}

// A time of another day says which.
function time(when, date) {
  const clock = { hour: "2-digit", minute: "2-digit" };
  const isToday = when.toDateString() === new Date().toDateString();
  return date(when, isToday ? clock : { day: "numeric", month: "short", ...clock });
}

// A page may load this file twice, from two addresses.
if (!customElements.get("laurels-dashboard")) customElements.define("laurels-dashboard", LaurelsDashboard);
