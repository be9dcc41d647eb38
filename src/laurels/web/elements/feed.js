/**
 * Keeps one answer up to date: asks, then follows the live stream; where there is none, asks every second.
 *
 * Nothing late gets through: one request is open at a time, and a stopped feed is silent. A server that lags behind is
 * told what is known (`min_version`, `Last-Event-ID`), and waits or refuses.
 */

const POLL_MS = 1_000;
const ANSWER_WITHIN_MS = 10_000;
const SILENCE_MS = 40_000; // the live stream says something every 15 s
const LIVE_AGAIN_MS = 300_000;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 30_000;
const BEHIND_TIMES = 5;
const LONGEST_EVENT = 1_000_000;

/** No success; `status` is null where there was no answer. */
export class Failure extends Error {
  constructor(message, { status = null, problem = {}, retryAfterMs = 0 } = {}) {
    super(problem.detail ?? problem.title ?? message);
    this.status = status;
    this.title = problem.title ?? message;
    this.retryAfterMs = retryAfterMs;
  }

  /** Whether what is on screen may stay: it is not forbidden, only not to be had now. */
  get passes() {
    return this.status === null || this.status >= 500 || [408, 409, 425, 429].includes(this.status);
  }
}

export class Feed {
  #asked;
  #to;
  #version;
  #stopped = false;
  #request = null;
  #wake = null;
  #etag = null;
  #liveFrom = 0;
  #failures = 0;

  /**
   * `url`, `board`: of the answer; `personal`: it is a member's; `version`: the `as_of` on screen;
   * `token(refused)`: promises a token, fresh where the last was refused, or null;
   * `to`: hears `answer(json)`, `unchanged()`, `failed(failure)`, at the end `signedOut(failure)`.
   */
  constructor({ to, version, ...asked }) {
    this.#asked = asked;
    this.#to = to;
    this.#version = version;
  }

  get #known() {
    return this.#asked.personal ? this.#version : null;
  }

  stop() {
    this.#stopped = true;
    this.#request?.abort();
    this.#wake?.();
  }

  /** Ask now, not after the pause. */
  hurry() {
    this.#wake?.();
  }

  /** Begin; until `stop()`, or nobody is signed in. */
  async run() {
    while (!this.#stopped) {
      try {
        await this.#ask();
        if (performance.now() < this.#liveFrom) {
          await this.#pause(POLL_MS);
        } else {
          await this.#listen();
          // When a server restarts, all streams end at once: their readers spread out.
          await this.#pause(POLL_MS * Math.random());
        }
      } catch (error) {
        if (this.#stopped) return;
        const failure = error instanceof Failure ? error : new Failure(String(error?.message));
        if (failure.status === 401) return this.#to.signedOut(failure);
        this.#to.failed(failure);
        await this.#pause(Math.max(failure.retryAfterMs, this.#backOff()));
      }
    }
  }

  #backOff() {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** this.#failures++);
    return longest * (0.25 + 0.75 * Math.random());
  }

  async #ask() {
    const url = new URL(this.#asked.url);
    if (this.#known) url.searchParams.set("min_version", this.#known);
    await this.#fetch(url, this.#etag ? { "If-None-Match": this.#etag } : {}, async (response) => {
      if (response.status === 304) return this.#to.unchanged();
      if (!response.ok) throw await this.#failure(response);
      this.#hear(await response.text());
      this.#etag = response.headers.get("ETag");
    });
    this.#failures = 0;
  }

  async #listen() {
    const url = new URL(this.#asked.url);
    url.pathname += "/live";
    const known = this.#known ? { "Last-Event-ID": this.#known } : {};
    let heard = false;
    try {
      await this.#fetch(url, { Accept: "text/event-stream", ...known }, async (response, within) => {
        if (response.status === 409) throw await this.#failure(response);
        if (!response.ok) return;
        for await (const message of messages(response.body)) {
          if (this.#stopped) return;
          heard = true;
          within(SILENCE_MS);
          if (message === null) this.#to.unchanged();
          else this.#hear(message);
        }
      });
    } catch (error) {
      // If the server is gone, the next question tells.
      if (this.#stopped || error instanceof Failure) throw error;
    }
    // Something on the way may keep streams back: asking works everywhere.
    this.#liveFrom = heard ? 0 : performance.now() + LIVE_AGAIN_MS;
  }

  #hear(text) {
    if (this.#stopped) return;
    const answer = JSON.parse(text);
    if (!isAnswer(answer, this.#asked)) throw new Failure("the answer is not one of this board");
    this.#to.answer(answer);
    this.#version = answer.as_of;
    this.#etag = null;
  }

  // A token that is refused is replaced once.
  async #fetch(url, headers, read) {
    for (const refused of [false, true]) {
      const token = await this.#asked.token(refused);
      if (this.#stopped) throw new Failure("stopped");
      if (!token) break;
      if (await this.#send(url, { ...headers, Authorization: `Bearer ${token}` }, read)) return;
    }
    throw new Failure("not signed in", { status: 401 });
  }

  // False where the token was refused. `read` has to end in time, and may prolong it.
  async #send(url, headers, read) {
    const request = (this.#request = new AbortController());
    let timer;
    const within = (ms) => {
      clearTimeout(timer);
      timer = setTimeout(() => request.abort(), ms);
    };
    within(ANSWER_WITHIN_MS);
    try {
      const response = await fetch(url, {
        headers,
        signal: request.signal,
        cache: "no-store",
        credentials: "omit",
        referrerPolicy: "no-referrer",
        redirect: "error", // a token goes to no address but its own
      });
      if (this.#stopped) throw new Failure("stopped");
      if (response.status === 401) return false;
      await read(response, within);
      return true;
    } finally {
      clearTimeout(timer);
      request.abort();
    }
  }

  async #failure(response) {
    const { status } = response;
    // A server that stays behind has another history: a ledger that was restored.
    if (status === 409 ? this.#failures >= BEHIND_TIMES : status < 500) this.#version = null;
    return new Failure(`HTTP ${status}`, {
      status,
      problem: await response.json().catch(() => ({})),
      retryAfterMs: 1000 * Number(response.headers.get("Retry-After")) || 0,
    });
  }

  #pause(ms) {
    return new Promise((resolve) => {
      this.#wake = resolve;
      setTimeout(resolve, ms);
    });
  }
}

/** The data of each server-sent event, null for a comment. (`EventSource` cannot send a token.) */
async function* messages(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  let data = [];
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      text += value;
      if (text.length > LONGEST_EVENT) throw new Error("the live stream sent an event without an end");
      // A carriage return at the end may be half of a line's end: it waits.
      const lines = text.split(/\r\n|\n|\r(?!$)/);
      text = lines.pop();
      for (const line of lines) {
        if (line.startsWith(":")) yield null;
        else if (line.startsWith("data:")) data.push(line.slice(line[5] === " " ? 6 : 5));
        else if (line === "" && data.length) {
          yield data.join("\n");
          data = [];
        }
      }
    }
  } finally {
    reader.cancel().catch(() => {});
  }
}

const isCount = (value) => Number.isSafeInteger(value) && value >= 0;
const isRow = (row) => isCount(row?.rank) && typeof row.name === "string" && Number.isSafeInteger(row.points);
const areRows = (rows) => Array.isArray(rows) && rows.every(isRow);

function isAnswer(answer, { board, personal }) {
  return (
    // `month` is answered under its full name, `month:2026-10`.
    (answer?.board === board || String(answer?.board).startsWith(`${board}:`)) &&
    typeof answer.as_of === "string" &&
    typeof answer.stale === "boolean" &&
    isCount(answer.ranked) &&
    areRows(answer.top) &&
    (!personal || isPersonal(answer))
  );
}

function isPersonal({ me, around }) {
  if (!Number.isSafeInteger(me?.points) || !areRows(around)) return false;
  return me.rank === null ? around.length === 0 : [me.rank, me.position, me.tied].every(isCount);
}
