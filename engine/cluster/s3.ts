import { EngineError, OptionError } from '../errors.ts';
import { isLoopback } from './bullmq/address.ts';
import { sha256 } from './canonical.ts';
import { ClusterError } from './cluster-error.ts';
import type { BlobRef, BlobStore } from './types.ts';

/*
 * Contents by their hash in storage that speaks S3: PUT, GET and DELETE of prefix/<sha256>, bucket in the path. Requests
 * are signed (AWS version 4) by the optional package `aws4fetch`, the body with them: its hash is its name. Keys come from
 * the environment only: AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_REGION, AWS_ENDPOINT_URL_S3.
 */

/** A place in S3, checked. */
export interface S3Place {
  readonly bucket: string;
  /** Without slashes at its ends; may be empty. */
  readonly prefix: string;
  /** 'https://s3.eu-west-1.amazonaws.com' */
  readonly endpoint: string;
  readonly region: string;
  readonly keys: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken?: string;
  };
}

type Environment = Readonly<Record<string, string | undefined>>;

/**
 * The place that 's3://bucket/prefix' and the environment name.
 * @throws OptionError for an address that is none, keys that are not there, or plain HTTP beyond this machine.
 */
export function readS3(
  where: string,
  text: string,
  { insecure = false, env = process.env }: { readonly insecure?: boolean; readonly env?: Environment } = {},
): S3Place {
  const [, bucket, prefix = ''] =
    /^s3:\/\/([a-z0-9][a-z0-9.-]{1,61}[a-z0-9])(?:\/([\w.-]+(?:\/[\w.-]+)*)?\/?)?$/.exec(text) ?? [];
  if (bucket === undefined || /(^|\/)\.{1,2}(\/|$)/.test(prefix)) throw noAddress(where, text);
  const { AWS_ACCESS_KEY_ID: accessKeyId, AWS_SECRET_ACCESS_KEY: secretAccessKey } = env;
  if (!accessKeyId || !secretAccessKey) throw noKeys(where, text);
  const token = env.AWS_SESSION_TOKEN;
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION || 'us-east-1';
  const own = env.AWS_ENDPOINT_URL_S3 || env.AWS_ENDPOINT_URL;
  const keys = { accessKeyId, secretAccessKey, ...(token ? { sessionToken: token } : {}) };
  const endpoint = readEndpoint(where, own ?? `https://s3.${region}.amazonaws.com`, insecure);
  return { bucket, prefix, endpoint, region, keys };
}

function readEndpoint(where: string, text: string, insecure: boolean): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const host = url?.hostname.replace(/^\[|\]$/g, '') ?? '';
  const right =
    url !== undefined && /^https?:$/.test(url.protocol) && url.username === '' && url.search === '';
  if (right && (url.protocol === 'https:' || insecure || isLoopback(host)))
    return url.href.replace(/\/+$/, '');
  const plain = right ? `${url.origin} is another machine without TLS` : 'the endpoint of S3 is no address';
  throw new OptionError({
    where,
    option: 'blobs',
    value: url?.origin ?? '',
    found: plain,
    expected: 'https://host in AWS_ENDPOINT_URL_S3',
    ...(right ? { fix: 'On a network that is yours alone: `insecure: true`, or --insecure.' } : {}),
  });
}

function noAddress(where: string, text: string): OptionError {
  const shown = text.replace(/\/\/[^/]*@/, '//...@');
  return new OptionError({
    where,
    option: 'blobs',
    value: shown,
    found: `the place of blobs is ${JSON.stringify(shown)}`,
    expected: 's3://bucket or s3://bucket/prefix, of letters, digits, dots and dashes, or a folder',
  });
}

function noKeys(where: string, text: string): OptionError {
  return new OptionError({
    where,
    option: 'blobs',
    value: text,
    found: `the environment has no keys for ${text}`,
    expected: 'AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY',
    fix: 'Set them on every machine; other servers than Amazon also need AWS_ENDPOINT_URL_S3.',
  });
}

/** Tries of a request that found nobody, or a server that is busy; waits between them double. */
const TRIES = 8;
/** Milliseconds of the first wait. */
const WAIT = 100;
/** Milliseconds that a request may take: some, and the time of its bytes on a slow path. */
const PATIENCE = { least: 60_000, perByte: 0.002 };

type Method = 'PUT' | 'GET' | 'DELETE';

interface Asked {
  readonly place: S3Place;
  readonly method: Method;
  readonly ref: BlobRef;
  readonly body?: Uint8Array;
}

/**
 * The contents of a place in S3. A wrong one is deleted.
 * @param wait milliseconds before a request is tried again, the first time.
 */
export function openS3(
  place: S3Place,
  wait: number = WAIT,
): BlobStore & { remove(ref: Pick<BlobRef, 'sha256'>): Promise<void> } {
  const remove = async ({ sha256: hash }: Pick<BlobRef, 'sha256'>): Promise<void> => {
    if (isHash(hash)) await untilAnswered({ place, method: 'DELETE', ref: { sha256: hash, bytes: 0 } }, wait);
  };
  return {
    async put(body) {
      const ref: BlobRef = { sha256: sha256(body), bytes: body.length };
      await untilAnswered({ place, method: 'PUT', ref, body }, wait);
      return ref;
    },
    async get(ref) {
      const { there, bytes } = isHash(ref.sha256)
        ? await untilAnswered({ place, method: 'GET', ref }, wait)
        : { there: false, bytes: undefined };
      if (bytes?.length === ref.bytes && sha256(bytes) === ref.sha256) return bytes;
      if (there) await remove(ref);
      throw new ClusterError({
        where: 'cluster',
        found: `blob ${ref.sha256.slice(0, 12)} in s3://${place.bucket} ${there ? 'has other bytes than its hash says' : 'is not there'}`,
        expected: 'what was written beside the record',
        fix: 'Its shard is computed again.',
      });
    },
    remove,
  };
}

/** References come with plans: no other part of the bucket may be named by them. */
function isHash(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** What a server said that let the request pass. */
interface Answer {
  /** False for a content that the bucket has not. */
  readonly there: boolean;
  /** Undefined where it is longer than it may be. */
  readonly bytes: Uint8Array | undefined;
}

/** Longest answer that is read where no content was asked for. */
const MOST_WORDS = 65_536;

/**
 * The answer to a request, tried again where nobody answers or the server is busy.
 * @throws EngineError for a refusal, and for GET and DELETE when nobody answered; ClusterError when nobody took a PUT.
 */
async function untilAnswered(asked: Asked, wait: number): Promise<Answer> {
  const signed = await loadSigner(asked.place);
  let last = '';
  for (let tries = 1; tries <= TRIES; tries++) {
    if (tries > 1) await new Promise((resolve) => setTimeout(resolve, wait * 2 ** (tries - 2)));
    const request = await signed(asked);
    try {
      const answer = await answerOf(await fetch(request), asked);
      if (typeof answer !== 'number') return answer;
      last = `answers ${answer}`;
    } catch (error) {
      if (error instanceof EngineError) throw error;
      const { cause, name } = error as Error;
      last = `cannot be reached (${(cause as NodeJS.ErrnoException | undefined)?.code ?? name})`;
    }
  }
  throw unanswered(last, asked);
}

/** The status of a server that is busy, or its answer. @throws EngineError for a refusal. */
async function answerOf(response: Response, asked: Asked): Promise<Answer | number> {
  const { status } = response;
  const there = response.ok;
  const bytes = await atMost(response, there && asked.method === 'GET' ? asked.ref.bytes : MOST_WORDS);
  if (there) return { there, bytes };
  if (status >= 500 || status === 429) return status;
  const code = /<Code>(\w{1,64})<\/Code>/.exec(new TextDecoder().decode(bytes))?.[1] ?? '';
  if (status === 404 && asked.method !== 'PUT' && code !== 'NoSuchBucket') return { there, bytes: undefined };
  throw refused(status, code, response.headers.get('x-amz-bucket-region') ?? '', asked);
}

/** The bytes of a body; what is longer than it should be is not read to its end. */
async function atMost(response: Response, most: number): Promise<Uint8Array | undefined> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response.body ?? []) {
    length += part.length;
    if (length > most) return undefined;
    parts.push(part);
  }
  return new Uint8Array(Buffer.concat(parts));
}

/** A request, signed. */
type Signer = (asked: Asked) => Promise<Request>;

/** @throws ClusterError, telling how to install the package. */
async function loadSigner({ endpoint, bucket, prefix, region, keys }: S3Place): Promise<Signer> {
  // The name in a variable, so that bundlers for browsers leave this import alone.
  const name = 'aws4fetch';
  const { AwsClient } = await (import(name) as Promise<typeof import('aws4fetch')>).catch((cause) => {
    throw new ClusterError({
      where: 'cluster',
      found: 'the package for s3: cannot be loaded',
      expected: 'aws4fetch 1',
      fix: 'Install it: npm install aws4fetch@1.',
      cause,
    });
  });
  const client = new AwsClient({ ...keys, region, service: 's3' });
  const folder = [endpoint, bucket, prefix].filter((part) => part !== '').join('/');
  return ({ method, ref, body }) =>
    client.sign(`${folder}/${ref.sha256}`, {
      method,
      // What was signed for one server is not sent to another.
      redirect: 'manual',
      headers: { 'x-amz-content-sha256': body === undefined ? NOTHING : ref.sha256 },
      ...(body === undefined ? {} : { body: body as Uint8Array<ArrayBuffer> }),
      signal: AbortSignal.timeout(Math.ceil(PATIENCE.least + PATIENCE.perByte * ref.bytes)),
    });
}

/** The hash of an empty body. */
const NOTHING = sha256(new Uint8Array(0));

/** Nothing that another attempt would mend. */
function refused(status: number, code: string, region: string, { place, method, ref }: Asked): EngineError {
  const { bucket, endpoint } = place;
  const what = `${method} of blob ${ref.sha256.slice(0, 12)} in s3://${bucket} at ${new URL(endpoint).host}`;
  return new EngineError('blob', {
    where: 'cluster',
    found: `${what} was answered with ${[status, code].filter(Boolean).join(' ')}`,
    expected: 'a bucket that these keys may write and read',
    fix: adviceOf(status, code, /^[a-z0-9-]{1,32}$/.test(region) ? region : ''),
  });
}

function adviceOf(status: number, code: string, region: string): string {
  if (code === 'NoSuchBucket') return 'Make the bucket, or name another.';
  if (/SignatureDoesNotMatch|InvalidAccessKeyId|InvalidToken|ExpiredToken/.test(code))
    return 'Look at AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY and AWS_SESSION_TOKEN.';
  if (code === 'RequestTimeTooSkewed') return 'Set the clock of this machine.';
  if (status === 301 || status === 307 || region !== '')
    return `Set AWS_REGION${region === '' ? ' to that of the bucket' : `=${region}`}.`;
  return 'They need s3:PutObject, s3:GetObject, s3:DeleteObject on it, and s3:ListBucket, without which S3 refuses what is not there.';
}

/** A shard that could not be written is computed again; what cannot be read ends the run. */
function unanswered(last: string, { place, method }: Asked): EngineError {
  const fault = {
    where: 'cluster',
    found: `S3 at ${new URL(place.endpoint).host} ${last}, ${TRIES} times`,
    expected: `an answer to ${method}`,
    fix: 'Finished shards are kept: the same call goes on.',
  };
  return method === 'PUT' ? new ClusterError(fault) : new EngineError('blob', fault);
}
