import { escaped } from '../figures/frame.ts';
import { chart, evidenceChart, sharesChart } from './charts.ts';
import { csv, json } from './files.ts';
import { frechetOfChance } from './frechet.ts';
import { pictureGrid } from './grid.ts';
import { GROUPS, type Group } from './methods.ts';
import { PIXELS } from './networks.ts';
import { COLUMNS, cell, grouped } from './numbers.ts';
import { png } from './png.ts';
import { leads } from './sentences.ts';
import type { Done, Row } from './session.ts';
import { STYLE } from './style.ts';

/** Pictures of a grid on the page, and in a line of it. */
const [SHOWN, LINE] = [60, 15];

/** Columns that are told beside the pictures, too. */
const FACTS: ReadonlySet<string> = new Set(['as_asked', 'sure', 'frechet', 'kinds', 'spread']);

export interface PageFrame {
  /** The command that gives the page again. */
  readonly again: string;
  /** One line: sizes, seed, threads. */
  readonly settings: string;
  readonly interrupted: boolean;
}

/** All that was done as one HTML file, which needs no network and no script. */
export function page(done: Done, frame: PageFrame): string {
  const title = 'Handwritten digits from a trained network';
  const body = [
    `<h1>${title}</h1><p class="muted">${escaped(frame.settings)}</p>`,
    ...leads(done).map((text) => `<p class="lead">${plain(text)}</p>`),
    frame.interrupted
      ? `<div class="warn" role="note"><p><b>Interrupted:</b> what was not done is not on this page.</p></div>`
      : '',
    downloads(done),
    done.rows.length > 0 ? table(done) : '',
    ...Object.keys(GROUPS).map((group) => section(group as Group, done)),
    guidanceSection(done),
    repeat(frame),
  ];
  return `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width,initial-scale=1">
<title>${title}</title>
<style>
${STYLE}
</style></head><body>
${body.filter((part) => part !== '').join('\n')}
</body></html>
`;
}

/** Text for the page: '+/-' as its sign. */
function plain(text: string): string {
  return escaped(text)
    .replaceAll('+/-', '\u00b1')
    .replace(/ (\u00b1) | (%)/g, (_, sign = '', per = '') => `\u00a0${sign}${sign === '' ? per : '\u00a0'}`);
}

function downloads(done: Done): string {
  const link = (name: string, type: string, text: string, label: string): string =>
    `<a download="${name}" href="data:${type};base64,${Buffer.from(text).toString('base64')}">${label}</a>`;
  return `<p class="dl">${link('digits.csv', 'text/csv', csv(done), 'Table as CSV')}${link('digits.json', 'application/json', json(done), 'Everything as JSON')}</p>`;
}

function table(done: Done): string {
  const { rows } = done;
  const head = ['method', ...COLUMNS.map(({ head: name }) => name)]
    .map((name) => `<th>${name}</th>`)
    .join('');
  const lines = rows.map((row, at) => {
    const { group, name } = row.method;
    const first =
      rows[at - 1]?.method.group === group
        ? ''
        : `<tr class="group"><th colspan="${COLUMNS.length + 1}">${escaped(GROUPS[group][0])}</th></tr>`;
    const cells = COLUMNS.map((column) => `<td>${cell(column, row, done)}</td>`).join('');
    return `${first}<tr><td>${escaped(name)}</td>${cells}</tr>`;
  });
  return `<section><h2>Numbers</h2><div class="scroll"><table><thead><tr>${head}</tr></thead><tbody>${lines.join('\n')}</tbody></table></div>
${legend(rows)}</section>`;
}

/** What the columns are. */
function legend(rows: readonly Row[]): string {
  const n = rows[0]!.verdict.pictures;
  const chance = grouped(Math.round(frechetOfChance(n)));
  return `<p class="note"><b>As asked</b>: share of pictures that the digit classifier sees as what was asked for; by chance alone it is off by up to ${(0.5 / Math.sqrt(n)).toFixed(2)} (one standard error), more where pictures have ancestors in common. <b>Sure</b>: mean probability of its likeliest digit. <b>Frechet</b>: squared distance of ${n} pictures to the 997 held-out digits, all classes, in the 64 features of that classifier. It is too large for few pictures: ${n} draws of a normal law with the very moments of the held-out digits have ${chance} on average. Methods that draw one class, or even digits alone, are far from all digits whatever they do: compare within a part of the table. <b>To the aim</b>: the same distance of even digits to the law that all of them aim at, that of the network itself, by the weighted long run. <b>Kinds</b>: exp of the entropy of the digits seen, at most 10. <b>Spread</b>: root mean square distance of two pictures in features, 1 for held-out digits. <b>Distinct</b>: share of pictures that are no copies. <b>Evaluations</b>: rows the denoiser was asked for, and classifiers of reward and noise level.</p>`;
}

function section(group: Group, done: Done): string {
  const rows = done.rows.filter(({ method }) => method.group === group);
  if (rows.length === 0) return '';
  const [title, about] = GROUPS[group];
  const figure =
    group === 'even' && done.evidence !== undefined ? evidenceChart(rows, done.evidence) : undefined;
  return `<section><h2>${escaped(title)}</h2><p>${escaped(about)}</p>${rows.map((row) => pictures(row, done)).join('\n')}${
    figure === undefined ? '' : chart(figure)
  }</section>`;
}

function pictures(row: Row, done: Done): string {
  const { method, points, note, verdict } = row;
  const shown = Math.min(SHOWN, points.length / PIXELS);
  const drawn = pictureGrid(points.subarray(0, shown * PIXELS), LINE);
  const bytes = Buffer.from(png(drawn, 16)).toString('base64');
  const seen = verdict.digits.map((count, digit) => `${digit}: ${count}`).join(', ');
  const facts = COLUMNS.filter((column) => FACTS.has(column.key) && Number.isFinite(column.value(row, done)))
    .map((column) => `<span>${column.head} <b>${cell(column, row, done)}</b></span>`)
    .join(' ');
  return `<div class="grid"><img alt="${shown} pictures, ${escaped(method.name)}; all ${verdict.pictures} seen as ${seen}" width="${drawn.width}" height="${drawn.height}" src="data:image/png;base64,${bytes}">
<div><h3>${escaped(method.name)}</h3><p class="facts">${facts}</p>${note === undefined ? '' : `<p class="note">${plain(note)}</p>`}</div></div>`;
}

function guidanceSection({ guidance }: Done): string {
  if (guidance === undefined) return '';
  const { logZ, pictures: n } = guidance;
  const about = `The law q(x) h(x)^3, h the classifier's probability of the digit 3 plus half of that of all others. Its shares follow from ${n} digits of q alone, each counted h^3 times: the exact product. log Z is ${logZ.exact.value.toFixed(2)} +/- ${logZ.exact.error.toFixed(2)} by these, and ${logZ.corrected.value.toFixed(2)} +/- ${logZ.corrected.error.toFixed(2)} by corrected guidance.`;
  return `<section><h2>Is corrected guidance right?</h2><p>${plain(about)}</p>${chart(sharesChart(guidance))}</section>`;
}

function repeat({ again }: PageFrame): string {
  return `<section><h2>To repeat this</h2><p><code>${escaped(again)}</code></p><p class="note">Networks and data: examples/digits/MODEL_CARD.md. Bits differ between machines, as those of the networks do.</p></section>`;
}
