#include "clock.h"

#include "board.h"
#include "console.h"

#define SECONDS_PER_DAY 86400u

static volatile uint32_t ticks;

void clock_start(void) {
  RTC_CR = RTC_CR_START;
  TIMER1_LOAD = 1000;
  TIMER1_CONTROL = TIMER_CONTROL_ENABLE | TIMER_CONTROL_PERIODIC | TIMER_CONTROL_IE | TIMER_CONTROL_32BIT;
  PIC_IRQ_ENABLESET = IRQ_TIMER1;
}

void clock_irq(void) {
  TIMER1_INTCLR = 1;
  ticks++;
}

uint32_t clock_ticks(void) {
  return ticks;
}

static uint32_t days_in_year(uint32_t year) {
  /* Right until 2100, and 32 bits of seconds end in 2106. */
  return year % 4 == 0 && year != 2100 ? 366 : 365;
}

static uint32_t days_in_month(uint32_t year, uint32_t month) {
  if (month == 2) {
    return days_in_year(year) - 337;
  }
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

static void put_clock_time(uint32_t seconds) {
  put_two_digits(seconds / 3600);
  put_text(":");
  put_two_digits(seconds / 60 % 60);
  put_text(":");
  put_two_digits(seconds % 60);
}

void put_date(void) {
  uint32_t now = RTC_DR;
  uint32_t days = now / SECONDS_PER_DAY;
  uint32_t year = 1970;
  uint32_t month = 1;
  while (days >= days_in_year(year)) {
    days -= days_in_year(year++);
  }
  while (days >= days_in_month(year, month)) {
    days -= days_in_month(year, month++);
  }
  put_number(year);
  put_text("-");
  put_two_digits(month);
  put_text("-");
  put_two_digits(days + 1);
  put_text(" ");
  put_clock_time(now % SECONDS_PER_DAY);
  put_text(" UTC");
}

void put_uptime(void) {
  uint32_t now = ticks;
  put_number(now / 1000);
  put_text(".");
  put_number(now / 100 % 10);
  put_two_digits(now % 100);
  put_text(" s");
}
