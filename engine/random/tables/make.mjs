// Makes joe-kuo.ts and joe-kuo-first.ts from the published text file "new-joe-kuo-6.21201":
//   node engine/random/tables/make.mjs new-joe-kuo-6.21201
// A line of that file is "d s a m_1 .. m_s", after one line of headings; coordinate 1 is not listed.
//
// Packing, read by ../directions.ts: for d = 2, 3, ... the s - 1 bits of a, then for k = 2..s the k - 1 bits of
// (m_k - 1) / 2, highest bit first (m_k is odd and below 2^k, so m_1 = 1 needs none). The degree s is not stored:
// the table lists every primitive polynomial over GF(2), so the number of rows of each degree is known. The bits
// go six to a character of the alphabet A-Z a-z 0-9 + /, the rest of the last one 0. A prefix of the string is
// therefore the table of fewer coordinates.
import { readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';
const FIRST = 256;
const LINE = 108;

function readRows(path) {
  const lines = readFileSync(path, 'utf8').trim().split('\n').slice(1);
  return lines.map((line) => line.trim().split(/\s+/).map(Number));
}

function pack(rows) {
  let text = '';
  let bits = 0;
  let held = 0;
  const put = (value, width) => {
    for (let b = width - 1; b >= 0; b--) {
      bits = (bits << 1) | ((value >>> b) & 1);
      if (++held < 6) continue;
      text += ALPHABET[bits];
      bits = 0;
      held = 0;
    }
  };
  for (const [, s, a, ...m] of rows) {
    if (m.length !== s || m.some((mk, k) => mk % 2 !== 1 || mk >= 2 ** (k + 1)))
      throw new Error(`bad row: ${s} ${a} ${m.join(' ')}`);
    put(a, s - 1);
    for (let k = 2; k <= s; k++) put((m[k - 1] - 1) / 2, k - 1);
  }
  if (held > 0) put(0, 6 - held);
  return text;
}

function write(name, dimensions, text) {
  const lines = text.match(new RegExp(`.{1,${LINE}}`, 'g'));
  const source = `/*!
 * Direction numbers of Joe & Kuo (2008), set D(6), coordinates 2 to ${dimensions}, bit-packed by make.mjs.
 * Copyright (c) 2008, Frances Y. Kuo and Stephen Joe. All rights reserved. See JOE-KUO-LICENSE.txt.
 */
export const packed: string = \`
${lines.join('\n')}
\`;
`;
  writeFileSync(join(dirname(fileURLToPath(import.meta.url)), name), source);
}

const rows = readRows(process.argv[2]);
write('joe-kuo-first.ts', FIRST, pack(rows.slice(0, FIRST - 1)));
write('joe-kuo.ts', rows.length + 1, pack(rows));
