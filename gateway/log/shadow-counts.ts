import type { ShadowCountOfEpoch } from '../../contracts/serving/prediction.ts';
import type { CountingDependencies, EpochKey } from './counts-in-epochs.ts';
import { CountsInEpochs } from './counts-in-epochs.ts';
import type { ServedScope, ServedSlot } from '../serving/serving-table.ts';

/** Result of comparing one request's shadow predictions; all values count or sum over rows. */
export type ComparedAnswers = Omit<ShadowCountOfEpoch, keyof EpochKey>;

/** Counts how shadow predictions differ from the champion's, by generation and release. */
export class ShadowCounts {
  readonly #counts: CountsInEpochs<ShadowCountOfEpoch>;

  constructor(deps: CountingDependencies) {
    this.#counts = new CountsInEpochs(deps);
  }

  restore(counts: readonly ShadowCountOfEpoch[]): void {
    this.#counts.restore(counts);
  }

  all(): readonly ShadowCountOfEpoch[] {
    return this.#counts.all();
  }

  add({ scope, generation }: ServedScope, { releaseDigest }: ServedSlot, more: ComparedAnswers): void {
    const { modelId, environment } = scope;
    this.#counts.add({ modelId, environment, generation, releaseDigest }, nothingCompared, (count) => {
      count.compared += more.compared;
      count.failed += more.failed;
      count.dropped += more.dropped;
      count.absoluteDifference += more.absoluteDifference;
      count.beyond += more.beyond;
    });
  }

  report(tell: (counts: readonly ShadowCountOfEpoch[]) => Promise<void>): Promise<void> {
    return this.#counts.report(tell);
  }
}

function nothingCompared(key: EpochKey): ShadowCountOfEpoch {
  return { ...key, compared: 0, failed: 0, dropped: 0, absoluteDifference: 0, beyond: 0 };
}
