import { expect, test } from 'vitest';
import { AUTO_CARD_EVALUATIONS, autoCard } from '../../engine/backend/auto-card.ts';
import type { Gpu } from '../../engine/backend/gpu/types.ts';
import { hostBackend } from '../../engine/backend/host.ts';
import { cardNotes } from '../../engine/backend/provenance.ts';
import { BackendError } from '../../engine/errors.ts';

/** A card that only has a name, and can be lost. */
function cards(): { readonly made: { lost: string | undefined }[]; open(): Promise<Gpu> } {
  const made: { lost: string | undefined }[] = [];
  return {
    made,
    async open() {
      const card = { adapter: `card ${made.length + 1}`, lost: undefined };
      made.push(card);
      return card as unknown as Gpu;
    },
  };
}

test('autoCard(): opens the card with the first run that is long enough, once for all', async () => {
  const { made, open } = cards();
  const card = autoCard(open);
  const short = await card(AUTO_CARD_EVALUATIONS - 1);
  expect(short.gpu).toBeUndefined();
  expect(cardNotes(short)).toEqual([
    'Ran on the processor: a GPU pays from 1 048 576 evaluations on, and these are 1 048 575.',
  ]);
  expect((await card(Number.NaN)).gpu).toBeUndefined();
  expect(made.length).toBe(0);
  const both = await Promise.all([card(AUTO_CARD_EVALUATIONS), card(Infinity)]);
  expect(both.map(({ gpu }) => gpu?.adapter)).toEqual(['card 1', 'card 1']);
  expect(cardNotes(both[0])).toEqual([
    'Ran on the GPU: it pays from 1 048 576 evaluations on.',
    'Positions are float32 on the GPU; sums and weights are float64. Expect differences near 1e-4 from the host.',
  ]);
});

test('autoCard(): opens another card once the first was lost', async () => {
  const { made, open } = cards();
  const card = autoCard(open);
  await card(Infinity);
  made[0]!.lost = 'unplugged';
  const both = await Promise.all([card(Infinity), card(Infinity)]);
  expect(both.map(({ gpu }) => gpu?.adapter)).toEqual(['card 2', 'card 2']);
  expect(made.length).toBe(2);
});

test('autoCard(): where there is no card it says what was tried, and other errors stay errors', async () => {
  const tried = ['webgpu is not installed'];
  const none = autoCard(async () => {
    throw new BackendError({ where: 'webgpu', found: '', expected: '', tried });
  });
  expect(cardNotes(await none(Infinity))).toEqual([
    'Ran on the processor: no GPU was found (webgpu is not installed).',
  ]);
  const wrong = autoCard(() => Promise.reject(new TypeError('a mistake')));
  await expect(wrong(Infinity)).rejects.toThrow(TypeError);
});

test('card(): a backend that is the processor has none, and nothing to say about it', async () => {
  const backend = await hostBackend({ threads: 1 });
  const card = await backend.card(Infinity);
  expect([card.gpu, cardNotes(card)]).toEqual([undefined, []]);
});
