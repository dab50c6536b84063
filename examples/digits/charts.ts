import { forestChart } from '../figures/forest-chart.ts';
import { escaped, type Figure } from '../figures/frame.ts';
import { massChart } from '../figures/mass-chart.ts';
import { type GuidanceCheck, WANTED } from './guidance-check.ts';
import type { Done, Row } from './session.ts';

/** Width of a page in px, on screens and on telephones. */
const [WIDE, NARROW] = [940, 358];

/** A chart drawn twice, of which a media query shows one. */
export function chart(figure: Figure): string {
  const drawn = (width: number): string => {
    const { width: w, height: h, markup, summary } = figure(width);
    return `<svg viewBox="0 0 ${w} ${h}" style="max-width:${w}px" text-anchor="middle" role="img" aria-label="${escaped(summary)}">${markup}</svg>`;
  };
  return `<figure><div class="wide">${drawn(WIDE)}</div><div class="narrow">${drawn(NARROW)}</div></figure>`;
}

/** Shares of the digits under guidance, against the product. */
export function sharesChart({ exact, plain, corrected }: GuidanceCheck): Figure {
  const masses = exact.value.map((share, c) => ({
    ...{ name: String(c), exact: share, value: corrected.value[c]!, error: corrected.error[c]! },
    uncorrected: plain.value[c]!,
  }));
  return massChart({
    ...{ masses, xLabel: 'digit', crosses: 'not corrected' },
    caption: `share of each digit, guided towards ${WANTED}; bars: exact product; dots: corrected, 95 %; crosses: not corrected`,
  });
}

/** log Z by all methods that know it, against the long run; nothing where none do. */
export function evidenceChart(
  rows: readonly Row[],
  { value }: NonNullable<Done['evidence']>,
): Figure | undefined {
  const told = rows.flatMap(({ method, logZ }) =>
    logZ === undefined || !Number.isFinite(logZ.value)
      ? []
      : [{ name: method.name, value: logZ.value, error: logZ.error }],
  );
  if (told.length === 0) return undefined;
  return forestChart({
    ...{ rows: told, exact: value, xLabel: 'log Z of even digits' },
    caption: 'dots: found, 95 % where there is an error; line: long importance sampling',
  });
}
