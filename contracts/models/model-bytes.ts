/** ONNX files are protobuf messages, which must be smaller than 2 GiB. No setting can raise this. */
export const modelBytesAtMost = 2 ** 31 - 1;
