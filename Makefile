# Two commands do everything, set-up included, as root or as anybody, and nothing is installed outside this directory:
#   make run  [ARGS=--once]   `netmend demo`: three networks, a router, six guests, real DHCP clients
#   make test                 lint, strict types, the import table, unit and kernel tests
# and
#   make bench [ARGS=...]     the figures of benchmarks/RESULTS.md
#   make upgrades [EARLIER=COMMIT] [ARGS="--networks 1000 --upgrades 20"]  a node exchanged again and again under load
#   make fuzz  [SECONDS=60]   each fuzzer of tests/fuzz for so long
#   make soak  [MINUTES=60]   a node under churn and kills: what it holds must stay the same, devices be what intent asks
#   make test-neutron         netmend in the place of Neutron's agents, beside a real Neutron; as root
#                             [NEUTRON_RELEASE=21.2.1 or another of `tools/neutron releases`]
#   make test-neutron-releases  beside each of these in turn
#   make bench-neutron        the two side by side
#   make test-boot            machines of QEMU boot from netmend: BIOS, UEFI, PXE and HTTP, IPv4 and IPv6; Debian with cloud-init
#   make test-siblings         networks taken over from sibling containers of Kolla's wrappers; as root [NETWORKS=60]
#   make bench-install         the figures of docs/install.md, of each way to install; as root
#   make test-ovn             netmend in the place of OVN's metadata agent, beside real OVN programs
#   make bench-ovn            side by side with neutron-ovn-metadata-agent [ARGS="10 100"]
#   make test-groups         a million random packets against the model of security groups, and the rules under Debian's own kernel,
#                             whose bridges track connections themselves, in a virtual machine
#   make test-web             the page in a real browser, alerts and dashboard with a real Prometheus
#   make coverage            unit tests, and how much of each room they reach
#   make man                  docs/netmend.1, the manual page, from the texts of --help
#   make lint | setup | clean
# What set-up makes lives in .venv and .tools (tools/README.md).

.DEFAULT_GOAL := help
.PHONY: test-siblings bench-install help coverage man run soak upgrades test test-groups test-neutron test-neutron-releases test-ovn bench-ovn test-boot test-web lint bench bench-neutron fuzz setup setup-run setup-dev setup-peers setup-ovn setup-fuzz setup-web setup-boot setup-vm clean
.SILENT:

SHELL := /bin/bash
export PATH := $(CURDIR)/.tools/bin:$(PATH)
BIN := .venv/bin
SECONDS := 60
MINUTES := 60
NETWORKS := 60

help:
	sed -n 's/^#   /  /p' Makefile

run: setup-run
	exec $(BIN)/netmend demo $(ARGS)

# Side by side, in two parts that take about the same time; with ARGS (-k, -x, a file) one after the other.
WITH_UNIT := $(addprefix tests/kernel/,propagation doctor cli lab)
test: lint
	$(if $(ARGS),exec $(BIN)/pytest tests/unit tests/kernel $(ARGS),exec tools/side-by-side \
	  "$(BIN)/pytest tests/unit $(WITH_UNIT)" "$(BIN)/pytest tests/kernel $(addprefix --ignore=,$(WITH_UNIT))")

# Apart from `make test`, for it costs two thirds more time: what unit tests reach, processes that they start included.
coverage: setup-dev
	mkdir -p .tools/coverage; $(BIN)/coverage erase; $(BIN)/coverage run -m pytest tests/unit $(ARGS); code=$$?; \
	$(BIN)/coverage combine -q && $(BIN)/coverage report --no-skip-covered | awk ' \
	  $$1 ~ /^src/ { split($$1, at, "/"); lines[at[3]] += $$2; missed[at[3]] += $$3 } \
	  $$1 == "TOTAL" { lines["all of netmend"] = $$2; missed["all of netmend"] = $$3 } \
	  END { for (room in lines) if (lines[room]) printf "coverage of %s: %.0f %% of %d statements\n", \
	    room, 100 - 100 * missed[room] / lines[room], lines[room] }' | sort; exit $$code

test-neutron:
	tools/neutron up
	tools/neutron test $(ARGS); code=$$?; tools/neutron down; exit $$code

test-neutron-releases:
	failed=; for release in $$(tools/neutron releases); do \
	  echo "Neutron $$release"; $(MAKE) --no-print-directory test-neutron NEUTRON_RELEASE=$$release || failed+=" $$release"; \
	done; [ -z "$$failed" ] || { echo "netmend failed beside:$$failed" >&2; exit 1; }

bench-neutron:
	tools/neutron reset
	tools/neutron up
	tools/neutron bench $(ARGS); code=$$?; tools/neutron down; exit $$code

test-boot: setup-vm
	$(BIN)/pytest tests/boot $(ARGS)

test-siblings: setup-dev
	tools/engine up
	eval "$$(tools/engine env)" && tools/image base && NETMEND_SIBLINGS=$(NETWORKS) $(BIN)/pytest -s \
	  tests/engine/image/test_kolla_wrappers.py -k taken_over $(ARGS); code=$$?; tools/engine down; exit $$code

bench-install: export NETMEND_FIGURES := $(CURDIR)/benchmarks/results/install.json
bench-install: setup-dev
	rm -f $(NETMEND_FIGURES)
	$(BIN)/pytest -q tests/package/test_debian.py
	tools/engine up
	eval "$$(tools/engine env)" && tools/image base && $(BIN)/pytest -q tests/engine/image/test_install.py \
	  tests/engine/image/test_kolla_wrappers.py; code=$$?; tools/engine down; exit $$code

test-ovn: setup-ovn
	tools/nova
	$(BIN)/pytest tests/ovn $(ARGS)

bench-ovn: setup-ovn
	tools/nova
	$(BIN)/python -m benchmarks.ovn $(ARGS)

test-groups: setup-vm
	NETMEND_RANDOM_PACKETS=1000000 $(BIN)/pytest tests/unit/firewall
	tools/in-debian-vm tests/kernel/firewall/test_group_rules.py tests/kernel/reconcile/test_group_firewall.py $(ARGS)

test-web: setup-web
	$(BIN)/pytest tests/web $(ARGS)

lint: setup-dev
	tools/check-layout
	$(BIN)/ruff check .
	$(BIN)/ruff format --check --quiet .
	$(BIN)/mypy
	report=$$($(BIN)/lint-imports --no-logo --cache-dir .tools/import-linter) || { echo "$$report"; exit 1; }; \
	  echo "Import table: $$(tail -n 1 <<<"$$report")"

man: setup-dev
	$(BIN)/python tools/man-page >docs/netmend.1

bench: setup-peers
	exec $(BIN)/python -m benchmarks $(ARGS)

fuzz: setup-fuzz
	set -e; for fuzzer in tests/fuzz/fuzz_*.py; do \
	  [ -e "$$fuzzer" ] || { echo "there is no fuzzer: tests/fuzz/fuzz_*.py" >&2; exit 2; }; \
	  echo "$$fuzzer, $(SECONDS) s"; PYTHONPATH=. $(BIN)/python "$$fuzzer" -max_total_time=$(SECONDS) $(ARGS); \
	done

soak: setup-dev
	exec $(BIN)/python -m tests.soak --minutes $(MINUTES) $(ARGS)

upgrades: setup-dev
	exec env EARLIER=$(EARLIER) $(BIN)/python -m benchmarks.upgrades $(ARGS)

setup: setup-dev

setup-run:
	tools/setup-python run
	tools/setup-programs udhcpc

setup-dev:
	tools/setup-python dev
	tools/setup-programs udhcpc peers switch

setup-peers: setup-dev
	tools/setup-programs clients odd-clients names metadata decoder
	tools/setup-clients

setup-ovn: setup-dev
	tools/setup-programs metadata ovn

setup-fuzz:
	tools/setup-python fuzz

setup-boot: setup-dev
	tools/setup-programs boot

setup-vm: setup-boot
	tools/debian-vm

setup-web:
	tools/setup-python web
	tools/setup-programs browser prometheus

clean:
	rm -rf .venv .tools build src/*.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis
