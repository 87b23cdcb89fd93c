/** Memory, and how QEMU 7.2 shows it (tests/qemu-peer.test.ts asks it). */
export const DUMPED_AT = 0x1000;
export const DUMPED = Uint8Array.of(0x41, 0x00, 0x27, 0x0a, 0xff, 0xff, 0xff, 0x7f, 1, 2, 3, 4, 5, 6, 7, 0x88);

export const QEMU_DUMPS: readonly [line: string, answer: string][] = [
  ['x /4xw 0x1000', '00001000: 0x0a270041 0x7fffffff 0x04030201 0x88070605'],
  ['x/2xg 0x1000', '00001000: 0x7fffffff0a270041 0x8807060504030201'],
  ['xp /10xb 0x1000', '0000000000001000: 0x41 0x00 0x27 0x0a 0xff 0xff 0xff 0x7f\n0000000000001008: 0x01 0x02'],
  ['x /1ug 0x1008', '00001008:  9801809732607083009'],
  ['x /1uw 0x100c', '0000100c: 2282161669'],
  ['x /2og 0x1000', '00001000: 0777777777741211600101 01040070140240400601001'],
  ['xp /1xw 0x80001000', '0000000080001000: 0x0a270041'],
  ['p/d -1', '-1'],
  ['p/o 8', '010'],
  ['p/u -1', '18446744073709551615'],
  ['print /c 65', "'A'"],
  ['p/x 0', '0'],
  ['p 1 << 3', 'print|p: extraneous characters at the end of line\nTry "help p" for more information'],
  ['p (1', '\')\' expected\nTry "help p" for more information'],
  ['p 1/0', 'division by zero\nTry "help p" for more information'],
  ['x /s 0', 'invalid char in format: \'s\'\nTry "help x" for more information'],
  ['x /1x 0 5', 'x: extraneous characters at the end of line\nTry "help x" for more information'],
  ['p 010 + 10', '0x12'],
  ["p 'A' + 1", '0x42'],
  ['p 1+2&3', '0x3'],
  ['p/d 7 / -2', '-3'],
  ['p/d 5 & 4 | 1', '5'],
  ['p/d 7 -2', '5'],
  ['x /2dg 0x1000', '00001000:  9223372032730136641 -8644934341102468607'],
];
