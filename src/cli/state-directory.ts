/** Where the state of the local stack lies unless told otherwise, from the current directory. */
export const DEFAULT_STATE_DIRECTORY = ".tuneloop";
