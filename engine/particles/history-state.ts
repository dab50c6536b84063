import type { StateArray } from '../array/codec.ts';
import { ShapeError } from '../errors.ts';
import type { FieldSpecs } from './particles.ts';
import type { PathTree } from './path-tree.ts';

/** A history, or a loop with its history, as data. */
export interface SavedHistory {
  /** Goes through JSON. */
  readonly header: unknown;
  readonly arrays: Readonly<Record<string, StateArray>>;
}

/** The frame of a step, as `Frame` of the history. */
interface FrameParts {
  readonly step: number;
  readonly fields: Readonly<Record<string, Float64Array | Float32Array>>;
  readonly logWeight: Float64Array;
  readonly ancestor: Uint32Array | undefined;
}

interface Parts {
  readonly frames: FrameParts[];
  readonly trees: readonly (readonly [string, PathTree])[] | undefined;
  readonly fields: FieldSpecs;
}

interface Header {
  readonly frames: readonly { readonly step: number; readonly resampled: boolean }[];
  readonly trees: readonly { readonly steps: number; readonly idle: number }[];
}

const TREE_ARRAYS = ['parent', 'children', 'payload', 'free', 'leaves'] as const;

/** Frames are never written again, so they are lent; trees are copied. */
export function snapshotHistory({ frames, trees = [] }: Parts): SavedHistory {
  const arrays: Record<string, StateArray> = {};
  for (const [i, frame] of frames.entries()) {
    for (const [name, values] of Object.entries(frame.fields)) arrays[`frame${i}:field:${name}`] = values;
    arrays[`frame${i}:logWeight`] = frame.logWeight;
    if (frame.ancestor !== undefined) arrays[`frame${i}:ancestor`] = frame.ancestor;
  }
  const states = trees.map(([name, tree]) => ({ name, state: tree.state() }));
  // `state` copied them from typed arrays.
  for (const { name, state } of states)
    for (const key of TREE_ARRAYS) arrays[`tree:${name}:${key}`] = state[key] as Float64Array | Uint32Array;
  const header: Header = {
    frames: frames.map(({ step, ancestor }) => ({ step, resampled: ancestor !== undefined })),
    trees: states.map(({ state: { steps, idle } }) => ({ steps, idle })),
  };
  return { header, arrays };
}

/** @throws ShapeError when an array of it is missing. */
export function restoreHistory({ frames, trees = [], fields }: Parts, saved: SavedHistory): void {
  // Written by `snapshotHistory`; whoever stored the bytes checked them.
  const header = saved.header as Header;
  const array = (name: string): StateArray => saved.arrays[name] ?? missing(name);
  frames.length = 0;
  for (const [i, { step, resampled }] of header.frames.entries()) {
    frames.push({
      step,
      fields: Object.fromEntries(
        Object.keys(fields).map((name) => {
          // A field is never made of integers.
          return [name, array(`frame${i}:field:${name}`) as Float64Array | Float32Array];
        }),
      ),
      logWeight: Float64Array.from(array(`frame${i}:logWeight`)),
      ancestor: resampled ? Uint32Array.from(array(`frame${i}:ancestor`)) : undefined,
    });
  }
  for (const [index, [name, tree]] of trees.entries()) {
    const part = (key: (typeof TREE_ARRAYS)[number]): StateArray => array(`tree:${name}:${key}`);
    const [parent, children, payload, free, leaves] = TREE_ARRAYS.map(part);
    tree.restore({
      ...header.trees[index]!,
      ...{ parent: parent!, children: children!, payload: payload!, free: free!, leaves: leaves! },
    });
  }
}

function missing(name: string): never {
  throw new ShapeError({
    where: 'history.restore',
    found: `${name} is missing`,
    expected: 'every array that was saved',
  });
}
