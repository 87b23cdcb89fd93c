/*
 * Reset, exception vectors and stacks. Nothing is expected of the loader but that the program is in memory and entered
 * in a privileged mode.
 */
        .syntax unified
        .arm

#define MODE_IRQ_MASKED 0xd2   /* IRQ mode, I and F set */
#define MODE_SVC_MASKED 0xd3   /* Supervisor mode, I and F set */
#define SCTLR_M_A_C_I_V 0x3007 /* MMU, alignment check, caches, high vectors */

        .section .text.start, "ax"
        .global _start
        .type   _start, %function
_start:
        msr     cpsr_c, #MODE_IRQ_MASKED
        ldr     sp, =irq_stack_top
        msr     cpsr_c, #MODE_SVC_MASKED
        ldr     sp, =main_stack_top

        mrc     p15, 0, r0, c1, c0, 0
        ldr     r1, =SCTLR_M_A_C_I_V
        bic     r0, r0, r1
        mcr     p15, 0, r0, c1, c0, 0

        @ The vectors and the addresses they load move to 0 together, so that their distance stays.
        mov     r0, #0
        ldr     r1, =vectors
        ldr     r2, =vectors_end
1:      ldr     r3, [r1], #4
        str     r3, [r0], #4
        cmp     r1, r2
        blo     1b

        mov     r3, #0
        mcr     p15, 0, r3, c7, c5, 0   @ an instruction cache that was on may hold the old vectors

        ldr     r0, =bss_start
        ldr     r1, =bss_end
2:      cmp     r0, r1
        strlo   r3, [r0], #4
        blo     2b

        bl      main                    @ does not return
        .ltorg
        .size   _start, . - _start

        .type   vectors, %function
vectors:
        ldr     pc, .Lvector_reset
        ldr     pc, .Lvector_undefined
        ldr     pc, .Lvector_swi
        ldr     pc, .Lvector_prefetch_abort
        ldr     pc, .Lvector_data_abort
        ldr     pc, .Lvector_reserved
        ldr     pc, .Lvector_irq
        ldr     pc, .Lvector_fiq
.Lvector_reset:           .word _start
.Lvector_undefined:       .word undefined_entry
.Lvector_swi:             .word swi_entry
.Lvector_prefetch_abort:  .word prefetch_abort_entry
.Lvector_data_abort:      .word data_abort_entry
.Lvector_reserved:        .word _start
.Lvector_irq:             .word irq_entry
.Lvector_fiq:             .word fiq_entry
vectors_end:
        .size   vectors, . - vectors

        .type   irq_entry, %function
irq_entry:
        sub     lr, lr, #4              @ lr is the interrupted instruction + 4
        push    {r0-r3, r12, lr}        @ all that a C function may destroy; keeps sp 8-byte aligned
        bl      irq_dispatch
        ldm     sp!, {r0-r3, r12, pc}^
        .size   irq_entry, . - irq_entry

        @ The other exceptions mean a broken program. fault(name, address) tells and stops the machine.
        .macro  fault_entry name, return_offset, text
        .type   \name, %function
\name:
        ldr     sp, =fault_stack_top
        sub     r1, lr, #\return_offset
        adr     r0, 1f
        b       fault
1:      .asciz  "\text"
        .balign 4
        .size   \name, . - \name
        .endm

        fault_entry undefined_entry, 4, "undefined instruction"
        fault_entry swi_entry, 4, "software interrupt"
        fault_entry prefetch_abort_entry, 4, "prefetch abort"
        fault_entry data_abort_entry, 8, "data abort"
        fault_entry fiq_entry, 4, "FIQ"
        .ltorg
