#include "console.h"

#include "board.h"
#include "ledger.h"
#include "ring.h"

#define LINE_LENGTH 64u
#define BACKSPACE 0x08
#define DELETE 0x7f

static struct ring received;
static volatile uint32_t uart_irqs;
static char line_text[LINE_LENGTH + 1];
static uint32_t line_length;

void console_start(void) {
  UART0_CR = 0;
  UART0_ICR = UART_INT_ALL;
  /* 14.7456 MHz / 16 / 8 = 115200 baud. */
  UART0_IBRD = 8;
  UART0_FBRD = 0;
  /* No FIFO: a FIFO would bring several bytes with one interrupt, here each byte is to have its own moment. */
  UART0_LCR_H = UART_LCR_H_WLEN_8;
  UART0_IMSC = UART_INT_RX;
  UART0_CR = UART_CR_UARTEN | UART_CR_TXE | UART_CR_RXE;
  PIC_IRQ_ENABLESET = IRQ_UART0;
}

void console_irq(void) {
  while (!(UART0_FR & UART_FR_RXFE)) {
    ring_put(&received, (uint8_t)UART0_DR);
    ledger_count_byte();
  }
  uart_irqs++;
}

uint32_t console_irqs(void) {
  return uart_irqs;
}

static void put_char(char character) {
  while (UART0_FR & UART_FR_TXFF) {
  }
  UART0_DR = (uint8_t)character;
}

/* True when the character ends the line. */
static bool edit_line(char character) {
  if (character == '\r' || character == '\n') {
    put_end();
    return true;
  }
  if (character == BACKSPACE || character == DELETE) {
    if (line_length > 0) {
      line_length--;
      put_text("\b \b");
    }
  } else if (character >= ' ' && character < DELETE && line_length < LINE_LENGTH) {
    line_text[line_length++] = character;
    put_char(character);
  }
  return false;
}

bool console_take_line(const char **line) {
  uint8_t byte;
  while (ring_take(&received, &byte)) {
    if (edit_line((char)byte)) {
      line_text[line_length] = '\0';
      line_length = 0;
      *line = line_text;
      return true;
    }
  }
  return false;
}

void console_prompt(void) {
  put_text("> ");
  for (uint32_t index = 0; index < line_length; index++) {
    put_char(line_text[index]);
  }
}

void put_text(const char *text) {
  while (*text) {
    put_char(*text++);
  }
}

void put_number(uint32_t value) {
  char digits[11];
  char *first = digits + 10;
  *first = '\0';
  do {
    *--first = (char)('0' + value % 10);
    value /= 10;
  } while (value);
  put_text(first);
}

void put_two_digits(uint32_t value) {
  if (value < 10) {
    put_char('0');
  }
  put_number(value);
}

void put_hex(uint32_t value, uint32_t digits) {
  put_text("0x");
  while (digits--) {
    put_char("0123456789abcdef"[(value >> (digits * 4)) & 15]);
  }
}

void put_end(void) {
  put_text("\r\n");
}

void console_drain(void) {
  while (UART0_FR & UART_FR_BUSY) {
  }
}
