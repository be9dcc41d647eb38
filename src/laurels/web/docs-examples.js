// One request in several languages, on tabs; who chooses one chooses it for every example on the page.

const LANGUAGES = { curl, Python: python, JavaScript: javascript };
const KEPT = "laurels-docs-language";
const LOOSE = /[^A-Za-z0-9_$]/;

let groups = 0;

/**
 * Tabs with a request in each language. `request`: its `method`, `address`, whether it `needsToken`, whether it
 * `follows` a stream, and its `body` (undefined: none).
 */
export function tabs(request) {
  const group = document.createElement("div");
  group.className = "tabs";
  const id = `example-${groups++}`;
  const list = document.createElement("div");
  list.setAttribute("role", "tablist");
  list.setAttribute("aria-label", "The example in");
  group.append(list);
  for (const [language, write] of Object.entries(LANGUAGES)) {
    const tab = document.createElement("button");
    Object.assign(tab, { type: "button", id: `${id}-${language}`, textContent: language });
    tab.dataset.language = language;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", `${id}-${language}-text`);
    const text = document.createElement("pre");
    Object.assign(text, { id: `${id}-${language}-text`, tabIndex: 0, textContent: write(request) });
    text.setAttribute("role", "tabpanel");
    text.setAttribute("aria-labelledby", tab.id);
    text.dataset.language = language;
    list.append(tab);
    group.append(text);
  }
  list.addEventListener("click", (event) => event.target.dataset.language && choose(event.target));
  list.addEventListener("keydown", move);
  show(group, chosen());
  return group;
}

function chosen() {
  const kept = sessionStorage.getItem(KEPT);
  return Object.hasOwn(LANGUAGES, kept) ? kept : Object.keys(LANGUAGES)[0];
}

function choose(tab) {
  sessionStorage.setItem(KEPT, tab.dataset.language);
  const before = tab.getBoundingClientRect().top;
  for (const group of document.querySelectorAll(".tabs")) show(group, tab.dataset.language);
  // Examples above may be longer or shorter now: what was chosen stays where it is.
  scrollBy(0, tab.getBoundingClientRect().top - before);
  tab.focus({ preventScroll: true });
}

function move(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step || !event.target.dataset.language) return;
  event.preventDefault();
  const all = [...event.currentTarget.children];
  choose(all.at((all.indexOf(event.target) + step) % all.length));
}

function show(group, language) {
  for (const tab of group.querySelectorAll("[role=tab]")) {
    const isChosen = tab.dataset.language === language;
    tab.setAttribute("aria-selected", String(isChosen));
    tab.tabIndex = isChosen ? 0 : -1;
  }
  for (const text of group.querySelectorAll("[role=tabpanel]")) text.hidden = text.dataset.language !== language;
}

function curl({ method, address, needsToken, follows, body }) {
  const parts = [`curl${method === "GET" ? "" : ` -X ${method}`}${follows ? " -N" : ""} ${address}`];
  if (needsToken) parts.push('-H "Authorization: Bearer $TOKEN"');
  if (body !== undefined) {
    parts.push('-H "Content-Type: application/json"', `-d '${JSON.stringify(body, null, 2).replaceAll("'", "'\\''")}'`);
  }
  return parts.join(" \\\n  ");
}

function python({ method, address, needsToken, follows, body }) {
  const given = [`"${method}"`, `"${address}"`];
  if (needsToken) given.push("headers={\"Authorization\": f\"Bearer {os.environ['TOKEN']}\"}");
  if (body !== undefined) given.push(`json=${literal(body)}`);
  const imports = `${needsToken ? "import os\n\n" : ""}import httpx\n\n`;
  if (!follows) return `${imports}answer = httpx.request(\n    ${given.join(",\n    ")},\n)\nprint(answer.status_code, answer.text)`;
  given.push("timeout=None");
  return `${imports}with httpx.stream(\n    ${given.join(",\n    ")},\n) as answer:\n    for line in answer.iter_lines():\n        print(line)`;
}

/** JSON as Python writes it, in lines. */
function literal(value, indent = "    ") {
  if (value === null) return "None";
  if (value === true || value === false) return value ? "True" : "False";
  if (typeof value !== "object") return JSON.stringify(value);
  const deeper = `${indent}    `;
  const inside = Array.isArray(value)
    ? value.map((one) => literal(one, deeper))
    : Object.entries(value).map(([name, one]) => `${JSON.stringify(name)}: ${literal(one, deeper)}`);
  const [open, close] = Array.isArray(value) ? "[]" : "{}";
  return inside.length ? `${open}\n${inside.map((one) => `${deeper}${one},`).join("\n")}\n${indent}${close}` : open + close;
}

function javascript({ method, address, needsToken, follows, body }) {
  const options = [];
  if (method !== "GET") options.push(`method: "${method}"`);
  const headers = [];
  if (needsToken) headers.push("Authorization: `Bearer ${token}`");
  if (body !== undefined) headers.push('"Content-Type": "application/json"');
  if (headers.length) options.push(`headers: { ${headers.join(", ")} }`);
  if (body !== undefined) options.push(`body: JSON.stringify(${object(body)})`);
  const given = options.length ? `, {\n  ${options.join(",\n  ")},\n}` : "";
  const call = `const answer = await fetch("${address}"${given});\n`;
  if (!follows) return `${call}console.log(answer.status, await answer.text());`;
  return `${call}for await (const text of answer.body.pipeThrough(new TextDecoderStream())) console.log(text);`;
}

/** JSON with names bare where JavaScript takes them so. */
function object(value) {
  return JSON.stringify(value, null, 2)
    .replace(/^( *)"([^"\\]+)":/gm, (all, space, name) => (LOOSE.test(name) ? all : `${space}${name}:`))
    .replaceAll("\n", "\n  ");
}
