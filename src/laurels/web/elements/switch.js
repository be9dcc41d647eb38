/** The switch between boards, for `boards="all-time month"`: fetched for the elements alone that ask for one. */

const WORDS = {
  en: { group: "Board", "all-time": "All time", month: "This month" },
  ga: { group: "Clár", "all-time": "Ó thús", month: "An mhí seo" },
};
const MONTH = /^month:(\d{4})-(\d{2})$/;

const sheet = new CSSStyleSheet();
sheet.replaceSync(`
  .boards { display: flex; gap: 0.25em; }
  .boards button { padding: 0.2em 0.8em; border-color: transparent; font-size: 0.8125em; }
  .boards button[aria-pressed=true] { border-color: var(--_accent); background: var(--_mine); }
  .boards ~ .period { display: none; }
`);

/** Draw an element's switch, or take it away where fewer than two boards are on offer. */
export function show(dashboard) {
  const root = dashboard.shadowRoot;
  const boards = (dashboard.getAttribute("boards") ?? "").split(/\s+/).filter(isBoard);
  let group = root.querySelector(".boards");
  if (boards.length < 2) {
    group?.remove();
    return;
  }
  if (!root.adoptedStyleSheets.includes(sheet)) root.adoptedStyleSheets.push(sheet);
  if (!group) {
    group = document.createElement("div");
    group.className = "boards";
    group.part = "boards";
    group.setAttribute("role", "group");
    group.addEventListener("click", ({ target }) => target.dataset.board && dashboard.setAttribute("board", target.dataset.board));
    root.querySelector("[part=title]").after(group);
  }
  const locale = dashboard.getAttribute("locale") || dashboard.closest("[lang]")?.lang || navigator.language;
  const words = locale.startsWith("ga") ? WORDS.ga : WORDS.en;
  group.setAttribute("aria-label", words.group);
  // Buttons that stand stay, so that the keyboard stays on them.
  if ([...group.children].map(({ dataset }) => dataset.board).join(" ") !== boards.join(" ")) {
    group.replaceChildren(...boards.map(made));
  }
  for (const button of group.children) {
    const { board } = button.dataset;
    const label = words[board] ?? monthIn(locale, board);
    if (button.textContent !== label) button.textContent = label;
    button.setAttribute("aria-pressed", String(board === (dashboard.getAttribute("board") || "all-time")));
  }
}

const isBoard = (text) => Object.hasOwn(WORDS.en, text) ? text !== "group" : MONTH.test(text);

function made(board) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.board = board;
  return button;
}

function monthIn(locale, board) {
  const [, year, month] = MONTH.exec(board);
  const first = new Date(Date.UTC(year, month - 1));
  return first.toLocaleString([locale, "en-GB"], { month: "long", year: "numeric", timeZone: "UTC" });
}
