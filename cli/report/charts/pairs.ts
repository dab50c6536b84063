import type { IntervalEstimate, PairEstimate } from '../../../estimators/index.ts';
import { fixed } from '../../format/number.ts';
import { indexText } from '../index-text.ts';
import { rampText } from '../palette.ts';
import { drawing, element, label, titled } from './svg.ts';
import { fitNames, textWidth } from './text.ts';

/** What the map shows: pairs and S1 of the same inputs, and which pairs differ from 0. */
export interface PairMap {
  readonly pairs: PairEstimate;
  readonly firstOrder: IntervalEstimate;
  /** Positions in `pairs` that differ from 0 at the corrected level. */
  readonly flagged: ReadonlySet<number>;
  /** Inputs to show, in this order. */
  readonly inputs: readonly number[];
}

/** Up to this many inputs the numbers stand in the cells. */
const NUMBERED = 12;

/**
 * Upper triangle of pairs: one hue from page tint to full, a dot where a pair is not told from 0; S1 in outlined
 * cells on the diagonal, outside the scale of colours. The scale ends at max(0.1, largest flagged pair).
 */
export function pairMap(map: PairMap, width: number): string {
  const names = map.inputs.map((input) => map.firstOrder.names[input]!);
  const side = fitNames(names, 96);
  const left = 12 + Math.max(...side.map((name) => textWidth(name)));
  const cell = Math.min(44, (width - left) / names.length);
  const top = cell < 34 ? 74 : 24;
  const scale = Math.max(0.1, ...[...map.flagged].map((k) => map.pairs.value[k]!));
  const place = new Map(map.inputs.map((input, at) => [input, at]));
  const cells = map.pairs.pairs.map(([i, j], k) => {
    const at = [place.get(i), place.get(j)].filter((p) => p !== undefined).sort((a, b) => a - b);
    return at.length < 2 ? '' : pairCell(map, k, left + at[1]! * cell, top + at[0]! * cell, cell, scale);
  });
  const diagonal = map.inputs.map((input, at) => own(map, input, left + at * cell, top + at * cell, cell));
  return drawing(
    left + names.length * cell + 2,
    top + names.length * cell + 2,
    spoken(map),
    ...heads(names, left, top, cell),
    ...side.map((name, i) => label(left - 8, top + (i + 0.5) * cell + 4, name, { 'text-anchor': 'end' })),
    ...cells,
    ...diagonal,
  );
}

/** Names above the columns: level where they fit, else turned so that they do not overlap. */
function heads(names: readonly string[], left: number, top: number, cell: number): string[] {
  if (top < 40) {
    return fitNames(names, cell - 6).map((name, i) =>
      label(left + (i + 0.5) * cell, top - 8, name, { 'text-anchor': 'middle' }),
    );
  }
  return fitNames(names, 62).map((name, i) => {
    const x = left + (i + 0.5) * cell + 4;
    return label(x, top - 6, name, { transform: `rotate(-90 ${x.toFixed(2)} ${top - 6})` });
  });
}

function pairCell(map: PairMap, k: number, x: number, y: number, cell: number, scale: number): string {
  const value = map.pairs.value[k]!;
  const shown = map.flagged.has(k);
  const t = shown ? Math.min(1, Math.max(0, value / scale)) : 0;
  const box = { x: x + 0.5, y: y + 0.5, width: cell - 1, height: cell - 1 };
  const text = indexText(map.pairs, k).full;
  const title = `${map.pairs.names[k]}: S2 ${text}${shown ? '' : ', not told from 0'}`;
  const middle = { 'text-anchor': 'middle' };
  let mark = '';
  if (!shown) mark = element('circle', { cx: x + cell / 2, cy: y + cell / 2, r: 1.5, class: 'dot' });
  else if (numbered(map, cell))
    mark = label(x + cell / 2, y + cell / 2 + 4, compact(value, cell), {
      class: `${size(cell)}${rampText(t)}`,
      ...middle,
    });
  return titled(
    title,
    element('rect', { ...box, class: 'cell' }),
    t > 0 ? element('rect', { ...box, class: 'q', 'fill-opacity': t.toFixed(3) }) : '',
    mark,
  );
}

function own(map: PairMap, input: number, x: number, y: number, cell: number): string {
  const value = map.firstOrder.value[input]!;
  const box = { x: x + 1, y: y + 1, width: cell - 2, height: cell - 2 };
  return titled(
    `${map.firstOrder.names[input]}: S1 ${indexText(map.firstOrder, input).full}`,
    element('rect', { ...box, class: 'own' }),
    numbered(map, cell)
      ? label(x + cell / 2, y + cell / 2 + 4, compact(value, cell), {
          class: size(cell),
          'text-anchor': 'middle',
        })
      : '',
  );
}

function numbered(map: PairMap, cell: number): boolean {
  return map.inputs.length <= NUMBERED && cell >= 22;
}

/** Smaller letters, of 11 px, in the cells of narrow drawings only, which are never shrunk. */
function size(cell: number): string {
  return cell < 32 ? 's ' : '';
}

/** '.35', '.081': an index in few characters, fewer in narrow cells. */
function compact(value: number, cell: number): string {
  if (Number.isNaN(value)) return 'n/a';
  const decimals = cell >= 32 && Math.abs(value) < 0.0995 ? 3 : 2;
  const text = fixed(value, decimals).replace(/^(-?)0\./, '$1.');
  if (Math.abs(value) >= 0.5 * 10 ** -decimals) return text;
  return value > 0 ? `<${fixed(10 ** -decimals, decimals).slice(1)}` : '0';
}

function spoken({ pairs, flagged }: PairMap): string {
  const list = [...flagged].map((k) => `${pairs.names[k]} ${indexText(pairs, k).full}`);
  return `Second-order indices; pairs that differ from 0: ${list.slice(0, 8).join(', ')}${list.length > 8 ? ', and more' : ''}`;
}
