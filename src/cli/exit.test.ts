import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ERROR_CODES, type ErrorCode, RepriseError } from '../errors/errors.ts';
import { EXIT, reportError, runMain } from './exit.ts';

let said: string;
beforeEach(() => {
  said = '';
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => {
    said += text;
    return true;
  });
});
afterEach(() => {
  vi.restoreAllMocks();
  process.exitCode = undefined;
});

describe('an error', () => {
  it('is one line with its code', () => {
    expect(reportError('reprise', new RepriseError('DISK_FULL', 'the disk is full: make room'))).toBe(1);
    expect(said).toBe('reprise: the disk is full: make room [DISK_FULL]\n');
  });

  it('of the command line has a status of its own, and so has a divergence', () => {
    const status = (code: ErrorCode): number => reportError('reprise', new RepriseError(code, 'x'));
    const by = (value: number): string[] => Object.keys(ERROR_CODES).filter((code) => status(code as ErrorCode) === value);
    expect(by(EXIT.usage)).toEqual(['USAGE', 'UNKNOWN_OPTION', 'UNKNOWN_MACHINE', 'BAD_VALUE']);
    expect(by(EXIT.diverged)).toEqual(['DIVERGED']);
    expect(by(EXIT.error)).toHaveLength(Object.keys(ERROR_CODES).length - 5);
    expect(by(EXIT.done)).toEqual([]);
  });
});

describe('a program', () => {
  it('ends with the status of its command', async () => {
    await runMain('reprise', async () => 42);
    expect([process.exitCode, said]).toEqual([42, '']);
  });

  it('ends with that of an error', async () => {
    await runMain('reprise', async () => {
      throw new RepriseError('USAGE', 'which one?');
    });
    expect([process.exitCode, said]).toEqual([2, 'reprise: which one? [USAGE]\n']);
  });

  it('says where it was when the fault is its own', async () => {
    await runMain('reprise', async () => {
      throw new TypeError('x is not a function');
    });
    expect(process.exitCode).toBe(1);
    expect(said).toMatch(/^reprise: internal error, please report it: TypeError: x is not a function\n +at .*exit\.test\.ts/);
    await runMain('reprise', () => Promise.reject('just text'));
    expect(said).toContain('internal error, please report it: just text\n');
  });
});
