import { describeContests, generatedArena } from "../support/contest-tests.ts";

describeContests(generatedArena("frames", "accuracy_output_fn"));
