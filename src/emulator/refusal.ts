/** A call that is turned down: what was asked for does not exist, or cannot be done. */
export class Refusal extends Error {
  /** HTTP status of the answer, 400 to 499. */
  readonly status: number;

  /** @param message names what was asked for and, where there is one, the way out */
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}
