/** A model to start from, and how LLaMA-Factory and the service know it. */
export interface BaseModel {
  /** Name at Hugging Face, or absolute path of a directory that every machine has. */
  name: string;
  /** LLaMA-Factory's name of the chat format that it was trained with. */
  template: string;
  /** Most tokens of one prompt and answer; null when not known. */
  longestContext: number | null;
}

/** What a pipeline gets that names no base model. */
export const DEFAULT_BASE_MODEL = "Qwen/Qwen2.5-7B-Instruct";

const KNOWN: readonly BaseModel[] = [
  { name: DEFAULT_BASE_MODEL, template: "qwen", longestContext: 32_768 },
  { name: "mistralai/Mistral-7B-Instruct-v0.3", template: "mistral", longestContext: 32_768 },
];

/** Names that need no `template`. */
export const BASE_MODEL_NAMES: readonly string[] = KNOWN.map(({ name }) => name);

/**
 * The chat formats of LLaMA-Factory 0.9.5. Its own parser takes any name, and the job would fail minutes later on a paid
 * machine. `npm run check:gpu-recipe` compares this list with the installed package.
 */
export const TEMPLATES: readonly string[] =
  `alpaca bailing bailing_v2 breeze chatglm3 chatml chatml_de cohere cpm4 dbrx deepseek deepseek3 deepseekr1 hy3
  deepseekcoder default dots_ocr empty ernie ernie_nothink ernie_vl exaone falcon falcon_h1 fewshot gemma gemma2 gemma3
  gemma3n gemma4 gemma4n glm4 glm4_moe glm4v glm4_5v glm_ocr glm4_7 glmz1 gpt_oss granite3 granite3_vision granite4 index
  hunyuan hunyuan_small intern2 intern_vl intern_s1 keye_vl kimi_vl lfm2 lfm2_vl llama2 llama2_zh llama3 llama4 mllama
  moonlight llava llava_next llava_next_llama3 llava_next_mistral llava_next_qwen llava_next_yi llava_next_video
  llava_next_video_mistral llava_next_video_yi mimo mimo_v2 mimo_vl minicpm_v minicpm_v_4_6 minicpm_o minimax1 minimax2
  ministral mistral mistral_small ministral3 olmo openchat openchat-3.6 opencoder paligemma paligemma_chat phi phi_small
  phi4 phi4_mini pixtral qwen qwen3 qwen3_nothink qwen2_audio qwen2_omni qwen3_omni qwen3_omni_nothink qwen2_vl qwen3_vl
  qwen3_vl_nothink qwen3_5 qwen3_5_nothink qwen3_6 sailor seed_coder seed_oss smollm smollm2 solar starchat telechat2
  vicuna video_llava xuanyuan yi yi_vl youtu youtu_vl yuan zephyr aeva`.split(/\s+/);

/** `organisation/name`, or a path. No `:`, which in requests stands between base model and adapter. */
const NAME = /^(?:[\w.-]+\/[\w.-]+|\/[\w./-]+)$/;

/**
 * The base model of a choice: a known one, or another with its template. Answers what is wrong instead, as a sentence
 * that begins with the field.
 */
export function findBaseModel(name: string, template: string | null): BaseModel | { problem: string } {
  const known = KNOWN.find((model) => model.name === name);
  if (known !== undefined) return template === null ? known : { ...known, template };
  if (!NAME.test(name)) {
    return {
      problem: `baseModel: ${JSON.stringify(name)} is not <organisation>/<name> of Hugging Face or an absolute path`,
    };
  }
  if (template === null) {
    return {
      problem: `baseModel: the chat format of ${name} is not known; take ${BASE_MODEL_NAMES.join(" or ")}, or set hyperparameters.template`,
    };
  }
  return { name, template, longestContext: null };
}
