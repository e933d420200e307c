import { randomUUID } from 'node:crypto';
import type { Stage } from '../stage.ts';

/** Requests predictions for `count` times `rows` rows, one request after the other, and returns the rows' ids. */
export async function requestPredictions(
  stage: Stage,
  model: string,
  count: number,
  rows = 1,
): Promise<readonly string[]> {
  const all: string[] = [];
  for (let request = 0; request < count; request += 1) {
    const ids = Array.from({ length: rows }, () => `prediction-${randomUUID()}`);
    await predict(stage, model, ids);
    all.push(...ids);
  }
  return all;
}

/** Requests predictions until `stop` is called. */
export function keepPredicting(stage: Stage, model: string): { stop(): void } {
  let stopped = false;
  void (async () => {
    while (!stopped) await requestPredictions(stage, model, 1);
  })();
  return {
    stop() {
      stopped = true;
    },
  };
}

async function predict({ stack }: Stage, model: string, ids: readonly string[]): Promise<void> {
  const input = (name: string, value: number) => {
    return { name, datatype: 'FP32', shape: [ids.length], data: ids.map(() => value) };
  };
  const response = await fetch(`${stack.gateway}/v2/models/${model}/infer`, {
    method: 'POST',
    headers: { authorization: `Bearer ${stack.keys.operator}`, 'content-type': 'application/json' },
    body: JSON.stringify({ parameters: { prediction_ids: ids }, inputs: [input('temp', 10), input('hum', 1)] }),
  });
  if (!response.ok) throw new Error(`the gateway answered ${response.status}: ${await response.text()}`);
}
