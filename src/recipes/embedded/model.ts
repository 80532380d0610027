import { z } from "zod";
import type { Answer } from "./answer.ts";
import { FrameModel, FRAMES_FORMAT, savedFramesSchema } from "./frame-model.ts";
import type { SavedFrames } from "./frame-model.ts";
import { parseJson } from "./json.ts";
import { LabelModel, LABELS_FORMAT, savedLabelsSchema } from "./label-model.ts";
import type { SavedLabels } from "./label-model.ts";
import { RETRIEVAL_FORMAT, RetrievalModel, savedRetrievalSchema } from "./retrieval-model.ts";
import type { SavedRetrieval } from "./retrieval-model.ts";
import { TASKS } from "./task.ts";
import type { Task } from "./task.ts";

/** A model of any task as its file holds it. */
export type SavedModel = SavedFrames | SavedLabels | SavedRetrieval;

/** A model that answers. */
export interface EmbeddedModel {
  readonly task: Task;
  /** Answers an input; the same input always gets the same answer. */
  answer(input: string): Answer;
}

const FORMATS: Record<Task, number> = {
  frames: FRAMES_FORMAT,
  labels: LABELS_FORMAT,
  retrieval: RETRIEVAL_FORMAT,
};

/** The model file's text; equal models give equal texts. */
export function saveModel(model: SavedModel): string {
  return JSON.stringify(model);
}

/** Reads a model file. Throws when it is none, or of a task or format that this version does not know. */
export function loadModel(text: string): EmbeddedModel {
  const { task, format } = parseJson(text, "model file", z.object({ task: z.enum(TASKS), format: z.int() }));
  if (format !== FORMATS[task]) {
    throw new Error(
      `model file has format ${format} of ${task}, this version reads format ${FORMATS[task]}: train the model again`,
    );
  }
  switch (task) {
    case "frames":
      return new FrameModel(parseJson(text, "model file", savedFramesSchema));
    case "labels":
      return new LabelModel(parseJson(text, "model file", savedLabelsSchema));
    case "retrieval":
      return new RetrievalModel(parseJson(text, "model file", savedRetrievalSchema));
  }
}

/** A model that is ready to answer, without the way over a file. */
export function createModel(saved: SavedModel): EmbeddedModel {
  switch (saved.task) {
    case "frames":
      return new FrameModel(saved);
    case "labels":
      return new LabelModel(saved);
    case "retrieval":
      return new RetrievalModel(saved);
  }
}
