/** Who asked for something: the token's id and its user, as in v0's `initiator`. */
export interface Actor {
  readonly id: string;
  readonly user: string;
}
