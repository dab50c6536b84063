import { plusMinus } from '../figures/numbers.ts';
import { distance, type GuidanceCheck, WANTED } from './guidance-check.ts';
import { percent } from './numbers.ts';
import type { Done, Row } from './session.ts';

/*
 * What the numbers say, by rules: a difference is called one from two standard errors on.
 */

/** The sentences on top of the page and below the table in the terminal. */
export function leads({ rows, guidance, evidence }: Done): string[] {
  const even = rows.filter(({ method }) => method.group === 'even');
  return [
    ...(guidance === undefined ? [] : [aboutGuidance(guidance)]),
    ...(even.length < 2 ? [] : [aboutEven(even)]),
    ...(evidence === undefined || even.length === 0 ? [] : [aboutEvidence(even, evidence)]),
  ];
}

function aboutGuidance({ exact, plain, corrected }: GuidanceCheck): string {
  const of = ({ value, error }: GuidanceCheck['exact']): string => percent(value[WANTED]!, error[WANTED]!);
  const off = (found: GuidanceCheck['exact']): number =>
    (found.value[WANTED]! - exact.value[WANTED]!) / Math.hypot(found.error[WANTED]!, exact.error[WANTED]!);
  const verdict = (found: GuidanceCheck['exact']): string =>
    Math.abs(off(found)) < 2 ? 'not told apart from it' : `${Math.abs(off(found)).toFixed(1)} errors from it`;
  const far = [plain, corrected].map((found) => distance(found, exact).toFixed(2));
  return (
    `Guided towards the digit ${WANTED}, the exact product holds ${of(exact)} of it; guidance alone gives ${of(plain)}, ` +
    `${verdict(plain)}, and corrected guidance ${of(corrected)}, ${verdict(corrected)} ` +
    `(all ten shares: ${far[0]} and ${far[1]} in total variation).`
  );
}

function aboutEven(rows: readonly Row[]): string {
  const list = rows.map(({ method, verdict }) => `${method.name} ${percent(verdict.asAsked)}`);
  return `Even digits at equal evaluations: ${list.join(', ')}, as the judge sees it.`;
}

function aboutEvidence(
  rows: readonly Row[],
  { value, error, chains }: NonNullable<Done['evidence']>,
): string {
  const list = rows.flatMap(({ method, logZ }) => {
    if (logZ === undefined || !Number.isFinite(logZ.value)) return [];
    const off = Math.abs(logZ.value - value) / Math.hypot(logZ.error, error);
    const apart = Number.isFinite(off) ? `, ${off.toFixed(1)} errors away` : '';
    return [`${method.name} ${plusMinus(logZ.value, logZ.error)}${apart}`];
  });
  return `log Z of even digits is ${plusMinus(value, error)} by ${chains} whole chains; ${list.join('; ')}.`;
}
