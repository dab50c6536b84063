import { DARK, LIGHT, variables } from './palette.ts';

/** Rules of the drawings; they need only the variables, so a stand-alone SVG carries them too. */
export const CHART_STYLE: string = [
  'svg{fill:var(--ink);font:12px system-ui,"Segoe UI","DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}',
  'svg text.m{fill:var(--muted)}svg .b{font-weight:600}svg .s{font-size:11px}',
  'svg .g{stroke:var(--grid)}svg .r{stroke:var(--rule)}',
  'svg .halo{fill:none;stroke:var(--bg);stroke-width:4}svg .whisker{fill:none;stroke:var(--ink);stroke-width:1.6}',
  'svg .first{fill:var(--first)}svg .total{fill:var(--total-fill);stroke:var(--total)}svg .bar{fill:var(--bar)}',
  'svg .cell{fill:var(--seq0)}svg .q{fill:var(--seq1);shape-rendering:crispEdges}svg .dot{fill:var(--muted)}',
  'svg .own{fill:none;stroke:var(--first);stroke-width:1.5}svg .none{fill:var(--rule);fill-opacity:.6}',
  'svg text.on-pale{fill:var(--on-pale)}svg text.on-middle{fill:var(--on-middle)}svg text.on-full{fill:var(--on-full)}',
].join('\n');

const LAYOUT = `
*{box-sizing:border-box}
body{margin:0 auto;max-width:972px;padding:20px 16px;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,"Segoe UI","DejaVu Sans",sans-serif;overflow-wrap:break-word}
h1{font-size:22px;line-height:1.3;margin:0}h2{font-size:16px;margin:0 0 4px}h3{font-size:14px;margin:14px 0 2px}
p{margin:4px 0 10px}.muted,small,figcaption,.note{color:var(--muted)}.note,figcaption{font-size:13px}
figure{margin:6px 0 10px}section{margin:22px 0;border-top:1px solid var(--grid);padding-top:14px}
.lead{font-size:17px;margin:10px 0}
.warn{border-left:4px solid var(--warn);background:var(--warn-bg);padding:8px 12px;margin:12px 0}
.warn p{margin:0 0 6px}.warn p:last-child{margin:0}.warn b{color:var(--warn)}
.two{display:grid;grid-template-columns:1fr 1fr;gap:8px 28px}.two>*,.panels>*{min-width:0}
.panels{display:grid;grid-template-columns:repeat(3,1fr);gap:12px 20px}
svg{display:block;width:100%;height:auto;margin:0 auto 0 0}
.narrow{display:none}
.scroll{overflow-x:auto;margin-bottom:12px}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;width:100%;font-size:14px}
caption{text-align:left;color:var(--muted);font-size:13px;padding:0 0 2px}
td,th{padding:3px 10px;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}
td:first-child,th:first-child{text-align:left;white-space:normal;overflow-wrap:anywhere;min-width:4em}
.long-names td:first-child,.long-names th:first-child{min-width:9em}
button.sort{font:inherit;font-size:13px;color:inherit;background:none;border:1px solid var(--rule);border-radius:4px;padding:2px 8px;cursor:pointer;float:right}
th button{font:inherit;color:inherit;background:none;border:0;padding:0;cursor:pointer;text-decoration:underline dotted}
dl{display:grid;grid-template-columns:max-content 1fr;gap:2px 16px;margin:8px 0}dt{color:var(--muted)}dd{margin:0;overflow-wrap:anywhere}
.dl a{display:inline-block;padding:6px 10px;border:1px solid var(--rule);border-radius:4px;color:inherit;text-decoration:none;margin:0 6px 6px 0}
code{font:13px ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
summary{cursor:pointer;padding:4px 0}details[open]{margin-bottom:24px}`;

// A drawing may shrink to 11/12 of its size, at which its 12 px text is 11 px: the 940 px one down to pages of 899,
// three panels of 300 px to 899 and two of them to 639.
const NARROW = `
@media screen and (max-width:899px){.wide{display:none}.narrow{display:block}.narrow svg{max-width:540px!important}
.panels{grid-template-columns:1fr 1fr}}
@media screen and (max-width:779px){.two{grid-template-columns:1fr}td,th{padding:3px 2px;font-size:12px}
dl{grid-template-columns:1fr}dd{margin-bottom:6px}}
@media screen and (max-width:639px){body{padding:16px 12px}.panels{grid-template-columns:1fr}
.panels svg{max-width:420px!important}}`;

const PRINT = `
@media print{.dl,button.sort{display:none}body{max-width:none;padding:0;font-size:12px}table{font-size:12px}.lead{font-size:14px}figcaption,caption,.note{font-size:11px}
section,figure,tr,.panels>*{break-inside:avoid}section.long{break-inside:auto}h2,h3{break-after:avoid}details::details-content{content-visibility:visible;block-size:auto}a{color:inherit}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}`;

/**
 * The style sheet of a report. Paper gets the light colours whatever the screen has, and always the wide
 * drawings: the width of a page in CSS pixels depends on the printer.
 */
export function pageStyle(): string {
  return [
    `:root{color-scheme:light dark;${variables(LIGHT)}}`,
    `@media screen and (prefers-color-scheme:dark){:root{${variables(DARK)}}}`,
    `@media print{:root{color-scheme:light}}`,
    LAYOUT.trim(),
    CHART_STYLE,
    NARROW.trim(),
    PRINT.trim(),
  ].join('\n');
}
