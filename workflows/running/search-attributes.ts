import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { upsertSearchAttributes } from '@temporalio/workflow';
import type { Sha256 } from '../../contracts/identifiers.ts';
import { searchAttributes } from '../../contracts/runs/workflows.ts';

const model = defineSearchAttributeKey(searchAttributes.model, SearchAttributeType.KEYWORD);
const trigger = defineSearchAttributeKey(searchAttributes.trigger, SearchAttributeType.KEYWORD);
const release = defineSearchAttributeKey(searchAttributes.release, SearchAttributeType.KEYWORD);

export function pipelineAttributes(modelName: string, because: string): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: model, value: modelName },
    { key: trigger, value: because.slice(0, 200) },
  ]);
}

/** A deployment is found by the release that it is about, once that is made. */
export function tellRelease(digest: Sha256): void {
  upsertSearchAttributes([{ key: release, value: digest }]);
}
