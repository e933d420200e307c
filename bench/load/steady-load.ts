import { readFileSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { z } from 'zod';

// Sends requests at a fixed rate, whether or not earlier ones have been answered, and prints a line of JSON when the
// version that answers changes, and a summary when it is stopped. Run as `node steady-load.ts JSON`.

const Wanted = z.object({
  url: z.string(),
  headers: z.record(z.string(), z.string()),
  bodyFile: z.string(),
  perSecond: z.number(),
});

const tickMs = 5;
const answersWithinMs = 10_000;

const { url, headers, bodyFile, perSecond } = Wanted.parse(JSON.parse(process.argv[2] ?? ''));
const body = readFileSync(bodyFile);
const agent = new Agent({ keepAlive: true, maxSockets: 64 });
let [sent, answered, failed] = [0, 0, 0];
let version = '';
const reasons = new Set<string>();

function fail(reason: string): void {
  failed += 1;
  if (reasons.size < 5) reasons.add(reason);
}

function tell(found: string): void {
  if (found === version) return;
  version = found;
  process.stdout.write(`${JSON.stringify({ at: Date.now(), version })}\n`);
}

function send(): void {
  sent += 1;
  const asked = request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': body.length } });
  asked.setTimeout(answersWithinMs, () => asked.destroy(new Error('no answer in time')));
  asked.on('error', (caught) => fail(caught.message));
  asked.on('response', (answer) => {
    const chunks: Buffer[] = [];
    answer.on('data', (bytes: Buffer) => chunks.push(bytes));
    answer.on('end', () => {
      answered += 1;
      const text = Buffer.concat(chunks).toString();
      if (answer.statusCode === 200) tell(/"model_version":"(\d+)"/.exec(text)?.[1] ?? 'unknown');
      else fail(`${answer.statusCode}: ${text.slice(0, 200)}`);
    });
  });
  asked.end(body);
}

const begun = performance.now();
const timer = setInterval(() => {
  const due = ((performance.now() - begun) / 1000) * perSecond;
  // After a pause of this process, the missed requests are not sent all at once.
  for (let now = 0; sent < due && now < perSecond / 10; now += 1) send();
}, tickMs);

process.on('SIGTERM', () => {
  clearInterval(timer);
  const seconds = (performance.now() - begun) / 1000;
  process.stdout.write(`${JSON.stringify({ sent, answered, failed, seconds, reasons: [...reasons] })}\n`, () =>
    process.exit(0),
  );
});
