import { createHash, createHmac } from 'node:crypto';
import { createServer, type IncomingHttpHeaders } from 'node:http';
import type { AddressInfo } from 'node:net';

/*
 * Storage that speaks as much S3 as blobs need, on loopback: PUT, GET and DELETE with the bucket in the path. It checks the
 * signature (AWS version 4) of every request by itself, from what arrived.
 */

/** The pair of keys that the server knows. */
export const KEYS = { id: 'AKIAIOSFODNN7EXAMPLE', secret: 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' };

/** What is signed. */
interface Signed {
  readonly method: string;
  /** As in the first line of the request. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

/** An answer in the place of the usual one. */
interface Fault {
  readonly status: number;
  readonly code?: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Storage in memory. */
export interface TestS3 {
  readonly url: string;
  /** Keys that clients need, as environment variables. */
  readonly env: Readonly<Record<string, string>>;
  /** Contents by bucket/prefix/hash. */
  readonly objects: Map<string, Buffer>;
  /** 'PUT 200' for each request so far. */
  readonly log: string[];
  /** Answers of the next requests; 'hang up' breaks the connection, undefined lets one through. */
  readonly faults: (Fault | 'hang up' | undefined)[];
  close(): Promise<void>;
}

const sha256 = (bytes: Buffer | string): string => createHash('sha256').update(bytes).digest('hex');
const hmac = (key: Buffer | string, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/** The signature that a request should have, in hexadecimal, by the steps of the documentation of Amazon. */
export function signatureOf(
  { method, path, headers }: Omit<Signed, 'body'>,
  names: readonly string[],
  region: string,
): string {
  const [route = '', query = ''] = path.split('?');
  const sorted = query.split('&').sort().join('&');
  const lines = names.map((name) => `${name}:${String(headers[name]).trim().replace(/ +/g, ' ')}\n`);
  const hash = String(headers['x-amz-content-sha256']);
  const canonical = [method, route, sorted, lines.join(''), names.join(';'), hash].join('\n');
  const date = String(headers['x-amz-date']);
  const scope = `${date.slice(0, 8)}/${region}/s3/aws4_request`;
  const text = ['AWS4-HMAC-SHA256', date, scope, sha256(canonical)].join('\n');
  const key = scope.split('/').reduce<Buffer | string>(hmac, `AWS4${KEYS.secret}`);
  return hmac(key as Buffer, text).toString('hex');
}

/** Why a request is refused; undefined when it is signed as it should be. */
function refusal({ method, path, headers, body }: Signed, region: string): string | undefined {
  const found =
    /^AWS4-HMAC-SHA256 Credential=([^/]+)\/(\d{8})\/([^/]+)\/s3\/aws4_request, ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/.exec(
      headers.authorization ?? '',
    );
  if (found === null) return 'AccessDenied';
  const [, id, , own, list = '', signature] = found;
  if (id !== KEYS.id) return 'InvalidAccessKeyId';
  const names = list.split(';');
  const needed = ['host', ...Object.keys(headers).filter((name) => name.startsWith('x-amz-'))];
  if (own !== region || !needed.every((name) => names.includes(name))) return 'AuthorizationHeaderMalformed';
  if (headers['x-amz-content-sha256'] !== sha256(body)) return 'XAmzContentSHA256Mismatch';
  return signature === signatureOf({ method, path, headers }, names, region)
    ? undefined
    : 'SignatureDoesNotMatch';
}

/** @param bucket the only one that there is. */
export async function startS3(bucket = 'results', region = 'eu-west-1'): Promise<TestS3> {
  const objects = new Map<string, Buffer>();
  const log: string[] = [];
  const faults: (Fault | 'hang up' | undefined)[] = [];
  const answer = (signed: Signed): Fault & { readonly body?: Buffer } => {
    const code = refusal(signed, region);
    if (code !== undefined) return { status: 403, code };
    const { method, path, body } = signed;
    const key = path.slice(1);
    if (!key.startsWith(`${bucket}/`)) return { status: 404, code: 'NoSuchBucket' };
    const there = objects.get(key);
    if (method === 'PUT') objects.set(key, body);
    if (method === 'DELETE') objects.delete(key);
    if (method !== 'GET') return { status: method === 'PUT' ? 200 : 204 };
    return there === undefined ? { status: 404, code: 'NoSuchKey' } : { status: 200, body: there };
  };
  const server = createServer((request, response) => {
    const parts: Buffer[] = [];
    request.on('data', (part: Buffer) => parts.push(part));
    request.on('end', () => {
      const { method = '', url: path = '', headers } = request;
      const fault = faults.shift();
      if (fault === 'hang up') {
        log.push(`${method} hang up`);
        request.socket.destroy();
        return;
      }
      const told: Fault & { readonly body?: Buffer } =
        fault ?? answer({ method, path, headers, body: Buffer.concat(parts) });
      const { status, code, body, headers: own = {} } = told;
      log.push(`${method} ${status}`);
      response.writeHead(status, own);
      response.end(body ?? (code === undefined ? undefined : `<Error><Code>${code}</Code></Error>`));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return {
    ...{ url, objects, log, faults },
    env: {
      AWS_ACCESS_KEY_ID: KEYS.id,
      AWS_SECRET_ACCESS_KEY: KEYS.secret,
      AWS_REGION: region,
      AWS_ENDPOINT_URL_S3: url,
    },
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}
