/**
 * Makes one call at a time for a key. Callers that come while one is under way share the next: it begins after they
 * came, so it sees whatever they wrote before. Temporal takes ten updates of a workflow at once and refuses more.
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

// How the call before ended is its own callers' business.
function ignore(): void {}
