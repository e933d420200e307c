/** What the results cannot say themselves, by measure: what a figure means, and where the time goes if a target is missed. */
export const performanceNotes: Readonly<Record<string, string>> = {
  serving:
    'The gateway checks the API key, chooses the release, validates each value, runs the model, writes the prediction to its log before it answers, and counts. The floor is the same Fastify with the same body and the same answer, and nothing else. The bar of the load generator alone shows how many requests it can send; it must be far above the others.',
  'serving-100':
    'Each request has 100 rows. Binary tensors use the extension of the Open Inference Protocol for requests and answers.',
};
