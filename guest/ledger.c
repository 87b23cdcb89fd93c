#include "ledger.h"

#include "board.h"

#define JOURNAL_WORDS 64u

volatile uint32_t ledger_balance;

static volatile uint32_t bytes_received; /* written by the interrupt handler only */
static uint32_t posted;                  /* sum of the amounts; the main loop's own */
static uint32_t rounds;
static uint32_t random_state;
static uint32_t journal[JOURNAL_WORDS];

void ledger_start(void) {
  random_state = 0x2545f491;
}

void ledger_count_byte(void) {
  bytes_received++;
  ledger_balance++;
}

/* Marsaglia's xorshift: the amounts and the length of the work look random, but are the same in each run. */
static inline uint32_t step_random(uint32_t state) {
  state ^= state << 13;
  state ^= state >> 17;
  return state ^ state << 5;
}

/*
 * Fills a part of the journal. The number of entries differs from round to round, so that no regular stream of input can
 * keep in step with the loop.
 */
__attribute__((noipa)) void ledger_work(void) {
  uint32_t state = random_state;
  uint32_t entries = 48 + (state >> 27);
  for (uint32_t entry = 0; entry < entries; entry++) {
    state = step_random(state);
    journal[state % JOURNAL_WORDS] += state;
  }
  random_state = state;
}

/* The amount to post next, 1 to 64. Kept out of line, so that the compiler cannot move it out of the window below. */
__attribute__((noipa)) static uint32_t next_amount(void) {
  random_state = step_random(random_state);
  return 1 + random_state % 64;
}

__attribute__((noipa)) void ledger_post(void) {
  /*
   * THE BUG: a byte that comes in between the load and the store is counted in memory, but not in `balance`, and the
   * store puts the old count back. Masking interrupts from the load to the store would cure it.
   */
  uint32_t balance = ledger_balance;
  uint32_t amount = next_amount();
  ledger_balance = balance + amount;

  posted += amount;
  rounds++;
}

struct audit ledger_audit(void) {
  struct audit audit;
  irqs_mask();
  audit.counted = ledger_balance - posted;
  audit.received = bytes_received;
  irqs_unmask();
  return audit;
}

uint32_t ledger_rounds(void) {
  return rounds;
}
