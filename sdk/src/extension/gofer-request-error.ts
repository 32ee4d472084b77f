/** The server refused a request, or could not be asked for as long as the caller was patient. */
export class GoferRequestError extends Error {
  override readonly name = 'GoferRequestError';
  /** HTTP; 0 where no answer came. */
  readonly statusCode: number;
  /** The server's name for it, such as `NOT_FOUND`; undefined where it gave none. */
  readonly errorCode: string | undefined;

  constructor(statusCode: number, errorCode: string | undefined, message: string, options?: ErrorOptions) {
    super(message, options);
    this.statusCode = statusCode;
    this.errorCode = errorCode;
  }
}
