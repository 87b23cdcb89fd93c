/* The console on UART0: bytes come in by interrupt, text goes out by polling. */
#ifndef CONSOLE_H
#define CONSOLE_H

#include <stdbool.h>
#include <stdint.h>

void console_start(void);

/* The receive interrupt. */
void console_irq(void);

/* Receive interrupts taken since the start. */
uint32_t console_irqs(void);

/* Echoes what was typed; true when a line is complete, which is then at *line until the next call. */
bool console_take_line(const char **line);

/* The prompt, and what has been typed so far. */
void console_prompt(void);

void put_text(const char *text);
void put_number(uint32_t value);

/* A decimal number of at least two digits. */
void put_two_digits(uint32_t value);

/* A number in hexadecimal with 0x and exactly `digits` digits. */
void put_hex(uint32_t value, uint32_t digits);

/* Carriage return and line feed. */
void put_end(void);

/* Waits until the last character has left the UART. */
void console_drain(void);

#endif
