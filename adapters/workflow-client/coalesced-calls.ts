/**
 * Returns a function that makes one call at a time per key. Callers that arrive during a call share the next one, which
 * starts after they arrived and so sees everything that they wrote before. Temporal accepts ten concurrent updates of a
 * workflow and refuses more.
 */
export function coalescedCalls<Subject>(
  keyOf: (subject: Subject) => string,
  call: (subject: Subject) => Promise<void>,
): (subject: Subject) => Promise<void> {
  const underWay = new Map<string, Promise<void>>();
  const next = new Map<string, Promise<void>>();

  function begin(key: string, subject: Subject): Promise<void> {
    const running = call(subject).finally(() => {
      if (underWay.get(key) === running) underWay.delete(key);
    });
    underWay.set(key, running);
    return running;
  }

  return (subject) => {
    const key = keyOf(subject);
    const current = underWay.get(key);
    if (!current) return begin(key, subject);
    const waiting = next.get(key);
    if (waiting) return waiting;
    const following = current.then(ignore, ignore).then(() => {
      next.delete(key);
      return begin(key, subject);
    });
    next.set(key, following);
    return following;
  };
}

// Used where the result of the previous call does not matter: it concerns only the callers of that call.
function ignore(): void {}
