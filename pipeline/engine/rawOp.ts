// Any TensorFlow op on tensors of any dtype. tfjs knows float32, int32 and bool; the models also need bfloat16,
// uint8 and the like. Such a tensor is an ordinary tf.Tensor whose true dtype lives in the backend's tensor map,
// so tf.tidy frees it, tf.memory() counts it and the gradient tape carries it. Towards tfjs it is labelled float32
// (int32 for the integer types); a tfjs op that meets it by mistake fails loudly on the type attribute.
import { tf, type Tensor } from './tensorflow.ts';

/** TensorFlow's DataType numbers (tensorflow/core/framework/types.proto). */
const DTYPE_NUMBERS = {
  float32: 1,
  float64: 2,
  int32: 3,
  uint8: 4,
  int64: 9,
  bool: 10,
  bfloat16: 14,
  uint16: 17,
  float16: 19,
  resource: 20,
  uint64: 23,
} as const;

export type DType = keyof typeof DTYPE_NUMBERS;

const DTYPE_NAMES = new Map(
  Object.entries(DTYPE_NUMBERS).map(([name, number]) => [number as number, name as DType]),
);

/** Bytes of one element. */
export const DTYPE_BYTES: Record<DType, number> = {
  float32: 4,
  float64: 8,
  int32: 4,
  uint8: 1,
  int64: 8,
  bool: 1,
  bfloat16: 2,
  uint16: 2,
  float16: 2,
  resource: 8,
  uint64: 8,
};

/** An op's attributes by name: a dtype, a flag, or a value marked with its type. */
export type Attributes = Record<
  string,
  DType | boolean | { int: number } | { float: number } | { text: string } | { shape: number[] }
>;

interface Metadata {
  id: number;
  shape: number[];
  dtype: number;
}

interface Binding {
  executeOp(name: string, attributes: object[], inputs: number[], outputs: number): Metadata[];
  createTensor(shape: readonly number[], dtype: number, values: ArrayBufferView): number;
  tensorDataSync(id: number): Float32Array | Int32Array;
  isUsingGpuDevice(): boolean;
  TF_Version: string;
  TF_ATTR_STRING: number;
  TF_ATTR_INT: number;
  TF_ATTR_FLOAT: number;
  TF_ATTR_BOOL: number;
  TF_ATTR_TYPE: number;
  TF_ATTR_SHAPE: number;
}

interface Backend {
  binding: Binding;
  tensorMap: {
    get(id: object): Metadata;
    set(id: object, data: Metadata & { values: null; refCount: number }): void;
  };
  getInputTensorIds(tensors: Tensor[]): number[];
}

const backend = tf.backend() as unknown as Backend;
const { binding } = backend;

/** Runs the op and returns its single output. */
export function rawOp(name: string, inputs: Tensor[], attributes: Attributes = {}): Tensor {
  return rawOps(name, inputs, attributes, 1)[0]!;
}

/** Runs the op and returns its `outputs` outputs. */
export function rawOps(name: string, inputs: Tensor[], attributes: Attributes, outputs: number): Tensor[] {
  const opAttributes = Object.entries(attributes).map(([key, value]) => opAttribute(key, value));
  return binding.executeOp(name, opAttributes, backend.getInputTensorIds(inputs), outputs).map(adopt);
}

/** The true dtype of a tensor. */
export function dtypeOf(tensor: Tensor): DType {
  const name = DTYPE_NAMES.get(backend.tensorMap.get(tensor.dataId).dtype);
  if (!name)
    throw new Error(
      `tensor of an unnamed dtype, TensorFlow's number ${backend.tensorMap.get(tensor.dataId).dtype}`,
    );
  return name;
}

/** A tensor over a typed array, whose memory it shares: leave it unchanged. The binding takes these three kinds. */
export function upload(values: Uint8Array | Float32Array | Int32Array, shape: readonly number[]): Tensor {
  const dtype = values instanceof Float32Array ? 'float32' : values instanceof Int32Array ? 'int32' : 'uint8';
  const number = DTYPE_NUMBERS[dtype];
  return adopt({ id: binding.createTensor(shape, number, values), shape: [...shape], dtype: number });
}

/** An int32 tensor: ops take shapes, axes and permutations as tensors. */
export function int32(value: number | ArrayLike<number>): Tensor {
  return typeof value === 'number'
    ? upload(Int32Array.of(value), [])
    : upload(Int32Array.from(value), [value.length]);
}

/** The values of an int32 or float32 tensor; the binding copies no others (see `bytesOf`). */
export function download(tensor: Tensor): Int32Array | Float32Array {
  return binding.tensorDataSync(backend.getInputTensorIds([tensor])[0]!);
}

/** What runs the ops: TensorFlow's version and the device. */
export function engineInfo(): { version: string; device: 'gpu' | 'cpu' } {
  return { version: binding.TF_Version, device: binding.isUsingGpuDevice() ? 'gpu' : 'cpu' };
}

/** Makes a tf.Tensor of an output handle, in the current scope. */
function adopt({ id, shape, dtype }: Metadata): Tensor {
  const dataId = {};
  backend.tensorMap.set(dataId, { id, shape, dtype, values: null, refCount: 1 });
  return tf.engine().makeTensorFromTensorInfo({ dataId, shape, dtype: labelOf(DTYPE_NAMES.get(dtype)) });
}

function labelOf(dtype: DType | undefined): 'float32' | 'int32' | 'bool' {
  if (dtype === 'bool') return 'bool';
  return dtype === 'int32' || dtype === 'uint8' || dtype === 'int64' || dtype === 'uint16'
    ? 'int32'
    : 'float32';
}

function opAttribute(name: string, value: Attributes[string]): object {
  if (typeof value === 'boolean') return { name, type: binding.TF_ATTR_BOOL, value };
  if (typeof value === 'string') return { name, type: binding.TF_ATTR_TYPE, value: DTYPE_NUMBERS[value] };
  if ('int' in value) return { name, type: binding.TF_ATTR_INT, value: value.int };
  if ('float' in value) return { name, type: binding.TF_ATTR_FLOAT, value: value.float };
  if ('text' in value) return { name, type: binding.TF_ATTR_STRING, value: value.text };
  return { name, type: binding.TF_ATTR_SHAPE, value: value.shape };
}
