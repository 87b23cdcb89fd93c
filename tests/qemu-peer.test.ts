/** QEMU itself is asked what our monitor and QMP are expected to answer. */
import { spawn } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DUMPED, DUMPED_AT, QEMU_DUMPS } from '../src/monitor/testing/dump.suite.ts';
import { QEMU_ANSWERS } from '../src/qmp/testing/transcript.suite.ts';
import { hasTool } from './support/outside.ts';
import { collected, temporaryFolder } from './support/program.ts';

describe.skipIf(!hasTool('qemu-system-arm', 'QEMU asked what monitors are to answer'))('QEMU', () => {
  let ask: (request: string) => Promise<unknown>;
  const memory = join(temporaryFolder(afterAll), 'memory.bin');
  const cleanUp = collected(afterAll);

  beforeAll(async () => {
    writeFileSync(memory, DUMPED);
    const machine = ['-M', 'integratorcp', '-m', '16', '-S', '-display', 'none', '-serial', 'null', '-monitor', 'none', '-nic', 'none'];
    const loader = ['-device', `loader,file=${memory},addr=${DUMPED_AT},force-raw=on`];
    const qemu = spawn('qemu-system-arm', [...machine, ...loader, '-audiodev', 'none,id=none', '-qmp', 'stdio'], {
      stdio: ['pipe', 'pipe', 'ignore'],
    });
    cleanUp(() => qemu.kill('SIGKILL'));
    const lines = createInterface(qemu.stdout)[Symbol.asyncIterator]();
    const next = async (): Promise<unknown> => JSON.parse((await lines.next()).value);
    // Behind an error QEMU goes on in the middle of the message, and may have more to say; a second request shows where that ends.
    ask = async (request) => {
      qemu.stdin.write(`${request}\n{"execute":"query-name","id":"next"}\n`);
      const answers = [await next()];
      while (!isDeepStrictEqual(answers.at(-1), { return: {}, id: 'next' })) answers.push(await next());
      return answers[0];
    };
    expect(await next()).toHaveProperty('QMP');
    await ask('{"execute":"qmp_capabilities"}');
  });

  it.each(QEMU_ANSWERS)('answers %s in the same way', async (request, answer) => {
    expect(await ask(request.trimEnd())).toEqual(JSON.parse(answer));
  });

  it.each(QEMU_DUMPS)('shows %s in the same way', async (line, answer) => {
    expect(await ask(JSON.stringify({ execute: 'human-monitor-command', arguments: { 'command-line': line } }))).toEqual({
      return: `${answer}\n`.replaceAll('\n', '\r\n'),
    });
  });
});
