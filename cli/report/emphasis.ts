import { escapeText } from './escape.ts';

/** Words the generated sentences use themselves: an input with such a name is not set in bold. */
const ORDINARY: ReadonlySet<string> = new Set(
  'a all alone an and anywhere apart are as be below between by carry could explains fixed from indices input interactions is it its mean model more most n no none not of on one or other output outputs runs settle standard than that the their they to together told total variance with'.split(
    ' ',
  ),
);

/** A sentence as HTML with the names of inputs in bold where they stand as words of their own. */
export function emphasised(sentence: string, names: readonly string[]): string {
  const bold = names
    .filter((name) => name !== '' && !ORDINARY.has(name.toLowerCase()))
    .sort((a, b) => b.length - a.length)
    .map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'));
  if (bold.length === 0) return escapeText(sentence);
  const parts = sentence.split(new RegExp(`(?<![\\p{L}\\p{N}_])(${bold.join('|')})(?![\\p{L}\\p{N}_])`, 'u'));
  // split() puts what the group caught at the odd places.
  return parts.map((part, i) => (i % 2 === 1 ? `<b>${escapeText(part)}</b>` : escapeText(part))).join('');
}
