import { checkCount } from '../check.ts';
import { OptionError } from '../errors.ts';
import { ancestorsBack } from './genealogy.ts';
import { restoreHistory, type SavedHistory, snapshotHistory } from './history-state.ts';
import type { FieldSpecs, Particles } from './particles.ts';
import { makePathTree, type PathTree } from './path-tree.ts';

/** What to remember of the steps gone by. */
export type HistoryOptions =
  /** Nothing. */
  | { readonly kind: 'none' }
  /** The last `steps` steps. */
  | { readonly kind: 'window'; readonly steps: number }
  /** The steps listed. Paths cannot be traced across the gaps. */
  | { readonly kind: 'selected'; readonly steps: readonly number[] }
  /** Every step. */
  | { readonly kind: 'full' }
  /** Only the paths of surviving particles: a tree of about steps + 1.5 n log n nodes. */
  | { readonly kind: 'paths' };

/** One step as it was, on the heap. */
export interface Frame {
  readonly step: number;
  /** By field name, [n, k]. */
  readonly fields: Readonly<Record<string, Float64Array | Float32Array>>;
  /** [n] */
  readonly logWeight: Float64Array;
  /** [n] slots of the parents at the step before; undefined when every particle is its own. */
  readonly ancestor: Uint32Array | undefined;
}

/** What is remembered of a run. */
export interface HistoryRecord {
  readonly kind: HistoryOptions['kind'];
  /** Steps remembered as a whole, oldest first; none for 'none' and 'paths'. */
  readonly frames: readonly Frame[];
  /**
   * The path that ends in a slot of the last step recorded, by field name, [steps, k], oldest first: since step 0 for
   * 'full' and 'paths', since the start of the window for 'window'.
   * @throws OptionError for the other kinds.
   */
  path(slot: number): Record<string, Float64Array>;
  /**
   * Slot of each particle's ancestor `lag` steps back, [n]. Kinds 'window' and 'full'.
   * @throws OptionError when that is not remembered.
   */
  ancestry(lag: number): Uint32Array;
}

/** Record of a run that goes on. */
export interface History extends HistoryRecord {
  /** Store the particles of a step; `resampled`: whether `ancestor` led to it, otherwise parents are the own slots. */
  record(step: number, resampled: boolean): void;
  /** What is remembered now, yours for good. */
  copy(): HistoryRecord;
  /** Everything that a later `restore` needs: a header that goes through JSON, and arrays by name. */
  snapshot(): SavedHistory;
  /** Become the history that was saved, of the same kind and particles. */
  restore(saved: SavedHistory): void;
}

/** A record of `particles` that starts empty. */
export function makeHistory<F extends FieldSpecs>(particles: Particles<F>, options: HistoryOptions): History {
  const { kind } = options;
  if (kind === 'window') checkCount('history', 'steps', options.steps, { min: 1 });
  const frames: Frame[] = [];
  const trees = kind === 'paths' ? fieldTrees(particles) : undefined;
  const { count, fields } = particles;
  const parts = { kind, count, fields, frames, trees };

  const record = (step: number, resampled: boolean): void => {
    const ancestor = resampled ? particles.ancestor : undefined;
    for (const [name, tree] of trees ?? []) tree.insert(ancestor, particles.field(name));
    if (kind === 'none' || kind === 'paths') return;
    if (kind === 'selected' && !options.steps.includes(step)) return;
    frames.push(frameOf(particles, step, ancestor));
    if (kind === 'window' && frames.length > options.steps) frames.shift();
  };

  return {
    ...recordOf(parts),
    record,
    copy: () =>
      recordOf({
        ...parts,
        frames: frames.slice(),
        trees: trees?.map(([name, tree]) => [name, tree.copy()] as const),
      }),
    snapshot: () => snapshotHistory(parts),
    restore: (saved) => restoreHistory(parts, saved),
  };
}

interface Parts {
  readonly kind: HistoryOptions['kind'];
  readonly count: number;
  readonly fields: FieldSpecs;
  readonly frames: Frame[];
  readonly trees: readonly (readonly [string, PathTree])[] | undefined;
}

function recordOf({ kind, count, fields, frames, trees }: Parts): HistoryRecord {
  return {
    kind,
    frames,
    path(slot) {
      if (trees !== undefined)
        return Object.fromEntries(trees.map(([name, tree]) => [name, tree.path(slot)]));
      if (kind !== 'window' && kind !== 'full') throw forgotten(kind, 'paths');
      return tracedPath(frames, fields, slot);
    },
    ancestry(lag) {
      if ((kind !== 'window' && kind !== 'full') || !(lag >= 0 && lag < frames.length))
        throw forgotten(kind, `the ancestors ${lag} steps back`);
      const newestFirst = frames.slice(frames.length - lag).reverse();
      return ancestorsBack(
        newestFirst.map((frame) => frame.ancestor),
        count,
      );
    },
  };
}

/**
 * Bytes that a history will hold at most after `steps` steps of n particles, to be refused before a run rather than
 * met during it. For 'paths' what is expected (twice the nodes, the pool being doubled when full).
 */
export function historyBytes(
  options: HistoryOptions,
  particles: number,
  fields: FieldSpecs,
  steps: number,
): number {
  const specs = Object.values(fields);
  const width = (spec: FieldSpecs[string]): number => spec.components * (spec.type === 'float32' ? 4 : 8);
  const frame = particles * (specs.reduce((bytes, spec) => bytes + width(spec), 0) + 12);
  switch (options.kind) {
    case 'none':
      return 0;
    case 'window':
      return frame * Math.min(steps, options.steps);
    case 'selected':
      return frame * Math.min(steps, options.steps.length);
    case 'full':
      return frame * steps;
    case 'paths': {
      const nodes = Math.min(steps * particles, steps + 1.5 * particles * Math.log(particles) + particles);
      return Math.ceil(2 * nodes) * specs.reduce((bytes, spec) => bytes + 12 + 8 * spec.components, 0);
    }
    default:
      return options satisfies never;
  }
}

function fieldTrees<F extends FieldSpecs>(particles: Particles<F>): (readonly [string, PathTree])[] {
  return Object.entries(particles.fields).map(([name, spec]) => [
    name,
    makePathTree(particles.count, spec.components),
  ]);
}

function frameOf<F extends FieldSpecs>(
  particles: Particles<F>,
  step: number,
  ancestor: Uint32Array | undefined,
): Frame {
  const fields: Record<string, Float64Array | Float32Array> = {};
  for (const name of Object.keys(particles.fields)) fields[name] = particles.field(name).slice();
  return { step, fields, logWeight: particles.logWeight.slice(), ancestor: ancestor?.slice() };
}

function tracedPath(
  frames: readonly Frame[],
  fields: FieldSpecs,
  slot: number,
): Record<string, Float64Array> {
  const out: Record<string, Float64Array> = {};
  for (const [name, { components: k }] of Object.entries(fields)) {
    const path = new Float64Array(frames.length * k);
    let at = slot;
    for (let t = frames.length - 1; t >= 0; t--) {
      const frame = frames[t]!;
      path.set(frame.fields[name]!.subarray(at * k, at * k + k), t * k);
      at = frame.ancestor?.[at] ?? at;
    }
    out[name] = path;
  }
  return out;
}

function forgotten(kind: string, what: string): OptionError {
  return new OptionError({
    where: 'history',
    option: 'history',
    value: kind,
    found: `${what} are asked of a history of kind ${kind}`,
    expected: 'a kind that remembers them',
    fix: "Use history: { kind: 'full' }, or a longer window.",
  });
}
