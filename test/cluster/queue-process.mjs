/**
 * A process of the chaos tests: node queue-process.mjs ENTRY worker URL, ENTRY 'broken worker' URL, or ENTRY coordinator
 * URL SEED SLOW COUNT. Works of works.mjs, computed on the only thread, so that it starts quickly and can be killed at any
 * time.
 */
import { sums, works } from './works.mjs';

const [entry, role, url, seed, slow, count] = process.argv.slice(2);
const cluster = await import(entry);
const TIMING = { lock: 1000, stall: 300, poll: 100, lease: 20_000 };

/** The works of a machine whose memory turns one bit. */
const flipped = {
  ...works,
  find: (plan) => ({
    ...works.find(plan),
    async compute(...args) {
      const value = await works.find(plan).compute(...args);
      new Uint8Array(value.buffer)[0] ^= 1;
      return value;
    },
  }),
};

if (role === 'worker' || role === 'broken worker') {
  const link = await cluster.openLink('worker', url);
  const services = {
    works: role === 'worker' ? works : flipped,
    modules: cluster.fixedModules({}),
    blobs: undefined,
    backend: undefined,
  };
  await cluster.queueWorker({
    ...{ link, works, modules: [], threads: 1, timing: TIMING },
    run: (plan, index, signal) => cluster.computeShard(cluster.decodePlan(plan), index, services, signal),
  });
  process.stdout.write('ready\n');
} else {
  const queue = cluster.bullmq({ connection: url, timing: TIMING });
  const shards = { kind: 'range', n: 1024 * Number(count), size: 1024 };
  const plan = cluster.makePlan({
    work: sums.name,
    options: { slow: Number(slow) },
    seed: Number(seed),
    shards,
  });
  for await (const { done } of queue.submit(sums, plan)) process.stdout.write(`${done}\n`);
}
