import { lossChart } from '../charts/loss.ts';
import { sharesChart } from '../charts/shares.ts';
import { type Tail, tailsChart } from '../charts/tails.ts';
import type { ExpectationsReport } from '../input.ts';
import { figure, HALF, paragraph, section, sideBySide, WIDE } from '../page.ts';
import { MOST_BARS } from '../rows.ts';

/** Stages drawn, the last ones. */
const STAGES = 12;

/** 'How the sample was adapted': loss and shares of the mixture by stage. */
export function stagesSection({ result, design }: ExpectationsReport): string {
  const { stages, estimate } = result;
  const shown = stages.slice(-STAGES);
  const names = [...estimate.names, 'laws'];
  const losses = shown.map(({ loss }) => loss);
  const drawable = losses.filter((loss) => loss > 0 && Number.isFinite(loss)).length > 1;
  const loss = drawable
    ? `<div>${paragraph('What one point leaves uncertain, weighted by what was known of each expectation then: it rises when a rare one is first seen.', 'muted')}${figure((width) => lossChart(losses, width), HALF)}</div>`
    : '';
  const shares = shown.map(({ share }) => share);
  const words = 'What each stage was drawn from: a part of the sample for each expectation (grey: the laws).';
  const width = loss === '' ? WIDE : HALF;
  const mixture = `<div>${paragraph(words, 'muted')}${figure((px) => sharesChart(shares, names, px), width)}</div>`;
  const final = design === 'sobol' ? "scrambled Sobol' points" : 'independent points';
  return section(
    'How the sample was adapted',
    sideBySide(loss, mixture),
    paragraph(
      `The answer rests on ${final} that were drawn after all this, so that it keeps its mean.`,
      'note',
    ),
  );
}

/** 'Can the weights be trusted?': Pareto shape of the summands of each expectation; of many, the heaviest. */
export function weightsSection({ result }: ExpectationsReport): string {
  const tails = result.diagnosticsOf.map(
    ({ name, paretoShape, largestShare }): Tail => ({ name, shape: paretoShape, share: largestShare }),
  );
  const heaviest = [...tails].sort((a, b) => order(b.shape) - order(a.shape)).slice(0, MOST_BARS);
  const shown = tails.filter((tail) => tails.length <= MOST_BARS || heaviest.includes(tail));
  const more = tails.length > shown.length ? ` The ${shown.length} heaviest of ${tails.length}.` : '';
  const words = `Each expectation is a mean of summands. Where the largest of them fall off too slowly, a few decide the mean, and no interval would be honest.${more}`;
  const largest = tails.reduce((a, b) => (b.share > a.share ? b : a));
  const share = Number.isFinite(largest.share)
    ? `The largest single summand is ${(100 * largest.share).toPrecision(2)} % of all, for ${largest.name}.`
    : '';
  return section(
    'Can the weights be trusted?',
    paragraph(words, 'muted'),
    figure((width) => tailsChart(shown, width), WIDE),
    paragraph(share, 'note'),
  );
}

/** What nothing is known of comes first. */
function order(shape: number): number {
  return Number.isNaN(shape) ? Number.POSITIVE_INFINITY : shape;
}
