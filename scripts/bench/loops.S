/* Tight loops on a bare Integrator/CP: COUNT rounds of one of them, then the core module resets the board. */
        .syntax unified
        .arm
        .global _start
_start: ldr     r0, =COUNT
        ldr     sp, =0x200000
        ldr     r6, =0x100000
#if defined(VFP)
        mov     r1, #0x40000000
        fmxr    fpexc, r1
        mov     r1, #3
        fmsr    s2, r1
        fsitod  d1, s2
        fsitod  d0, s2
#endif
        cmp     r0, #0
        beq     done
1:
#if defined(INTEGER)
        add     r1, r1, r0
        eor     r2, r2, r1, lsl #3
        sub     r3, r3, r2
        orr     r4, r1, r3, ror #7
#elif defined(MEMORY)
        and     r5, r0, #0xff0
        ldr     r1, [r6, r5]
        add     r1, r1, #1
        str     r1, [r6, r5]
        ldrb    r2, [r6, #3]
        strh    r2, [r6, #8]
#elif defined(CALLS)
        bl      callee
#elif defined(VFP)
        faddd   d2, d0, d1
        fmuld   d3, d2, d1
        fsubd   d0, d3, d2
        fdivd   d0, d0, d1
#endif
        subs    r0, r0, #1
        bne     1b
done:   ldr     r1, =0x1000000c         /* CM_CTRL */
        mov     r0, #8                  /* RESET */
        str     r0, [r1]
2:      b       2b
callee: push    {r4, lr}
        add     r4, r4, r0
        pop     {r4, pc}
