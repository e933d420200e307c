/** The integer types of ONNX other than int64. */
export const integerKinds = ['int8', 'uint8', 'int16', 'uint16', 'int32', 'uint32', 'uint64'] as const;

export type IntegerKind = (typeof integerKinds)[number];

const ranges: Readonly<Record<IntegerKind, readonly [least: bigint, greatest: bigint]>> = {
  int8: [-128n, 127n],
  uint8: [0n, 255n],
  int16: [-32_768n, 32_767n],
  uint16: [0n, 65_535n],
  int32: [-2_147_483_648n, 2_147_483_647n],
  uint32: [0n, 4_294_967_295n],
  uint64: [0n, 2n ** 64n - 1n],
};

/** Returns whether the integer type represents a value exactly; `undefined` means int64. */
export function holds(kind: IntegerKind | undefined, value: bigint): boolean {
  const [least, greatest] = kind === undefined ? [-(2n ** 63n), 2n ** 63n - 1n] : ranges[kind];
  return value >= least && value <= greatest;
}
