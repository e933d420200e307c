import { basename, dirname, extname, join } from 'node:path';
import { PerennialError } from '../../../contracts/errors.ts';
import type { PreparedBatch } from '../../../ports/table-engine.ts';
import { showFile, takeFile } from '../../sandbox/waiting/call-files.ts';
import type { ProcessFolders } from '../../sandbox/waiting/waiting-process.ts';
import type { OperationName, Operations } from './operations.ts';

/** Translates the caller's paths into paths of the process. */
interface Paths {
  /** Returns the process's path for an input file. */
  given(path: string): string;
  /** Returns the process's path for an input file that may be created later. */
  later(path: string): string;
  /** Returns the process's path for an output file. */
  made(path: string): string;
  /** Folder for output files whose number is not known in advance. */
  readonly madeFolder: string;
}

type Translate<Name extends OperationName> = (
  request: Operations[Name]['request'],
  paths: Paths,
) => Operations[Name]['request'];

const translations: { readonly [Name in OperationName]: Translate<Name> } = {
  prepareBatch: ({ supply, ...request }, { given, later, madeFolder }) => ({
    ...request,
    files: request.files.map((file) => ({ ...file, path: given(file.path) })),
    known: request.known.map((known) => {
      const place = supply === undefined ? given : later;
      const { summary } = known;
      const keys = summary === undefined || summary.keys === null ? null : place(summary.keys);
      return { ...known, path: place(known.path), ...(summary === undefined ? {} : { summary: { ...summary, keys } }) };
    }),
    references: request.references?.map((reference) => ({ ...reference, parts: reference.parts.map(given) })),
    outputFolder: madeFolder,
  }),
  profile: (request, { given }) => ({ ...request, parts: request.parts.map(given) }),
  compare: (request, { given }) => {
    const side = (dataset: (typeof request)['before']) => ({
      ...dataset,
      parts: dataset.parts.map((part) => ({ ...part, path: given(part.path) })),
    });
    return { ...request, before: side(request.before), after: side(request.after) };
  },
  splitWindow: (request, { given, made }) => ({
    ...request,
    parts: request.parts.map(given),
    trainPath: made(request.trainPath),
    holdoutPath: made(request.holdoutPath),
    allPath: request.allPath === undefined ? undefined : made(request.allPath),
    validationPath: request.validationPath === undefined ? undefined : made(request.validationPath),
  }),
  storeColumns: (request, { given, made }) => ({
    ...request,
    files: request.files.map(given),
    path: made(request.path),
  }),
  exportRows: (request, { given, made }) => ({
    ...request,
    parts: request.parts.map(given),
    path: made(request.path),
  }),
  sealSegment: (request, { given, made }) => ({
    ...request,
    ...('blocks' in request ? { blocks: given(request.blocks) } : { ndjson: given(request.ndjson) }),
    path: made(request.path),
    indexPath: made(request.indexPath),
  }),
  readServed: ({ supply, ...request }, { given, later, made }) => {
    const place = supply === undefined ? given : later;
    const { summaries } = request;
    return {
      ...request,
      segments: request.segments.map(place),
      ...(summaries === undefined ? {} : { summaries: byPlace(summaries, place) }),
      path: made(request.path),
    };
  },
  keepAnswers: (request, { given, made }) => ({
    ...request,
    segments: request.segments.map(({ path, answers }) => ({ path: given(path), answers: made(answers) })),
  }),
  summariseSegments: (request, { given }) => ({ ...request, segments: request.segments.map(given) }),
};

function byPlace<Value>(
  values: Readonly<Record<string, Value>>,
  place: (path: string) => string,
): Record<string, Value> {
  return Object.fromEntries(Object.entries(values).map(([path, value]) => [place(path), value]));
}

export interface HandedOver<Name extends OperationName> {
  /** The request with the paths of the process. */
  readonly request: Operations[Name]['request'];
  /** Makes files that the caller creates on demand visible to the process; null if it creates none. */
  readonly supply: ((paths: readonly string[]) => Promise<void>) | null;
  /**
   * Moves the output files to the paths that the caller asked for. The process must have ended, because it could still
   * change them.
   */
  takeBack(result: Operations[Name]['result']): Promise<Operations[Name]['result']>;
}

/**
 * Makes the files of a request visible to the process that will serve it. The process was started before they were
 * known, so they are hard-linked into a folder that the process can only read.
 */
export async function handOver<Name extends OperationName>(
  operation: Name,
  request: Operations[Name]['request'],
  folders: ProcessFolders,
): Promise<HandedOver<Name>> {
  const shown = new Map<string, string>();
  const later = new Map<string, string>();
  const wanted = new Map<string, string>();
  const translated = translations[operation](request, {
    given: (path) => nameFor(shown, path, folders.given),
    made: (path) => nameFor(wanted, path, folders.made),
    later: (path) => nameFor(later, path, folders.given, 'later-'),
    madeFolder: folders.made,
  });
  await Promise.all([...shown].map(([path, inside]) => showFile(path, inside)));
  return {
    request: translated,
    supply: 'supply' in request && request.supply !== undefined ? supplying(later, request.supply) : null,
    async takeBack(result) {
      for (const [path, inside] of wanted) await takeFile(inside, path, 'the table engine');
      if (!('outputFolder' in request) || !isPrepared(result)) return result;
      return Object.assign({}, result, await takeParts(result, folders.made, request.outputFolder));
    },
  };
}

/** The process can ask only for files that its request names, and for each of them once. */
function supplying(
  later: ReadonlyMap<string, string>,
  supply: (paths: readonly string[]) => Promise<void>,
): (paths: readonly string[]) => Promise<void> {
  const left = new Map([...later].map(([path, inside]) => [inside, path]));
  return async (paths) => {
    const asked = [...new Set(paths)].flatMap((inside) => {
      const path = left.get(inside);
      return path === undefined ? [] : [{ path, inside }];
    });
    for (const { inside } of asked) left.delete(inside);
    await supply(asked.map(({ path }) => path));
    await Promise.all(asked.map(({ path, inside }) => showFile(path, inside)));
  };
}

function nameFor(names: Map<string, string>, path: string, folder: string, prefix = ''): string {
  const known = names.get(path) ?? join(folder, `${prefix}${names.size}${extname(path)}`);
  names.set(path, known);
  return known;
}

function isPrepared(result: Operations[OperationName]['result']): result is PreparedBatch {
  return result !== null && 'quarantine' in result;
}

async function takeParts(
  { parts, known, quarantine, summaries }: PreparedBatch,
  made: string,
  outputFolder: string,
): Promise<Pick<PreparedBatch, 'parts' | 'known' | 'quarantine' | 'summaries'>> {
  const moved = async <File extends { readonly path: string }>(file: File): Promise<File> => {
    if (dirname(file.path) !== made)
      throw new PerennialError('internal', `the table engine names a file outside of its folder: ${file.path}`, {});
    const path = join(outputFolder, basename(file.path));
    await takeFile(file.path, path, 'the table engine');
    return { ...file, path };
  };
  const taken: PreparedBatch['known'][number][] = [];
  for (const entry of known)
    taken.push(entry.kind === 'kept' ? entry : { kind: 'rewritten', part: await moved(entry.part) });
  const movedParts: PreparedBatch['parts'][number][] = [];
  for (const part of parts) movedParts.push(await moved(part));
  const movedSummaries: PreparedBatch['summaries'][number][] = [];
  for (const summary of summaries)
    movedSummaries.push({ ...summary, keys: summary.keys === null ? null : await moved(summary.keys) });
  return {
    known: taken,
    parts: movedParts,
    summaries: movedSummaries,
    quarantine: quarantine === null ? null : await moved(quarantine),
  };
}
