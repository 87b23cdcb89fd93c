/* The ledger: the shared word with the bug, and the audit that finds out. */
#ifndef LEDGER_H
#define LEDGER_H

#include <stdbool.h>
#include <stdint.h>

/*
 * The shared word. The main loop adds the amounts it posts, the receive interrupt adds one for each byte:
 * it should always be the sum of both.
 */
extern volatile uint32_t ledger_balance;

void ledger_start(void);

/* Interrupt side: one byte has come in. */
void ledger_count_byte(void);

/* Main loop: some bookkeeping that takes a while, then one amount is posted. */
void ledger_work(void);
void ledger_post(void);

/* What the ledger says and what is known from elsewhere, taken at one moment. */
struct audit {
  uint32_t counted;  /* bytes that the balance holds */
  uint32_t received; /* bytes that came in */
};

struct audit ledger_audit(void);

/* Amounts posted since the start: rounds of the main loop. */
uint32_t ledger_rounds(void);

#endif
