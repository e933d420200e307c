import { constants } from 'node:fs';
import { lstat, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { PerennialError, reasonOf } from '../../../contracts/errors.ts';
import { modelFormats } from '../../../contracts/model-format.ts';

const metricsName = 'metrics.json';
const metricsBytesAtMost = 2 ** 20;
const metricsAtMost = 1000;
const entriesAtMost = 10_000;
export const filesAtMost = 1000;
const fileBytesAtMost = 2 ** 30;

type Say = (line: string) => void;

interface FoundFile {
  readonly path: string;
  readonly absolute: string;
  readonly bytes: number;
}

/** What a script wrote, still in its output folder. */
export interface CollectedOutput {
  readonly model: Pick<FoundFile, 'path' | 'absolute'>;
  readonly metrics: Record<string, number>;
  readonly files: readonly FoundFile[];
}

/**
 * Reads what a script wrote to its output folder: regular files only, limited in number and size. The script's
 * processes have all ended.
 */
export async function collectOutput(folder: string, say: Say): Promise<CollectedOutput> {
  const model = await findModel(folder);
  const files = await findFiles(folder, model, say);
  const metrics = files.find(({ path }) => path === metricsName);
  return {
    model: { path: model, absolute: join(folder, model) },
    metrics: metrics === undefined ? {} : await readMetrics(metrics, say),
    files: withinBounds(files, model, say),
  };
}

/**
 * Returns the file name of the first registered format for which the script wrote a model. Throws `artifact-missing` or
 * `too-large`.
 */
async function findModel(folder: string): Promise<string> {
  const formats = Object.values(modelFormats);
  for (const { title, writes, bytesAtMost } of formats) {
    const path = join(folder, writes);
    const found = await lstat(path).catch(() => null);
    if (found === null) continue;
    if (!found.isFile())
      throw new PerennialError(
        'artifact-missing',
        `${writes} is not a regular file, and links are not followed; write the model itself under this name`,
        { file: writes },
      );
    if (found.size > bytesAtMost)
      throw new PerennialError(
        'too-large',
        `${writes} has ${found.size} bytes, but the ${title} format is limited to ${bytesAtMost}, which no setting can raise; train a smaller model, for example with fewer trees or with half-precision weights`,
        { bytes: found.size, limit: bytesAtMost },
      );
    return writes;
  }
  const wanted = formats.map(({ writes }) => writes).join(' or ');
  throw new PerennialError(
    'artifact-missing',
    `the training command succeeded but wrote no ${wanted}; write the model to the folder in PERENNIAL_OUTPUT`,
    { file: wanted },
  );
}

async function findFiles(folder: string, model: string, say: Say): Promise<FoundFile[]> {
  const files: FoundFile[] = [];
  const folders = [''];
  let entries = 0;
  for (let at = folders.shift(); at !== undefined; at = folders.shift()) {
    const names = (await readdir(join(folder, at))).sort();
    for (const name of names) {
      const path = at === '' ? name : `${at}/${name}`;
      if ((entries += 1) > entriesAtMost) {
        say(`the output folder has more than ${entriesAtMost} entries; the rest were left out`);
        return files;
      }
      const absolute = join(folder, path);
      // Null if the name is not UTF-8, because the file cannot be found under the decoded name.
      const found = await lstat(absolute).catch(() => null);
      if (found?.isDirectory() === true) folders.push(path);
      else if (found !== null && found.isFile() && found.nlink > 1)
        say(
          `${path} in the output folder has a second name (a hard link) and was left out; make a copy instead of a link`,
        );
      else if (found?.isFile() !== true) say(`${path} in the output folder is not a regular file and was left out`);
      else if (path !== model) files.push({ path, absolute, bytes: found.size });
    }
  }
  return files;
}

function withinBounds(files: readonly FoundFile[], model: string, say: Say): FoundFile[] {
  const kept: FoundFile[] = [];
  let bytes = 0;
  for (const file of files) {
    if (kept.length < filesAtMost && bytes + file.bytes <= fileBytesAtMost) {
      kept.push(file);
      bytes += file.bytes;
    }
  }
  const left = files.length - kept.length;
  if (left > 0)
    say(
      `${left} of ${files.length} files in the output folder were left out: apart from ${model}, at most ${filesAtMost} files and ${fileBytesAtMost} bytes are kept`,
    );
  return kept;
}

/**
 * Returns the finite numbers of a flat object. Everything else is reported and left out. The numbers are only recorded
 * and decide nothing.
 */
async function readMetrics({ absolute, bytes }: FoundFile, say: Say): Promise<Record<string, number>> {
  if (bytes > metricsBytesAtMost) {
    say(`${metricsName} has ${bytes} bytes; at most ${metricsBytesAtMost} are read, so its numbers were left out`);
    return {};
  }
  const parsed = parseMetrics(await readRegularFile(absolute));
  if (typeof parsed === 'string') {
    say(`${metricsName} was left out: ${parsed}`);
    return {};
  }
  const all = Object.entries(parsed);
  const good = all.flatMap(([name, value]): [string, number][] =>
    typeof value === 'number' && Number.isFinite(value) && name.length <= 200 ? [[name, value]] : [],
  );
  const names = new Set(good.map(([name]) => name));
  const bad = all.flatMap(([name]) => (names.has(name) ? [] : [name.slice(0, 200)]));
  if (bad.length > 0)
    say(
      `${metricsName}: these values are not finite numbers and were left out: ${bad.slice(0, 20).join(', ')}${bad.length > 20 ? ` and ${bad.length - 20} more` : ''}`,
    );
  if (good.length > metricsAtMost)
    say(
      `${metricsName}: ${good.length - metricsAtMost} numbers were left out, because at most ${metricsAtMost} are kept`,
    );
  return Object.fromEntries(good.slice(0, metricsAtMost));
}

/** Returns the object, or a sentence that says what is wrong with it. */
function parseMetrics(text: string): Record<string, unknown> | string {
  try {
    const parsed = z.record(z.string(), z.unknown()).safeParse(JSON.parse(text));
    return parsed.success ? parsed.data : 'it is not an object of numbers';
  } catch (caught) {
    return `it is not JSON (${reasonOf(caught)}); JSON has no NaN and no Infinity`;
  }
}

async function readRegularFile(path: string): Promise<string> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}
