import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Backend } from '../../engine/backend/backend.ts';
import { bullmq } from '../../engine/cluster/bullmq/cluster.ts';
import { openLink } from '../../engine/cluster/bullmq/link.ts';
import { queueWorker } from '../../engine/cluster/bullmq/worker.ts';
import { fixedModules } from '../../engine/cluster/modules.ts';
import { decodePlan, makePlan } from '../../engine/cluster/plan.ts';
import { computeShard } from '../../engine/cluster/shard.ts';
import { haveRedis, startRedis, type TestRedis } from '../support/redis.ts';
import { sums, works } from './works.mjs';

const FAST = { lock: 1000, stall: 300, backoff: 20, poll: 100, nobody: 30_000 };

/** Whether certificates can be made. */
function haveOpenssl(): boolean {
  const found = spawnSync('openssl', ['version']).status === 0;
  if (!found) console.warn('test/cluster/tls: skipped, there is no openssl');
  return found;
}

/** An authority, and two certificates of it, as files NAME.pem and NAME-key.pem. */
function makeCertificates(folder: string): void {
  const openssl = (...args: readonly string[]): void => {
    const { status, stderr } = spawnSync('openssl', args, { cwd: folder, encoding: 'utf8' });
    if (status !== 0) throw new Error(stderr);
  };
  const key = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2'];
  openssl('req', '-x509', ...key, '-keyout', 'ca-key.pem', '-out', 'ca.pem', '-subj', '/CN=authority');
  writeFileSync(join(folder, 'names'), 'subjectAltName=IP:127.0.0.1');
  for (const name of ['server', 'client']) {
    const own = ['-keyout', `${name}-key.pem`, '-out', `${name}.csr`, '-subj', `/CN=${name}`];
    openssl('req', ...key.slice(0, -2), ...own);
    const by = ['-CA', 'ca.pem', '-CAkey', 'ca-key.pem', '-CAcreateserial', '-days', '2'];
    openssl('x509', '-req', '-in', `${name}.csr`, ...by, '-extfile', 'names', '-out', `${name}.pem`);
  }
}

describe.skipIf(!haveRedis() || !haveOpenssl())('a queue over TLS', () => {
  const folder = mkdtempSync(join(tmpdir(), 'ensample-tls-'));
  let redis: TestRedis;
  let url: string;
  const pem = (name: string): string => readFileSync(join(folder, `${name}.pem`), 'utf8');

  beforeAll(async () => {
    makeCertificates(folder);
    const port = await freePort();
    url = `rediss://127.0.0.1:${port}`;
    const file = (name: string): string => join(folder, `${name}.pem`);
    redis = await startRedis([
      ...[`tls-port ${port}`, `tls-ca-cert-file ${file('ca')}`, 'tls-auth-clients yes'],
      ...[`tls-cert-file ${file('server')}`, `tls-key-file ${file('server-key')}`],
    ]);
  });
  afterAll(async () => {
    await redis.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  test('bullmq: with an authority and a certificate of its own, worker and coordinator work over TLS', async () => {
    const connection = { url, ca: pem('ca'), cert: pem('client'), key: pem('client-key') };
    const link = await openLink('test', connection);
    const services = { works, modules: fixedModules({}), blobs: undefined as never };
    const worker = await queueWorker({
      ...{ link, works, modules: [], threads: 1, timing: FAST },
      run: (plan, index, signal) =>
        computeShard(
          decodePlan(plan),
          index,
          { ...services, backend: undefined as unknown as Backend },
          signal,
        ),
    });
    const cluster = bullmq({ connection, timing: FAST });
    const shards = { kind: 'range', n: 4096, size: 1024 } as const;
    const plan = makePlan({ work: 'test-roots', options: {}, seed: 1, shards });
    expect((await cluster.submit(sums, plan).result()).shards).toBe(4);
    await worker.stop(0);
    await cluster.close();
    await link.close();
  });

  test('bullmq: of certificates that are not trusted, or not there, and of TLS on one side only, errors say so', async () => {
    const fails = (given: object): Promise<unknown> => openLink('test', { url, ...given });
    const own = { cert: pem('client'), key: pem('client-key') };
    await expect(fails(own)).rejects.toThrow(
      /certificate of Redis at rediss:.* is not trusted \(SELF_SIGNED_CERT_IN_CHAIN\).*--tls-ca/,
    );
    await expect(fails({ ca: pem('ca') })).rejects.toThrow(
      /ended the connection \(\w+\); expected a server that speaks TLS there. .*--tls-cert/,
    );
    const plain = { url: url.replace('rediss', 'redis') };
    await expect(fails(plain)).rejects.toThrow(/that speaks without TLS there. With TLS .* rediss:/);
    await expect(
      fails({ ca: pem('ca'), ...own, url: url.replace('127.0.0.1', 'localhost') }),
    ).rejects.toThrow(/is for another name .*ERR_TLS_CERT_ALTNAME_INVALID/);
  });
});

function freePort(): Promise<number> {
  return new Promise((resolve) => {
    const server = createServer();
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() => resolve(typeof address === 'object' && address !== null ? address.port : 0));
    });
  });
}
