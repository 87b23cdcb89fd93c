/* Time: a tick each millisecond from timer 1, the date from the real-time clock. */
#ifndef CLOCK_H
#define CLOCK_H

#include <stdint.h>

void clock_start(void);

/* The timer interrupt. */
void clock_irq(void);

/* Milliseconds since the start; also the number of timer interrupts. */
uint32_t clock_ticks(void);

/* The date and time of day (UTC) in the real-time clock. */
void put_date(void);

/* Seconds since the start, to a thousandth. */
void put_uptime(void);

#endif
