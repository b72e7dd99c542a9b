// The complete model card: what training wrote (models, data, hyperparameters, figures), with the scores before and after,
// how to load the model, its license, and the metadata that the Hub reads to show and link it.
import { stringify } from 'yaml';
import { table, type CardParts } from '../train/modelCard.ts';
import { modelIndex, scoreRows, type PublishedScore } from './publishedScores.ts';

interface PublishedCardOptions {
  /** ORG/NAME on the Hub. */
  repository: string;
  /** The card that training left. */
  card: CardParts;
  scores: readonly PublishedScore[];
  /** The base's name on the Hub when only an adapter is published. */
  adapterOf: string | undefined;
}

/** README.md of the repository. */
export function publishedCard({ repository, card, scores, adapterOf }: PublishedCardOptions): string {
  const name = repository.split('/')[1]!;
  const parts = [
    `---\n${stringify(metadataOf({ name, card, scores, adapterOf }))}---`,
    `# ${name}`,
    'A small chat model, re-distilled: trained by redistill on the cached next-token probabilities of a larger, quantized teacher.',
    `## Scores\n\n${scoresText(scores)}`,
    `## How to load it\n\n${adapterOf ? adapterUse(repository, adapterOf) : modelUse(repository)}`,
    `## License\n\n${licenseText(card.metadata)}`,
    card.sections,
  ];
  return parts.join('\n\n').trimEnd() + '\n';
}

function metadataOf({
  name,
  card,
  scores,
  adapterOf,
}: Omit<PublishedCardOptions, 'repository'> & { name: string }) {
  const { metadata } = card;
  return {
    ...metadata,
    ...(metadata.base_model !== undefined && { base_model_relation: adapterOf ? 'adapter' : 'finetune' }),
    ...(adapterOf && { library_name: 'peft', tags: [...tagsOf(metadata), 'lora'] }),
    ...(scores.length > 0 && { 'model-index': modelIndex(name, scores) }),
  };
}

function tagsOf({ tags }: CardParts['metadata']): string[] {
  return Array.isArray(tags) ? tags.map(String) : [];
}

function scoresText(scores: readonly PublishedScore[]): string {
  if (scores.length === 0) return 'This model has not been evaluated.';
  return [
    'The student before and after training, on the same items. Held-out samples: KL divergence to the teacher and cross-entropy in nats a token, and the share of tokens where both find the same one most probable. Benchmarks: in hundredths, as lm-evaluation-harness scores them. Intervals are by bootstrap over the items.',
    table(scoreRows(scores)),
  ].join('\n\n');
}

function modelUse(repository: string): string {
  const name = repository.split('/')[1]!;
  return [
    code('python', [
      'from transformers import AutoModelForCausalLM, AutoTokenizer',
      '',
      `tokenizer = AutoTokenizer.from_pretrained("${repository}")`,
      `model = AutoModelForCausalLM.from_pretrained("${repository}", dtype="auto")`,
    ]),
    `vLLM: \`vllm serve ${repository}\``,
    `llama.cpp, which converts it first (\`convert_hf_to_gguf.py\` is in its repository):`,
    code('sh', [
      `hf download ${repository} --local-dir ${name}`,
      `python convert_hf_to_gguf.py ${name} --outfile ${name}.gguf`,
      `llama-cli -m ${name}.gguf`,
    ]),
  ].join('\n\n');
}

function adapterUse(repository: string, base: string): string {
  const name = repository.split('/')[1]!;
  return [
    `This is a LoRA adapter for [${base}](https://huggingface.co/${base}).`,
    code('python', [
      'from peft import AutoPeftModelForCausalLM',
      'from transformers import AutoTokenizer',
      '',
      `tokenizer = AutoTokenizer.from_pretrained("${base}")`,
      `model = AutoPeftModelForCausalLM.from_pretrained("${repository}")`,
    ]),
    `vLLM: \`vllm serve ${base} --enable-lora --lora-modules ${name}=${repository}\``,
    'llama.cpp, which converts it first (`convert_lora_to_gguf.py` is in its repository):',
    code('sh', [
      `hf download ${repository} --local-dir ${name}`,
      `python convert_lora_to_gguf.py ${name} --base-model-id ${base} --outfile ${name}.gguf`,
      `llama-cli -m BASE.gguf --lora ${name}.gguf`,
    ]),
  ].join('\n\n');
}

function licenseText({ license, license_name: name, base_model: base }: CardParts['metadata']): string {
  if (typeof license !== 'string') return 'The base names no license.';
  const called = license === 'other' && typeof name === 'string' ? name : license;
  return `That of the base${typeof base === 'string' ? `, ${base}` : ''}: ${called}.`;
}

function code(language: string, lines: string[]): string {
  return ['```' + language, ...lines, '```'].join('\n');
}
