/** A guest for the bare machine that uses its memory card and its network all the time, and is over in seconds. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { program } from '../../src/session/session.suite.ts';

/** An ARP request for 10.0.2.2, as the controller's packet memory has it: status, byte count, the frame, control byte. */
const REQUEST = Uint8Array.from([
  ...[0, 0, 48, 0],
  ...[0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 8, 6],
  ...[0, 1, 8, 0, 6, 4, 0, 1, 0x52, 0x54, 0, 0x12, 0x34, 0x56, 10, 0, 2, 15, 0, 0, 0, 0, 0, 0, 10, 0, 2, 2],
  ...[0, 0],
]);
const REQUEST_AT = 0x800;

/** Bytes between the block that a round reads and the one that it writes. */
const WRITTEN_AT = 0x80000;
export const ROUNDS = 512;

/**
 * Each of its rounds asks on the network who 10.0.2.2 is, works, reads a block of the card, adds to it what has come from
 * the network, and writes it to another place. A dot is a quarter of the way; at the end it resets the machine. What comes from the
 * network is summed in r11, and the sums go to 0x100000 and up.
 */
const CODE = program(`
    mov r4, #0x1c000000     ; MMCI
    mov r5, #0x14000000     ; interrupt controller
    mov r8, #0x16000000     ; UART0
    mov r9, #0xc8000000     ; LAN91C111
    mov r12, #0x100000
    mov r10, #0
    mov r11, #0
    mov r0, #0x9000000      ; MCIINTR1 and the network
    str r0, [r5, #8]
    mov r0, #1
    strh r0, [r9, #0xe]     ; bank 1
    mov r0, #0x800
    strh r0, [r9, #0xc]     ; AUTO_RELEASE
    mov r0, #0
    strh r0, [r9, #0xe]     ; bank 0
    mov r0, #0x81
    strh r0, [r9]           ; TXENA, PAD_EN
    mov r0, #0x100
    orr r0, r0, #2
    strh r0, [r9, #4]       ; RXEN, PRMS
    mov r0, #2
    strh r0, [r9, #0xe]     ; bank 2, for good
    mov r0, #1
    strb r0, [r9, #0xd]     ; RCV_INT interrupts
    mvn r0, #0
    str r0, [r4, #0x24]     ; MCIDataTimer
    mov r0, #0x500
    str r0, [r4, #4]        ; MCIClock
    mov r0, #0x200
    str r0, [r4, #0x28]     ; MCIDataLength
    mov r0, #0x200000
    str r0, [r4, #0x40]     ; MCIMask1: RxDataAvlbl
    mov r0, #0              ; GO_IDLE_STATE
    bl @send
    power:
    mov r0, #0x77           ; APP_CMD
    mov r1, #0
    bl @send
    mov r0, #0x69           ; SD_SEND_OP_COND
    mov r1, #0xff0000
    bl @send
    tst r2, #0x80000000
    beq @power
    mov r0, #0xc2           ; ALL_SEND_CID
    bl @send
    mov r0, #0x43           ; SEND_RELATIVE_ADDR
    bl @send
    mov r1, r2
    mov r0, #0x47           ; SELECT_CARD
    bl @send

    round:
    mov r0, #0x20           ; allocate a packet
    strh r0, [r9]
    allocate:
    bl @receive
    ldrb r0, [r9, #0xc]
    tst r0, #8
    beq @allocate
    ldrb r0, [r9, #3]
    strb r0, [r9, #2]
    mov r0, #0x4000         ; AUTO_INCR
    strh r0, [r9, #6]
    mov r7, #${REQUEST_AT}
    mov r6, #${REQUEST.length / 4}
    fill:
    ldr r0, [r7], #4
    str r0, [r9, #8]
    subs r6, r6, #1
    bne @fill
    mov r0, #0xc0           ; enqueue it
    strh r0, [r9]
    mov r0, #0x93
    str r0, [r4, #0x2c]     ; MCIDataCtrl: 512 bytes from the card
    mov r0, #0x51           ; READ_SINGLE_BLOCK
    mov r1, r10, lsl #9
    bl @send
    mov r0, #0x18000        ; works while the card does, too
    reading:
    subs r0, r0, #1
    bne @reading
    wait:
    mcr p15, #0, r0, c7, c0, #4
    bl @receive
    ldr r0, [r4, #0x34]
    tst r0, #0x200000       ; RxDataAvlbl
    beq @wait
    mov r7, #0x8000
    mov r6, #128
    take:
    ldr r0, [r4, #0x80]
    add r0, r0, r11
    str r0, [r7], #4
    subs r6, r6, #1
    bne @take
    mov r0, #0x58           ; WRITE_BLOCK
    mov r1, r10, lsl #9
    add r1, r1, #${WRITTEN_AT}
    bl @send
    mov r0, #0x91
    str r0, [r4, #0x2c]     ; 512 bytes to the card
    mov r7, #0x8000
    mov r6, #128
    give:
    ldr r0, [r7], #4
    str r0, [r4, #0x80]
    subs r6, r6, #1
    bne @give
    mov r0, #0x18000
    writing:
    subs r0, r0, #1
    bne @writing
    end:
    ldr r0, [r4, #0x34]
    tst r0, #0x100          ; DataEnd
    beq @end
    add r10, r10, #1
    tst r10, #127
    moveq r0, #0x2e         ; '.'
    streq r0, [r8]
    cmp r10, #${ROUNDS}
    bne @round
    mov r2, #0x10000000
    mov r3, #8
    str r3, [r2, #0xc]      ; reset
    over:
    b @over

    send:
    str r1, [r4, #8]
    orr r0, r0, #0x400
    str r0, [r4, #0xc]
    ldr r2, [r4, #0x14]
    mov r0, #0x700
    orr r0, r0, #0xff
    str r0, [r4, #0x38]
    mov pc, lr

    receive:
    ldrb r0, [r9, #5]
    tst r0, #0x80           ; REMPTY
    movne pc, lr
    mov r0, #0xe000         ; RCV, AUTO_INCR, READ
    strh r0, [r9, #6]
    ldr r0, [r9, #8]        ; status, byte count
    mov r6, r0, lsr #18
    sub r6, r6, #1
    sum:
    ldr r0, [r9, #8]
    add r11, r0, r11, lsl #1
    subs r6, r6, #1
    bne @sum
    str r11, [r12], #4
    mov r0, #0x80           ; remove and release it
    strh r0, [r9]
    b @receive
  `);

/** Every block that is read is another; where the guest writes there is nothing. */
const cardContent = (): Buffer => Buffer.from(Uint8Array.from({ length: 4 * 2 ** 20 }, (_, n) => (n < WRITTEN_AT ? (n >>> 9) ^ n : 0)));

/** How many blocks of a card hold what the guest writes: all words of a block have grown by one and the same sum. */
export function writtenBlocks(card: Buffer): number {
  const before = cardContent();
  const grown = (at: number): number => (card.readUInt32LE(WRITTEN_AT + at) - before.readUInt32LE(at)) >>> 0;
  const blocks = Array.from({ length: ROUNDS }, (_, n) => n * 512);
  return blocks.filter((block) => Array.from({ length: 128 }, (_, n) => grown(block + 4 * n)).every((sum) => sum === grown(block))).length;
}

export interface TrafficBoard {
  /** The machine's options, but for disk and network. */
  readonly board: readonly string[];
  /** The image of its card. */
  readonly image: string;
  readonly overlay: string;
}

/** A board with the guest, whose files are put into the folder; the overlay is not made. */
export function trafficBoard(folder: string): TrafficBoard {
  const [bios, image, overlay] = ['traffic.bin', 'card.img', 'overlay.qcow2'].map((name) => join(folder, name));
  const firmware = new Uint8Array(REQUEST_AT + REQUEST.length);
  firmware.set(CODE);
  firmware.set(REQUEST, REQUEST_AT);
  writeFileSync(bios, firmware);
  writeFileSync(image, cardContent());
  return { board: ['-M', 'integratorcp', '-m', '16', '-bios', bios, '-display', 'none', '-no-reboot'], image, overlay };
}
