import { Option } from 'commander';
import { PerennialError } from '../../contracts/errors.ts';
import type { LabelFormat } from '../../contracts/monitoring/label-file.ts';
import { labelFormats } from '../../contracts/monitoring/label-file.ts';
import { shown } from '../../contracts/monitoring/label-value.ts';
import type { LabelInput } from '../../contracts/monitoring/label.ts';
import { AddedLabels, labelsListed, labelWords } from '../../contracts/monitoring/label.ts';
import type { ApiClient } from '../api-client.ts';
import type { CliContext } from '../cli-context.ts';
import { apiOf, modelPath } from '../cli-context.ts';
import type { LabelsOfFile } from '../files/labels-file.ts';
import { readLabels } from '../files/labels-file.ts';
import type { VerbRegistry } from '../verb.ts';
import { counted } from '../verb.ts';

/**
 * Well below the API's limit per request. After a broken connection the labels can be sent again, because those that
 * arrived are recognised.
 */
const labelsAtOnce = 20_000;

export function labelsVerb({ program, act }: VerbRegistry): void {
  program
    .command('labels')
    .description('send the ground truth of predictions')
    .command('send')
    .description(
      'send labels as CSV, NDJSON or a JSON list of objects; the columns or fields are value, either id (of the prediction) or request (the id of your request), and optionally row and at',
    )
    .argument('<file>', '.csv, .ndjson, .jsonl or .json; - reads standard input')
    .addOption(
      new Option(
        '--format <format>',
        'format of the labels (default: determined by the file’s name and first character)',
      ).choices(labelFormats),
    )
    .addHelpText(
      'after',
      '\nExamples:\n  perennial labels send labels.csv\n  psql --csv -c "select id, value from …" | perennial labels send - --format csv',
    )
    .action(
      act(async (context, file: string, { format }: { format?: LabelFormat }) => {
        const read = await readLabels(file, context.stdin, format);
        if (read.ignored.length > 0) context.output.note(`ignored columns: ${read.ignored.join(', ')}`);
        const sum = await sendLabels(context, apiOf(context), read.labels);
        context.output.data(sum, () => told(sum, read));
        if (sum.refused > 0)
          throw new PerennialError('invalid-request', `${counted(sum.refused, 'label')} of ${file} refused`, {
            refused: sum.refused,
          });
      }),
    );
}

const none: AddedLabels = {
  accepted: 0,
  corrected: 0,
  repeated: 0,
  unknown: 0,
  refused: 0,
  corrections: [],
  unknownLabels: [],
  refusals: [],
  ambiguous: [],
  waiting: 0,
  forgotten: 0,
};

async function sendLabels(context: CliContext, api: ApiClient, labels: readonly LabelInput[]): Promise<AddedLabels> {
  let sum = none;
  for (let sent = 0; sent < labels.length; sent += labelsAtOnce) {
    context.output.progress(`sending labels: ${sent} of ${labels.length}`);
    sum = added(sum, await sendPart(context, api, labels.slice(sent, sent + labelsAtOnce)), sent);
  }
  return sum;
}

function sendPart(context: CliContext, api: ApiClient, part: readonly LabelInput[]): Promise<AddedLabels> {
  const query = { environment: context.options.environment };
  return api.send('POST', modelPath(context, '/labels'), AddedLabels, part, query);
}

/**
 * Adds up two answers. `sent` is the number of labels sent before this answer's batch, because the answer counts
 * positions from the start of its batch.
 */
function added(sum: AddedLabels, answer: AddedLabels, sent: number): AddedLabels {
  const listed = <Item>(before: readonly Item[], more: readonly Item[]) => [...before, ...more].slice(0, labelsListed);
  return {
    accepted: sum.accepted + answer.accepted,
    corrected: sum.corrected + answer.corrected,
    repeated: sum.repeated + answer.repeated,
    unknown: sum.unknown + answer.unknown,
    refused: sum.refused + answer.refused,
    corrections: listed(sum.corrections, answer.corrections),
    unknownLabels: listed(sum.unknownLabels, answer.unknownLabels),
    refusals: listed(
      sum.refusals,
      answer.refusals.map((refusal) => ({ ...refusal, place: refusal.place + sent })),
    ),
    ambiguous: listed(sum.ambiguous, answer.ambiguous),
    waiting: answer.waiting,
    forgotten: sum.forgotten + answer.forgotten,
  };
}

const linesShown = 10;

function told(sum: AddedLabels, { places }: LabelsOfFile): string {
  const { accepted, corrected, repeated, unknown, refused, waiting, forgotten } = sum;
  return [
    `${counted(accepted, 'label')} accepted, ${corrected} corrected, ${repeated} already known, ${unknown} of unknown predictions, ${refused} refused`,
    ...lines(sum.refusals, refused, (refusal) => {
      const value = refusal.value === null ? '' : ` ${shown(refusal.value)}`;
      return `refused: ${places[refusal.place] ?? ''},${value} for ${labelWords(refusal)}: ${refusal.reason}`;
    }),
    ...lines(
      sum.corrections,
      corrected,
      ({ id, from, to }) => `corrected: "${id}" from ${shown(from)} to ${shown(to)}`,
    ),
    ...lines(sum.unknownLabels, unknown, (label) => `unknown: ${labelWords(label)}`),
    ...sum.ambiguous.map(
      ({ request, requests }) => `${requests} requests had the id "${request}"; the label belongs to the first of them`,
    ),
    ...(waiting === 0
      ? []
      : [
          `${counted(waiting, 'label')} ${waiting === 1 ? 'waits' : 'wait'} for predictions that have not arrived, for 30 days at most`,
        ]),
    ...(forgotten === 0
      ? []
      : [
          `the ${counted(forgotten, 'label')} that had waited the longest ${forgotten === 1 ? 'was' : 'were'} discarded`,
        ]),
  ].join('\n');
}

function lines<Item>(items: readonly Item[], all: number, line: (item: Item) => string): string[] {
  const some = items.slice(0, linesShown).map(line);
  return all > some.length ? [...some, `and ${all - some.length} more`] : some;
}
