/**
 * A formula as a module, so that every worker can import it: `formula-model.js?names=a,b&formula=a*b`. The formula is
 * parsed again there; nothing of it runs as code.
 */
import { pointwise } from 'ensample';
import { closureOf } from './formula/closure.ts';
import { parseFormula } from './formula/parse.ts';

const query = new URL(import.meta.url).searchParams;
const tree = parseFormula(query.get('formula') ?? '', (query.get('names') ?? '').split(','));

export const model = pointwise(closureOf(tree));
