import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { expect, test } from 'vitest';
import { parseAllDocuments } from 'yaml';
import { TIMING } from '../../engine/cluster/bullmq/names.ts';

const root = resolve(import.meta.dirname, '../..');
const read = (name: string): string => readFileSync(join(root, name), 'utf8');

/** Lines of an ACL file in a text. */
function usersIn(text: string): readonly string[] {
  return Array.from(text.matchAll(/^(?:# {3})?(user (?:worker|coordinator) .*)$/gm), ([, line]) => line!);
}

test('permissions: docs/clusters.md lists what the ACL file of deploy/kubernetes gives, and workers end in time', () => {
  const users = usersIn(read('deploy/kubernetes/valkey.yaml'));
  expect(users).toHaveLength(2);
  expect(usersIn(read('docs/clusters.md'))).toEqual(users);
  for (const line of users)
    expect(line).toMatch(/~bull:\* ~ens:\* resetchannels \+@all -@admin -@dangerous /);
  expect(TIMING.grace).toBe(20_000);
  const [workers] = parseAllDocuments(read('deploy/kubernetes/workers.yaml'));
  const { spec } = workers!.toJS() as { readonly spec: { readonly template: { readonly spec: object } } };
  expect(spec.template.spec).toMatchObject({ terminationGracePeriodSeconds: 30 });
  expect(read('deploy/compose.yaml')).toContain('stop_grace_period: 30s');
});
