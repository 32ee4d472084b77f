/** The certificate that a listener shows, which may change while it listens. */
export interface ServedCertificate {
  /** PEM: the server's own first, then the chain. */
  readonly cert: string;
  /** PEM, not encrypted. */
  readonly key: string;
  /** Epoch milliseconds. */
  readonly begins: number;
  readonly expires: number;
}

export interface CertificateSource {
  readonly current: ServedCertificate;
  /** Tells of each other certificate from now on. Returns what ends that. */
  onChange(listener: (certificate: ServedCertificate) => void): () => void;
  /** Looks for another certificate now. What cannot be used is logged, and `current` stays. */
  reload(): Promise<void>;
  close(): void;
}
