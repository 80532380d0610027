/** The training records cannot be learnt by this recipe; the message says why and what would do. */
export class UnsuitableDataError extends Error {
  override readonly name = "UnsuitableDataError";
}
