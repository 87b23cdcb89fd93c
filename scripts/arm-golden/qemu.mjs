/** QEMU's ARM926 on the Integrator/CP, stepped one instruction at a time through its GDB stub. Nothing runs on its own. */
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const CPSR = '19';
/** Where helper instructions are put; nothing else uses it. */
const HELPER = 0x100;
const MRS_R0_SPSR = 0xe14f0000;
const MSR_SPSR_R0 = 0xe16ff000;
const SVC = 0xef000000;
const UNDEFINED = 0xe7f000f0;

export const MODES = { usr: 0x10, fiq: 0x11, irq: 0x12, svc: 0x13, abt: 0x17, und: 0x1b };
export const bankOf = (mode) => Object.keys(MODES).find((name) => MODES[name] === mode) ?? 'usr';

const hex32 = (value) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32LE(value >>> 0);
  return bytes.toString('hex');
};
const word = (text) => Buffer.from(text, 'hex').readUInt32LE();

export class Qemu {
  #process;
  #socket;
  #received = '';
  #waiting;

  /** @param directory for the socket; @param image file that is loaded to address 0. */
  static async start(directory, image) {
    const qemu = new Qemu();
    const path = join(directory, 'gdb.sock');
    qemu.#process = spawn(
      'qemu-system-arm',
      // prettier-ignore
      [
        '-M',
        'integratorcp',
        '-cpu',
        'arm926',
        '-m',
        '32',
        '-display',
        'none',
        '-monitor',
        'none',
        '-serial',
        'none',
        '-S',
        '-device',
        `loader,file=${image},addr=0,force-raw=on`,
        '-gdb',
        `unix:${path},server=on,wait=off`,
      ],
      { stdio: 'ignore', env: { ...process.env, QEMU_AUDIO_DRV: 'none' } },
    );
    while (!existsSync(path)) await sleep(20);
    qemu.#socket = connect(path).setEncoding('latin1');
    qemu.#socket.on('data', (data) => qemu.#onData(data));
    // Only to those who have read the description of the target does QEMU give single registers.
    await qemu.command('qXfer:features:read:target.xml:0,fff');
    return qemu;
  }

  stop() {
    this.#socket.destroy();
    this.#process.kill();
  }

  #onData(data) {
    this.#received += data;
    const packet = /\$([^#]*)#../.exec(this.#received);
    if (packet === null) return;
    this.#received = this.#received.slice(packet.index + packet[0].length);
    this.#socket.write('+');
    this.#waiting(packet[1]);
  }

  /** Sends a packet of the remote serial protocol and returns the answer. */
  command(text) {
    const sum = Buffer.from(text, 'latin1').reduce((a, b) => (a + b) & 0xff, 0);
    return new Promise((resolve) => {
      this.#waiting = resolve;
      this.#socket.write(`$${text}#${sum.toString(16).padStart(2, '0')}`);
    });
  }

  async #expectOk(text) {
    const answer = await this.command(text);
    if (answer !== 'OK') throw new Error(`QEMU answered ${answer} to ${text}`);
  }

  /** Executes one instruction. */
  async step() {
    const answer = await this.command('s');
    if (!answer.startsWith('T05')) throw new Error(`QEMU stopped with ${answer}`);
  }

  write(address, bytes) {
    return this.#expectOk(`M${address.toString(16)},${bytes.length.toString(16)}:${Buffer.from(bytes).toString('hex')}`);
  }
  async read(address, length) {
    return Buffer.from(await this.command(`m${address.toString(16)},${length.toString(16)}`), 'hex');
  }

  setRegister(n, value) {
    return this.#expectOk(`P${n.toString(16)}=${hex32(value)}`);
  }
  async register(n) {
    return word(await this.command(`p${n.toString(16)}`));
  }
  /** Without bit 8 (A), which QEMU keeps for this CPU but ARMv5 does not have. */
  async psr() {
    return word(await this.command(`p${CPSR}`)) & ~0x100;
  }
  /** Switches mode too, but not out of user mode. */
  setPsr(value) {
    return this.#expectOk(`P${CPSR}=${hex32(value)}`);
  }

  async registers() {
    const all = await this.command('g');
    return Array.from({ length: 16 }, (_, n) => word(all.slice(8 * n, 8 * n + 8)));
  }
  async setRegisters(values) {
    // Sixteen registers, and what is left as it is: the old floating-point registers and the CPSR behind them.
    const all = await this.command('g');
    await this.#expectOk(`G${values.map(hex32).join('')}${all.slice(128)}`);
  }

  async #help(insn) {
    await this.write(HELPER, Buffer.from(hex32(insn), 'hex'));
    await this.setRegister(15, HELPER);
    await this.step();
  }

  /** Leaves user mode by an exception, which changes LR and SPSR of mode `by`, svc or und. */
  async becomePrivileged(by) {
    const psr = await this.psr();
    if ((psr & 0x1f) !== MODES.usr) return;
    await this.setPsr(psr & ~0x20);
    await this.#help(by === 'svc' ? SVC : UNDEFINED);
  }

  async enter(mode) {
    await this.setPsr(0xc0 | mode);
  }

  /** Banked registers by name (`r13_irq`, `spsr_svc`); every one that is given. The CPU must be in a privileged mode. */
  async setBanks(banks) {
    for (const [bank, mode] of Object.entries(MODES)) {
      const own = Object.keys(banks).filter((name) => name.endsWith(`_${bank}`));
      if (own.length === 0) continue;
      await this.enter(bank === 'usr' ? 0x1f : mode);
      for (const name of own) {
        if (name.startsWith('r')) await this.setRegister(Number.parseInt(name.slice(1), 10), banks[name]);
        else {
          await this.setRegister(0, banks[name]);
          await this.#help(MSR_SPSR_R0);
        }
      }
    }
  }

  /** The banked registers of these names. */
  async banks(names) {
    const found = {};
    for (const [bank, mode] of Object.entries(MODES)) {
      const own = names.filter((name) => name.endsWith(`_${bank}`));
      if (own.length === 0) continue;
      await this.enter(bank === 'usr' ? 0x1f : mode);
      for (const name of own.filter((text) => text.startsWith('r'))) found[name] = await this.register(Number.parseInt(name.slice(1), 10));
      if (own.includes(`spsr_${bank}`)) {
        await this.#help(MRS_R0_SPSR);
        found[`spsr_${bank}`] = await this.register(0);
      }
    }
    return found;
  }
}
