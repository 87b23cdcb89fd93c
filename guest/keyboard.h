/* The PS/2 keyboard on the PL050: counts the keys that are pressed. */
#ifndef KEYBOARD_H
#define KEYBOARD_H

#include <stdbool.h>
#include <stdint.h>

void keyboard_start(void);

/* The receive interrupt: one scan code. */
void keyboard_irq(void);

uint32_t keyboard_irqs(void);

/* Prints a line for each key pressed since the last call; true when there was one. */
bool keyboard_show(void);

/* Keys pressed (and shown) since the start. */
uint32_t keyboard_presses(void);

#endif
