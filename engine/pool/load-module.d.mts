import type { LocalModel } from './evaluate-rows.mjs';

/**
 * The exports of the module at `url` (file:, data:, http:). TypeScript is transpiled; `ensample` resolves to
 * the running copy where the module's folder has none. Rejects with whatever the module or its parser threw.
 */
export declare function importModule(url: string): Promise<Record<string, unknown>>;

/** A model export (function, or value of named/pointwise/batch) as something callable; undefined when it is none. */
export declare function toLocalModel(value: unknown): LocalModel | undefined;

/** For a thread that evaluates models and nothing else: they get this package from its bundle, which loads faster. */
export declare function serveModelsAlone(): void;
