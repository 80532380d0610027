/** What a person can mend by calling the command in another way: exit code 2. */
export class UsageError extends Error {}
