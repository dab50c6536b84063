import { hostname } from 'node:os';
import { VERSION } from '../version.ts';
import { classKey, PROTOCOL, v8Version } from './plan.ts';
import type { WorkTable } from './registry.ts';
import type { ModuleRef, Plan } from './types.ts';

/** What a worker announces. */
export interface Announcement {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly threads: number;
  readonly protocol: number;
  readonly engine: string;
  readonly v8: string;
  readonly works: readonly { readonly name: string; readonly version: number }[];
  readonly modules: readonly { readonly name: string; readonly hash: string }[];
  readonly classes: readonly string[];
  readonly done: number;
}

/** What a worker brings along, in words for others. */
export function announcementOf(
  id: string,
  {
    works,
    modules,
    threads,
  }: { readonly works: WorkTable; readonly modules: readonly ModuleRef[]; readonly threads: number },
  classes: readonly string[],
  done: number,
): Announcement {
  return {
    ...{ id, host: hostname(), pid: process.pid, threads },
    ...{ protocol: PROTOCOL, engine: VERSION, v8: v8Version() },
    works: works.names.map((work) => ({ name: work, version: works.find({ work }).version })),
    modules: modules.map(({ name, hash }) => ({ name, hash })),
    ...{ classes, done },
  };
}

/** Every class of these tiers that these works can make with these models. */
export function servedClasses(
  works: WorkTable,
  modules: readonly ModuleRef[],
  tiers: readonly Plan['tier'][],
): string[] {
  const refs: readonly (ModuleRef | undefined)[] = [undefined, ...modules];
  return works.names.flatMap((work) =>
    refs.flatMap((module) => tiers.map((tier) => classKey(works.find({ work }), shell(work, module, tier)))),
  );
}

/** As much of a plan as its class depends on. */
function shell(work: string, module: ModuleRef | undefined, tier: Plan['tier']): Plan {
  const plan = { protocol: PROTOCOL, work, options: null, seed: 0, tier } as const;
  const shards = { kind: 'index', count: 1 } as const;
  return module === undefined ? { ...plan, shards } : { ...plan, shards, module };
}
