/*
 * The parts of the Integrator/CP that this program uses, by their datasheet names.
 * Board: ARM DUI 0159B. UART: DDI 0183 (PL011). Keyboard: DDI 0143 (PL050). Clock: DDI 0224 (PL031).
 */
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

#define REGISTER(address) (*(volatile uint32_t *)(address))

/* Core module control register: a one in RESET resets the whole board. */
#define CM_CTRL REGISTER(0x1000000c)
#define CM_CTRL_RESET (1u << 3)

/* The second of the three timers, which are counted from 0; 1 MHz. */
#define TIMER1_LOAD REGISTER(0x13000100)
#define TIMER1_CONTROL REGISTER(0x13000108)
#define TIMER1_INTCLR REGISTER(0x1300010c)
#define TIMER_CONTROL_32BIT (1u << 1)
#define TIMER_CONTROL_IE (1u << 5)
#define TIMER_CONTROL_PERIODIC (1u << 6)
#define TIMER_CONTROL_ENABLE (1u << 7)

/* Primary interrupt controller and the inputs that matter here. */
#define PIC_IRQ_STATUS REGISTER(0x14000000)
#define PIC_IRQ_ENABLESET REGISTER(0x14000008)
#define PIC_IRQ_ENABLECLR REGISTER(0x1400000c)
#define PIC_FIQ_ENABLECLR REGISTER(0x1400002c)
#define IRQ_UART0 (1u << 1)
#define IRQ_KEYBOARD (1u << 3)
#define IRQ_TIMER1 (1u << 6)

#define RTC_DR REGISTER(0x15000000)
#define RTC_CR REGISTER(0x1500000c)
#define RTC_CR_START (1u << 0)

#define UART0_DR REGISTER(0x16000000)
#define UART0_FR REGISTER(0x16000018)
#define UART0_IBRD REGISTER(0x16000024)
#define UART0_FBRD REGISTER(0x16000028)
#define UART0_LCR_H REGISTER(0x1600002c)
#define UART0_CR REGISTER(0x16000030)
#define UART0_IMSC REGISTER(0x16000038)
#define UART0_ICR REGISTER(0x16000044)
#define UART_FR_BUSY (1u << 3)
#define UART_FR_RXFE (1u << 4)
#define UART_FR_TXFF (1u << 5)
#define UART_LCR_H_WLEN_8 (3u << 5)
#define UART_CR_UARTEN (1u << 0)
#define UART_CR_TXE (1u << 8)
#define UART_CR_RXE (1u << 9)
#define UART_INT_RX (1u << 4)
#define UART_INT_ALL 0x7ffu

#define KMI0_CR REGISTER(0x18000000)
#define KMI0_STAT REGISTER(0x18000004)
#define KMI0_DATA REGISTER(0x18000008)
#define KMI0_CLKDIV REGISTER(0x1800000c)
#define KMI_CR_KMIEN (1u << 2)
#define KMI_CR_RXINTREN (1u << 4)
#define KMI_STAT_RXFULL (1u << 4)

/* I bit of the CPSR: IRQs masked. Memory clobbers keep the compiler from moving accesses out of a masked stretch. */
static inline void irqs_mask(void) {
  uint32_t cpsr;
  __asm__ volatile("mrs %0, cpsr\n\torr %0, %0, #0x80\n\tmsr cpsr_c, %0" : "=r"(cpsr) : : "memory");
}

static inline void irqs_unmask(void) {
  uint32_t cpsr;
  __asm__ volatile("mrs %0, cpsr\n\tbic %0, %0, #0x80\n\tmsr cpsr_c, %0" : "=r"(cpsr) : : "memory");
}

#endif
