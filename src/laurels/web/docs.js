// The API's documentation, written from its own description.

const notice = document.getElementById("notice");
const operations = document.getElementById("operations");

try {
  const answer = await fetch("/openapi.json");
  const api = await answer.json();
  for (const [path, methods] of Object.entries(api.paths)) {
    for (const [method, operation] of Object.entries(methods)) operations.append(shown(path, method, operation, api));
  }
  notice.textContent = "";
} catch {
  notice.textContent = "The description of the API could not be loaded. Reload the page to try again.";
}

function shown(path, method, operation, api) {
  return element("section", {},
    element("h2", {}, element("code", {}, `${method.toUpperCase()} ${path}`)),
    element("p", {}, operation.summary),
    operation.description ? element("p", {}, operation.description) : "",
    element("p", {}, `Needs: ${needed(operation)}`),
    fields("Parameters", operation.parameters.map((one) => [one.name, one.schema, one.required])),
    body(operation.requestBody, api),
    element("p", {}, `Answers: ${Object.entries(operation.responses).map(([status, one]) => `${status} ${one.description}`).join(", ")}`),
  );
}

function needed(operation) {
  if (!operation.security) return "nothing, it is open to all";
  const scopes = operation.security.flatMap((one) => one.token);
  const services = scopes.length ? `a service's token with ${scopes.join(" or ")}` : "a service's token";
  const members = { own: ", or the member's own token", any: ", or a member's token", none: "" };
  return services + members[operation["x-members"]];
}

function body(request, api) {
  if (!request) return "";
  const sent = request.content["application/json"].schema;
  const schema = resolved(sent.items ?? sent, api);
  const required = new Set(schema.required ?? []);
  const title = sent.items ? "Body: an array of, or one a line" : "Body";
  return fields(title, Object.entries(schema.properties).map(([name, one]) => [name, resolved(one, api), required.has(name)]));
}

function fields(title, rows) {
  if (rows.length === 0) return "";
  return element("table", {},
    element("caption", {}, title),
    element("tbody", {}, ...rows.map(([name, schema, required]) => element("tr", {},
      element("th", { scope: "row" }, element("code", {}, name)),
      element("td", {}, required ? "required" : "optional"),
      element("td", {}, described(schema)),
    ))),
  );
}

function described(schema) {
  const kinds = (schema.anyOf ?? [schema]).map((one) => one.enum?.join(" | ") ?? one.type ?? "object");
  const notes = (schema.anyOf ?? [schema]).map((one) => one.description ?? "").filter(Boolean);
  const fallback = schema.default == null ? [] : [`default ${schema.default}`];
  return [kinds.filter((kind) => kind !== "null").join(" or "), ...notes, ...fallback].join("; ");
}

function resolved(schema, api) {
  return schema.$ref ? api.components.schemas[schema.$ref.split("/").pop()] : schema;
}

function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  made.append(...children);
  return made;
}
