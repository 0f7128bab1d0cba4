# SPDX-License-Identifier: GPL-2.0

# Where the kernel was built, or its headers package.
KDIR ?= /lib/modules/$(shell uname -r)/build

modules: ## Build mvsock.ko for the running kernel, or for KDIR=
	@test -e $(KDIR)/Makefile || { \
		echo "No kernel headers in $(KDIR): install the linux-headers package of your kernel, or give KDIR="; \
		exit 1; }
	$(MAKE) -C $(KDIR) M=$(CURDIR) modules

clean: ## Remove what modules built here
	$(MAKE) -C $(KDIR) M=$(CURDIR) clean

load: ## Load mvsock.ko into this machine's kernel (as root)
	tools/load.sh load

unload: ## Unload it (as root)
	tools/load.sh unload

demo: ## Show it at work, in a virtual host with a virtual guest
	tools/demo.sh

check: ## Run all tests, or GROUP="kunit device", none of which touches this machine's kernel; KERNEL=7.3
	tools/check.sh $(GROUP)

check-long: ## Run the tests that take long
	tools/check.sh $(or $(GROUP),--long)

check-race: ## Run races on kernels that look for them, with KCSAN and with KASAN and lockdep
	tools/check.sh race

check-arch: ## Run it on emulated machines of other architectures, all or ARCH=arm64
	tools/check.sh $(or $(ARCH),--machines)

soak: ## Run guests under traffic for HOURS=, while they reboot and memory is short; again with SEED=
	tools/check.sh $(if $(HOURS),--hours $(HOURS)) $(if $(SEED),--seed $(SEED)) soak

bench: ## Measure it beside vhost_vsock; with ENV=icount, smp, uml or kvm, LOADS="rtt-64 g2h-64/8"
	tools/bench.sh $(if $(LOADS),--loads "$(LOADS)") $(ENV)

bench-compare: ## Print the results A= and B= side by side
	tools/bench/compare.sh "$(A)" "$(B)"

bench-plot: ## Draw the published results
	tools/bench/plot.sh

bench-profile: ## Show where the instructions of LOAD= go, with both; with ENV=icount or kvm
	tools/bench/profile.sh $(LOAD) $(ENV)

bench-parse: ## Time the parser, in a virtual host
	tools/bench/parse.sh

docs: ## Build the manual, in build/docs
	tools/docs.sh

fuzz: ## Throw random input at it, for SECONDS=, and again with SEED=
	tools/check.sh --seconds $(or $(SECONDS),60) --seed $(or $(SEED),random) fuzz

deb: ## Build the Debian packages mvsock-dkms and mvsock-tools
	tools/deb.sh

help: ## List the targets
	@sed -n 's/^\([a-z-]*\):.*## /\1\t/p' Makefile | expand -t 14

.PHONY: modules clean load unload demo check check-long check-race check-arch soak fuzz bench bench-compare bench-plot bench-profile bench-parse docs deb help
