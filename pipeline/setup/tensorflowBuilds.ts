// The TensorFlow builds that set-up knows, each pinned to one wheel on PyPI, and which of them a machine gets.
import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { UserError } from '../config/userError.ts';
import { type WheelPin } from './pythonWheel.ts';

/** A TensorFlow build. `cuda`: needs NVIDIA's libraries; `untested`: nobody has run it on such a machine yet. */
export interface Build extends WheelPin {
  cuda?: true;
  untested?: true;
}

/** TensorFlow builds by platform, architecture and device. */
export const BUILDS: Record<string, Build> = {
  'linux-x64-cpu': {
    requirement: 'tensorflow-cpu==2.21.0',
    platform: 'manylinux_2_27_x86_64',
    sha256: '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
  },
  'linux-x64-gpu': {
    requirement: 'tensorflow==2.21.0',
    platform: 'manylinux_2_27_x86_64',
    sha256: '9056fbc9ba04235810b71ae6cbd958a196e8804fb53bbcffbf3e23b56155f124',
    cuda: true,
    untested: true,
  },
  'linux-arm64-cpu': {
    requirement: 'tensorflow==2.21.0',
    platform: 'manylinux_2_27_aarch64',
    sha256: '4b24aca16d527a3cf1c37f720c04c484c3d20f4d0fdfa98632ac8b9f3be6eb5c',
    untested: true,
  },
  'darwin-arm64-cpu': {
    requirement: 'tensorflow==2.21.0',
    platform: 'macosx_12_0_arm64',
    sha256: '51f46f4806139d01fc7920cc72a4c75876f80649bf40ff083ab6212ceb43ca88',
    untested: true,
  },
};

/** The entry of BUILDS for a machine: the CUDA build when it has an NVIDIA GPU, unless REDISTILL_DEVICE is `cpu`. */
export function buildKey({
  platform = process.platform,
  arch = process.arch,
  device = process.env.REDISTILL_DEVICE ?? '',
  nvidia = hasNvidiaGpu(),
} = {}): string {
  if (device !== '' && device !== 'cpu')
    throw new UserError({ field: 'REDISTILL_DEVICE', value: device, problem: 'must be "cpu" or unset' });
  const gpu = `${platform}-${arch}-gpu`;
  return nvidia && device !== 'cpu' && gpu in BUILDS ? gpu : `${platform}-${arch}-cpu`;
}

/** True when the NVIDIA driver is there. */
export function hasNvidiaGpu(): boolean {
  const folders = (process.env.PATH ?? '').split(delimiter);
  return existsSync('/dev/nvidia0') || folders.some((folder) => existsSync(join(folder, 'nvidia-smi')));
}

/** The requirements of the `and-cuda` extra in a wheel's METADATA, such as `nvidia-cublas-cu12<13.0,>=12.5.3.2`. */
export function cudaRequirements(metadata: string): string[] {
  const lines = metadata.matchAll(/^Requires-Dist: (nvidia-\S+); extra == "and-cuda"$/gm);
  return Array.from(lines, (match) => match[1]!);
}
