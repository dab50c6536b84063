// Puts the bundled foreign code, which the compiler leaves behind, next to the compiled backend.
import { cpSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const from = fileURLToPath(new URL('../generated/', import.meta.url));
const to = fileURLToPath(new URL('../../../dist/engine/backend/generated/', import.meta.url));

rmSync(to, { recursive: true, force: true });
cpSync(from, to, { recursive: true, filter: (path) => !path.endsWith('/hash') });
