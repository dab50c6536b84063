import { defaultBackend } from 'ensample';
import type { Drawn, Setting } from './draw.ts';
import { frechet } from './frechet.ts';
import { checkGuidance, type GuidanceCheck } from './guidance-check.ts';
import { PAIR } from './guided.ts';
import { judged, type Verdict } from './judge.ts';
import { METHODS, type Method } from './methods.ts';
import { type Networks, openNetworks } from './networks.ts';
import type { Options } from './options.ts';
import { type Evidence, evidence } from './rewarded.ts';

/** One method, run and judged. */
export interface Row extends Drawn {
  readonly method: Method;
  readonly verdict: Verdict;
  readonly evaluations: Evaluations;
  readonly seconds: number;
}

export interface Evaluations {
  readonly denoiser: number;
  readonly classifier: number;
}

/** All that was done, in order. */
export interface Done {
  readonly rows: Row[];
  guidance?: GuidanceCheck;
  /** Even digits by long importance sampling. */
  evidence?: Evidence;
  seconds: number;
}

/** Frechet distance of even digits to the long run; NaN for other rows, and without it. */
export function toAim({ method, verdict }: Row, { evidence: found }: Done): number {
  return found === undefined || method.group !== 'even' ? Number.NaN : frechet(verdict.features, found.law);
}

/** Hears how far a session is. */
export interface Listener {
  /** @param share of the part, 0 to 1. */
  going(name: string, part: number, parts: number, share: number): void;
  ended(row: Row): void;
}

/** A part that is one method or check. */
interface Part {
  readonly id: string;
  readonly name: string;
  run(setting: Setting): Promise<void>;
}

/** Runs what the options ask for, into `done`, which is complete up to the part that is running. */
export async function session(
  options: Options,
  done: Done,
  listener: Listener,
  signal: AbortSignal,
): Promise<void> {
  const networks = await openNetworks(options.threads);
  const backend = await defaultBackend();
  const start = performance.now();
  try {
    const parts = partsOf(options, done, listener, networks).filter(({ id }) => options.only.includes(id));
    for (const [at, { name, run }] of parts.entries()) {
      const tell = (share: number): void => listener.going(name, at, parts.length, share);
      tell(0);
      const { seed, steps, rows } = options;
      await run({ networks, backend, seed, steps, pictures: 10 * rows, signal, tell });
      done.seconds = (performance.now() - start) / 1000;
    }
  } finally {
    networks.close();
  }
}

function partsOf(options: Options, done: Done, listener: Listener, networks: Networks): Part[] {
  const methods = METHODS.map((method) => ({
    id: method.id,
    name: method.name,
    async run(setting: Setting) {
      const row = await rowOf(method, setting, networks);
      done.rows.push(row);
      listener.ended(row);
    },
  }));
  return [
    ...methods,
    {
      id: 'guidance-check',
      name: 'guidance against the exact product',
      async run(setting) {
        done.guidance = await checkGuidance(setting, options.runs);
      },
    },
    {
      id: 'evidence-check',
      name: 'log Z by long importance sampling',
      async run(setting) {
        done.evidence = await evidence(setting, options.chains);
      },
    },
  ];
}

async function rowOf(method: Method, setting: Setting, networks: Networks): Promise<Row> {
  const before = { ...networks.counts };
  const start = performance.now();
  const drawn = await method.draw(setting);
  const seconds = (performance.now() - start) / 1000;
  const { counts } = networks;
  const evaluations = {
    denoiser: counts.denoiser - before.denoiser,
    classifier: counts.classifier - before.classifier,
  };
  const verdict = await judged(networks, drawn, method.aim, PAIR);
  return { ...drawn, method, verdict, evaluations, seconds };
}
