import { remoteSourceKind } from '../../contracts/data/remote-source.ts';
import type { DataSource } from '../../ports/data-source.ts';
import { sourceMakers } from './index.ts';
import type { SourceSettings } from './source-settings.ts';

/** Settings as given: only `hosts` is required, and a limit that is undefined has its default. */
type GivenSettings = Pick<SourceSettings, 'hosts'> & {
  readonly [Limit in Exclude<keyof SourceSettings, 'hosts'>]?: SourceSettings[Limit] | undefined;
};

/** Creates a data source that fetches from every registered kind of remote source. */
export function createRemoteDataSource({
  hosts,
  bytesAtMost = 32 * 2 ** 30,
  idleMs = 30_000,
  firstPauseMs = 500,
  statementTimeoutMs = 3_600_000,
}: GivenSettings): DataSource {
  const settings = { hosts, bytesAtMost, idleMs, firstPauseMs, statementTimeoutMs };
  return {
    fetch(source, fetching) {
      const create: (settings: SourceSettings) => DataSource = sourceMakers[remoteSourceKind(source)];
      return create(settings).fetch(source, fetching);
    },
  };
}
