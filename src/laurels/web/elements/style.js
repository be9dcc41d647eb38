/** How it looks: a constructable sheet, as a strict policy takes no inline style. `em` grows with the element. */

export const sheet = new CSSStyleSheet();

sheet.replaceSync(`
:host {
  --_accent: var(--laurels-accent, light-dark(#1d7349, #62cf97));
  --_surface: var(--laurels-surface, light-dark(#ffffff, #151b18));
  --_text: var(--laurels-text, light-dark(#18211c, #e9f0ec));
  --_muted: var(--laurels-muted, light-dark(#59655e, #a2b2a9));
  --_line: var(--laurels-line, light-dark(#e3e9e5, #2a342e));
  --_mine: var(--laurels-highlight, color-mix(in oklab, var(--_accent) 11%, var(--_surface)));
  color-scheme: light dark;
  display: block;
  container-type: inline-size;
  contain-intrinsic-inline-size: 22rem;
  color: var(--_text);
  font-family: var(--laurels-font, system-ui, sans-serif);
}
:host([hidden]), [hidden] { display: none !important; }

.card {
  --_row: 2.7em;
  padding: 1.4em 1.5em 1.1em;
  border: 1px solid var(--_line);
  border-radius: var(--laurels-radius, 1em);
  background: var(--_surface);
  font-size: clamp(0.9375rem, 0.72rem + 0.85cqi, 2rem);
  font-variant-numeric: tabular-nums;
  line-height: 1.4;
}
h2, p { margin: 0; font: inherit; }
.unseen {
  position: absolute; inline-size: 1px; block-size: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap;
}

header, footer { display: flex; flex-wrap: wrap; align-items: baseline; justify-content: space-between; gap: 0 1em; }
h2 { font-size: 1.15em; font-weight: 650; letter-spacing: -0.01em; }
.period, .figure-name, .note, thead span, footer { color: var(--_muted); font-size: 0.8125em; }

.summary {
  display: flex; flex-wrap: wrap; gap: 1em;
  margin-block-start: 1.1em; padding-block: 1.1em; border-block: 1px solid var(--_line);
}
.figure { flex: 2 1 6em; display: flex; flex-direction: column; align-items: start; }
.figure + .figure { flex: 3 1 11em; }
.note { min-block-size: 1.4em; text-wrap: balance; }
.value { font-size: 2.1em; font-weight: 680; line-height: 1.25; letter-spacing: -0.025em; }
.line { display: flex; align-items: center; gap: 0.5em; min-inline-size: 0; }

progress {
  appearance: none; order: 1; inline-size: 100%; block-size: 0.4em; margin-block-start: 0.5em;
  border: 0; border-radius: 1em; overflow: hidden; background: var(--_line);
}
progress::-webkit-progress-bar { background: none; }
progress::-webkit-progress-value { background: var(--_accent); border-radius: 1em; transition: inline-size 0.6s; }
progress::-moz-progress-bar { background: var(--_accent); border-radius: 1em; }

.list { display: grid; grid-template-rows: auto 1fr; margin-block-start: 0.5em; min-block-size: calc((var(--_rows) + 0.8) * var(--_row)); }
table { inline-size: 100%; border-collapse: separate; border-spacing: 0; }
tr { block-size: var(--_row); }
th, td { padding: 0; font: inherit; text-align: start; white-space: nowrap; }
thead tr { block-size: calc(0.8 * var(--_row)); }
.rank { padding-inline: 0.75em 1.25em; }
.name { inline-size: 100%; max-inline-size: 0; }
td.points, th.points { padding-inline: 1em; text-align: end; }
tbody tr:not(:first-child) > * { border-block-start: 1px solid var(--_line); }
tbody .rank { color: var(--_muted); }
.number { display: inline-block; min-inline-size: 2em; text-align: center; border-radius: 1em; font-size: 0.875em; line-height: 2; }
.tie { display: inline-block; inline-size: 0.75em; }
.label {
  display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 2;
  overflow: hidden; line-height: 1.2; white-space: normal; overflow-wrap: anywhere;
  text-align: -webkit-match-parent; text-align: match-parent;
}

[data-medal] .number { font-weight: 650; }
[data-medal="1"] .number { background: light-dark(#f5dd92, #5a4708); color: light-dark(#4d3a00, #ffe39a); }
[data-medal="2"] .number { background: light-dark(#dfe5e8, #3d474d); color: light-dark(#38434a, #e3ebf0); }
[data-medal="3"] .number { background: light-dark(#f1d3ba, #543721); color: light-dark(#5e2f0d, #ffd0a8); }

tbody .me > * { background: var(--_mine); border-color: transparent; box-shadow: 0 0 0 0.5px var(--_mine); font-weight: 650; }
tbody .me + tr > * { border-color: transparent; }
.me > :first-child { border-start-start-radius: 0.6em; border-end-start-radius: 0.6em; }
.me > :last-child { border-start-end-radius: 0.6em; border-end-end-radius: 0.6em; }
tbody .me .rank { color: inherit; }
.you {
  flex: none; padding-inline: 0.6em; border-radius: 1em; background: var(--_accent); color: var(--_surface);
  font-size: 0.75em; line-height: 1.7;
}
.you:empty, .marker:empty, .me .marker { display: none; }

.marker { flex: none; opacity: 0; font-size: 0.8125em; font-weight: 650; }
[data-moved="up"] { color: var(--_accent); }
[data-moved="down"] { color: light-dark(#9a4a16, #f0a878); }

.gap td { text-align: center; }
.dots::before { content: "···"; color: var(--_muted); font-weight: 700; letter-spacing: 0.4em; margin-inline-end: -0.4em; }

.notice {
  display: grid; align-self: start; justify-items: center; gap: 1em; margin-block-start: 0.5em; padding: 1.75em 1em;
  border-radius: 0.6em; background: var(--_mine); text-align: center; text-wrap: balance;
}
button {
  padding: 0.55em 1.3em; border: 1px solid var(--_accent); border-radius: 2em; background: transparent;
  color: var(--_accent); font: inherit; font-weight: 600; cursor: pointer;
}
button:hover { background: var(--_surface); }
button:focus-visible { outline: 0.15em solid var(--_accent); outline-offset: 0.15em; }

footer { min-block-size: 1.4em; margin-block-start: 0.75em; }
.status::before {
  content: ""; display: inline-block; inline-size: 0.36em; block-size: 0.36em;
  margin-inline-end: 0.5em; border: 0.12em solid currentColor; border-radius: 50%;
}
.status[data-up-to-date]::before { color: var(--_accent); background: currentColor; }

/* fills the room there is */
.skeleton { grid-row: 2; contain: strict; padding-block-start: calc(0.8 * var(--_row)); mask: linear-gradient(#000, transparent); }
.skeleton span { display: flex; align-items: center; justify-content: space-between; block-size: var(--_row); padding-inline: 0.75em; }
.skeleton span::before, .skeleton span::after, [data-state="loading"] .value {
  content: ""; block-size: 0.9em; border-radius: 0.45em; background: var(--_line);
}
.skeleton span::before { inline-size: 50%; }
.skeleton span::after { inline-size: 15%; }
[data-state="loading"] .value { inline-size: 3.5em; block-size: 0.8em; margin-block: 0.225em; color: transparent; }
[data-state="loading"] :is(.skeleton, .value) { animation: breathe 1.8s ease-in-out infinite alternate; }
@keyframes breathe { to { opacity: 0.45; } }

@container (max-width: 26rem) {
  .card { padding: 1.2em 1em 1em; }
  .rank { padding-inline: 0.25em 0.5em; }
  td.points, th.points { padding-inline: 0.5em; }
  .value { font-size: 1.75em; }
}
/* large text: names above figures */
@container (max-width: 15rem) {
  .value { font-size: 1.3em; }
  table, tbody { display: block; }
  thead { position: absolute; clip-path: inset(50%); }
  tbody tr { display: flex; flex-wrap: wrap; block-size: auto; }
  td { flex: auto; }
  .name { order: -1; max-inline-size: none; box-sizing: border-box; padding: 0.25em 0.5em; }
  .me > * { border-radius: 0 !important; }
  td.rank, td.points { border: 0 !important; }
}
@media (prefers-reduced-motion: reduce) {
  *, ::before, ::after { animation: none !important; }
  progress::-webkit-progress-value { transition: none; }
}
@media (forced-colors: active) {
  .me > * { border-block: 2px solid Highlight !important; }
  .you { forced-color-adjust: none; background: Highlight; color: HighlightText; }
  [data-medal] .number, progress { outline: 1px solid; }
  progress, .status::before { forced-color-adjust: none; --_accent: Highlight; }
}
`);
