/**
 * Stands for a model in any language: reads the design as CSV, writes one output a row.
 *
 *   npx ensample sample examples/salib-problem.json -n 1024 -o x.csv
 *   node examples/outside-model.mjs x.csv y.csv
 *   npx ensample analyze examples/salib-problem.json -x x.csv -y y.csv
 */
import { readFileSync, writeFileSync } from 'node:fs';

const [designFile, outputFile] = process.argv.slice(2);
if (designFile === undefined || outputFile === undefined) {
  console.error('usage: node outside-model.mjs x.csv y.csv   (x.csv comes from `ensample sample`)');
  process.exit(2);
}
const rows = readFileSync(designFile, 'utf8')
  .split(/\r?\n/)
  .filter((line) => line !== '' && !line.startsWith('#'))
  .slice(1) // the header
  .map((line) => line.split(',').map(Number));

const y = rows.map(([x1, x2, x3]) => Math.sin(x1) + 7 * Math.sin(x2) ** 2 + 0.1 * x3 ** 4 * Math.sin(x1));
writeFileSync(outputFile, `Y\n${y.join('\n')}\n`);
console.log('exact: S1 0.3139 0.4424 0, ST 0.5576 0.4424 0.2437');
