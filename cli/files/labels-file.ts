import { readFile } from 'node:fs/promises';
import { text } from 'node:stream/consumers';
import type { z } from 'zod';
import { PerennialError } from '../../contracts/errors.ts';
import type { LabelFormat } from '../../contracts/monitoring/label-file.ts';
import { labelsIn } from '../../contracts/monitoring/label-file.ts';
import type { LabelInput } from '../../contracts/monitoring/label.ts';
import { SentLabel } from '../../contracts/monitoring/label.ts';

export interface LabelsOfFile {
  readonly labels: readonly LabelInput[];
  /** Where each label stands in the file, for example `line 7`. */
  readonly places: readonly string[];
  /** Columns of a CSV that have no meaning for labels. */
  readonly ignored: readonly string[];
}

/**
 * Reads labels from a file, or from `stdin` if the file is `-`. An error names the place in the file, and nothing is
 * sent.
 */
export async function readLabels(
  file: string,
  stdin: NodeJS.ReadableStream,
  format: LabelFormat | undefined,
): Promise<LabelsOfFile> {
  const content = file === '-' ? await text(stdin) : await contentOf(file);
  const parsed = parseIn(file, format ?? formatOf(file, content), content);
  const labels = parsed.labels.map(({ place, label }) => labelAt(file, place, label));
  if (labels.length === 0) throw new PerennialError('invalid-request', `${nameOf(file)} contains no labels`, { file });
  return { labels, places: parsed.labels.map(({ place }) => place), ignored: parsed.ignored };
}

function formatOf(file: string, content: string): LabelFormat {
  if (/\.[ct]sv$/i.test(file)) return 'csv';
  return content.trimStart().startsWith('[') ? 'json' : 'ndjson';
}

async function contentOf(file: string): Promise<string> {
  try {
    return await readFile(file, 'utf8');
  } catch (caught) {
    throw new PerennialError(
      'invalid-request',
      `${file} cannot be read; name a readable file, or use - for standard input`,
      { file },
      { cause: caught },
    );
  }
}

function parseIn(file: string, format: LabelFormat, content: string): ReturnType<typeof labelsIn> {
  try {
    return labelsIn(format, content);
  } catch (caught) {
    if (!(caught instanceof PerennialError)) throw caught;
    const reason = `${nameOf(file)}: ${caught.message}; nothing was sent`;
    throw new PerennialError(caught.code, reason, { ...caught.fields, file }, { cause: caught });
  }
}

function labelAt(file: string, place: string, value: unknown): LabelInput {
  const parsed = SentLabel.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new PerennialError(
    'invalid-request',
    `${nameOf(file)} ${place} is not a label: ${wrongWith(parsed.error)}; nothing was sent`,
    { file, place },
  );
}

function wrongWith({ issues: [first] }: z.ZodError): string {
  const field = first?.path.join('.') ?? '';
  return `${field === '' ? '' : `"${field}": `}${first?.message ?? 'the label does not have the expected form'}`;
}

function nameOf(file: string): string {
  return file === '-' ? 'standard input' : file;
}
