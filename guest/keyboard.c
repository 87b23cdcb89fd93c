#include "keyboard.h"

#include "board.h"
#include "console.h"
#include "ring.h"

/* Scan code set 2. */
#define SCAN_RELEASE 0xf0
#define SCAN_LAST_KEY 0x83 /* F7; above are prefixes and the keyboard's own answers */

/* What is printed on the key of each scan code from 0x15 to 0x4e; a blank stands for a key without one. */
#define FIRST_PRINTED 0x15
#define LAST_PRINTED 0x4e
static const char printed[LAST_PRINTED - FIRST_PRINTED + 1] = "q1   zsaw2  cxde43   vftr5  nbhgy6   mju78  ,kio09  ./l;p-";

static struct ring scan_codes;
static volatile uint32_t kmi_irqs;
static uint32_t presses;
static bool release_follows;

void keyboard_start(void) {
  /* 24 MHz / (1 + 2) = the 8 MHz that the PL050 wants. */
  KMI0_CLKDIV = 2;
  KMI0_CR = KMI_CR_KMIEN | KMI_CR_RXINTREN;
  PIC_IRQ_ENABLESET = IRQ_KEYBOARD;
}

void keyboard_irq(void) {
  while (KMI0_STAT & KMI_STAT_RXFULL) {
    ring_put(&scan_codes, (uint8_t)KMI0_DATA);
  }
  kmi_irqs++;
}

uint32_t keyboard_irqs(void) {
  return kmi_irqs;
}

uint32_t keyboard_presses(void) {
  return presses;
}

static void show_press(uint8_t scan_code) {
  presses++;
  put_end();
  put_text("key ");
  put_hex(scan_code, 2);
  if (scan_code >= FIRST_PRINTED && scan_code <= LAST_PRINTED) {
    char text[] = {' ', printed[scan_code - FIRST_PRINTED], '\0'};
    put_text(text);
  }
  put_text(", pressed so far: ");
  put_number(presses);
  put_end();
}

bool keyboard_show(void) {
  uint32_t shown = presses;
  uint8_t scan_code;
  while (ring_take(&scan_codes, &scan_code)) {
    if (scan_code == SCAN_RELEASE) {
      release_follows = true;
    } else if (scan_code <= SCAN_LAST_KEY) {
      if (!release_follows) {
        show_press(scan_code);
      }
      release_follows = false;
    }
  }
  return presses != shown;
}
