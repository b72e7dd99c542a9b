// The complete model card: what training wrote (models, data, hyperparameters, figures), with the scores before and after,
// how to load the model, its license, and the metadata that the Hub reads to show and link it.
import { stringify } from 'yaml';
import { markdownTable } from '../artifact/markdownTable.ts';
import type { CardParts } from '../train/modelCard.ts';
import { modelIndex, scoreRows, type PublishedEvaluation } from './publishedScores.ts';

interface PublishedCardOptions {
  /** ORG/NAME on the Hub. */
  repository: string;
  /** The card that training left. */
  card: CardParts;
  evaluation: PublishedEvaluation | undefined;
  /** When only an adapter is published. */
  adapter: PublishedAdapter | undefined;
}

export interface PublishedAdapter {
  /** The base's name on the Hub. */
  base: string;
  rank: number;
}

/** README.md of the repository. */
export function publishedCard({ repository, card, evaluation, adapter }: PublishedCardOptions): string {
  const name = repository.split('/')[1]!;
  const parts = [
    `---\n${stringify(metadataOf({ name, card, evaluation, adapter }))}---`,
    `# ${name}`,
    card.summary,
    `## Scores\n\n${scoresText(evaluation)}`,
    `## How to load it\n\n${adapter ? adapterUse(repository, adapter) : modelUse(repository)}`,
    `## License\n\n${licenseText(card.metadata)}`,
    card.sections,
  ];
  return parts.join('\n\n').trimEnd() + '\n';
}

function metadataOf({
  name,
  card,
  evaluation,
  adapter,
}: Omit<PublishedCardOptions, 'repository'> & { name: string }) {
  const { metadata } = card;
  const { scores } = evaluation ?? { scores: [] };
  return {
    ...metadata,
    ...(metadata.base_model !== undefined && { base_model_relation: adapter ? 'adapter' : 'finetune' }),
    ...(adapter && { library_name: 'peft', tags: [...tagsOf(metadata), 'lora'] }),
    ...(scores.length > 0 && { 'model-index': modelIndex(name, scores) }),
  };
}

function tagsOf({ tags }: CardParts['metadata']): string[] {
  return Array.isArray(tags) ? tags.map(String) : [];
}

function scoresText(evaluation: PublishedEvaluation | undefined): string {
  if (!evaluation || evaluation.scores.length === 0) return 'This model has not been evaluated.';
  const { scores, isChat, overlap } = evaluation;
  const benchmarks = `Benchmarks: in hundredths, as lm-evaluation-harness scores them, ${isChat ? 'asked through the chat template' : 'asked in plain text, without the chat template'}.`;
  const explained = [
    'The student before and after training, on the same items, with intervals by bootstrap over the items.',
    ...(scores.some(({ task }) => task === 'held_out')
      ? [
          'Held-out samples: KL divergence to the teacher and cross-entropy in nats a token, and the share of tokens where both find the same one most probable.',
        ]
      : []),
    ...(scores.some(({ task }) => task !== 'held_out') ? [benchmarks] : []),
  ];
  return [explained.join(' '), markdownTable(scoreRows(scores)), ...overlapText(overlap)].join('\n\n');
}

/** Nothing where no benchmark was looked for. */
function overlapText(overlap: PublishedEvaluation['overlap']): string[] {
  const tasks = Object.entries(overlap);
  const found = tasks.filter(([, { ids }]) => ids.length > 0);
  const counts = found.map(([task, { items, ids }]) => `${task} ${ids.length} of ${items}`);
  const which = found.length > 0 ? `: ${counts.join(', ')}` : ': none';
  return tasks.length > 0 ? [`Items that share 13 words in a row with a training text${which}.`] : [];
}

function modelUse(repository: string): string {
  const name = repository.split('/')[1]!;
  return [
    code('python', [
      'from transformers import AutoModelForCausalLM, AutoTokenizer',
      '',
      `tokenizer = AutoTokenizer.from_pretrained("${repository}")`,
      `model = AutoModelForCausalLM.from_pretrained("${repository}", dtype="auto")`,
      ...ANSWER,
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

const ANSWER = [
  'messages = [{"role": "user", "content": "What is 7 times 8?"}]',
  'inputs = tokenizer.apply_chat_template(',
  '    messages, add_generation_prompt=True, return_dict=True, return_tensors="pt"',
  ')',
  'output = model.generate(**inputs, max_new_tokens=512)',
  'print(tokenizer.decode(output[0, inputs["input_ids"].shape[1] :], skip_special_tokens=True))',
];

/** The largest rank that vLLM takes without being told. */
const VLLM_RANK = 16;

function adapterUse(repository: string, { base, rank }: PublishedAdapter): string {
  const name = repository.split('/')[1]!;
  const more = rank > VLLM_RANK ? ` --max-lora-rank ${2 ** Math.ceil(Math.log2(rank))}` : '';
  return [
    `This is a LoRA adapter for [${base}](https://huggingface.co/${base}).`,
    code('python', [
      'from peft import AutoPeftModelForCausalLM',
      'from transformers import AutoTokenizer',
      '',
      `tokenizer = AutoTokenizer.from_pretrained("${base}")`,
      `model = AutoPeftModelForCausalLM.from_pretrained("${repository}", dtype="auto")`,
      ...ANSWER,
    ]),
    `vLLM: \`vllm serve ${base} --enable-lora${more} --lora-modules ${name}=${repository}\``,
    'llama.cpp, which converts both first (the scripts are in its repository):',
    code('sh', [
      `hf download ${base} --local-dir base`,
      `hf download ${repository} --local-dir ${name}`,
      'python convert_hf_to_gguf.py base --outfile base.gguf',
      `python convert_lora_to_gguf.py ${name} --base base --outfile ${name}.gguf`,
      `llama-cli -m base.gguf --lora ${name}.gguf`,
    ]),
  ].join('\n\n');
}

function licenseText({ license, license_name: name, base_model: base }: CardParts['metadata']): string {
  const others = 'The terms of the teacher and of the datasets may bind whoever uses it as well.';
  if (typeof license !== 'string') return `The base names no license. ${others}`;
  const called = license === 'other' && typeof name === 'string' ? name : license;
  return `That of the base${typeof base === 'string' ? `, ${base}` : ''}: ${called}. ${others}`;
}

function code(language: string, lines: string[]): string {
  return ['```' + language, ...lines, '```'].join('\n');
}
