/** A protobuf message must be smaller than 2 GiB. No setting can raise this. */
export const protobufBytesAtMost = 2 ** 31 - 1;
