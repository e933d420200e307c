/** Has a gateway upload all logged predictions of a model. Throws if it cannot. */
export async function flushLog(gateway: string, key: string, model: string): Promise<void> {
  const flushed = await fetch(`${gateway}/v1/flush`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify({ project: 'default', model, environment: 'production' }),
  });
  if (!flushed.ok) throw new Error(`the log was not flushed: ${await flushed.text()}`);
}
