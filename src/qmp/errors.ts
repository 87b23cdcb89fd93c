/** What a QMP client is told when something cannot be done. */

/** QEMU's classes of errors (QAPI `QapiErrorClass`), as far as there is a use for them. */
export type QmpErrorClass = 'GenericError' | 'CommandNotFound';

export class QmpError extends Error {
  readonly errorClass: QmpErrorClass;
  constructor(description: string, errorClass: QmpErrorClass = 'GenericError') {
    super(description);
    this.name = 'QmpError';
    this.errorClass = errorClass;
  }
}
