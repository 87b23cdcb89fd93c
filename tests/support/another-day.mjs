// Preloaded (node --import) by a test: another day, and a clock that runs at another speed.
const DAYS_MS = 400.25 * 24 * 3600 * 1000;
const SPEED = 1.7;
const { now } = performance;
const RealDate = Date;
const begin = RealDate.now();
performance.now = () => 1e9 + SPEED * now.call(performance);
const shifted = () => begin + DAYS_MS + SPEED * (RealDate.now() - begin);
globalThis.Date = class extends RealDate {
  constructor(...args) {
    super(...(args.length === 0 ? [shifted()] : args));
  }
  static now() {
    return Math.floor(shifted());
  }
};
Math.random = () => 0.123456789;
