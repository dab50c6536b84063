import { expect, test } from 'vitest';
import { withBaseNames } from '../../cli/model-file.ts';

test.each([
  ["Cannot find package 'p' imported from /a/b/m.mjs)", "Cannot find package 'p' imported from m.mjs)"],
  [
    "Cannot find module '/a/b c/d.mjs' imported from /a/m.mjs",
    "Cannot find module 'd.mjs' imported from m.mjs",
  ],
  ["Cannot find module 'file:///a/p/' here", "Cannot find module 'p' here"],
  ['(file:///a/b/m.mjs) failed', '(m.mjs) failed'],
  ["no 'C:\\a\\b\\m.mjs' there", "no 'm.mjs' there"],
  ['a / b, 1/2, and https://example.org/a/b', 'a / b, 1/2, and https://example.org/a/b'],
])('withBaseNames(): %j', (message, expected) => {
  expect(withBaseNames(message)).toBe(expected);
});
