import { type Backend, iterate, type Result, type Sample, type Sampler } from 'ensample';
import { evenDraws } from '../figures/weighted.ts';
import { type Networks, PIXELS } from './networks.ts';

/** What a method is run with. */
export interface Setting {
  readonly networks: Networks;
  readonly backend: Backend;
  readonly seed: number;
  /** Of each row of the page; ten divide it. */
  readonly pictures: number;
  /** From noise to data. */
  readonly steps: number;
  readonly signal: AbortSignal;
  /** Called with the share of the method that is done. */
  readonly tell: (share: number) => void;
}

export interface LogZ {
  readonly value: number;
  readonly error: number;
}

/** What a method drew: pictures that count alike. */
export interface Drawn {
  /** [n, 784] */
  readonly points: Float64Array;
  /** [n] the digit that was asked for, where one was. */
  readonly asked?: Int32Array;
  /** A sentence: what else the run said. */
  readonly note?: string;
  /** log of the mean reward, exponentiated, under the law without it; NaN for an error that is not known. */
  readonly logZ?: LogZ;
}

/** A run with its progress told. Rejects when the setting's signal is given. */
export async function ran<S, R extends Result>(
  sampler: Sampler<S, R>,
  { backend, seed, signal, tell }: Setting,
): Promise<R> {
  const going = iterate(sampler, { seed, backend, signal });
  for (;;) {
    const { value, done } = await going.next();
    if (done) return value;
    const { info } = value;
    tell(info.total === undefined ? 0 : info.done / info.total);
  }
}

/** ' Warned: few-ancestors.', or nothing. */
export function warned({ diagnostics }: Result): string {
  const codes = [...new Set(diagnostics.warnings.map(({ code }) => code))];
  return codes.length === 0 ? '' : ` Warned: ${codes.join(', ')}.`;
}

/** What `draw` makes of each digit, digits in turn: picture i is of digit i modulo 10. */
export async function ofEachDigit(
  setting: Setting,
  draw: (digit: number, setting: Setting) => Promise<Sample>,
): Promise<{ readonly points: Float64Array; readonly asked: Int32Array; readonly samples: Sample[] }> {
  const { pictures } = setting;
  const points = new Float64Array(pictures * PIXELS);
  const asked = Int32Array.from({ length: pictures }, (_, i) => i % 10);
  const samples: Sample[] = [];
  for (let digit = 0; digit < 10; digit++) {
    const tell = (share: number): void => setting.tell((digit + share) / 10);
    const sample = await draw(digit, { ...setting, seed: setting.seed + digit, tell });
    const own = evenDraws(sample, pictures / 10);
    for (let i = 0; i < pictures / 10; i++)
      points.set(own.subarray(i * PIXELS, (i + 1) * PIXELS), (10 * i + digit) * PIXELS);
    samples.push(sample);
  }
  return { points, asked, samples };
}
