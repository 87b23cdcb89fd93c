/**
 * Integer expressions of the monitor, with QEMU's operators and precedence: `+ -` bind least, then `& | ^`, then `* / %`;
 * unary `+ - ~`, parentheses, numbers (decimal, 0x…, 0…), characters in quotes, and `$register`. Values have 64 bits.
 */
import { RepriseError } from '../errors/errors.ts';

/** The value of a register, or undefined when there is none of that name. */
export type Registers = (name: string) => number | undefined;

/** Parentheses and signs within each other. */
const MAX_DEPTH = 100;

const fail = (message: string): never => {
  throw new RepriseError('BAD_VALUE', message);
};

/**
 * Reads an expression at `at`, as far as it goes.
 * @returns its value (signed) and where it ends, behind the blanks that follow a term
 * @throws RepriseError BAD_VALUE
 */
export function readExpression(text: string, at: number, registers: Registers): { readonly value: bigint; readonly end: number } {
  const reader = new ExpressionReader(text, at, registers);
  const value = reader.sum(0);
  return { value, end: reader.at };
}

class ExpressionReader {
  at: number;
  private readonly text: string;
  private readonly registers: Registers;

  constructor(text: string, at: number, registers: Registers) {
    this.text = text;
    this.at = at;
    this.registers = registers;
    this.skip();
  }

  sum(depth: number): bigint {
    return this.chain('+-', depth, () => this.logic(depth));
  }

  private logic(depth: number): bigint {
    return this.chain('&|^', depth, () => this.product(depth));
  }

  private product(depth: number): bigint {
    return this.chain('*/%', depth, () => this.unary(depth));
  }

  private chain(operators: string, depth: number, operand: () => bigint): bigint {
    if (depth > MAX_DEPTH) fail('the expression is nested too deeply');
    let value = operand();
    for (let operator = this.peek(); operator !== '' && operators.includes(operator); operator = this.peek()) {
      this.step();
      value = BigInt.asIntN(64, apply(operator, value, operand()));
    }
    return value;
  }

  private unary(depth: number): bigint {
    if (depth > MAX_DEPTH) fail('the expression is nested too deeply');
    switch (this.peek()) {
      case '+':
        this.step();
        return this.unary(depth + 1);
      case '-':
        this.step();
        return BigInt.asIntN(64, -this.unary(depth + 1));
      case '~':
        this.step();
        return ~this.unary(depth + 1);
      case '(': {
        this.step();
        const value = this.sum(depth + 1);
        if (this.peek() !== ')') fail("')' expected");
        this.step();
        return value;
      }
      case "'":
        return this.character();
      case '$':
        return this.register();
      case '':
        return fail('unexpected end of expression');
      default:
        return this.number();
    }
  }

  private character(): bigint {
    const match = /^'([^'])'\s*/.exec(this.text.slice(this.at));
    if (match === null) return fail("missing terminating ' character");
    this.at += match[0].length;
    return BigInt(match[1].charCodeAt(0));
  }

  private register(): bigint {
    const name = /^\$([a-zA-Z0-9_.]+)\s*/.exec(this.text.slice(this.at));
    const value = name === null ? undefined : this.registers(name[1]);
    if (name === null || value === undefined) return fail('unknown register');
    this.at += name[0].length;
    return BigInt(value);
  }

  private number(): bigint {
    const match = /^(0[xX][0-9a-fA-F]+|[0-9]+)\s*/.exec(this.text.slice(this.at));
    if (match === null) return fail(`invalid char '${this.peek()}' in expression`);
    const digits = match[1];
    if (/^0[0-9]+$/.test(digits) && !/^[0-7]+$/.test(digits)) fail(`'${digits}' is not an octal number`);
    const value = BigInt(/^0[0-7]+$/.test(digits) ? `0o${digits.slice(1)}` : digits);
    if (value >= 1n << 64n) fail('number too large');
    this.at += match[0].length;
    return BigInt.asIntN(64, value);
  }

  private peek(): string {
    return this.text[this.at] ?? '';
  }

  private step(): void {
    this.at++;
    this.skip();
  }

  private skip(): void {
    while (/\s/.test(this.peek())) this.at++;
  }
}

function apply(operator: string, a: bigint, b: bigint): bigint {
  switch (operator) {
    case '+':
      return a + b;
    case '-':
      return a - b;
    case '&':
      return a & b;
    case '|':
      return a | b;
    case '^':
      return a ^ b;
    case '*':
      return a * b;
    default:
      if (b === 0n) fail('division by zero');
      return operator === '/' ? a / b : a % b;
  }
}
