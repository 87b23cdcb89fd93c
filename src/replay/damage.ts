/**
 * A part of a recording that cannot be what a recorder wrote. Internal to `replay/`: the reader knows how much before
 * it is whole, and makes a `RepriseError` that says so.
 */
export class Damage extends Error {
  /** Byte in the file where the fault was noticed. */
  readonly offset: number;
  constructor(offset: number, why: string) {
    super(why);
    this.name = 'Damage';
    this.offset = offset;
  }
}
