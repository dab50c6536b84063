import { percent } from '../../format/number.ts';
import { drawing, element, label, titled } from './svg.ts';
import { shorten } from './text.ts';

const ROW = 30;
const BAR = 22;
const TOP = 6;
const LEFT = 64;

/** Shares of the mixture [components] that each stage was drawn from, as bars of one length. */
export function sharesChart(
  shares: readonly Float64Array[],
  names: readonly string[],
  width: number,
): string {
  const right = width - 6;
  return drawing(
    width,
    TOP + shares.length * ROW,
    spoken(shares, names),
    ...shares.map((share, s) => bar(share, names, { y: TOP + s * ROW, right, title: `stage ${s + 1}` })),
  );
}

function spoken(shares: readonly Float64Array[], names: readonly string[]): string {
  const last = shares[shares.length - 1]!;
  const best = last.indexOf(Math.max(...last));
  return `Shares of the mixture by stage; the largest of the last stage is ${names[best]} with ${percent(last[best]!)}.`;
}

interface Line {
  readonly y: number;
  readonly right: number;
  readonly title: string;
}

function bar(share: Float64Array, names: readonly string[], { y, right, title }: Line): string {
  const room = right - LEFT;
  let at = LEFT;
  const parts = Array.from(share, (part, k) => {
    const from = at;
    at += part * room;
    if (at - from < 0.3) return '';
    const laws = k === share.length - 1;
    const text = shorten(names[k]!, at - from - 8);
    return titled(
      `${title}: ${names[k]} ${percent(part)}`,
      element('rect', {
        x: from,
        y,
        width: Math.max(0.3, at - from - 1),
        height: BAR,
        style: laws ? 'fill:var(--rule);fill-opacity:.35' : 'fill:var(--total-fill)',
      }),
      readable(text, names[k]!) ? label(from + 4, y + 15, text) : '',
    );
  });
  return label(0, y + 15, title, { class: 'm' }) + parts.join('');
}

/** Letters that a cut name must keep to be worth its place. */
const LETTERS = 7;

function readable(text: string, name: string): boolean {
  return text === name || text.length >= LETTERS;
}
