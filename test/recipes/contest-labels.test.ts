import { describeContests, generatedArena } from "../support/contest-tests.ts";

describeContests(generatedArena("labels", "accuracy"));
