// SPDX-License-Identifier: GPL-2.0-or-later
/**
 * unused_interrupt - an entry for a vector that nobody has asked for
 * @regs: what the processor had in its registers
 * @vector: which one came
 */
DEFINE_IDTENTRY_IRQ(unused_interrupt)
{
	forget(vector);
}

/**
 * half_interrupt - its second parameter is not described
 * @regs: registers
 * @number: no parameter of it
 */
DEFINE_IDTENTRY_IRQ(half_interrupt)
{
}

/**
 * other_interrupt - another name
 * @regs: registers
 * @vector: vector
 */
DEFINE_IDTENTRY_IRQ(wrong_interrupt)
{
}
