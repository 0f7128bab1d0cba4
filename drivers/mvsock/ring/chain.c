// SPDX-License-Identifier: GPL-2.0
/*
 * Descriptor chains.
 */
#include <kunit/visibility.h>
#include <linux/mm.h>
#include <linux/slab.h>

#include <mvsock/chain.h>

/**
 * mvs_chain_init - allocate the segments of a chain
 * @chain: the chain
 *
 * Return: 0 or %-ENOMEM.
 */
int mvs_chain_init(struct mvs_chain *chain)
{
	memset(chain, 0, sizeof(*chain));
	chain->segs = kmalloc_array(MVS_CHAIN_SEGS_MIN, sizeof(*chain->segs),
				    GFP_KERNEL_ACCOUNT);
	if (!chain->segs)
		return -ENOMEM;
	chain->max = MVS_CHAIN_SEGS_MIN;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_chain_init);

/**
 * mvs_chain_destroy - undo mvs_chain_init()
 * @chain: the chain
 */
void mvs_chain_destroy(struct mvs_chain *chain)
{
	kfree(chain->segs);
	chain->segs = NULL;
	chain->max = 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_chain_destroy);

/**
 * mvs_chain_grow - make room for more segments
 * @chain: the chain, after mvs_chain_add() returned %-ENOSPC; its content is lost
 *
 * Context: process; may sleep.
 * Return: 0 or %-ENOMEM.
 */
int mvs_chain_grow(struct mvs_chain *chain)
{
	unsigned int max = 2 * chain->max;
	struct mvs_seg *segs;

	segs = kmalloc_array(max, sizeof(*segs), GFP_KERNEL_ACCOUNT);
	if (!segs)
		return -ENOMEM;
	kfree(chain->segs);
	chain->segs = segs;
	chain->max = max;
	return 0;
}
EXPORT_SYMBOL_IF_KUNIT(mvs_chain_grow);
