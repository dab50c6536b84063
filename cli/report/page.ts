import { escapeText } from './escape.ts';

/** Column of the page and of a telephone, px: every wide drawing is made for both. */
export const WIDE = 940;
export const NARROW = 358;
/** Half a column on wide pages. */
export const HALF = 456;
/** A third of one. */
export const THIRD = 300;

/** Two drawings of one chart, of which a media query shows one; a single one where both are narrow. */
export function figure(draw: (width: number) => string, wide: number, caption = ''): string {
  const words = caption === '' ? '' : `<figcaption>${escapeText(caption)}</figcaption>`;
  if (wide === NARROW) return smallFigure(draw(NARROW), caption);
  return `<figure><div class="wide">${draw(wide)}</div><div class="narrow">${draw(NARROW)}</div>${words}</figure>`;
}

/** A drawing that fits a telephone as it is. */
export function smallFigure(svg: string, caption = ''): string {
  const words = caption === '' ? '' : `<figcaption>${escapeText(caption)}</figcaption>`;
  return `<figure>${svg}${words}</figure>`;
}

export function section(title: string, ...content: readonly string[]): string {
  return `<section><h2>${escapeText(title)}</h2>${content.join('\n')}</section>`;
}

/** Two blocks side by side where the page is wide; one alone has all of it. */
export function sideBySide(...blocks: readonly string[]): string {
  const kept = blocks.filter((block) => block !== '');
  return kept.length < 2 ? kept.join('') : `<div class="two">${kept.join('\n')}</div>`;
}

export function paragraph(text: string, kind = ''): string {
  if (text === '') return '';
  return kind === '' ? `<p>${escapeText(text)}</p>` : `<p class="${kind}">${escapeText(text)}</p>`;
}

export function folded(summary: string, content: string): string {
  return `<details><summary>${escapeText(summary)}</summary>${content}</details>`;
}

/** 'overflow (m)'. */
export function withUnit(name: string, unit: string | undefined): string {
  return unit === undefined || unit === '' ? name : `${name} (${unit})`;
}

/**
 * Adds what a reader without script does not miss: bars sorted by ST and back, and tables sorted by a column.
 * It only moves what is there.
 */
export const SORTING: string = `
for (const box of document.querySelectorAll('.bars')) {
  const button = document.createElement('button');
  let sorted = false;
  const place = () => {
    for (const svg of box.querySelectorAll('svg')) {
      const rows = [...svg.querySelectorAll('g[data-total]')];
      const order = sorted ? [...rows].sort((a, b) => (+b.dataset.total || 0) - (+a.dataset.total || 0)) : rows;
      order.forEach((row, to) => row.setAttribute('transform', 'translate(0,' + (to - rows.indexOf(row)) * +row.dataset.step + ')'));
    }
    button.textContent = sorted ? 'In the order of the inputs' : 'Sort by ST';
  };
  button.className = 'sort';
  button.onclick = () => { sorted = !sorted; place(); };
  place();
  box.before(button);
}
for (const head of document.querySelectorAll('table.sortable th')) {
  const table = head.closest('table'), column = head.cellIndex, rows = [...table.tBodies[0].rows];
  const button = document.createElement('button');
  button.textContent = head.textContent;
  let turn = 0;
  button.onclick = () => {
    turn = (turn + 1) % 3;
    const key = (row) => { const v = row.cells[column].dataset.v; return column === 0 ? row.cells[0].textContent : v === undefined ? -Infinity : +v; };
    const order = turn === 0 ? rows : [...rows].sort((a, b) => (key(a) < key(b) ? 1 : key(a) > key(b) ? -1 : 0) * (turn === 1 ? 1 : -1));
    table.tBodies[0].append(...order);
  };
  head.replaceChildren(button);
}`;
