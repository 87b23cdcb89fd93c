/*
 * Executes VFP data-processing instructions on given registers: an ARM Linux program without a C library.
 * Reads records from standard input and writes one for each to standard output, all words little-endian:
 *   in:  instruction, FPSCR, S0 to S31
 *   out: FPSCR, S0 to S31
 */
        .syntax unified
        .arch   armv5te
        .fpu    vfpv2
        .section .run, "awx", %progbits
        .global _start
_start:
        ldr     r5, =record
        ldr     r6, =slot
        mov     r8, #0
next:
        mov     r7, #3                  @ read
        mov     r0, #0
        mov     r1, r5
        mov     r2, #136
        svc     #0
        cmp     r0, #136
        bne     done

        ldr     r0, [r5]
        cmp     r0, r8
        beq     same
        mov     r8, r0
        str     r0, [r6]
        mov     r0, r6                  @ cacheflush(start, end, 0)
        add     r1, r6, #4
        mov     r2, #0
        ldr     r7, =0xf0002
        svc     #0
same:
        ldr     r0, [r5, #4]
        add     r1, r5, #8
        mov     r2, #0
        vmsr    fpscr, r2
        vldmia  r1, {s0-s31}
        vmsr    fpscr, r0
slot:   nop
        vmrs    r0, fpscr
        vmsr    fpscr, r2
        vstmia  r1, {s0-s31}
        str     r0, [r5, #4]

        mov     r7, #4                  @ write
        mov     r0, #1
        add     r1, r5, #4
        mov     r2, #132
        svc     #0
        b       next
done:
        mov     r7, #1                  @ exit
        mov     r0, #0
        svc     #0
        .ltorg
        .bss
record: .space  136
