/** Tells people what happens, one line of plain text at a time, without a newline at its end. */
export type Report = (line: string) => void;
