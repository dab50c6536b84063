import { checkCount, checkOneOf, show } from '../check.ts';
import { InputError, OptionError } from '../errors.ts';
import { VERSION } from '../version.ts';
import { canonicalJson, readCanonical, sha256 } from './canonical.ts';
import type { AnyWork, Plan, PlanValue, Shard, ShardCut } from './types.ts';

/** The version of plans, records and messages. */
export const PROTOCOL = 1;
/** Points that sums are blocked by; ranges are 1024 * 2^m of them. */
export const BLOCK = 1024;
/** Most shards of a plan. */
export const MOST_SHARDS: number = 2 ** 24;
/** Plans are read by every worker; what is larger goes into blobs. */
const MOST_PLAN_BYTES = 2 ** 26;

const WHERE = 'makePlan';

/**
 * A plan, checked.
 * @throws OptionError for a range that is not 1024 * 2^m, a seed that is none, or options that are no plan values.
 */
export function makePlan<O>(
  plan: Omit<Plan<O>, 'protocol' | 'tier'> & { readonly tier?: 'A' | 'B' },
): Plan<O> {
  const { work, module, options, seed, tier = 'A', shards } = plan;
  checkCount(WHERE, 'seed', seed, { min: 0 });
  checkOneOf(WHERE, 'tier', tier, ['A', 'B']);
  checkCut(shards);
  const made = { protocol: PROTOCOL, work, options, seed, tier, shards } as const;
  const whole: Plan<O> = module === undefined ? made : { ...made, module };
  canonicalJson(whole as unknown as PlanValue);
  return whole;
}

function checkCut(cut: ShardCut): void {
  if (cut.kind === 'index') {
    checkCount(WHERE, 'shards.count', cut.count, { min: 1, max: MOST_SHARDS });
    return;
  }
  checkOneOf(WHERE, 'shards.kind', cut.kind, ['range', 'index']);
  checkCount(WHERE, 'shards.n', cut.n, { min: 1 });
  const blocks = cut.size / BLOCK;
  if (Number.isInteger(blocks) && blocks >= 1 && Number.isInteger(Math.log2(blocks))) {
    checkCount(WHERE, 'shards', Math.ceil(cut.n / cut.size), { min: 1, max: MOST_SHARDS });
    return;
  }
  const near = BLOCK * 2 ** Math.max(0, Math.floor(Math.log2(Math.max(1, blocks || 1))));
  throw new OptionError({
    where: WHERE,
    option: 'shards.size',
    value: cut.size,
    found: `a shard has ${show(cut.size)} points`,
    expected: '1024 times a power of two, so that sums have the bits of one machine',
    fix: `Try ${near}.`,
  });
}

/** Whether a plan only measures how to cut another. */
export function isPilot({ shards }: Pick<Plan<unknown>, 'shards'>): boolean {
  return shards.kind === 'index' && shards.pilot === true;
}

/** Shards of a plan. */
export function shardCount({ shards }: Pick<Plan<unknown>, 'shards'>): number {
  return shards.kind === 'index' ? shards.count : Math.ceil(shards.n / shards.size);
}

/** The shard with a number. @throws OptionError outside 0 .. count - 1. */
export function shardAt(plan: Pick<Plan<unknown>, 'shards'>, index: number): Shard {
  const { shards } = plan;
  checkCount('shard', 'index', index, { min: 0, max: shardCount(plan) - 1 });
  if (shards.kind === 'index') return { index, lo: index, hi: index + 1 };
  return { index, lo: index * shards.size, hi: Math.min(shards.n, (index + 1) * shards.size) };
}

/** A plan as bytes: its canonical text in UTF-8. */
export function encodePlan(plan: Plan<unknown>): Uint8Array {
  return new TextEncoder().encode(canonicalJson(plan as unknown as PlanValue));
}

/**
 * A plan from bytes.
 * @throws InputError when they are no plan or not its canonical text; also for another protocol, with both numbers.
 */
export function decodePlan(bytes: Uint8Array, file = 'plan'): Plan {
  const refuse = (found: string, expected = 'the unchanged bytes of a plan'): InputError =>
    new InputError({ where: 'plan', file, found, expected });
  if (bytes.length > MOST_PLAN_BYTES) throw refuse(`${file} has ${bytes.length} bytes`);
  let plan: Partial<Plan> | null;
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
    plan = readCanonical(text) as Partial<Plan> | null;
  } catch {
    throw refuse(`${file} cannot be read`);
  }
  if (plan?.protocol !== PROTOCOL)
    throw refuse(`${file} has protocol ${show(plan?.protocol)}`, `protocol ${PROTOCOL}`);
  const { work, module, options, seed, tier, shards } = plan;
  const known = typeof work === 'string' && typeof seed === 'number' && typeof shards === 'object';
  if (!known || tier === undefined || options === undefined) throw refuse(`${file} is no plan`);
  const made = makePlan({ work, options, seed, tier, shards, ...(module === undefined ? {} : { module }) });
  if (canonicalJson(made as unknown as PlanValue) !== text) throw refuse(`${file} is not canonical`);
  return made;
}

/** The name of a run: the first 32 hexadecimal digits of its plan's sha256. */
export function runId(plan: Plan<unknown>): string {
  return sha256(encodePlan(plan)).slice(0, 32);
}

/**
 * Who may compute a plan: the same engine, work, model and tier under the same V8, whose `Math` may differ in the last
 * bit from another's. 16 hexadecimal digits.
 */
export function classKey(work: Pick<AnyWork, 'name' | 'version'>, plan: Plan<unknown>): string {
  const parts = {
    protocol: PROTOCOL,
    engine: VERSION,
    work: work.name,
    version: work.version,
    module: plan.module?.hash ?? '',
    tier: plan.tier,
    v8: v8Version(),
  };
  return sha256(canonicalJson(parts)).slice(0, 16);
}

/** '11.3' */
export function v8Version(): string {
  return (process.versions.v8 ?? '').split('.').slice(0, 2).join('.');
}
