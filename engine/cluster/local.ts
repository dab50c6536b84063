import { mkdtempSync, rmSync } from 'node:fs';
import { hostname, tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Backend } from '../backend/backend.ts';
import { bestHost, defaultThreads, MAX_THREADS } from '../backend/host.ts';
import { checkCount, checkOptionNames } from '../check.ts';
import { OptionError } from '../errors.ts';
import { driveRun } from './drive.ts';
import { blobFolder, blobFolders, makeRunFolder } from './folder.ts';
import { fixedModules, moduleRef } from './modules.ts';
import { chooseCut, MOST_IN_FOLDER, type PilotHome } from './pilot.ts';
import { decodePlan, makePlan } from './plan.ts';
import { type WorkTable, workTable } from './registry.ts';
import { computeShard } from './shard.ts';
import { openShardThreads, type ShardThreads } from './threads.ts';
import type { Cluster } from './types.ts';

export interface LocalOptions {
  /** Threads that compute shards; 0 is the calling one. Default: the processors, at most 8. */
  readonly threads?: number;
  /** URL of a module that exports `works`, a `workTable([...])`, in the place of the package's own. */
  readonly works?: string;
}

/** What `local` needs besides: where threads find everything, and the works of the package. */
export interface LocalSetup {
  readonly entry: string;
  readonly works: WorkTable;
}

/**
 * This machine as a cluster: shards on threads, with the bits of every other cluster. `checkpoint` names a folder that
 * keeps finished shards.
 */
export function localCluster(options: LocalOptions, { entry, works: known }: LocalSetup): Cluster {
  checkOptionNames('local', options, ['threads', 'works']);
  const { threads = defaultThreads(), works } = options;
  checkCount('local', 'threads', threads, { min: 0, max: MAX_THREADS });
  const blobs = mkdtempSync(join(tmpdir(), 'ensample-blobs-'));
  const files: Record<string, string> = {};
  const setup = { threads: Math.max(1, threads), entry, files, blobs };
  const pool =
    threads === 0 ? undefined : openShardThreads(works === undefined ? setup : { ...setup, works });
  let backend: Promise<Backend> | undefined;
  const here: ShardThreads['compute'] = async (plan, index, signal, folder) => {
    backend ??= bestHost(1);
    const store = blobFolders([...(folder === undefined ? [] : [folder]), blobs]);
    const services = { modules: fixedModules(files), blobs: store, backend: await backend };
    const table = works === undefined ? known : await tableOf(works);
    return computeShard(
      decodePlan(plan),
      index,
      { ...services, works: table },
      signal ?? new AbortController().signal,
    );
  };
  const submit: Cluster['submit'] = (work, given, submit = {}) => {
    const plan = makePlan(given);
    const { checkpoint } = submit;
    const folder = checkpoint === undefined ? undefined : makeRunFolder(checkpoint, plan);
    const of = pool?.compute ?? here;
    // Blobs of a run that is kept go with it.
    const own = folder?.blobPath;
    return driveRun({
      ...{ work, plan, options: submit, slots: setup.threads, folder },
      blobs: blobFolders([...(own === undefined ? [] : [own]), blobs]),
      compute: (bytes, index, signal) => of(bytes, index, signal, own),
    });
  };
  const workers: Cluster['workers'] = async () => [
    { id: `${process.pid}`, host: hostname(), pid: process.pid, threads: setup.threads, classes: [] },
  ];
  const cuts = new Map<string, string>();
  const home: PilotHome = {
    ...{ submit, workers, path: { mostBytes: MOST_IN_FOLDER } },
    threads: async () => setup.threads,
    recall: async (name) => cuts.get(name),
    keep: async (name, text) => {
      cuts.set(name, text);
      return text;
    },
  };
  return {
    name: 'local',
    blobs: blobFolder(blobs),
    async moduleOf(url, exportName) {
      const ref = moduleRef(url, exportName);
      const path = fileURLToPath(url);
      const { name } = ref;
      if (files[name] !== undefined && files[name] !== path) throw twice(name);
      files[name] = path;
      return ref;
    },
    submit,
    workers,
    cut: (request) => chooseCut(home, request),
    async close() {
      await pool?.close();
      await (await backend)?.dispose();
      rmSync(blobs, { recursive: true, force: true });
    },
  };
}

async function tableOf(url: string): Promise<WorkTable> {
  const { works } = (await import(url)) as { readonly works?: WorkTable };
  return works ?? workTable([]);
}

function twice(name: string): OptionError {
  const found = `two models are named ${name}`;
  const expected = 'different file names';
  return new OptionError({ where: 'cluster', option: 'model', value: name, found, expected });
}
