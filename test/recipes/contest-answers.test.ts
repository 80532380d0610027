import { describeContests, generatedArena } from "../support/contest-tests.ts";

describeContests(generatedArena("answers", "token_f1"));
