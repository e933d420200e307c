import type { Answers } from '../../ports/model-format.ts';
import type { InferenceAnswer } from '../serving/inference.ts';
import type { RowText } from './answer-text.ts';
import { failedRows, listOfRows, numbersText, predictionText } from './answer-text.ts';
import { errorsOf } from './answers.ts';
import type { InferenceHead } from './open-inference.ts';
import type { OutputWriter } from './output-writers.ts';
import { outputWriters } from './output-writers.ts';

/** A response of the Open Inference Protocol. */
export interface InferenceResponse {
  readonly json: string;
  /** Binary tensors, which follow the JSON. */
  readonly tensors: readonly Uint8Array[];
}

export interface AnsweredRequest {
  readonly model: string;
  readonly head: InferenceHead;
  /** Age of the last database read, if the response must tell it. */
  readonly staleSeconds: number | undefined;
  readonly answer: InferenceAnswer;
}

/** Writes a response. A large one is written in parts, between which the event loop handles other events. */
export async function inferenceResponse({
  model,
  head,
  staleSeconds,
  answer,
}: AnsweredRequest): Promise<InferenceResponse> {
  const { predictions, slot } = answer;
  const tensors: Uint8Array[] = [];
  const failed = failedRows(predictions);
  let outputs = '';
  for (const { writer, binary } of askedOutputs(answer, head)) {
    const output = await outputText(writer, predictions, failed, binary ? tensors : undefined);
    outputs += outputs === '' ? output : `,${output}`;
  }
  const id = head.id === undefined ? '' : `,"id":${JSON.stringify(head.id)}`;
  const json = `{"model_name":${JSON.stringify(model)},"model_version":"${slot.version}"${id},"parameters":${await parametersText(answer, head, staleSeconds)},"outputs":[${outputs}]}`;
  return { json, tensors };
}

function askedOutputs(
  { signature }: InferenceAnswer,
  { outputs, binary }: InferenceHead,
): readonly { readonly writer: OutputWriter; readonly binary: boolean }[] {
  const writers = outputWriters(signature);
  if (outputs === undefined) return writers.map((writer) => ({ writer, binary }));
  const asked = new Map(outputs.map((output) => [output.name, output.binary]));
  return writers.flatMap((writer) => {
    const isBinary = asked.get(writer.name);
    return isBinary === undefined ? [] : [{ writer, binary: isBinary }];
  });
}

async function parametersText(
  { release, generation, ids, predictions, signature }: InferenceAnswer,
  { outputs }: InferenceHead,
  staleSeconds: number | undefined,
): Promise<string> {
  const idText: RowText = (row) => JSON.stringify(ids[row]);
  const named =
    ids.length === 1 ? `"prediction_id":${idText(0)}` : `"prediction_ids":${await listOfRows(ids.length, idText)}`;
  const stale = staleSeconds === undefined ? '' : `,"stale_seconds":${staleSeconds}`;
  // Rows without an answer are reported whichever outputs were requested.
  const errors = errorsOf(predictions, signature).filter(
    ({ output }) =>
      outputs === undefined || output === signature.output.name || outputs.some(({ name }) => name === output),
  );
  const told = errors.length === 0 ? '' : `,"errors":${JSON.stringify(errors)}`;
  return `{"release":"${release}","generation":${generation},${named}${stale}${told}}`;
}

/** @param tensors where the values go as a binary tensor; `undefined`: they are written as JSON. */
async function outputText(
  writer: OutputWriter,
  answers: Answers,
  failed: ReadonlySet<number>,
  tensors: Uint8Array[] | undefined,
): Promise<string> {
  const opening = writer.opening(answers.rows);
  const bytes = tensors === undefined ? undefined : writer.bytes(answers, failed);
  if (bytes !== undefined) {
    tensors?.push(bytes);
    const own = writer.parameters === undefined ? '' : `,${writer.parameters}`;
    return `${opening},"parameters":{"binary_data_size":${bytes.byteLength}${own}}}`;
  }
  const data = await listOfRows(answers.rows, writer.text(answers, failed));
  const own = writer.parameters === undefined ? '' : `,"parameters":{${writer.parameters}}`;
  return `${opening},"data":${data}${own}}`;
}

/** Writes a response of `/invocations`. */
export async function invocationText({ predictions, signature }: InferenceAnswer): Promise<string> {
  const { rows, probabilities } = predictions;
  const failed = failedRows(predictions);
  const errors = errorsOf({ ...predictions, vectors: {} }, signature).map(({ row, reason }) => ({ row, reason }));
  const values = await listOfRows(rows, predictionText(predictions, failed, false));
  const shares = probabilities === null ? '' : `,"probabilities":${await sharesText(probabilities, rows, failed)}`;
  return `{"predictions":${values}${shares}${errors.length === 0 ? '' : `,"errors":${JSON.stringify(errors)}`}}`;
}

function sharesText(probabilities: Float64Array, rows: number, failed: ReadonlySet<number>): string | Promise<string> {
  const text = numbersText(probabilities, probabilities.length / rows, failed);
  return listOfRows(rows, (row) => `[${text(row)}]`);
}
