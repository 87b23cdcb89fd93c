/* COUNT functions that never were before, one after the other, each called until it is worth compiling. */
        .syntax unified
        .arm
        .global _start
        .equ    CALLS, 100
        .equ    WORDS, 200
_start: ldr     r0, =COUNT
        ldr     r6, =0x400000           /* the page that the function lies in, */
        ldr     r7, =0x600000           /* up to here, and from the start again */
        ldr     r8, =0xe2811000         /* add r1, r1, #0 */
        ldr     r9, =0xe12fff1e         /* bx lr */
1:      mov     r2, #0
2:      add     r3, r2, r0
        and     r3, r3, #0xff
        orr     r3, r3, r8
        str     r3, [r6, r2, lsl #2]
        add     r2, r2, #1
        cmp     r2, #WORDS
        bne     2b
        str     r9, [r6, r2, lsl #2]
        ldr     r4, =CALLS
3:      mov     lr, pc
        bx      r6
        subs    r4, r4, #1
        bne     3b
        add     r6, r6, #0x1000
        cmp     r6, r7
        ldreq   r6, =0x400000
        subs    r0, r0, #1
        bne     1b
        ldr     r1, =0x1000000c         /* CM_CTRL */
        mov     r0, #8                  /* RESET */
        str     r0, [r1]
4:      b       4b
