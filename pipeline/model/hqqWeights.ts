// HQQ weights in checkpoints, as the state dict of HQQLinear in hqq 0.2.8 has them: beside <module>.W_q, .scale and
// .zero, every setting of the module is a small tensor of its own. So each module says by itself how it is packed,
// modules of one model may differ, and either side reads the other's files.
import { z } from 'zod';
import { validate } from '../config/loadConfig.ts';
import { UserError } from '../config/userError.ts';
import { cast } from '../engine/layoutOps.ts';
import { PACKINGS, type PackedWeight } from '../engine/packedWeight.ts';
import type { DType } from '../engine/rawOp.ts';
import { bytesOf, tensorFromBytes } from '../engine/tensorBytes.ts';
import type { Tensor } from '../engine/tensorflow.ts';
import type { Checkpoint } from './checkpoint.ts';
import type { Dtype, TensorSource } from './safetensors.ts';

/** Where packed modules are read from; `folder` names it in complaints. */
export type TensorReader = Pick<Checkpoint, 'folder' | 'info' | 'read'>;

type Entry = Omit<TensorSource, 'name'>;

/** A packed weight to be written, its codes as bytes that may be made only when they are asked for. */
export interface PackedModule extends Omit<PackedWeight, 'kind' | 'packed'> {
  codes: TensorSource['data'];
  /** Whether its zero points were refined; hqq keeps that too. */
  optimize: boolean;
}

/**
 * The tensors of a module as hqq saves it, scale and zero in float16, the package's default.
 * All but the codes are copied out of the engine here; scale and zero may be freed afterwards.
 */
export function packedTensors(module: string, weight: PackedModule): TensorSource[] {
  const { container, name: packing } = PACKINGS[weight.bits];
  const entries: Record<string, Entry> = {
    W_q: { dtype: DTYPE_NAMES[container], shape: codesShape(weight), data: weight.codes },
    scale: half(weight.scale),
    zero: half(weight.zero),
    shape: bytesEntry('I64', [2], new Uint8Array(BigInt64Array.from(weight.shape, BigInt).buffer)),
    nbits: integer(weight.bits),
    group_size: integer(weight.groupSize),
    axis: integer(weight.axis),
    packing: text(packing),
    unpack_view_dtype: text(`torch.${container}`),
    compute_dtype: text('torch.float16'),
    optimize: flag(weight.optimize),
    round_zero: flag(weight.bits === 4),
    channel_wise: flag(true),
    view_as_float: flag(false),
    quant_scale: flag(false),
    quant_zero: flag(false),
    offload_meta: flag(false),
    encoded_state_dict: flag(true),
    stores_quant_config: flag(true),
  };
  return Object.entries(entries).map(([key, entry]) => ({ ...entry, name: `${module}.${key}` }));
}

const settingsSchema = z.object({
  nbits: z.literal([8, 4, 3, 2, 1]),
  group_size: z.int().positive(),
  axis: z.literal([0, 1]),
  shape: z.tuple([z.int().positive(), z.int().positive()]),
});

/**
 * The packed weight of a module of a checkpoint; free it with `disposePacked`.
 * @throws UserError naming folder and tensor for what is missing or does not fit together.
 */
export async function readPackedWeight(checkpoint: TensorReader, module: string): Promise<PackedWeight> {
  const settings = {
    nbits: (await readIntegers(checkpoint, `${module}.nbits`))[0],
    group_size: (await readIntegers(checkpoint, `${module}.group_size`))[0],
    axis: (await readIntegers(checkpoint, `${module}.axis`))[0],
    shape: await readIntegers(checkpoint, `${module}.shape`),
  };
  const { nbits, group_size, axis, shape } = validate(
    settingsSchema,
    settings,
    () => `${checkpoint.folder}: ${module}`,
  );
  const form = { bits: nbits, groupSize: group_size, axis, shape };
  const groups = (shape[0] * shape[1]) / group_size;
  const parameter = {
    shape: axis === 1 ? [groups, 1] : [1, groups],
    dtypes: ['F16', 'BF16', 'F32'] as const,
  };
  const codes = { shape: codesShape(form), dtypes: [DTYPE_NAMES[PACKINGS[nbits].container]] };
  return {
    kind: 'packed',
    ...form,
    packed: await readTensor(checkpoint, `${module}.W_q`, codes),
    scale: await readTensor(checkpoint, `${module}.scale`, parameter),
    zero: await readTensor(checkpoint, `${module}.zero`, parameter),
  };
}

/** Of W_q: the rows of the grouped matrix, some to an integer. */
function codesShape({
  bits,
  groupSize,
  axis,
  shape: [outputs, inputs],
}: Pick<PackedWeight, 'bits' | 'groupSize' | 'axis' | 'shape'>): [number, number] {
  const groups = (outputs * inputs) / groupSize;
  const [rows, width] = axis === 1 ? [groups, groupSize] : [groupSize, groups];
  return [Math.ceil(rows / PACKINGS[bits].parts), width];
}

type StoredDtype = 'U8' | 'I32' | 'F16' | 'BF16' | 'F32';
const DTYPES: Record<StoredDtype, DType> = {
  U8: 'uint8',
  I32: 'int32',
  F16: 'float16',
  BF16: 'bfloat16',
  F32: 'float32',
};
const DTYPE_NAMES = { uint8: 'U8', int32: 'I32' } as const;

async function readTensor(
  { folder, info, read }: TensorReader,
  name: string,
  { shape, dtypes }: { shape: number[]; dtypes: readonly StoredDtype[] },
): Promise<Tensor> {
  const stored = info(name);
  const dtype = dtypes.find((dtype) => dtype === stored.dtype);
  if (!dtype || stored.shape.join() !== shape.join())
    throw new UserError({
      file: folder,
      field: name,
      value: `${stored.dtype} [${stored.shape.join(', ')}]`,
      problem: `expected ${dtypes.join(' or ')} [${shape.join(', ')}]`,
      remedy: 'quantize the teacher again',
    });
  return tensorFromBytes((await read(name)).data, shape, DTYPES[dtype]);
}

async function readIntegers({ folder, read }: TensorReader, name: string): Promise<number[]> {
  const { dtype, data } = await read(name);
  if (dtype === 'I32') return [...new Int32Array(data.buffer)];
  if (dtype === 'I64') return [...new BigInt64Array(data.buffer)].map(Number);
  throw new UserError({ file: folder, field: name, value: dtype, problem: 'expected I32 or I64' });
}

function bytesEntry(dtype: Dtype, shape: number[], bytes: Uint8Array): Entry {
  return { dtype, shape, data: () => bytes };
}

function half(tensor: Tensor): Entry {
  const rounded = cast(tensor, 'float16');
  const bytes = bytesOf(rounded);
  rounded.dispose();
  return bytesEntry('F16', tensor.shape, bytes);
}

function integer(value: number): Entry {
  return bytesEntry('I32', [], new Uint8Array(Int32Array.of(value).buffer));
}

function flag(value: boolean): Entry {
  return bytesEntry('U8', [], Uint8Array.of(Number(value)));
}

/** Text is kept as its characters' codes. */
function text(value: string): Entry {
  return bytesEntry('U8', [value.length], Buffer.from(value, 'latin1'));
}
