// The shelves: what can be bought, each with its button.

import { byId, drawing, make, price } from "./parts.js";
import { words } from "./words.js";

const TINTS = ["sand", "sage", "sky", "rose"];

/** Put products on the shelves; `add` gets the one whose button was pressed. */
export function showShelves(products, add) {
  byId("shelves").querySelector("ul").replaceChildren(
    ...products.map((product, at) => {
      const button = make("button", { type: "button", aria: { label: words.addTo(product.title) } }, words.add);
      button.addEventListener("click", () => add(product));
      return make(
        "li",
        { data: { tint: TINTS[(at + Math.floor(at / 4)) % TINTS.length] } },
        make("div", { className: "picture" }, drawing(product.sku)),
        make("h2", {}, product.title),
        make("div", { className: "deal" }, make("p", { className: "price" }, price(product.price, product.currency)), button),
      );
    }),
  );
}
