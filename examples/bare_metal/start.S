@ SPDX-License-Identifier: MIT
@ Cortex-A9 from reset to main(): vectors, stack, FPU, zeroed memory. Built as Arm code, calls Thumb.
.syntax unified
.arm

.section .vectors, "ax"
.balign 32
vectors:
        b reset
        b undefined_instruction
        b .                             @ supervisor calls go to the debugger
        b prefetch_abort
        b data_abort
        b .
        b .
        b .
undefined_instruction:
        mov r0, #1
        b fault_with_stack
prefetch_abort:
        mov r0, #2
        b fault_with_stack
data_abort:
        mov r0, #3
fault_with_stack:
        mov r1, lr                      @ near the instruction
        ldr sp, =__stack_top
        bl fault                        @ void fault(int kind, unsigned address)
        b .

.global reset
reset:
        ldr r0, =vectors
        mcr p15, 0, r0, c12, c0, 0      @ VBAR
        ldr sp, =__stack_top
        mrc p15, 0, r0, c1, c0, 2       @ CPACR: full access to the coprocessors 10 and 11,
        orr r0, r0, #(15 << 20)
        mcr p15, 0, r0, c1, c0, 2
        isb
        mov r0, #0x40000000             @ then FPEXC.EN: VFP and NEON run
        vmsr fpexc, r0
        ldr r0, =__bss_start
        ldr r1, =__bss_end
        mov r2, #0
1:      cmp r0, r1
        strlo r2, [r0], #4
        blo 1b
        ldr r0, =__stack_bottom         @ a pattern, so that the stack's use can be told
        ldr r2, =0x5ac35ac3
2:      cmp r0, sp
        strlo r2, [r0], #4
        blo 2b
        bl enable_mmu
        bl main
        bl leave                        @ void leave(int code)
        b .

@ unsigned semihosting_call(unsigned operation, const void* argument)
.global semihosting_call
.type semihosting_call, %function
semihosting_call:
        push {r3, lr}
        svc 0x123456
        pop {r3, pc}
