import type { Drawn } from './draw.ts';
import { frechet, spread } from './frechet.ts';
import { CLASSES, FEATURES, type Networks, PIXELS, type Seen } from './networks.ts';

/** What pictures of a row are to be. */
export type Aim = 'any' | 'asked' | 'even' | 'pair';

/** What the judge makes of the pictures of a row. */
export interface Verdict {
  readonly pictures: number;
  /** [10] pictures seen as each digit. */
  readonly digits: readonly number[];
  /** Share of pictures that are what was asked for; NaN where nothing was. */
  readonly asAsked: number;
  /** Mean probability of the likeliest digit. */
  readonly sure: number;
  /** Frechet distance of the features to those of held-out digits. */
  readonly frechet: number;
  /** exp of the entropy of the shares of the digits, 1 to 10. */
  readonly kinds: number;
  /** Root mean square distance between two pictures in features, over that of held-out digits. */
  readonly spread: number;
  /** Share of pictures that are no copy of another. */
  readonly distinct: number;
  /** [n, 64] of the judge. */
  readonly features: Float64Array;
}

export async function judged(
  networks: Networks,
  drawn: Drawn,
  aim: Aim,
  pair: readonly number[],
): Promise<Verdict> {
  const { points, asked } = drawn;
  const pictures = points.length / PIXELS;
  const seen = await networks.judge(points);
  const found = likeliest(seen);
  const digits = new Array<number>(CLASSES).fill(0);
  for (const digit of found) digits[digit]!++;
  const hit: Readonly<Record<Aim, (i: number) => boolean>> = {
    any: () => true,
    asked: (i) => found[i] === asked?.[i],
    even: (i) => found[i]! % 2 === 0,
    pair: (i) => topTwo(seen, i).every((digit) => pair.includes(digit)),
  };
  const hits = [...found.keys()].filter(hit[aim]).length;
  return {
    pictures,
    digits,
    asAsked: aim === 'any' ? Number.NaN : hits / pictures,
    sure: sureness(seen),
    frechet: frechet(seen.features),
    kinds: kindsOf(digits),
    spread: spread(seen.features),
    distinct: distinctShare(points),
    features: seen.features,
  };
}

/** [n] */
export function likeliest({ logShare, features }: Seen): Uint8Array {
  return Uint8Array.from({ length: features.length / FEATURES }, (_, i) => {
    const own = logShare.subarray(CLASSES * i, CLASSES * (i + 1));
    return own.indexOf(Math.max(...own));
  });
}

function topTwo({ logShare }: Seen, i: number): number[] {
  const own = logShare.subarray(CLASSES * i, CLASSES * (i + 1));
  return [...own.keys()].sort((a, b) => own[b]! - own[a]!).slice(0, 2);
}

function sureness({ logShare }: Seen): number {
  const n = logShare.length / CLASSES;
  let sum = 0;
  for (let i = 0; i < n; i++) sum += Math.exp(Math.max(...logShare.subarray(CLASSES * i, CLASSES * (i + 1))));
  return sum / n;
}

function kindsOf(digits: readonly number[]): number {
  const all = digits.reduce((sum, count) => sum + count, 0);
  return Math.exp(
    -digits.reduce((sum, count) => sum + (count > 0 ? (count / all) * Math.log(count / all) : 0), 0),
  );
}

function distinctShare(points: Float64Array): number {
  const n = points.length / PIXELS;
  const own = new Set<string>();
  for (let i = 0; i < n; i++) own.add(points.subarray(i * PIXELS, (i + 1) * PIXELS).join());
  return own.size / n;
}
