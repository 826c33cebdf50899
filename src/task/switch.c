/* switch.c: see switch.h. The first frame of a task's stack has no caller, so that debuggers and profilers end there.
 *
 * On x86-64 suspend and resume end with a jump where a return would be: the processor predicts returns by the calls it has
 * seen, and here they never fit, which cost more than all the rest (./dev bench wait). */
#include "task/switch.h"

/* clang-format off */
#define FUNCTION(name) ".globl " #name "\n.hidden " #name "\n.type " #name ", %function\n" #name ":\n"
#define END(name) ".cfi_endproc\n.size " #name ", . - " #name "\n.p2align 4\n"

#if defined(__x86_64__)

#define PUSH_ALL                                                                                   \
    "pushq %rbp\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset %rbp, 0\n"                              \
    "pushq %rbx\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset %rbx, 0\n"                              \
    "pushq %r12\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset %r12, 0\n"                              \
    "pushq %r13\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset %r13, 0\n"                              \
    "pushq %r14\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset %r14, 0\n"                              \
    "pushq %r15\n.cfi_adjust_cfa_offset 8\n.cfi_rel_offset %r15, 0\n"
#define POP_ALL "popq %r15\npopq %r14\npopq %r13\npopq %r12\npopq %rbx\npopq %rbp\n"

__asm__(".text\n.p2align 4\n"
        FUNCTION(leat__stack_call_handler)
        FUNCTION(leat__stack_call)
        ".cfi_startproc\n"
        PUSH_ALL
        "movq %rsp, (%rsi)\n"
        "movq %rcx, %rsp\n"
        "movq %rsi, %rbx\n"
        ".cfi_undefined %rip\n"
        "call *%rdx\n"
        "movq (%rbx), %rsp\n"
        POP_ALL
        "movl $1, %eax\n"
        "ret\n"
        END(leat__stack_call)
        FUNCTION(leat__stack_resume)
        ".cfi_startproc\n"
        PUSH_ALL
        "movq %rsp, (%rsi)\n"
        "movq %rdi, %rsp\n"
        POP_ALL
        "popq %rcx\n"
        "jmp *%rcx\n"
        END(leat__stack_resume)
        FUNCTION(leat__stack_suspend)
        ".cfi_startproc\n"
        PUSH_ALL
        "movq %rsp, (%rdi)\n"
        "movq (%rsi), %rsp\n"
        POP_ALL
        "xorl %eax, %eax\n"
        "popq %rcx\n"
        "jmp *%rcx\n"
        END(leat__stack_suspend));

#elif defined(__aarch64__)

#define PUSH_ALL                                                                                   \
    "stp x29, x30, [sp, #-160]!\n.cfi_adjust_cfa_offset 160\n"                                     \
    ".cfi_rel_offset x29, 0\n.cfi_rel_offset x30, 8\n"                                             \
    "stp x19, x20, [sp, #16]\n.cfi_rel_offset x19, 16\n.cfi_rel_offset x20, 24\n"                  \
    "stp x21, x22, [sp, #32]\n.cfi_rel_offset x21, 32\n.cfi_rel_offset x22, 40\n"                  \
    "stp x23, x24, [sp, #48]\n.cfi_rel_offset x23, 48\n.cfi_rel_offset x24, 56\n"                  \
    "stp x25, x26, [sp, #64]\n.cfi_rel_offset x25, 64\n.cfi_rel_offset x26, 72\n"                  \
    "stp x27, x28, [sp, #80]\n.cfi_rel_offset x27, 80\n.cfi_rel_offset x28, 88\n"                  \
    "stp d8, d9, [sp, #96]\nstp d10, d11, [sp, #112]\n"                                            \
    "stp d12, d13, [sp, #128]\nstp d14, d15, [sp, #144]\n"
#define POP_ALL                                                                                    \
    "ldp x19, x20, [sp, #16]\nldp x21, x22, [sp, #32]\nldp x23, x24, [sp, #48]\n"                  \
    "ldp x25, x26, [sp, #64]\nldp x27, x28, [sp, #80]\nldp d8, d9, [sp, #96]\n"                    \
    "ldp d10, d11, [sp, #112]\nldp d12, d13, [sp, #128]\nldp d14, d15, [sp, #144]\n"               \
    "ldp x29, x30, [sp], #160\n"

__asm__(".text\n.p2align 4\n"
        FUNCTION(leat__stack_call_handler)
        FUNCTION(leat__stack_call)
        ".cfi_startproc\n"
        PUSH_ALL
        "mov x9, sp\n"
        "str x9, [x1]\n"
        "mov sp, x3\n"
        "mov x19, x1\n"
        ".cfi_undefined x30\n"
        "blr x2\n"
        "ldr x9, [x19]\n"
        "mov sp, x9\n"
        POP_ALL
        "mov w0, #1\n"
        "ret\n"
        END(leat__stack_call)
        FUNCTION(leat__stack_resume)
        ".cfi_startproc\n"
        PUSH_ALL
        "mov x9, sp\n"
        "str x9, [x1]\n"
        "mov sp, x0\n"
        POP_ALL
        "ret\n"
        END(leat__stack_resume)
        FUNCTION(leat__stack_suspend)
        ".cfi_startproc\n"
        PUSH_ALL
        "mov x9, sp\n"
        "str x9, [x0]\n"
        "ldr x9, [x1]\n"
        "mov sp, x9\n"
        POP_ALL
        "mov w0, #0\n"
        "ret\n"
        END(leat__stack_suspend));

#else
#error "Leat knows how to change stacks on x86-64 and AArch64 only"
#endif
