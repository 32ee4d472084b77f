/** What is refused before there is a request: by the parser of HTTP, or since somebody speaks HTTP where TLS is spoken. */
import { STATUS_CODES } from 'node:http';
import type { Duplex } from 'node:stream';
import { type ErrorCode, GoferError } from '@gofer/contracts';
import { toErrorAnswer } from '../error-answer.ts';
import type { HttpLimits } from '../request/request-limits.ts';

interface Refusal {
  readonly status: number;
  readonly code: ErrorCode;
  readonly message: string;
}

const SPEAKS_HTTPS: Refusal = {
  status: 400,
  code: 'INVALID_ARGUMENT',
  message: 'This port speaks HTTPS: send the request again to the same address with https:// in place of http://.',
};

export class ClientErrors {
  readonly #refusals: Readonly<Record<string, Refusal>>;
  readonly #requestId: () => string;

  constructor({ max_header_size, header_timeout }: HttpLimits, requestId: () => string) {
    this.#requestId = requestId;
    this.#refusals = {
      HPE_HEADER_OVERFLOW: {
        status: 431,
        code: 'INVALID_ARGUMENT',
        message: `The request's headers, its target included, are larger than ${max_header_size} bytes (limits.max_header_size).`,
      },
      HPE_CHUNK_EXTENSIONS_OVERFLOW: {
        status: 413,
        code: 'PAYLOAD_TOO_LARGE',
        message: "The extensions of the body's chunks are too large.",
      },
      ERR_HTTP_REQUEST_TIMEOUT: {
        status: 408,
        code: 'DEADLINE_EXCEEDED',
        message: `The request did not arrive in time: its headers may take ${header_timeout} s, and not longer than server.request_timeout (limits.header_timeout).`,
      },
    };
  }

  /** Ends the connection, with an answer where one can still be sent. */
  answer(error: NodeJS.ErrnoException, socket: Duplex): void {
    if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy();
    else
      this.#write(
        socket,
        this.#refusals[error.code ?? ''] ?? { status: 400, code: 'INVALID_ARGUMENT', message: 'The request is not HTTP/1.1.' },
      );
  }

  answerPlainHttp(socket: Duplex): void {
    this.#write(socket, SPEAKS_HTTPS);
  }

  #write(socket: Duplex, { code, message, status }: Refusal): void {
    const requestId = this.#requestId();
    const { body } = toErrorAnswer(new GoferError(code, message), requestId);
    socket.end(
      `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nx-request-id: ${requestId}\r\ncontent-type: application/json\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
    );
  }
}
