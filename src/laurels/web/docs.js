// The API's documentation, written from its own description: for each call who may make it, what it takes, an example
// that works, and every answer with the kinds of problem that it may be.

import { tabs } from "./docs-examples.js";

// Where Laurels is, whatever path a proxy shows it at.
const BASE = new URL("..", import.meta.url);
const SPELT_OUT = 20; // values of a field; a longer list is left to its description

const notice = document.getElementById("notice");

try {
  const api = await (await fetch(new URL("openapi.json", BASE))).json();
  const calls = Object.entries(api.paths).flatMap(([path, methods]) =>
    Object.entries(methods).map(([method, operation]) => ({ path, method: method.toUpperCase(), operation })));
  document.getElementById("introduction").append(...inWords(api.info.description));
  document.getElementById("contents").append(contents(calls));
  document.getElementById("operations").append(...calls.map((call) => section(call, api)));
  document.getElementById("problems").append(problems(api["x-problems"]));
  document.getElementById("problems").hidden = false;
  notice.textContent = "";
  document.getElementById("search").addEventListener("input", ({ target }) => search(target.value));
  document.getElementById(decodeURIComponent(location.hash.slice(1)))?.scrollIntoView();
} catch {
  notice.textContent = "The description of the API could not be loaded. Reload the page to try again.";
}

function contents(calls) {
  return element("ul", {}, ...calls.map(({ path, method, operation }) =>
    element("li", {}, element("a", { href: `#${operation.operationId}` }, element("code", {}, `${method} ${path}`)))));
}

/** Show the calls in whose text every word is; of a call that is looked for by its path, that is often one. */
function search(text) {
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const sections = [...document.getElementById("operations").children];
  for (const one of sections) {
    const all = one.textContent.toLowerCase();
    one.hidden = !words.every((word) => all.includes(word));
    document.querySelector(`#contents a[href="#${one.id}"]`).parentElement.hidden = one.hidden;
  }
  const found = sections.filter((one) => !one.hidden).length;
  document.getElementById("found").textContent = words.length ? `${found} of ${sections.length} calls` : "";
}

function section({ path, method, operation }, api) {
  return element("section", { id: operation.operationId },
    element("h2", {}, element("code", {}, `${method} ${path}`)),
    element("p", {}, ...inWords([operation.summary, operation.description].filter(Boolean).join(" "))),
    element("p", { class: "needs" }, `Needs ${needed(operation)}.`),
    table("Parameters", operation.parameters.map((one) => field(one.name, { description: one.description, ...one.schema }, one.required, api))),
    ...bodies(operation, api),
    ...requests(path, method, operation),
    ...answers(operation),
  );
}

function needed(operation) {
  if (!operation.security) return "nothing: it is open to all";
  const scopes = operation.security.flatMap((one) => one.token);
  const service = scopes.length ? `a service's token with the scope ${scopes.join(" or ")}` : "a service's token";
  return service + { own: ", or the member's own token", any: ", or a member's token", none: "" }[operation["x-members"]];
}

function bodies(operation, api) {
  const sent = operation.requestBody?.content["application/json"].schema;
  if (!sent) return [];
  const title = sent.items ? "Body: a JSON array, or one document a line (application/x-ndjson), each with" : "Body";
  return (sent.oneOf ?? [sent.items ?? sent]).map((one) => {
    const schema = resolved(one, api);
    return table(`${title}: ${schema.description}`, rows(schema, api));
  });
}

function rows(schema, api, prefix = "") {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties).flatMap(([name, one]) => {
    const inner = inside(one, api);
    return [field(prefix + name, one, required.has(name), api), ...(inner ? rows(inner, api, `${prefix}${name}${several(one) ? "[]" : ""}.`) : [])];
  });
}

function inside(schema, api) {
  const found = kinds(schema, api).map((one) => resolved(one.items ?? one, api)).find((one) => one.properties);
  return found ?? null;
}

function several(schema) {
  return (schema.anyOf ?? [schema]).some((one) => one.type === "array");
}

function field(name, schema, required, api) {
  return element("tr", {},
    element("th", { scope: "row" }, element("code", {}, name)),
    element("td", {}, required ? "required" : "optional"),
    element("td", {}, ...inWords(described(schema, api))),
  );
}

function described(schema, api) {
  const all = kinds(schema, api);
  const types = all.map((one) => (one.enum?.length > SPELT_OUT ? null : one.enum?.join(" | ")) ?? one.type ?? "object");
  const notes = [schema.description, ...all.map((one) => one.description)].filter(Boolean).map((one) => one.replace(/\.$/, ""));
  const range = all.filter((one) => !one.enum).flatMap((one) => [
    one.minimum === undefined ? "" : `from ${one.minimum}`, one.maximum === undefined ? "" : `to ${one.maximum}`,
    one.maxLength === undefined ? "" : `at most ${one.maxLength} characters`, one.maxItems === undefined ? "" : `at most ${one.maxItems}`,
  ]).filter(Boolean).join(" ");
  const fallback = schema.default == null ? "" : `default ${schema.default}`;
  return [[...new Set(types)].join(" or "), ...new Set(notes), range, fallback].filter(Boolean).join("; ");
}

function kinds(schema, api) {
  return (schema.anyOf ?? [schema]).map((one) => resolved(one, api)).filter((one) => one.type !== "null");
}

function requests(path, method, operation) {
  const examples = Object.entries(operation.requestBody?.content["application/json"].examples ?? {});
  const address = BASE.href.replace(/\/$/, "") + operation.parameters
    .filter((one) => one.in === "path").reduce((filled, one) => filled.replace(`{${one.name}}`, one.example), path);
  const request = {
    method,
    address,
    needsToken: Boolean(operation.security),
    follows: "text/event-stream" in (operation.responses[200]?.content ?? {}),
  };
  if (!examples.length) return [element("h3", {}, "Example"), tabs(request)];
  return examples.flatMap(([name, { value }]) => [element("h3", {}, name), tabs({ ...request, body: value })]);
}

function answers(operation) {
  const listed = Object.entries(operation.responses);
  const shown = listed.flatMap(([status, one]) => Object.values(one.content ?? {})
    .filter((content) => content.example !== undefined)
    .flatMap((content) => [element("h3", {}, `Answer ${status}`), pre(JSON.stringify(content.example, null, 2))]));
  const told = table("Answers", listed.map(([status, one]) => element("tr", {},
    element("th", { scope: "row" }, status),
    element("td", {}, ...(one["x-problems"] ? one["x-problems"].flatMap(leading) : [one.description])),
  )));
  told.className = "answers";
  return [...shown, told];
}

function leading(type) {
  return [element("a", { href: `#${type}` }, type), " "];
}

function problems(all) {
  return table("", all.map((one) => element("tr", { id: one.type },
    element("th", { scope: "row" }, element("a", { href: one.type }, element("code", {}, one.type))),
    element("td", {}, String(one.status)),
    element("td", {}, ...inWords(one.meaning)),
  )));
}

function resolved(schema, api) {
  return schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema;
}

function inWords(text) {
  return text.split("`").map((part, n) => (n % 2 ? element("code", {}, part) : part));
}

function table(title, shown) {
  if (shown.length === 0) return "";
  return element("table", {}, ...(title ? [element("caption", {}, ...inWords(title))] : []), element("tbody", {}, ...shown));
}

function pre(text) {
  return element("pre", { tabindex: "0" }, text);
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
