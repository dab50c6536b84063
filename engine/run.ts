import type { Backend } from './backend/backend.ts';
import { checkBackend } from './backend/check-backend.ts';
import { defaultBackend } from './backend/choose.ts';
import { onProcessor } from './backend/provenance.ts';
import { checkOptionNames, show } from './check.ts';
import type { Cluster } from './cluster/types.ts';
import { DeviceLostError, OptionError } from './errors.ts';
import { rngFromSeed } from './random/rng.ts';
import type { Context, Ending, Info, Provenance, Result, Sampler, Step } from './sampler.ts';
import { type ClusterOptions, type MaybeSharded, noShards, submitSharded } from './sharded.ts';
import { makeTurn } from './turn.ts';
import type { Outcome } from './types.ts';
import { VERSION } from './version.ts';

export interface RunOptions {
  /** An integer in [0, 2^53 - 1]; drawn and recorded in provenance when absent. */
  readonly seed?: number;
  /** Default: the best this machine has, see `defaultBackend`. */
  readonly backend?: Backend;
  /** "Best you can by then": the run resolves with outcome `unfinished`. */
  readonly budget?: {
    readonly steps?: number;
    readonly evaluations?: number;
    readonly milliseconds?: number;
  };
  /** "I no longer want it": the run rejects with `signal.reason`. */
  readonly signal?: AbortSignal;
  /** Bytes of an earlier `snapshot()`; the run goes on from there, bit for bit. Needs the seed of that run. */
  readonly from?: Uint8Array;
  /**
   * Machines that compute the method's shards, or evaluate its model where it has none; the answer has the bits of one
   * machine. Of a method with shards `budget.milliseconds` ends their handing out. `iterate` has models evaluated alone.
   */
  readonly cluster?: Cluster;
  /** With `cluster`: number of shards, priority, audit, and whom to tell of progress. */
  readonly submit?: ClusterOptions;
}

export interface Progress<R> {
  /** Steps taken in this run, from 1. */
  readonly step: number;
  readonly info: Info;
  /** The answer so far. Ask before the next turn of the loop. */
  result(): Promise<R>;
  /** State as bytes, for `from` of a later run. Ask before the next turn of the loop. */
  snapshot(): Promise<Uint8Array>;
}

/**
 * Run a method step by step. Leaving the loop early frees everything; the generator's return value is the
 * final result.
 * @throws OptionError for options that cannot be used; `signal.reason` when aborted; DeviceLostError with the last
 * checkpoint when a graphics card goes away; whatever the method throws.
 */
export async function* iterate<S, R extends Result>(
  method: Sampler<S, R> & MaybeSharded<R, S>,
  options: RunOptions = {},
): AsyncGenerator<Progress<R>, R> {
  checkRun(method, options);
  const sampler = withModels(method, options);
  const seed = options.seed ?? drawSeed();
  const backend = options.backend ?? (await defaultBackend());
  const signal = options.signal ?? new AbortController().signal;
  const { evaluations } = options.budget ?? {};
  const bound = evaluations === undefined ? {} : { evaluations };
  const ctx: Context = { rng: rngFromSeed(seed), backend, signal, ...bound };
  const provenance: Provenance = { seed, version: VERSION, ...onProcessor(backend), notes: [] };
  const ending = (outcome: Outcome): Ending => ({ outcome, provenance });
  const { guard, snapshot } = checkpoints(sampler, seed, options.from);
  const turn = makeTurn();
  const start = performance.now();
  signal.throwIfAborted();
  let at: Step<S> = await guard(
    () => (options.from === undefined ? sampler.init(ctx) : sampler.restore(options.from, ctx)),
    undefined,
  );
  try {
    for (let steps = 1; ; steps++) {
      const now = at;
      const outcome: Outcome = now.done ? { kind: 'converged' } : { kind: 'unfinished' };
      const result = (): Promise<R> => guard(() => sampler.result(now.state, ending(outcome)), now);
      yield { step: steps, info: now.info, result, snapshot: () => snapshot(now) };
      if (now.done || spent(options.budget, steps, now.info, performance.now() - start))
        return await result();
      await turn.pause(signal);
      signal.throwIfAborted();
      at = await guard(() => sampler.step(now.state, ctx), now);
    }
  } finally {
    sampler.dispose(at.state);
  }
}

interface Checkpoints<S> {
  /** @throws DeviceLostError with a checkpoint, when the card goes away during `work` on the step `now`. */
  guard<T>(work: () => Promise<T>, now: Step<S> | undefined): Promise<T>;
  snapshot(now: Step<S>): Promise<Uint8Array>;
}

/** Snapshots on demand; where one is wanted and can no longer be taken, the last one that was. */
function checkpoints<S, R extends Result>(
  sampler: Sampler<S, R>,
  seed: number,
  from: Uint8Array | undefined,
): Checkpoints<S> {
  let last = from;
  const snapshot = async (now: Step<S>): Promise<Uint8Array> => {
    last = await sampler.snapshot(now.state);
    return last;
  };
  return {
    snapshot,
    async guard(work, now) {
      try {
        return await work();
      } catch (cause) {
        if (!(cause instanceof DeviceLostError)) throw cause;
        const bytes = now === undefined ? last : await snapshot(now).catch(() => last);
        throw new DeviceLostError({
          where: sampler.name,
          reason: cause.reason,
          seed,
          snapshot: bytes,
          cause,
        });
      }
    },
  };
}

/** The method, with its models on the cluster if there is one. @throws OptionError when it has none there. */
function withModels<S, R extends Result>(
  method: Sampler<S, R> & MaybeSharded<R, S>,
  { cluster, submit = {} }: RunOptions,
): Sampler<S, R> {
  if (cluster === undefined) return method;
  const { checkpoint, ...options } = submit;
  if (checkpoint !== undefined)
    throw refused('submit.checkpoint', checkpoint, 'a method with shards, or `snapshot()` of `iterate`');
  if (method.onCluster !== undefined) return method.onCluster(cluster, options);
  if (method.shards === undefined) throw noShards(method.name);
  throw refused(
    'cluster',
    cluster,
    `run(method, { cluster }): ${method.name} has shards and takes no steps there`,
  );
}

/**
 * Run a method to its end, or to the end of its budget, and return the answer. Drains `iterate`, or hands the shards of
 * the method to `options.cluster`.
 */
export async function run<S, R extends Result>(
  sampler: Sampler<S, R> & MaybeSharded<R, S>,
  options: RunOptions = {},
): Promise<R> {
  if (options.cluster !== undefined && sampler?.shards !== undefined)
    return runOnCluster(sampler, options, options.cluster);
  const steps = iterate(sampler, options);
  for (;;) {
    const next = await steps.next();
    if (next.done) return next.value;
  }
}

/** Shards on other machines, their merged summary and the answer here. */
async function runOnCluster<S, R extends Result>(
  sampler: Sampler<S, R> & MaybeSharded<R, S>,
  options: RunOptions,
  cluster: Cluster,
): Promise<R> {
  checkRun(sampler, options);
  checkShardsRun(options);
  const { signal = new AbortController().signal, budget, submit } = options;
  signal.throwIfAborted();
  const seed = options.seed ?? drawSeed();
  const backend = options.backend ?? (await defaultBackend());
  const deadline = budget?.milliseconds === undefined ? {} : { deadline: budget.milliseconds };
  const told = await submitSharded(sampler, cluster, seed, { ...submit, ...deadline, signal });
  const { merged, kept } = told;
  const notes = [`Shards were computed on a cluster (${cluster.name}).`, ...told.notes];
  const provenance: Provenance = { seed, version: VERSION, ...onProcessor(backend), notes };
  const outcome: Outcome = { kind: merged.complete ? 'converged' : 'unfinished' };
  const ctx: Context = { rng: rngFromSeed(seed), backend, signal };
  return sampler.shards!.answer(merged, ctx, { outcome, provenance }, kept);
}

/** Go on from `snapshot()` bytes to the end. Same as `run(sampler, { ...options, from: bytes })`. */
export function resume<S, R extends Result>(
  sampler: Sampler<S, R>,
  bytes: Uint8Array,
  options: RunOptions = {},
): Promise<R> {
  return run(sampler, { ...options, from: bytes });
}

function spent(budget: RunOptions['budget'], steps: number, info: Info, milliseconds: number): boolean {
  if (budget === undefined) return false;
  return (
    steps >= (budget.steps ?? Infinity) ||
    info.evaluations >= (budget.evaluations ?? Infinity) ||
    milliseconds >= (budget.milliseconds ?? Infinity)
  );
}

const RUN: Readonly<Record<keyof RunOptions, true>> = {
  seed: true,
  backend: true,
  budget: true,
  signal: true,
  from: true,
  cluster: true,
  submit: true,
};
const BUDGET: Readonly<Record<keyof NonNullable<RunOptions['budget']>, true>> = {
  steps: true,
  evaluations: true,
  milliseconds: true,
};

const SUBMIT: Readonly<Record<keyof ClusterOptions, true>> = {
  priority: true,
  audit: true,
  checkpoint: true,
  shards: true,
  progress: true,
  notice: true,
};

function checkRun(sampler: unknown, options: RunOptions): void {
  const init = (sampler as { readonly init?: unknown } | null | undefined)?.init;
  if (typeof init !== 'function') {
    throw new OptionError({
      where: 'run',
      option: 'sampler',
      value: sampler,
      found: `what is to be run is ${show(sampler)}`,
      expected: 'a method, such as sobolIndices({ ... }) or monteCarlo({ ... })',
    });
  }
  checkOptionNames('run', options, Object.keys(RUN));
  checkBackend('run', options.backend);
  checkClusterOptions(options);
  if (options.from !== undefined && options.seed === undefined) {
    throw new OptionError({
      where: 'run',
      option: 'seed',
      value: undefined,
      found: 'option `seed` is absent while `from` is given',
      expected: 'the seed of the run that goes on',
      fix: 'It is `provenance.seed` of its results.',
    });
  }
  if (options.budget !== undefined) checkBudget(options.budget);
}

function checkClusterOptions({ cluster, submit }: RunOptions): void {
  if (cluster === undefined) {
    if (submit !== undefined) throw refused('submit', submit, 'option `cluster` beside it');
    return;
  }
  if (typeof cluster?.submit !== 'function') throw refused('cluster', cluster, 'a cluster, such as local()');
  if (submit !== undefined) checkOptionNames('run: submit', submit, Object.keys(SUBMIT));
}

/** What a run of shards cannot heed. */
function checkShardsRun({ from, budget }: RunOptions): void {
  if (from !== undefined)
    throw refused('from', from, 'nothing beside `cluster`, which keeps finished shards');
  for (const name of ['steps', 'evaluations'] as const)
    if (budget?.[name] !== undefined)
      throw refused(`budget.${name}`, budget[name], 'budget.milliseconds beside `cluster`');
}

function refused(option: string, value: unknown, expected: string): OptionError {
  return new OptionError({
    where: 'run',
    option,
    value,
    found: `option \`${option}\` is ${show(value)}`,
    expected,
  });
}

function checkBudget(budget: NonNullable<RunOptions['budget']>): void {
  checkOptionNames('run: budget', budget, Object.keys(BUDGET));
  for (const [name, value] of Object.entries(budget)) {
    if (typeof value === 'number' && value > 0) continue;
    throw new OptionError({
      where: 'run',
      option: `budget.${name}`,
      value,
      found: `option \`budget.${name}\` is ${String(value)}`,
      expected: 'a number above 0',
    });
  }
}

/** A fresh 53-bit seed from the platform's entropy. */
function drawSeed(): number {
  const words = crypto.getRandomValues(new Uint32Array(2));
  return (words[0]! >>> 11) * 4294967296 + words[1]!;
}
