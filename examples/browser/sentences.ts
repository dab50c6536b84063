import type { SobolResult } from 'ensample';
import { isTiny, percent } from './numbers.ts';

/** An input that explains at least this much alone is named; at most so many are. */
const EXPLAINS = 0.05;
const MOST = 4;
/** Upper end of ST below which an input could be fixed. */
const FIXABLE = 0.01;

/** The table in one or two sentences, by fixed rules of its numbers. */
export function leadWords({ firstOrder, totalOrder, outputs, provenance }: SobolResult): string {
  const main = outputs[0]!;
  if (main.constant) {
    const rounded = provenance.precision === 'float32' ? ' as the GPU rounds it, to seven digits' : '';
    return `The output never changes on these ranges${rounded}, so there is nothing to share out.`;
  }
  const { names, value } = firstOrder;
  if (value.some(Number.isNaN)) return '';
  const order = [...names.keys()].sort((a, b) => value[b]! - value[a]!);
  const top = order.filter((i) => value[i]! >= EXPLAINS).slice(0, MOST);
  const fixable = names.filter((_, i) => totalOrder.high[i]! < FIXABLE);
  return [explains(names, value, top), interactions(main.interaction), fixed(fixable)]
    .filter((s) => s !== '')
    .join(' ');
}

/** Told by the sentences, or by the line under the picture. */
const SAID: readonly string[] = ['constant-output', 'target-not-reached'];

/** Warnings worth a line. A negative index that is as good as 0 prints as a bound, and nobody asks about it. */
export function warningWords({ diagnostics, firstOrder, totalOrder }: SobolResult): readonly string[] {
  const visible = [firstOrder, totalOrder].some((s) =>
    s.value.some((value, i) => value < 0 && !isTiny(s, i)),
  );
  return diagnostics.warnings
    .filter(({ code }) => !SAID.includes(code) && (code !== 'negative-index' || visible))
    .map(({ message }) => message);
}

function explains(names: readonly string[], value: Float64Array, top: readonly number[]): string {
  const [first, ...rest] = top;
  if (first === undefined) return 'No input alone explains as much as 5 % of the variance.';
  const others = rest.map((i) => `, ${names[i]} ${percent(value[i]!)}`).join('');
  return `${names[first]} alone explains ${percent(value[first]!)} of the variance${others}.`;
}

function interactions({ value, low, high }: SobolResult['firstOrder']): string {
  if (!Number.isFinite(low[0]!)) return '';
  if (low[0]! <= 0 && high[0]! >= 0) return 'Interactions are not told from 0.';
  return value[0]! > 0 ? `Interactions carry ${percent(value[0]!)}.` : '';
}

function fixed(names: readonly string[]): string {
  const last = names[names.length - 1];
  if (last === undefined) return '';
  const list = names.length === 1 ? last : `${names.slice(0, -1).join(', ')} and ${last}`;
  return `${list} could be fixed anywhere: ${names.length === 1 ? 'its ST is' : 'their ST are'} below ${FIXABLE}.`;
}
