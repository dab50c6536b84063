/**
 * A process of the chaos tests: node queue-process.mjs ENTRY worker URL, ENTRY 'broken worker' URL, ENTRY 'held worker'
 * URL FLAG, or ENTRY coordinator URL SEED SLOW COUNT. Works of works.mjs, computed on the only thread, so that it starts quickly and can be
 * killed at any time. A worker writes what it does as lines of JSON.
 */
import { existsSync } from 'node:fs';
import { sums, works } from './works.mjs';

const [entry, role, url, ...rest] = process.argv.slice(2);
const cluster = await import(entry);
const TIMING = { lock: 1000, stall: 300, poll: 100, lease: 20_000 };
const tell = (told) => process.stdout.write(`${JSON.stringify(told)}\n`);

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

/** Where there is a gate, so many shards may be begun. */
async function passGate({ client }) {
  if ((await client.exists('test:gate')) === 0) return;
  const own = await client.incr('test:begun');
  for (;;) {
    const gate = await client.get('test:gate');
    if (gate === null || own <= Number(gate)) return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** A held worker holds still in the middle of its first two shards: stopped, and with its event loop blocked. */
function hold(begun, flag) {
  if (begun === 1) process.kill(process.pid, 'SIGSTOP');
  const cell = new Int32Array(new SharedArrayBuffer(4));
  while (begun === 2 && !existsSync(flag)) Atomics.wait(cell, 0, 0, 5);
}

async function serve() {
  const [flag] = rest;
  const link = await cluster.openLink('worker', url);
  const own = role === 'broken worker' ? flipped : works;
  const services = { works: own, modules: cluster.fixedModules({}), blobs: undefined, backend: undefined };
  const held = role === 'held worker';
  let begun = 0;
  await cluster.queueWorker({
    ...{ link, works, modules: [], timing: TIMING, say: tell },
    // One that is held has one shard at a time, and none claimed ahead.
    threads: held ? 0 : 1,
    async run(plan, index, signal) {
      if (!held) await passGate(link);
      tell({ kind: 'begin', index });
      if (held) hold(++begun, flag);
      return cluster.computeShard(cluster.decodePlan(plan), index, services, signal);
    },
  });
  tell({ kind: 'ready' });
}

async function coordinate() {
  const [seed, slow, count] = rest.map(Number);
  const queue = cluster.bullmq({ connection: url, timing: TIMING });
  const shards = { kind: 'range', n: 1024 * count, size: 1024 };
  const plan = cluster.makePlan({ work: sums.name, options: { slow }, seed, shards });
  for await (const { done } of queue.submit(sums, plan)) tell({ kind: 'ready', done });
}

await (role === 'coordinator' ? coordinate() : serve());
