// One worker of a folder as a process of its own: node --import tsx test/support/cluster-process.ts DIR STALE
import { hostBackend } from '../../engine/backend/host.ts';
import { startFileWorker } from '../../engine/cluster/file-worker.ts';
import { blobFolder } from '../../engine/cluster/folder.ts';
import { fixedModules } from '../../engine/cluster/modules.ts';
import { decodePlan } from '../../engine/cluster/plan.ts';
import { computeShard } from '../../engine/cluster/shard.ts';
import { works } from './cluster-works.ts';

const [directory = '', stale = '1'] = process.argv.slice(2);
const backend = await hostBackend({ threads: 1 });
const modules = fixedModules({});
startFileWorker({
  directory,
  threads: 1,
  works,
  modules: [],
  stale: Number(stale),
  poll: 20,
  run: (plan, index, signal, blobs) =>
    computeShard(decodePlan(plan), index, { works, modules, blobs: blobFolder(blobs), backend }, signal),
});
process.stdout.write('ready\n');
