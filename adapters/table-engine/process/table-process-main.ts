// Main program of a table process. It reads one call as a line of JSON, answers in lines of JSON, and ends. During the
// call it may ask its parent for files.
import { once } from 'node:events';
import { asDiskFull } from '../../../contracts/disk-full.ts';
import { PerennialError, reasonOf } from '../../../contracts/errors.ts';
import { endNow, readLines } from '../../sandbox/waiting/read-lines.ts';
import { compare } from '../comparing/compare.ts';
import { exportRows } from '../windows/export-rows.ts';
import { giveWay } from './give-way.ts';
import { openEmptyDatabase, openLockedDatabase } from './locked-database.ts';
import type { OperationAnswer, Call, MemoryLimits, OperationName, Operations } from './operations.ts';
import { prepareBatch } from '../preparing/prepare-batch.ts';
import { limitReached } from './limit-reached.ts';
import { profile } from '../preparing/profile.ts';
import { keepAnswers } from '../windows/keep-answers.ts';
import { readServed } from '../windows/read-served.ts';
import { saidByDuckDb, withoutFolders } from './said-by-duckdb.ts';
import { sealSegment } from '../windows/seal-segment.ts';
import { splitWindow } from '../windows/split-window.ts';
import { summariseSegments } from '../windows/summarise-segments.ts';
import { storeColumns } from '../windows/store-columns.ts';
import type { TableWorkplace } from './table-workplace.ts';

const operations: {
  readonly [Name in OperationName]: (
    request: Operations[Name]['request'],
    workplace: TableWorkplace,
  ) => Promise<Operations[Name]['result']>;
} = {
  prepareBatch,
  profile,
  compare,
  splitWindow,
  storeColumns,
  exportRows,
  sealSegment,
  readServed,
  keepAnswers,
  summariseSegments,
};

function run<Name extends OperationName>(
  call: Call<Name>,
  workplace: TableWorkplace,
): Promise<Operations[Name]['result']> {
  return operations[call.operation](call.request, workplace);
}

function limitOf({ narrow, usual, wide }: MemoryLimits, columns: number | undefined): string {
  if (columns === undefined) return usual;
  if (columns <= 500) return narrow;
  return columns <= 2_000 ? usual : wide;
}

function workplaceOf(call: Call): TableWorkplace {
  return {
    folder: call.folder,
    open: async ({ readable, writable = [], timezone = 'UTC', columns, isParallelAtFirst }) =>
      openLockedDatabase(
        {
          files: readable,
          folders: [...writable, call.folder],
          spillFolder: call.folder,
          memoryLimit: limitOf(call.memoryLimits, columns),
          timezone,
          isParallelAtFirst,
        },
        await empty,
      ),
    giveWay,
    supply: async (paths) => {
      if (paths.length === 0 || !call.suppliesFiles) return;
      const supplied = new Promise<void>((resolve) => (onLine = () => resolve()));
      await say({ kind: 'supply', paths });
      await supplied;
    },
  };
}

async function answer(line: string): Promise<void> {
  try {
    const call: Call = JSON.parse(line);
    await say({ kind: 'result', result: await run(call, workplaceOf(call)) });
  } catch (caught) {
    const { code, message, fields } = inOurWords(caught);
    await say({ kind: 'error', code, message, fields });
  }
  process.stdout.end(endNow);
}

function inOurWords(caught: unknown): PerennialError {
  if (caught instanceof PerennialError) return caught;
  const reason = reasonOf(caught);
  if (/^Out of Memory Error.*(temp directory|max_temp_directory_size)/s.test(reason))
    return limitReached('disk', saidByDuckDb(caught));
  // The system bounds the size of one file, so that the file cannot exceed the disk limit between two checks by the
  // sandbox.
  if (/EFBIG|File too large/i.test(reason)) return limitReached('disk', saidByDuckDb(caught));
  const full = asDiskFull(caught);
  if (full instanceof PerennialError) return full;
  if (reason.startsWith('Out of Memory Error')) return limitReached('memory', saidByDuckDb(caught));
  // These errors are about values in the data, so a retry would fail again.
  if (/^(Conversion|Out of Range|Overflow|Invalid Input) Error|^Invalid time value/.test(reason))
    return new PerennialError(
      'data-unreadable',
      `the data has a value that cannot be used: ${saidByDuckDb(caught)}; correct it, or leave it empty`,
      {},
    );
  return new PerennialError('internal', `the table engine failed: ${withoutFolders(reason)}`, {});
}

async function say(message: OperationAnswer<OperationName>): Promise<void> {
  if (!process.stdout.write(`${JSON.stringify(message)}\n`)) await once(process.stdout, 'drain');
}

// Opened while the process waits for its call.
const empty = openEmptyDatabase();
empty.catch(() => undefined);
let onLine = (line: string): void => void answer(line);
readLines((line) => onLine(line));
