// Calls to the shop and to Laurels on behalf of whoever is signed in. An answer that was meant for the customer before is
// dropped: nobody sees what is somebody else's.

let customer = null;
let token = null;
let session = new AbortController();

/** The shop refused, or Laurels did: `status`, and `message` for people. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem.errors?.map(({ field, message }) => `${field} ${message}`).join("; ") || problem.detail || problem.title);
    this.status = status;
    this.problem = problem;
  }
}

/** Calls under way for the customer before end with an `AbortError`. */
export function signIn(member) {
  session.abort();
  session = new AbortController();
  customer = member;
  token = null;
}

/** Whether an error only says that somebody else is signed in by now. */
export const isOver = (error) => error.name === "AbortError";

/** A new token for whoever is signed in: what `getToken` of the element asks for. */
export async function freshToken() {
  const answer = await json(await send(`/demo/customers/${customer}/token`, { method: "POST" }));
  token = answer.token;
  return token;
}

/** Call with the customer's token, renewed once where it has expired; gives the answer's JSON or throws a `Refusal`. */
export async function call(path, { method = "GET", body } = {}) {
  const { signal } = session;
  token ??= await freshToken();
  let answer = await send(path, { method, body, token });
  if (answer.status === 401) answer = await send(path, { method, body, token: await freshToken() });
  const said = await json(answer);
  signal.throwIfAborted();
  return said;
}

/** Call without a token, whoever is signed in. */
export async function ask(path, { method = "GET", body } = {}) {
  return json(await fetch(path, options(method, body)));
}

function send(path, { method, body, token }) {
  const asked = options(method, body);
  if (token) asked.headers.Authorization = `Bearer ${token}`;
  return fetch(path, { ...asked, signal: session.signal });
}

function options(method, body) {
  const headers = body === undefined ? {} : { "Content-Type": "application/json" };
  return { method, headers, body: body === undefined ? undefined : JSON.stringify(body), cache: "no-store" };
}

async function json(answer) {
  const said = await answer.json();
  if (!answer.ok) throw new Refusal(answer.status, said);
  return said;
}
