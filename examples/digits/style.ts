import { DARK, LIGHT, type Palette } from '../figures/style.ts';

const variables = (palette: Palette): string =>
  Object.entries(palette)
    .map(([name, colour]) => `--${name}:${colour}`)
    .join(';');

/** Style sheet of the page. Pictures are ink on paper, and light on dark where the reader's screen is dark. */
export const STYLE = `
:root{color-scheme:light dark;${variables(LIGHT)};--warn-bg:#fdf1f3}
.grid img{display:block;width:100%;height:auto;border:1px solid #e3e6ea}
@media screen and (prefers-color-scheme:dark){:root{${variables(DARK)};--warn-bg:#2d1b1f}.grid img{filter:invert(1);border:0}}
*{box-sizing:border-box}
body{margin:0 auto;max-width:972px;padding:20px 16px;background:var(--bg);color:var(--ink);
font:15px/1.5 system-ui,"Segoe UI","DejaVu Sans",sans-serif;overflow-wrap:break-word}
h1{font-size:22px;line-height:1.3;margin:0}h2{font-size:16px;margin:0 0 4px}h3{font-size:14px;margin:0}
p{margin:4px 0 10px}.muted,figcaption,.note{color:var(--muted)}.note,figcaption{font-size:13px}
.lead{font-size:17px;margin:10px 0}
section{margin:22px 0;border-top:1px solid var(--grid);padding-top:14px}
.warn{border-left:4px solid var(--warn);background:var(--warn-bg);padding:8px 12px;margin:12px 0}.warn b{color:var(--warn)}
figure{margin:10px 0 16px}
.grid{display:grid;grid-template-columns:448px 1fr;gap:4px 24px;margin:14px 0 18px;break-inside:avoid}

.grid p{margin:2px 0 6px}.facts{font-size:14px;color:var(--muted);font-variant-numeric:tabular-nums}.facts span{white-space:nowrap;margin-right:10px}.facts b{color:var(--ink);font-weight:600}
svg{display:block;width:100%;height:auto;fill:var(--ink);color:var(--ink);font:12px system-ui,"Segoe UI","DejaVu Sans",sans-serif;font-variant-numeric:tabular-nums}
.narrow{display:none}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-variant-numeric:tabular-nums;width:100%;font-size:14px}
td,th{padding:3px 8px;text-align:right;border-bottom:1px solid var(--grid);white-space:nowrap}
td:first-child,th:first-child{text-align:left;white-space:normal;min-width:9em;position:sticky;left:0;background:var(--bg)}
tr.group th{color:var(--muted);font-weight:400;padding-top:10px}
.dl a{display:inline-block;padding:6px 10px;border:1px solid var(--rule);border-radius:4px;color:inherit;text-decoration:none;margin:0 6px 6px 0}
code{font:13px ui-monospace,"DejaVu Sans Mono",monospace;overflow-wrap:anywhere}
@media screen and (max-width:899px){.wide{display:none}.narrow{display:block}.narrow svg{max-width:540px}.grid{grid-template-columns:1fr}}
@media screen and (max-width:779px){td,th{padding:3px 3px;font-size:12px}}
@media screen and (max-width:639px){body{padding:16px 12px}}
@media print{.dl{display:none}body{max-width:none;padding:0;font-size:12px}table{font-size:11px}.lead{font-size:14px}
.grid{grid-template-columns:55% 1fr}tr,figure{break-inside:avoid}h2,h3{break-after:avoid}
*{-webkit-print-color-adjust:exact;print-color-adjust:exact}}
`.trim();
