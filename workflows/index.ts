/** The registered workflow types. */
export { evaluateModel } from "./evaluate-model.ts";
export { fineTune } from "./fine-tune.ts";
export { ingestSource } from "./ingest-source.ts";
export { pipeline } from "./pipeline.ts";
export { retrain } from "./retrain.ts";
export { rollOut } from "./roll-out.ts";
export { updateDataset } from "./update-dataset.ts";
