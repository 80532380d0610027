/** What the report looks like: colours as variables, so that charts and text are light or dark together. */

/** Font of text and charts. */
export const font = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Helvetica Neue', Arial, sans-serif";

const light = `
  color-scheme: light;
  --paper: #ffffff; --raised: #f6f7f9; --line: #d9dde3; --ink: #1b1f24; --muted: #57606a; --link: #0a58c2;
  --base: #6e7781; --few-shot: #8a6d00; --champion: #b35900; --challenger: #0b62c9;
  --better: #17703a; --better-paper: #dff3e4; --worse: #b3261e; --worse-paper: #fbe3e1; --unsure-paper: #fdf1d3; --unsure: #7a5200;`;

const dark = `
  color-scheme: dark;
  --paper: #14171b; --raised: #1c2127; --line: #363d47; --ink: #e6e9ed; --muted: #9ea7b3; --link: #79b4ff;
  --base: #9ea7b3; --few-shot: #d9b84a; --champion: #f0a35e; --challenger: #6fb0ff;
  --better: #6fd08c; --better-paper: #173822; --worse: #ff9b93; --worse-paper: #471c1a; --unsure-paper: #3d3114; --unsure: #edc967;`;

/** The report's style sheet. */
export const styleSheet = `
:root {${light}
}
@media screen and (prefers-color-scheme: dark) { :root {${dark}
} }
* { box-sizing: border-box; }
html { -webkit-text-size-adjust: 100%; scroll-padding-top: 1rem; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/1.5 ${font}; overflow-wrap: anywhere; }
header, main, footer { max-width: 70rem; margin: 0 auto; padding: 0 1rem; }
header { padding-top: 2rem; }
a { color: var(--link); }
h1 { font-size: clamp(1.4rem, 1.1rem + 1.6vw, 2rem); line-height: 1.25; margin: .5rem 0; }
h2 { font-size: 1.3rem; line-height: 1.3; margin: 0 0 .75rem; }
h3 { font-size: 1rem; margin: 0; }
p, ul, dl, table { margin: 0 0 .75rem; }
code { font: .875em ui-monospace, SFMono-Regular, Menlo, Consolas, monospace; }
.path { color: var(--muted); }
section { margin: 2.5rem 0 0; padding-top: 1.5rem; border-top: 1px solid var(--line); }
.over { color: var(--muted); margin: 0; }
.lead { font-size: 1.1rem; max-width: 50rem; }
.note { color: var(--muted); font-size: .9rem; max-width: 50rem; }
.badge { display: inline-block; padding: .1rem .55rem; border-radius: 1rem; font-size: .8rem; font-weight: 600;
  background: var(--raised); border: 1px solid var(--line); white-space: nowrap; }
.good { background: var(--better-paper); color: var(--better); border-color: transparent; }
.bad { background: var(--worse-paper); color: var(--worse); border-color: transparent; }
.unsure { background: var(--unsure-paper); color: var(--unsure); border-color: transparent; }
.facts { display: grid; grid-template-columns: repeat(auto-fit, minmax(8.5rem, 1fr)); gap: .75rem 1.5rem; margin: 1.25rem 0 0; }
.facts dt { color: var(--muted); font-size: .85rem; }
.facts dd { margin: 0; font-weight: 600; }
@media screen and (min-width: 64rem) { .facts dd { white-space: nowrap; } }
nav ul { display: flex; flex-wrap: wrap; gap: .25rem 1.25rem; list-style: none; padding: 0; margin: 1.25rem 0 0; font-size: .95rem; }
.sentences { padding-left: 1.2rem; max-width: 50rem; }
.sentences li { margin-bottom: .35rem; }
.metric { display: grid; grid-template-columns: minmax(0, 1fr); gap: .5rem 1.5rem; padding: 1rem 0; border-top: 1px solid var(--line); }
.metric:first-of-type { border-top: 0; }
.metric p { margin: .25rem 0; }
@media screen and (min-width: 64rem) { .metric { grid-template-columns: minmax(0, 1fr) 20rem 20rem; } }
@media screen and (min-width: 44rem) and (max-width: 63.99rem) { .metric { grid-template-columns: 20rem 20rem; }
  .metric > :first-child { grid-column: 1 / -1; } }
figure { margin: 0; min-width: 0; }
figure + .scroll { margin-top: 1rem; }
figcaption { font-size: .85rem; color: var(--muted); }
svg { display: block; max-width: 100%; height: auto; font-family: ${font}; }
.pair { display: grid; grid-template-columns: minmax(0, 1fr); gap: 1.5rem; margin: 0 0 1rem; }
@media (min-width: 56rem) { .pair { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
.scroll { overflow-x: auto; margin: 0 0 .75rem; }
.scroll:focus-visible { outline: 2px solid var(--link); }
table { border-collapse: collapse; font-size: .9rem; font-variant-numeric: tabular-nums; overflow-wrap: normal; }
.scroll table { margin: 0; min-width: min(24rem, 100%); }
caption { text-align: left; color: var(--muted); padding: 0 0 .35rem; }
th, td { text-align: left; vertical-align: top; padding: .35rem .75rem .35rem 0; border-bottom: 1px solid var(--line); }
th { font-weight: 600; }
thead th { color: var(--muted); font-weight: 500; }
.number { text-align: right; white-space: nowrap; }
.text { min-width: 8rem; max-width: 24rem; overflow-wrap: anywhere; }
.hash { min-width: 16rem; overflow-wrap: anywhere; }
.filter { display: flex; flex-wrap: wrap; gap: .75rem 1.25rem; align-items: end; padding: .75rem 1rem; margin: 0 0 1rem;
  background: var(--raised); border: 1px solid var(--line); border-radius: .5rem; }
.filter[hidden] { display: none; }
.filter label { display: grid; grid-template-columns: minmax(0, max-content); font-size: .85rem; color: var(--muted); max-width: 100%; }
.filter select { font: inherit; font-size: 1rem; color: var(--ink); background: var(--paper); border: 1px solid var(--line);
  border-radius: .25rem; padding: .25rem .4rem; max-width: 100%; }
.filter output { color: var(--muted); }
.change { border: 1px solid var(--line); border-radius: .5rem; padding: .75rem 1rem; margin: 0 0 1rem; }
.change[hidden] { display: none; }
.change header { display: flex; flex-wrap: wrap; gap: .35rem .75rem; align-items: center; margin: 0 0 .5rem; padding: 0; max-width: none; }
.change .answers { display: grid; grid-template-columns: minmax(0, 1fr); gap: .75rem; margin-top: .75rem; }
@media (min-width: 44rem) { .change .answers { grid-template-columns: repeat(2, minmax(0, 1fr)); } }
details { margin: 0 0 1rem; }
summary { cursor: pointer; margin: 0 0 .75rem; }
.change h4 { margin: 0; font-size: .8rem; font-weight: 600; color: var(--muted); }
.said { white-space: pre-wrap; margin: 0; }
.who-champion { border-left: 3px solid var(--champion); padding-left: .6rem; }
.who-challenger { border-left: 3px solid var(--challenger); padding-left: .6rem; }
.change .path { margin: .5rem 0 0; }
.meant { border-left: 3px solid var(--line); padding-left: .6rem; margin-top: .5rem; }
del { background: var(--worse-paper); color: inherit; text-decoration: underline dashed var(--worse); text-underline-offset: .2em; }
ins { background: var(--better-paper); color: inherit; text-decoration: underline solid var(--better); text-underline-offset: .2em; }
footer { margin-top: 3rem; padding-bottom: 2rem; color: var(--muted); font-size: .9rem; }
@media print {
  :root { font-size: 13px; }
  body { font-size: 1rem; }
  nav, .filter { display: none; }
  section { margin-top: 1.25rem; padding-top: .75rem; }
  h2, h3 { break-after: avoid; }
  .metric, .change, figure, tr { break-inside: avoid; }
  .metric { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .metric > :first-child { grid-column: 1 / -1; }
  .text, .hash { min-width: 0; }
  .pair { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .scroll { overflow: visible; }
  a { color: inherit; }
}
`;
