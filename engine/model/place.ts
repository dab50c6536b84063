/** Where a model was evaluated, as far as it is not where everything else ran. */
export interface Place {
  /** The graphics card; undefined on the host. */
  readonly card: { readonly adapter: string } | undefined;
  /** Why there, and what follows from it, for provenance. */
  readonly notes: readonly string[];
  /** The adapter of another card that evaluated the points before the run was resumed; absent when none did. */
  readonly earlier?: string | undefined;
}

/** The part of a provenance that depends on the model's place. */
interface Told {
  readonly backend: string;
  readonly adapter: string;
  readonly precision: 'float64' | 'float32';
  readonly notes: readonly string[];
}

/** A provenance that says where the model was evaluated. */
export function toldPlace<P extends Told>(provenance: P, { card, notes, earlier }: Place): P {
  const where = card === undefined ? {} : { backend: 'webgpu', adapter: card.adapter };
  const single = card !== undefined || earlier !== undefined;
  const before =
    earlier === undefined
      ? []
      : [`The points before it was resumed were evaluated on ${earlier}, in float32.`];
  return {
    ...provenance,
    ...where,
    ...(single ? { precision: 'float32' } : {}),
    notes: [...provenance.notes, ...notes, ...before],
  };
}

/** A provenance that says where networks ran, which know it. */
export function toldNetworks<P extends Pick<Told, 'notes'>>(
  provenance: P,
  networks: readonly { readonly name?: string; readonly place?: string }[],
): P {
  const own = networks.flatMap(({ name = 'A network', place }) =>
    place === undefined ? [] : [`${name} ran on ${place}.`],
  );
  return { ...provenance, notes: [...new Set([...provenance.notes, ...own])] };
}

/** The adapter to save with a run, so that a result of what goes on from it can tell. */
export function savedAdapter({ card, earlier }: Place): string | undefined {
  return card?.adapter ?? earlier;
}
