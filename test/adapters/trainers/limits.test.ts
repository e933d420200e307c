import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { failureOf, layTrainingGround, processesThatMention, uniqueSeconds } from './training-ground.ts';
import type { TrainingGround } from './training-ground.ts';

const kinds = ['bubblewrap', 'process-group'] as const;

describe.each(kinds)('limits of training: %s', (kind) => {
  // macOS enforces none of these limits.
  const it = test.skipIf(process.platform !== 'linux');
  let ground: TrainingGround;
  beforeAll(async () => void (ground = await layTrainingGround(kind)));
  afterAll(() => ground.remove());

  it('more processes than allowed are all stopped, and the limit is named', async () => {
    const seconds = uniqueSeconds();
    const script = `for i in 1 2 3 4 5 6 7 8; do sleep ${seconds} & done; wait`;
    const job = await ground.job({ 'train.sh': script }, { limits: { processes: 5 } });
    const failure = await failureOf(ground.train(job));
    expect(failure.code).toBe('training-limit');
    expect(failure.message).toMatch(
      /had \d+ processes at once, more than the limit of 5,.*build\.resources\.processes/,
    );
    expect(processesThatMention(`sleep ${seconds}`)).toEqual([]);
  });

  it('more disk than allowed is stopped, in any folder and any number of files', async () => {
    const script = 'i=0; while :; do i=$((i+1)); echo x > "$TMPDIR/$i"; echo x > "$PERENNIAL_OUTPUT/$i"; done';
    const job = await ground.job({ 'train.sh': script }, { limits: { diskBytes: 2 ** 19 } });
    const failure = await failureOf(ground.train(job));
    expect(failure.code).toBe('training-limit');
    expect(failure.message).toMatch(/more than the limit of 524288 bytes.*build\.resources\.disk/);
  });

  it('a single file cannot exceed the disk limit between two checks', async () => {
    const job = await ground.job(
      { 'train.py': 'import os\nopen(os.environ["TMPDIR"] + "/x", "wb").truncate(4 * 2**20)\n' },
      { limits: { diskBytes: 2 ** 20 } },
    );
    expect((await failureOf(ground.train(job))).message).toMatch(/File too large.*build\.resources\.disk/);
  });

  it('a notebook without nbclient in its environment fails with what to add', async () => {
    const job = await ground.job({ 'train.ipynb': '{}' }, { command: ['notebook', 'train.ipynb'] });
    expect((await failureOf(ground.train(job))).message).toMatch(/nbclient and ipykernel.*code\.environment/);
  });
});
