import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { checkBlobs, openBlobs } from '../../engine/cluster/blobs.ts';
import { NO_BLOBS } from '../../engine/cluster/bullmq/cluster.ts';
import { sha256 } from '../../engine/cluster/canonical.ts';
import { ClusterError } from '../../engine/cluster/cluster-error.ts';
import { openS3, readS3 } from '../../engine/cluster/s3.ts';
import { KEYS, signatureOf, startS3, type TestS3 } from '../support/s3.ts';

let s3: TestS3;
const bytes = Uint8Array.from({ length: 300_001 }, (_, i) => i % 251);
const ref = { sha256: sha256(bytes), bytes: bytes.length };
const key = `results/a/b/${ref.sha256}`;

/** A store with keys and an address of its own, that waits no time between tries. */
function storeOf(place: string, more: Readonly<Record<string, string>> = {}): ReturnType<typeof openS3> {
  return openS3(readS3('test', place, { env: { ...s3.env, ...more } }), 1);
}

beforeAll(async () => {
  s3 = await startS3();
});
afterAll(() => s3.close());

test('s3: the server of these tests finds the signature that the documentation of Amazon gives for its example', () => {
  const headers = {
    host: 'examplebucket.s3.amazonaws.com',
    range: 'bytes=0-9',
    'x-amz-content-sha256': sha256(new Uint8Array(0)),
    'x-amz-date': '20130524T000000Z',
  };
  expect(signatureOf({ method: 'GET', path: '/test.txt', headers }, Object.keys(headers), 'us-east-1')).toBe(
    'f0e8bdb87c964420e857bd35b5d6ed310bd44f0170aba48dd91039c6036bdb41',
  );
});

test('s3: what is written is read back under its hash, and removed, with signatures that a server of its own verifies', async () => {
  const store = storeOf('s3://results/a/b/');
  expect(await store.put(bytes)).toEqual(ref);
  expect([...s3.objects.keys()]).toEqual([key]);
  expect(s3.objects.get(key)!.equals(bytes)).toBe(true);
  expect(sha256(await store.get(ref))).toBe(ref.sha256);
  // Keys that last for some hours only have a token beside them; it is signed as well.
  const short = storeOf('s3://results/a/b', { AWS_SESSION_TOKEN: 'some' });
  expect(sha256(await short.get(ref))).toBe(ref.sha256);
  await store.remove(ref);
  await store.remove(ref);
  expect(s3.objects.size).toBe(0);
  expect(s3.log.splice(0)).toEqual(['PUT 200', 'GET 200', 'GET 200', 'DELETE 204', 'DELETE 204']);
});

test('s3: a content that is missing, changed, shorter or longer is told of, and a wrong one deleted', async () => {
  const store = storeOf('s3://results/a/b');
  await expect(store.get(ref)).rejects.toThrow(
    `cluster: blob ${ref.sha256.slice(0, 12)} in s3://results is not there; expected what was written beside the record.`,
  );
  for (const wrong of [Buffer.from(bytes).fill(1, 9, 10), Buffer.alloc(3), Buffer.alloc(400_000)]) {
    s3.objects.set(key, wrong);
    const error = await store.get(ref).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(ClusterError);
    expect((error as Error).message).toMatch(/has other bytes than its hash says/);
    expect(s3.objects.has(key)).toBe(false);
  }
  s3.log.splice(0);
});

test('s3: a reference that is no hash names nothing in the bucket', async () => {
  const store = storeOf('s3://results/a/b');
  s3.objects.set('results/other', Buffer.from(bytes));
  for (const hash of ['../../other', `../../other?${'0'.repeat(52)}`, '']) {
    await expect(store.get({ ...ref, sha256: hash })).rejects.toThrow('is not there');
    await store.remove({ sha256: hash });
  }
  expect([s3.objects.delete('results/other'), s3.log]).toEqual([true, []]);
});

test('s3: a server that is busy, or hangs up, is asked again with a new signature; one that stays so is told of', async () => {
  const store = storeOf('s3://results/a/b');
  s3.faults.push({ status: 503, code: 'SlowDown' }, 'hang up', { status: 429 }, undefined, { status: 500 });
  await store.put(bytes);
  expect(sha256(await store.get(ref))).toBe(ref.sha256);
  expect(s3.log.splice(0)).toEqual([
    ...['PUT 503', 'PUT hang up', 'PUT 429', 'PUT 200', 'GET 500', 'GET 200'],
  ]);
  s3.faults.push(...new Array(8).fill({ status: 503 }), ...new Array(8).fill('hang up'));
  const put = await store.put(bytes).catch((reason: unknown) => reason);
  // Its shard is computed again, later; one that cannot be read ends the run.
  expect(put).toBeInstanceOf(ClusterError);
  expect((put as Error).message).toMatch(
    /^cluster: S3 at 127\.0\.0\.1:\d+ answers 503, 8 times; expected an answer to PUT\./,
  );
  const get = await store.get(ref).catch((reason: unknown) => reason);
  expect(get).not.toBeInstanceOf(ClusterError);
  expect((get as Error).message).toMatch(/cannot be reached \(\w+\), 8 times; expected an answer to GET/);
  await store.remove(ref);
  s3.log.splice(0);
});

test('s3: a refusal is told at once with its code and what to look at, and never with a key', async () => {
  const told = async (place: string, more: Readonly<Record<string, string>> = {}): Promise<string> => {
    const error = await storeOf(place, more)
      .put(bytes)
      .catch((reason: unknown) => reason as Error);
    expect(JSON.stringify(error, Object.getOwnPropertyNames(error))).not.toContain('EXAMPLE');
    return (error as Error).message;
  };
  const wrong = `${KEYS.secret.slice(1)}EXAMPLE`;
  expect(await told('s3://results/a', { AWS_SECRET_ACCESS_KEY: wrong })).toMatch(
    /answered with 403 SignatureDoesNotMatch; expected .* Look at AWS_ACCESS_KEY_ID/,
  );
  expect(await told('s3://results/a', { AWS_ACCESS_KEY_ID: 'EXAMPLE' })).toMatch(/403 InvalidAccessKeyId/);
  expect(await told('s3://other/a')).toMatch(/in s3:\/\/other at .* 404 NoSuchBucket; .* Make the bucket/);
  await expect(storeOf('s3://other/a').get(ref)).rejects.toThrow(/404 NoSuchBucket/);
  s3.faults.push(
    { status: 301, code: 'PermanentRedirect', headers: { 'x-amz-bucket-region': 'us-west-2' } },
    { status: 403, code: 'AccessDenied' },
  );
  expect(await told('s3://results/a')).toMatch(/301 PermanentRedirect; .* Set AWS_REGION=us-west-2\./);
  expect(await told('s3://results/a')).toMatch(/403 AccessDenied; .* They need s3:PutObject/);
  // None of them is worth a second try.
  expect(s3.log.splice(0)).toHaveLength(6);
});

test('blobs: a place is checked before any work: the address, the keys, and TLS beyond this machine', () => {
  const env = { AWS_ACCESS_KEY_ID: 'a', AWS_SECRET_ACCESS_KEY: 'b' };
  const place = (text: string, more: Readonly<Record<string, string>> = {}): unknown =>
    readS3('test', text, { env: { ...env, ...more } });
  expect(place('s3://results/runs/x/', { AWS_REGION: 'eu-west-1' })).toMatchObject({
    ...{ bucket: 'results', prefix: 'runs/x', endpoint: 'https://s3.eu-west-1.amazonaws.com' },
  });
  expect(place('s3://results')).toMatchObject({ prefix: '', region: 'us-east-1' });
  for (const bad of [
    's3:',
    's3://',
    's3://A',
    's3://results/../other',
    's3://results//x',
    's3://results/x?y',
  ])
    expect(() => place(bad)).toThrow(/the place of blobs is ".*"; expected s3:\/\/bucket/);
  expect(() => place('s3://id:secret@results/x')).toThrow(/"s3:\/\/\.\.\.@results\/x"/);
  expect(() => place('s3://results', { AWS_SECRET_ACCESS_KEY: '' })).toThrow(
    /the environment has no keys for s3:\/\/results; expected AWS_ACCESS_KEY_ID/,
  );
  const plain = { AWS_ENDPOINT_URL_S3: 'http://10.0.0.1:9000' };
  expect(() => place('s3://results', plain)).toThrow(
    /http:\/\/10\.0\.0\.1:9000 is another machine without TLS; expected https:\/\/host .*--insecure/,
  );
  expect(readS3('test', 's3://results', { env: { ...env, ...plain }, insecure: true })).toMatchObject({
    endpoint: 'http://10.0.0.1:9000',
  });
  expect(() => place('s3://results', { AWS_ENDPOINT_URL: 'minio' })).toThrow(/is no address/);
  expect(checkBlobs('test', 'some/folder')).toBe('some/folder');
});

test('blobs: where no place is known, a large content has none, and says how to name one', async () => {
  await expect(NO_BLOBS.put(bytes)).rejects.toThrow(
    /a content of 300001 bytes and no place for it; .* --blobs DIR or s3:/,
  );
  await expect(NO_BLOBS.get(ref)).rejects.toThrow(/no place of blobs is known; .* --blobs DIR or s3:/);
});

test('blobs: a folder by its path or by a file: address, and what is removed is gone', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ensample-blobs-'));
  const store = openBlobs(pathToFileURL(folder).href);
  await store.put(bytes);
  expect(readdirSync(folder)).toEqual([ref.sha256]);
  expect(sha256(await openBlobs(folder).get(ref))).toBe(ref.sha256);
  await store.remove(ref);
  await store.remove({ sha256: '../x' });
  expect(readdirSync(folder)).toEqual([]);
  rmSync(folder, { recursive: true });
});
