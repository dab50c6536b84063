import { MOST_BYTES, spaced } from '../../check.ts';
import { OptionError } from '../../errors.ts';
import { type HistoryOptions, historyBytes } from '../history.ts';
import type { FieldSpecs } from '../particles.ts';
import type { SchemeName } from '../resampling/scheme.ts';
import { RESAMPLING_SCHEMES } from '../resampling/schemes.ts';

/** What decides how much memory a loop takes. */
export interface SmcSize {
  readonly fields: FieldSpecs;
  /** N and R. */
  readonly particles: number;
  readonly runs?: number;
  /** T; undefined: open-ended, of which one step counts. */
  readonly steps?: number | undefined;
  readonly noise?: number;
  readonly lookahead?: boolean;
  readonly scheme?: SchemeName;
  readonly history?: HistoryOptions;
}

/** Bytes of a loop: what it holds at any step, and what its history will have grown to at the end. */
export function smcBytes(size: SmcSize): { readonly particles: number; readonly history: number } {
  const { fields, particles: n, runs = 1, steps = 1, noise = 0, lookahead = false } = size;
  const { scheme = 'systematic', history = { kind: 'none' } } = size;
  const { uniforms = 0, counts = 0, rest = 0 } = RESAMPLING_SCHEMES[scheme].scratch(n, n);
  let state = 0;
  for (const { components, type } of Object.values(fields))
    state += 2 * components * (type === 'float32' ? 4 : 8);
  // Log-weight, ancestor, eve and its spare; then increment, weight and its running sum.
  const slot = state + 8 + 4 + 8 + 24 + 8 * noise + (lookahead ? 16 : 0);
  return {
    particles: runs * (n * slot + 8 * uniforms + 4 * counts + 16 * rest),
    history: historyBytes(history, runs * n, fields, steps),
  };
}

/**
 * The memory of a loop, checked before it is taken.
 * @throws OptionError with the number when it is more than `MOST_BYTES`.
 */
export function checkSmcMemory(where: string, size: SmcSize): void {
  const { particles, history } = smcBytes(size);
  const total = particles + history;
  if (total <= MOST_BYTES) return;
  const kind = size.history?.kind ?? 'none';
  const big = particles > MOST_BYTES;
  const share = Math.floor(((MOST_BYTES / total) * size.particles) / 64) * 64;
  const fewer = share > 0 ? `Try particles: ${spaced(share)}.` : 'Use fewer runs.';
  throw new OptionError({
    where,
    option: big ? 'particles' : 'history',
    value: big ? size.particles : size.history,
    found: big
      ? `${spaced(size.particles * (size.runs ?? 1))} particles need ${gibibytes(particles)} GiB`
      : `a history of kind '${kind}' would grow to ${gibibytes(history)} GiB`,
    expected: `at most ${gibibytes(MOST_BYTES)} GiB in all`,
    fix: big || kind === 'paths' ? fewer : "Try history: { kind: 'paths' }.",
  });
}

function gibibytes(bytes: number): string {
  return spaced(Number((bytes / 2 ** 30).toPrecision(3)));
}
