// Small things that every part of the page uses.

import { locales, words } from "./words.js";

/** An element with properties and children; text is text, never HTML. */
export function make(name, properties = {}, ...children) {
  const element = document.createElement(name);
  const { data = {}, aria = {}, ...rest } = properties;
  Object.assign(element, rest);
  Object.assign(element.dataset, data);
  for (const [key, value] of Object.entries(aria)) element.setAttribute(`aria-${key}`, value);
  element.append(...children);
  return element;
}

export const byId = (id) => document.getElementById(id);

const SVG = "http://www.w3.org/2000/svg";

/** The drawing of an article, or a parcel. Decoration: its title stands beside it. */
export function drawing(sku) {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("aria-hidden", "true");
  const use = document.createElementNS(SVG, "use");
  use.setAttribute("href", `#${byId(sku)?.localName === "symbol" ? sku : "parcel"}`);
  svg.append(use);
  return svg;
}

/** Bring the drawings into the page. */
export async function loadDrawings() {
  const text = await (await fetch("/web/demo/goods.svg")).text();
  const drawings = document.importNode(new DOMParser().parseFromString(text, "image/svg+xml").documentElement, true);
  drawings.classList.add("drawings");
  document.body.append(drawings);
}

/** A decimal string as a price. */
export function price(amount, currency) {
  return new Intl.NumberFormat(locales, { style: "currency", currency }).format(Number(amount));
}

/** Minor units of a decimal string; sums over prices are made of these. */
export const pence = (amount) => Math.round(Number(amount) * 100);

export const number = (value) => new Intl.NumberFormat(locales).format(value);

/** "1 point", "3 points", with a sign where `signed`. */
export function points(value, { signed = false } = {}) {
  const figure = new Intl.NumberFormat(locales, { signDisplay: signed ? "exceptZero" : "auto" }).format(value);
  return words.points(value, figure);
}

/** "22 Nov, 09:30"; few browsers know the months in Irish. */
export function moment(at) {
  const options = { day: "numeric", month: "short", hour: "2-digit", minute: "2-digit" };
  const parts = new Intl.DateTimeFormat(locales, options).formatToParts(new Date(at));
  const month = words.months?.[new Date(at).getMonth()];
  return parts.map(({ type, value }) => (type === "month" && month ? month : value)).join("");
}

/** Screen readers read a status out when it changes, so it is written only when it does. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
