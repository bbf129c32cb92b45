/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * named: a program that is traced by the names in it, and writes down what it did. Its marked places are
 * made as the notes of systemtap's sys/sdt.h are described (owner "stapsdt", type 3): by hand, so that nothing
 * need be installed.
 *
 *	named COUNT
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MARK(provider, name, semaphore, args, ...)                                                 \
	__asm__ volatile("990: nop\n"                                                              \
			 ".pushsection .note.stapsdt,\"\",\"note\"\n"                              \
			 ".balign 4\n.4byte 992f-991f, 994f-993f, 3\n"                             \
			 "991: .asciz \"stapsdt\"\n992: .balign 4\n"                               \
			 "993: .8byte 990b\n.8byte _.stapsdt.base\n.8byte " semaphore "\n"         \
			 ".asciz \"" provider "\"\n.asciz \"" name "\"\n.asciz \"" args "\"\n"     \
			 "994: .balign 4\n.popsection\n"                                           \
			 ".ifndef _.stapsdt.base\n"                                                \
			 ".pushsection .stapsdt.base,\"aG\",\"progbits\",.stapsdt.base,comdat\n"   \
			 ".weak _.stapsdt.base\n.hidden _.stapsdt.base\n"                          \
			 "_.stapsdt.base: .space 1\n.size _.stapsdt.base, 1\n"                     \
			 ".popsection\n.endif\n" ::__VA_ARGS__)

/* Whoever listens adds one to it. */
__attribute__((section(".probes"))) volatile unsigned short named_guarded_semaphore;

struct command {
	const char *fullname;
	int flags;
	unsigned int arity : 5, hidden : 3;
};

struct client {
	uint64_t id;
	struct command *cmd;
	struct {
		char name[16];
		int64_t deep;
	} in;
	struct client *next;
};

enum color { RED, GREEN = 7 };

int serve(struct client *c, int count, enum color color);
int paint_red(int n);
int paint_green(int n);
int apart_one(long n);

__attribute__((noinline)) int serve(struct client *c, int count, enum color color)
{
	MARK("named", "serve", "0", "8@%0 -4@%1 4@$7", "r"(c->cmd->fullname), "r"(count));
	return count + (int)color + c->cmd->flags;
}

__attribute__((noinline)) int paint_red(int n)
{
	MARK("named", "paint", "0", "-4@%0", "r"(n));
	return n + 1;
}

__attribute__((noinline)) int paint_green(int n)
{
	volatile int spilt = n * 2;

	MARK("named", "paint", "0", "-4@%0", "m"(spilt));
	return n + 2;
}

__attribute__((noinline)) static int hidden_local(int n)
{
	__asm__ volatile("" : "+r"(n));
	return n * 3;
}

static inline __attribute__((always_inline)) int pasted(int n)
{
	return n ^ 3;
}

__attribute__((noinline)) int apart_one(long n)
{
	if (named_guarded_semaphore)
		printf("guard %ld\n", n);
	MARK("named", "guarded", "named_guarded_semaphore", "-8@%0", "r"(n));
	return pasted((int)n);
}

int main(int argc, char **argv)
{
	struct command get = { "get-a-key", 5, 9, 2 }, set = { "set-a-key", 6, 17, 5 };
	struct client other = { 2, &set, { "inner-two", -22 }, NULL };
	struct client c = { 1, &get, { "inner-one", -11 }, &other };
	int count = argc > 1 ? (int)strtol(argv[1], NULL, 10) : 3;

	for (int i = 0; i < count; i++) {
		struct client *who = i % 2 ? &other : &c;

		printf("serve %s %d %ld %s\n", who->cmd->fullname, i, (long)who->in.deep, who->in.name);
		printf("returned %d\n", serve(who, i, i % 3 ? GREEN : RED));
		printf("paint %d\n", i);
		paint_red(i);
		printf("paint %d\n", 2 * i);
		paint_green(i);
		printf("local %d\n", hidden_local(i));
		apart_one(-i);
	}
	return 0;
}
