/** A request of the server that this side does not serve, with what is answered. */
export class RequestRefusal extends Error {
  override readonly name = 'RequestRefusal';
  readonly statusCode: number;
  readonly errorCode: string;

  constructor(statusCode: number, errorCode: string, message: string) {
    super(message);
    this.statusCode = statusCode;
    this.errorCode = errorCode;
  }
}
