import { defineSearchAttributeKey, SearchAttributeType, TypedSearchAttributes } from '@temporalio/common';
import { searchAttributes } from '../contracts/workflows.ts';

const model = defineSearchAttributeKey(searchAttributes.model, SearchAttributeType.KEYWORD);
const trigger = defineSearchAttributeKey(searchAttributes.trigger, SearchAttributeType.KEYWORD);

export function pipelineAttributes(modelName: string, because: string): TypedSearchAttributes {
  return new TypedSearchAttributes([
    { key: model, value: modelName },
    { key: trigger, value: because.slice(0, 200) },
  ]);
}
