/* A busy main loop with a console, on bare metal; see README.md for what is wrong with it. */
#include "board.h"
#include "clock.h"
#include "console.h"
#include "keyboard.h"
#include "ledger.h"

#define ROUNDS_PER_AUDIT 1024u

/* Called by the IRQ vector, IRQs masked. */
void irq_dispatch(void) {
  uint32_t status = PIC_IRQ_STATUS;
  if (status & IRQ_UART0) {
    console_irq();
  }
  if (status & IRQ_KEYBOARD) {
    keyboard_irq();
  }
  if (status & IRQ_TIMER1) {
    clock_irq();
  }
}

_Noreturn static void stop_machine(void) {
  put_text("machine stops");
  put_end();
  console_drain();
  CM_CTRL |= CM_CTRL_RESET;
  for (;;) {
  }
}

/* Called by the vectors of all exceptions but IRQ. */
_Noreturn void fault(const char *name, uint32_t address) {
  put_end();
  put_text("FAULT: ");
  put_text(name);
  put_text(" at ");
  put_hex(address, 8);
  put_end();
  stop_machine();
}

static void put_field(const char *name, uint32_t value) {
  put_text(name);
  put_number(value);
}

static void command_help(void) {
  put_text("help    this list\r\n"
           "count   bytes received, bytes counted in the ledger, keys, rounds\r\n"
           "date    what the real-time clock says\r\n"
           "uptime  seconds since the start\r\n"
           "irqs    interrupts taken, by source\r\n"
           "quit    stop the machine\r\n");
}

static void command_count(void) {
  struct audit audit = ledger_audit();
  put_field("received ", audit.received);
  put_field(" bytes, counted ", audit.counted);
  put_field(", keys ", keyboard_presses());
  put_field(", rounds ", ledger_rounds());
  put_end();
}

static void command_date(void) {
  put_date();
  put_end();
}

static void command_uptime(void) {
  put_uptime();
  put_end();
}

static void command_irqs(void) {
  put_field("uart ", console_irqs());
  put_field(", keyboard ", keyboard_irqs());
  put_field(", timer ", clock_ticks());
  put_end();
}

/* The last words, whether an update was lost or not. */
_Noreturn static void finish(struct audit audit) {
  if (audit.counted != audit.received) {
    put_end();
    put_field("LOST UPDATE: counted ", audit.counted);
    put_field(" of ", audit.received);
    put_field(" bytes (tick ", clock_ticks());
    put_text(")\r\n");
  }
  put_field("SUMMARY: ", audit.received);
  put_field(" bytes received, ", audit.received - audit.counted);
  put_field(" lost, ", ledger_rounds());
  put_field(" rounds, ", clock_ticks());
  put_text(" ticks\r\n");
  stop_machine();
}

static void command_quit(void) {
  finish(ledger_audit());
}

static const struct {
  const char *name;
  void (*run)(void);
} commands[] = {
    {"help", command_help}, {"count", command_count}, {"date", command_date},
    {"uptime", command_uptime}, {"irqs", command_irqs}, {"quit", command_quit},
};

static bool same_text(const char *a, const char *b) {
  while (*a && *a == *b) {
    a++;
    b++;
  }
  return *a == *b;
}

static void run_command(const char *line) {
  for (uint32_t index = 0; index < sizeof commands / sizeof commands[0]; index++) {
    if (same_text(line, commands[index].name)) {
      commands[index].run();
      return;
    }
  }
  if (*line) {
    put_text("unknown command, try help\r\n");
  }
}

static void greet(void) {
  put_text("\r\nLedger on Integrator/CP, ");
  put_date();
  put_text("\r\nbalance at ");
  put_hex((uint32_t)&ledger_balance, 8);
  put_text(", audit every ");
  put_number(ROUNDS_PER_AUDIT);
  put_text(" rounds; try help\r\n");
  console_prompt();
}

_Noreturn void main(void) {
  PIC_IRQ_ENABLECLR = 0xffffffff;
  PIC_FIQ_ENABLECLR = 0xffffffff;
  ledger_start();
  console_start();
  keyboard_start();
  clock_start();
  greet();
  irqs_unmask();

  for (;;) {
    const char *line;
    ledger_work();
    ledger_post();
    if (ledger_rounds() % ROUNDS_PER_AUDIT == 0) {
      struct audit audit = ledger_audit();
      if (audit.counted != audit.received) {
        finish(audit);
      }
    }
    if (console_take_line(&line)) {
      run_command(line);
      console_prompt();
    }
    if (keyboard_show()) {
      console_prompt();
    }
  }
}
