/** Where a model was evaluated, as far as it is not where everything else ran. */
export interface Place {
  /** The graphics card; undefined on the host. */
  readonly card: { readonly adapter: string } | undefined;
  /** Why there, and what follows from it, for provenance. */
  readonly notes: readonly string[];
}

/** The part of a provenance that depends on the model's place. */
interface Told {
  readonly backend: string;
  readonly adapter: string;
  readonly precision: 'float64' | 'float32';
  readonly notes: readonly string[];
}

/** A provenance that says where the model was evaluated. */
export function toldPlace<P extends Told>(provenance: P, { card, notes }: Place): P {
  const where =
    card === undefined ? {} : { backend: 'webgpu', adapter: card.adapter, precision: 'float32' as const };
  return { ...provenance, ...where, notes: [...provenance.notes, ...notes] };
}
