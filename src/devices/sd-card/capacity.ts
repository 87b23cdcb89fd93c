/** Which sizes a card can have: its CSD register must be able to tell them. Sections 5.3.2 and 5.3.3 of the specification. */
const KiB = 1024;
const GiB = 1024 ** 3;

/** A larger card is of high (SDHC) or extended capacity (SDXC), and is addressed in blocks. */
const STANDARD_LIMIT = 2 * GiB;
/** A larger card is SDXC. */
const HIGH_LIMIT = 32 * GiB;
const LIMIT = 2048 * GiB;
const HIGH_CAPACITY_UNIT = 512 * KiB;
/** A standard CSD counts up to so many units. */
const STANDARD_UNITS = 4096;
const SMALLEST_UNIT = 2 * KiB;

export const isHighCapacity = (bytes: number): boolean => bytes > STANDARD_LIMIT;
export const isExtendedCapacity = (bytes: number): boolean => bytes > HIGH_LIMIT;

/** The CSD of a card of about this size counts in units of so many bytes. */
export function capacityUnit(bytes: number): number {
  if (isHighCapacity(bytes)) return HIGH_CAPACITY_UNIT;
  let unit = SMALLEST_UNIT;
  while (bytes > unit * STANDARD_UNITS) unit *= 2;
  return unit;
}

/** Why a disk of this size cannot be a card, and what size it could have; undefined when it can. */
export function cardSizeProblem(bytes: number): string | undefined {
  const sentence = `a disk of ${bytes} bytes cannot be an SD card`;
  if (!Number.isSafeInteger(bytes) || bytes <= 0 || bytes > LIMIT) return `${sentence}, which has ${SMALLEST_UNIT} bytes to 2 TiB`;
  const unit = capacityUnit(bytes);
  const over = bytes % unit;
  if (over === 0) return undefined;
  const nearest = [bytes - over, bytes - over + unit].filter((size) => size > 0);
  return `${sentence}: resize it to ${nearest.join(' or ')} bytes`;
}
