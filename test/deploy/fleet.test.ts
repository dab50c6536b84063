import { spawnSync } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { parse, parseAllDocuments } from 'yaml';
import { openModules } from '../../engine/cluster/modules.ts';

// What the files of deploy/ and their pages tell a user to do is done here, as far as it needs no container.
const root = resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');
const scratch = mkdtempSync(join(tmpdir(), 'ensample-deploy-'));
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

function bash(cwd: string, script: string, env: NodeJS.ProcessEnv = process.env): string {
  const { status, stdout, stderr } = spawnSync('bash', ['-euc', script], { cwd, env, encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
  return stdout;
}

interface Mount {
  readonly type: string;
  readonly source: string;
  readonly target: string;
}

interface Worker {
  readonly build: { readonly context: string; readonly dockerfile: string; readonly args: object };
  readonly command: readonly string[];
  readonly volumes: readonly Mount[];
}

const composeText = read('deploy/compose.yaml');
const { worker } = (parse(composeText) as { readonly services: { readonly worker: Worker } }).services;
const dockerfile = read('deploy/Dockerfile').replaceAll('\\\n', ' ');
const lineOf = (pattern: RegExp): number => dockerfile.split('\n').findIndex((line) => pattern.test(line));

test('compose: the lines of docs/clusters.md make what it mounts and asks for, and keep the password', () => {
  const text = read('docs/clusters.md');
  const [make, command] = Array.from(
    text.slice(text.indexOf('### Compose'), text.indexOf('### Kubernetes')).matchAll(/^```sh\n(.*?)^```/gms),
    ([, code]) => code!,
  );
  for (const folder of ['deploy', 'examples']) mkdirSync(join(scratch, folder));
  cpSync(join(root, 'examples/flood.ts'), join(scratch, 'examples/flood.ts'));
  bash(scratch, make!.replace(/^docker .*$/m, ''));

  const env = join(scratch, 'deploy/.env');
  expect(statSync(env).mode & 0o777).toBe(0o600);
  const known = Array.from(readFileSync(env, 'utf8').matchAll(/^(\w+)=(.+)$/gm), ([, name]) => name);
  const asked = Array.from(composeText.matchAll(/(?<!\$)\$\{(\w+)/g), ([, name]) => name);
  expect(new Set(asked)).toEqual(new Set(known));
  for (const { type, source } of worker.volumes) {
    expect(type).toBe('bind');
    expect(existsSync(join(scratch, 'deploy', source)), source).toBe(true);
  }
  expect(openModules(join(scratch, 'models')).refs()).toHaveLength(1);

  // The command reads the folders that the workers see.
  for (const flag of ['--models', '--blobs']) {
    const target = worker.command[worker.command.indexOf(flag) + 1];
    const { source } = worker.volumes.find((mount) => mount.target === target)!;
    expect(command).toContain(`${flag} ${source.replace('../', '')}`);
  }
});

test('Dockerfile: it builds the checkout, and what the user may write to is made before the user', () => {
  expect(resolve(root, 'deploy', worker.build.context)).toBe(root);
  expect(worker.build.dockerfile).toBe('deploy/Dockerfile');
  for (const name of Object.keys(worker.build.args)) expect(dockerfile).toContain(`ARG ${name}=`);
  const blobs = worker.command[worker.command.indexOf('--blobs') + 1]!;
  const made = lineOf(new RegExp(`^RUN mkdir ${blobs} && chown node:node ${blobs}$`));
  expect(made).toBeGreaterThan(lineOf(/^COPY --from=package/));
  expect(made).toBeLessThan(lineOf(/^USER node$/));

  const { version, peerDependencies } = JSON.parse(read('package.json')) as {
    readonly version: string;
    readonly peerDependencies: Readonly<Record<string, string>>;
  };
  expect(version).toMatch(/^\d/);
  const installed = /npm install --global (?:--\S+ )*\/tmp\/ensample-\*\.tgz (.*?) +&&/.exec(dockerfile)![1]!;
  for (const [name, wanted] of installed.split(' ').map((word) => word.split('@')))
    expect(peerDependencies[name!], name).toMatch(new RegExp(`^>=${wanted}\\.`));
});

test('Dockerfile: passwords stay out of what is built, and out of the repository', () => {
  const ignored = read('deploy/Dockerfile.dockerignore').split('\n');
  expect(ignored).toEqual(expect.arrayContaining(['**/node_modules', 'dist', 'deploy', '.git', '**/.env']));
  expect(read('.gitignore').split('\n')).toContain('deploy/.env');
  for (const name of ['package.json', 'package-lock.json', 'engine', 'estimators', 'cli'])
    expect(ignored).not.toContain(name);
});

test('slurm/workers.sbatch: each worker has the processors of its task, on every version of srun', () => {
  writeFileSync(join(scratch, 'srun'), '#!/bin/sh\necho "$@"\n');
  chmodSync(join(scratch, 'srun'), 0o755);
  const PATH = `${scratch}:${process.env.PATH}`;
  const printed = bash(root, 'deploy/slurm/workers.sbatch models ca.pem', {
    ...{ PATH, HOME: scratch, SLURM_CPUS_PER_TASK: '16' },
  });
  expect(printed.trim()).toBe(
    '--cpus-per-task=16 ensample worker --models models --threads 16 --tls-ca ca.pem --log json',
  );
});

test('slurm/array.sbatch: a task computes its part of the shards', () => {
  writeFileSync(join(scratch, 'ensample'), '#!/bin/sh\necho "$@"\n');
  chmodSync(join(scratch, 'ensample'), 0o755);
  const PATH = `${scratch}:${process.env.PATH}`;
  const printed = bash(root, 'deploy/slurm/array.sbatch run models 10', { PATH, SLURM_ARRAY_TASK_ID: '3' });
  expect(printed.trim()).toBe('shard run --models models --range 30:39 --threads 1');
});

test('kubernetes: the network policy admits the workers and the coordinator, and nobody else', () => {
  interface Pods {
    readonly spec: {
      readonly template: { readonly metadata: { readonly labels: { readonly app: string } } };
    };
  }
  const appOf = (name: string): string =>
    (parseAllDocuments(read(`deploy/kubernetes/${name}`))[0]!.toJS() as Pods).spec.template.metadata.labels
      .app;
  const policy = parseAllDocuments(read('deploy/kubernetes/valkey.yaml')).at(-1)!.toJS() as object;
  const values = [appOf('workers.yaml'), appOf('coordinator.yaml')];
  const matchExpressions = [{ key: 'app', operator: 'In', values }];
  expect(policy).toMatchObject({
    kind: 'NetworkPolicy',
    spec: { ingress: [{ from: [{ podSelector: { matchExpressions } }] }] },
  });
  expect(read('docs/clusters.md')).toContain(`app: ${values[1]}`);
});

test.skipIf(spawnSync('openssl', ['version']).status !== 0)(
  'kubernetes: the certificate that valkey.yaml says how to make has the name of the addresses',
  () => {
    const text = read('deploy/kubernetes/valkey.yaml');
    const lines = Array.from(text.matchAll(/^# {3}(openssl .*)$/gm), ([, line]) => line!);
    bash(scratch, lines.join('\n'));
    const [ca, server] = ['ca', 'server'].map(
      (name) => new X509Certificate(readFileSync(join(scratch, `${name}.pem`))),
    );
    expect(server!.verify(ca!.publicKey)).toBe(true);
    for (const name of ['workers', 'coordinator']) {
      const [, url] = /url='(.*)'/.exec(read(`deploy/kubernetes/${name}.yaml`))!;
      expect(server!.checkHost(new URL(url!).hostname), url).toBe('valkey');
    }
  },
);
