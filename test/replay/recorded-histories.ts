import { createHash } from 'node:crypto';
import { existsSync, globSync, readdirSync, readFileSync } from 'node:fs';
import { mkdir, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync, gzipSync } from 'node:zlib';
import { parseSync } from 'oxc-parser';
import { z } from 'zod';

// Histories of executions, as files `<package version>/<workflow type>.<label>.<number>.json.gz`. The label says how the
// execution ended. The folder of a version is written once and never changed.

const folder = join(import.meta.dirname, 'histories');
const codeFile = join(folder, 'workflow-code.json');
const root = join(import.meta.dirname, '..', '..');
const WorkflowCode = z.record(z.string(), z.string());

export const HistoryFile = z.object({
  workflowId: z.string(),
  history: z.object({ events: z.array(z.record(z.string(), z.unknown())) }).loose(),
});
export type HistoryFile = z.infer<typeof HistoryFile>;

/** A history to be stored. */
export interface Recording {
  readonly type: string;
  readonly label: string;
  readonly number: number;
  readonly content: HistoryFile;
}

export interface RecordedHistory {
  readonly version: string;
  readonly file: string;
  readonly type: string;
  readonly label: string;
}

/** The version in package.json. */
export function currentVersion(): string {
  return z.object({ version: z.string() }).parse(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))).version;
}

export function hasHistories(version: string): boolean {
  return existsSync(join(folder, version));
}

export function recordedHistories(): readonly RecordedHistory[] {
  const versions = readdirSync(folder).filter((name) => /^\d/.test(name));
  return versions.flatMap((version) =>
    readdirSync(join(folder, version)).map((file) => {
      const [type = '', label = ''] = file.split('.');
      return { version, file, type, label };
    }),
  );
}

export function readHistory({ version, file }: RecordedHistory): HistoryFile {
  return HistoryFile.parse(JSON.parse(gunzipSync(readFileSync(join(folder, version, file))).toString('utf8')));
}

/** Returns the digest of the workflow code with which each version's histories were recorded. */
export function recordedWorkflowCode(): Readonly<Record<string, string>> {
  return WorkflowCode.parse(JSON.parse(readFileSync(codeFile, 'utf8')));
}

export async function saveHistories(version: string, recordings: readonly Recording[]): Promise<void> {
  // The folder gets its name last, so that an interrupted recording can be repeated.
  const draft = join(folder, '.draft');
  await rm(draft, { recursive: true, force: true });
  await mkdir(draft);
  for (const { type, label, number, content } of recordings)
    await writeFile(join(draft, `${type}.${label}.${number}.json.gz`), gzipSync(JSON.stringify(content)));
  const code = { ...recordedWorkflowCode(), [version]: workflowCodeDigest() };
  await writeFile(codeFile, `${JSON.stringify(code, undefined, 2)}\n`);
  await rename(draft, join(folder, version));
}

/** Returns a digest of all sources in workflows/ without their comments and white space. */
export function workflowCodeDigest(): string {
  const hash = createHash('sha256');
  const sources = globSync('**/*.ts', { cwd: join(root, 'workflows') }).toSorted();
  for (const source of sources) hash.update(`${source}\0${codeOf(source)}\0`);
  return hash.digest('hex');
}

function codeOf(source: string): string {
  const text = readFileSync(join(root, 'workflows', source), 'utf8');
  const { comments } = parseSync(source, text);
  const code = comments.toReversed().reduce((left, { start, end }) => left.slice(0, start) + left.slice(end), text);
  return code.replaceAll(/\s+/g, ' ');
}
