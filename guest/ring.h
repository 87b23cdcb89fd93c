/* A queue of bytes from one interrupt handler to the main loop: each end is written by one side only, so no masking is needed. */
#ifndef RING_H
#define RING_H

#include <stdbool.h>
#include <stdint.h>

#define RING_SIZE 256u /* a power of two: the ends run freely and are reduced when used */

struct ring {
  volatile uint32_t head; /* next to fill, written by the handler */
  volatile uint32_t tail; /* next to take, written by the main loop */
  volatile uint8_t bytes[RING_SIZE];
};

/* A byte that finds the ring full is dropped. */
static inline void ring_put(struct ring *ring, uint8_t byte) {
  uint32_t head = ring->head;
  if (head - ring->tail < RING_SIZE) {
    ring->bytes[head % RING_SIZE] = byte;
    ring->head = head + 1;
  }
}

static inline bool ring_take(struct ring *ring, uint8_t *byte) {
  uint32_t tail = ring->tail;
  if (tail == ring->head) {
    return false;
  }
  *byte = ring->bytes[tail % RING_SIZE];
  ring->tail = tail + 1;
  return true;
}

#endif
