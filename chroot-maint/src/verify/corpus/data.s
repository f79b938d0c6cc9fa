	.file	"data.s"
	.data
	.globl	numbers
	.balign	8
numbers:
	.long	1, 2, 0x7fffffff, -1
	.quad	numbers
	.short	7
	.byte	'a', 'b', 3
	.set	length, . - numbers
	.section	.rodata
	.globl	message
message:
	.asciz	"hello, assembler"
	.macro	squares from, to
	.long	\from * \from
	.if	\to - \from
	squares	"(\from + 1)", \to
	.endif
	.endm
	squares	1, 9
	.section	.note.corpus, "", %progbits
	.string	"a note"
	.uleb128	300
	.sleb128	-300
	.section	.text
	.globl	code
code:
	.rept	4
	.long	0
	.endr
	.bss
	.comm	shared, 24, 8
	.lcomm	local, 16
	.weak	nobody
	.data
	.long	length
