# Relais. Two commands are all a newcomer needs:  make demo   make check
# "make help" lists the rest. Everything a command makes is under $(BUILD).
#
# One file, no recursion into folders. Where one target needs another compiler or other flags, make
# is called once more with other variables and a tree of its own under $(BUILD). Nothing is asked of
# a tool while this file is read: on a bare machine "make deps" must be able to start.

BUILD  ?= build
PREFIX ?= /usr/local
VERSION := $(shell sed -n 's/^.define RELAIS_VERSION "\(.*\)"/\1/p' include/version.h)
# gcc unless said otherwise ("make CC=clang" works)
ifeq ($(origin CC),default)
CC = gcc
endif
CLANG        ?= clang-14
CLANG_TIDY   ?= clang-tidy-14
CLANG_FORMAT ?= clang-format-14
# seconds for each fuzzer of "make fuzz"
FUZZ_S ?= 60

.DEFAULT_GOAL = all
.DELETE_ON_ERROR:
.SUFFIXES:
MAKEFLAGS += --no-print-directory
SHELL = /bin/sh
JOBS := $(shell nproc 2>/dev/null || echo 2)
# calls itself in parallel, unless whoever called it has said how
AGAIN = $(MAKE) $(if $(filter -j%,$(MAKEFLAGS)),,-j$(JOBS))
ifndef V
say = @printf '%-5s %s\n' '$(1)' '$(2)';
endif

# --- flags ----------------------------------------------------------------------------------------

PROTO_DIRS = base wire seal store journal policy link
INCLUDES   = -Iinclude $(PROTO_DIRS:%=-Iproto/%)
WARNINGS   = -Wall -Wextra -Wpedantic -Wconversion -Wshadow -Wstrict-prototypes -Wvla \
             $(if $(WERROR),-Werror)
# MODE is empty, san (clang with AddressSanitizer, UBSan and fuzzer hooks) or cover (gcc, gcov)
CODE_      = -O2 -fstack-protector-strong -D_FORTIFY_SOURCE=2
LINK_      = -Wl,-z,relro,-z,now
CODE_san   = -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined \
             -fno-sanitize-recover=all
LINK_san   = -fsanitize=address,undefined
CODE_cover = -O0 --coverage
LINK_cover = --coverage
ALL_CFLAGS = -std=c2x -g -D_GNU_SOURCE -fPIE -ffunction-sections -fdata-sections \
             $(CODE_$(MODE)) $(WARNINGS) $(CFLAGS)
ALL_LDFLAGS = -pie -Wl,--as-needed -Wl,--gc-sections $(LINK_$(MODE)) $(LDFLAGS)
LIBS = -lsodium -lzmq -llmdb -lmsgpackc -ljansson -linih -lutf8proc -lmicrohttpd

# --- what there is --------------------------------------------------------------------------------

PROTO_SRC   := $(sort $(wildcard proto/*/*.c))
HUB_SRC     := $(sort $(wildcard hub/*.c hub/*/*.c))
NODE_SRC    := $(filter-out node/verify.c node/verify_words.c,$(sort $(wildcard node/*.c node/*/*.c)))
PRELOAD_SRC := $(sort $(wildcard tests/support/preload_*.c))
# The support library holds no cmocka: programs of the demo link it too. Suites that several tests
# share (tests/support/*_suite.c) are the exception and go to unit tests only.
SUITE_SRC   := $(sort $(wildcard tests/support/*_suite.c))
MAIN_SRC    := $(sort $(wildcard tests/support/*_main.c))
SUPPORT_SRC := $(filter-out $(PRELOAD_SRC) $(SUITE_SRC) $(MAIN_SRC),$(sort $(wildcard tests/support/*.c))) \
               tests/faults/powercut.c
UNIT_SRC    := $(sort $(wildcard tests/unit/*/test_*.c))
FUZZ_NOTE   := tests/fuzz/fuzz_main_note.c
FUZZ_SRC    := $(filter-out $(FUZZ_NOTE),$(sort $(wildcard tests/fuzz/fuzz_*.c)))
PROG_SRC    := $(sort $(wildcard tests/system/prog_*.c))
BENCH_SRC   := $(sort $(wildcard tests/bench/bench_*.c))
BENCH_PARTS := $(filter-out $(BENCH_SRC),$(sort $(wildcard tests/bench/*.c)))
FAULTS_MAIN := tests/faults/faults_main.c tests/faults/check_main.c
FAULTS_SRC  := $(filter-out $(FAULTS_MAIN) tests/faults/recorder% tests/faults/powercut.c,$(sort $(wildcard tests/faults/*.c)))
C_FILES     := $(sort $(wildcard include/*.h proto/*/*.[ch] hub/*.[ch] hub/*/*.[ch] node/*.[ch] \
                 node/*/*.[ch] tests/*/*.[ch] tests/unit/*/*.[ch]))
C_SRC       := $(filter %.c,$(C_FILES))

obj = $(1:%.c=$(BUILD)/obj/%.o)
PROGRAMS = $(if $(filter hub/main.c,$(HUB_SRC)),$(BUILD)/relais-hub) \
           $(if $(filter node/main.c,$(NODE_SRC)),$(BUILD)/relais-node) \
           $(if $(wildcard node/verify.c),$(BUILD)/relais-verify)
LIBPROTO   = $(BUILD)/libproto.a
LIBHUB     = $(BUILD)/libhub.a
LIBNODE    = $(BUILD)/libnode.a
LIBSUPPORT = $(BUILD)/libtestsupport.a
LIBSUITE   = $(BUILD)/libtestsuite.a
LIBBENCH   = $(BUILD)/libbench.a
LIBFAULTS  = $(BUILD)/libfaults.a
UNIT    = $(UNIT_SRC:tests/unit/%.c=$(BUILD)/unit/%)
FUZZERS = $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/fuzz/%)
REPLAYS = $(FUZZ_SRC:tests/fuzz/%.c=$(BUILD)/replay/%)
PROGS   = $(PROG_SRC:tests/system/%.c=$(BUILD)/%) $(BENCH_SRC:tests/bench/%.c=$(BUILD)/%) \
          $(MAIN_SRC:tests/support/%_main.c=$(BUILD)/%) $(PRELOAD_SRC:tests/support/%.c=$(BUILD)/%.so) \
          $(BUILD)/evil_hub $(BUILD)/recorder.so $(BUILD)/faults $(BUILD)/faults_check

# --- what a person calls --------------------------------------------------------------------------

.PHONY: all deps demo check check-asan check-valgrind faults faults-selftest fuzz bench attachments-long lint cover fresh \
        install sbom dist clean help
all: $(LIBPROTO) $(PROGRAMS) ## build relais-hub, relais-node and relais-verify

deps: ## install what building and running the demo needs and lacks (root or sudo)
	@deploy/deps.sh demo

demo: ## the whole story on one machine, on real parts, in French; needs no Node
	@deploy/deps.sh demo
	@$(AGAIN) all programs
	@BUILD=$(abspath $(BUILD)) deploy/demo/demo.sh

check: ## everything that must hold before a commit: lint, gcc, clang, sanitizers, system, vectors
	@deploy/deps.sh check
	@rm -rf $(BUILD)/tally
	@$(AGAIN) lint
	@$(AGAIN) BUILD=$(BUILD)/clang CC=$(CLANG) WERROR=1 all unit programs
	@$(AGAIN) BUILD=$(BUILD)/gcc CC=gcc WERROR=1 all unit programs
	@$(AGAIN) BUILD=$(BUILD)/san CC=$(CLANG) MODE=san WERROR=1 unit fuzzers
	@tests/run_unit.sh unit-gcc $(BUILD)/gcc $(BUILD)/tally || true
	@tests/run_unit.sh unit-asan $(BUILD)/san $(BUILD)/tally || true
	@tests/run_corpora.sh corpora-asan $(BUILD)/san $(BUILD)/tally || true
	@tests/run_system.sh system $(BUILD)/gcc $(BUILD)/tally || true
	@tests/run_vectors.sh vectors-js $(BUILD)/tally || true
	@TALLY=$(BUILD)/tally/faults tests/faults/run.sh $(BUILD)/gcc --short || true
	@tests/tally.sh $(BUILD)/tally unit-gcc unit-asan corpora-asan system vectors-js faults

check-asan: ## unit tests, fuzz corpora and all attacks under clang AddressSanitizer and UBSan
	@deploy/deps.sh check-asan
	@rm -rf $(BUILD)/tally-asan
	@$(AGAIN) BUILD=$(BUILD)/san CC=$(CLANG) MODE=san WERROR=1 unit fuzzers all programs
	@tests/run_unit.sh unit-asan $(BUILD)/san $(BUILD)/tally-asan || true
	@tests/run_corpora.sh corpora-asan $(BUILD)/san $(BUILD)/tally-asan || true
	@tests/attacks.sh attacks-asan $(BUILD)/san $(BUILD)/tally-asan || true
	@tests/tally.sh $(BUILD)/tally-asan unit-asan corpora-asan attacks-asan

check-valgrind: ## unit tests under valgrind memcheck
	@deploy/deps.sh check-valgrind
	@rm -rf $(BUILD)/tally-valgrind
	@$(AGAIN) unit
	@WRAP='valgrind --quiet --error-exitcode=99 --leak-check=full --show-leak-kinds=definite \
	    --suppressions=tests/lint/valgrind.supp' \
	    tests/run_unit.sh unit-valgrind $(BUILD) $(BUILD)/tally-valgrind || true
	@tests/tally.sh $(BUILD)/tally-valgrind unit-valgrind

faults: ## a campaign of faults over real processes, SEED=n ROUNDS=n; 0 lost, doubled, disordered
	@deploy/deps.sh faults
	@$(AGAIN) all programs
	@tests/faults/run.sh $(BUILD) $(if $(SEED),--seed $(SEED)) $(if $(ROUNDS),--rounds $(ROUNDS))

faults-selftest: ## one known defect at a time is built in; the campaign must find each
	@deploy/deps.sh faults
	@tests/faults/selftest.sh $(BUILD)/selftest

fuzz: ## each libFuzzer target for FUZZ_S seconds; fails on a finding or if nothing was accepted
	@deploy/deps.sh fuzz
	@rm -rf $(BUILD)/tally-fuzz
	@$(AGAIN) BUILD=$(BUILD)/san CC=$(CLANG) MODE=san WERROR=1 fuzzers
	@FUZZ_S=$(FUZZ_S) tests/run_corpora.sh fuzz $(BUILD)/san $(BUILD)/tally-fuzz || true
	@tests/tally.sh $(BUILD)/tally-fuzz fuzz

bench: ## figures through real processes, one JSON object a line
	@deploy/deps.sh demo
	@$(AGAIN) all programs
	@BUILD=$(abspath $(BUILD)) tests/bench/run.sh

attachments-long: ## the tests of large attachments, with 256 MiB each: some minutes
	@$(AGAIN) all programs
	@ATTACH_MIB=256 BUILD=$(abspath $(BUILD)) tests/system/test_attachments.sh

lint: ## format, clang-tidy, cppcheck and the rules of the house (tests/arch.sh)
	@deploy/deps.sh lint
	@tests/arch.sh
	@tests/arch.sh --selftest
	@echo "clang-format: $(words $(C_FILES)) files"
	@# one file a process: with many, clang-format 14 crashes now and then where it aligns tables
	@printf '%s\n' $(C_FILES) | xargs -n 1 -P $(JOBS) $(CLANG_FORMAT) --dry-run -Werror
	@# +: with the jobserver of who called this, or it would run one file at a time
	+@$(AGAIN) tidy
	@tests/lint/cppcheck.sh $(BUILD)/lint/cppcheck

cover: ## line and branch coverage of proto/ and of the hub's admission: 90 % or it fails
	@deploy/deps.sh cover
	@$(AGAIN) BUILD=$(BUILD)/cover CC=gcc MODE=cover unit replays
	@tests/lint/cover.sh $(BUILD)/cover

fresh: ## as root: "make demo" and "make check" of HEAD in a bare Debian made for it, then removed
	@tests/fresh.sh

install: all ## into $(DESTDIR)$(PREFIX)
	install -d $(DESTDIR)$(PREFIX)/bin
	install -m 755 $(PROGRAMS) $(DESTDIR)$(PREFIX)/bin
	install -d $(DESTDIR)$(PREFIX)/share/man/man1
	for program in $(notdir $(PROGRAMS)); do \
	    deploy/man.sh deploy/man/$$program.1 $(BUILD)/$$program >$(DESTDIR)$(PREFIX)/share/man/man1/$$program.1 || exit 1; \
	done
	install -d $(DESTDIR)$(PREFIX)/lib/systemd/system $(DESTDIR)$(PREFIX)/share/relais
	install -m 644 deploy/systemd/* $(DESTDIR)$(PREFIX)/lib/systemd/system
	install -m 644 deploy/monitoring/* deploy/conf/* $(DESTDIR)$(PREFIX)/share/relais
	install -D -m 644 deploy/completion/relais $(DESTDIR)$(PREFIX)/share/bash-completion/completions/relais-hub
	ln -sf relais-hub $(DESTDIR)$(PREFIX)/share/bash-completion/completions/relais-node

sbom: all ## what the programs are made of, CycloneDX JSON in $(BUILD)/sbom.json
	@deploy/sbom.sh $(BUILD) $(VERSION) >$(BUILD)/sbom.json
	@echo $(BUILD)/sbom.json

dist: ## the sources of HEAD as a tar file with its SHA-256
	@mkdir -p $(BUILD)/dist
	@git archive --format=tar.gz --prefix=relais-$(VERSION)/ -o $(BUILD)/dist/relais-$(VERSION).tar.gz HEAD
	@cd $(BUILD)/dist && sha256sum relais-$(VERSION).tar.gz | tee relais-$(VERSION).tar.gz.sha256

clean: ## remove everything that was built
	rm -rf $(BUILD)

help: ## this list
	@sed -n 's/^\([a-z][a-z-]*\):.*## \(.*\)/\1\t\2/p' $(firstword $(MAKEFILE_LIST)) | \
	    while IFS='	' read -r name text; do printf '%-15s %s\n' "$$name" "$$text"; done

# --- what those call ------------------------------------------------------------------------------

.PHONY: unit programs fuzzers replays tidy
unit: $(UNIT)
programs: $(PROGS)
fuzzers: $(FUZZERS)
replays: $(REPLAYS)
tidy: $(C_SRC:%.c=$(BUILD)/lint/%.tidy)

# Objects are made again when the compiler or its flags are others than last time.
FLAGS_NOW = $(CC) $(ALL_CFLAGS) $(INCLUDES) / $(ALL_LDFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS_NOW)' | cmp -s - $@ || echo '$(FLAGS_NOW)' >$@
.PHONY: FORCE flags
FORCE:
flags: # what things are built with, for tests/bench/run.sh
	@echo '$(FLAGS_NOW)'

# Each folder sees what it may include: hub/ never finds a header of node/, nor the reverse.
HUB_INC  = -Ihub $(addprefix -I,$(wildcard hub/*/.))
NODE_INC = -Inode $(addprefix -I,$(wildcard node/*/.))
TEST_INC = -Itests/support -Itests/faults -Itests/fuzz
inc = $(INCLUDES) $(or \
    $(if $(filter hub/%,$(1)),$(HUB_INC)), \
    $(if $(filter node/%,$(1)),$(NODE_INC)), \
    $(if $(filter tests/bench/bench_node.c,$(1)),$(NODE_INC) $(TEST_INC)), \
    $(if $(filter tests/unit/hub/% tests/fuzz/fuzz_hub% tests/bench/% tests/evil/%,$(1)),$(HUB_INC) $(TEST_INC)), \
    $(if $(filter tests/unit/node/% tests/fuzz/fuzz_node%,$(1)),$(NODE_INC) $(TEST_INC)), \
    $(if $(filter tests/faults/% tests/unit/faults/%,$(1)),$(TEST_INC) $(HUB_INC)), \
    $(if $(filter tests/%,$(1)),$(TEST_INC) $(NODE_INC) $(HUB_INC)))

$(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$<)$(CC) $(ALL_CFLAGS) $(call inc,$<) -MMD -MP -c $< -o $@

define ARCHIVE
	@rm -f $@
	$(call say,AR,$@)ar rcsD $@ $(filter %.o,$^)
endef
$(LIBPROTO): $(call obj,$(PROTO_SRC))
	$(ARCHIVE)
$(LIBHUB): $(call obj,$(filter-out hub/main.c,$(HUB_SRC)))
	$(ARCHIVE)
$(LIBNODE): $(call obj,$(filter-out node/main.c,$(NODE_SRC)))
	$(ARCHIVE)
$(LIBSUPPORT): $(call obj,$(SUPPORT_SRC))
	$(ARCHIVE)
$(LIBSUITE): $(call obj,$(SUITE_SRC))
	$(ARCHIVE)
$(LIBFAULTS): $(call obj,$(FAULTS_SRC))
	$(ARCHIVE)

link = $(CC) $(ALL_CFLAGS) $(ALL_LDFLAGS) $(filter %.o,$^) \
       -Wl,--start-group $(filter %.a,$^) -Wl,--end-group
$(BUILD)/relais-hub: $(call obj,hub/main.c) $(LIBHUB) $(LIBPROTO)
	$(call say,LD,$@)$(link) $(LIBS) -o $@
$(BUILD)/relais-node: $(call obj,node/main.c) $(LIBNODE) $(LIBPROTO)
	$(call say,LD,$@)$(link) $(LIBS) -o $@
# The auditor's program: libsodium and the C library, nothing else, and the build says so.
$(BUILD)/relais-verify: $(call obj,node/verify.c node/verify_words.c) $(LIBPROTO)
	$(call say,LD,$@)$(link) -lsodium -o $@
	@$(if $(MODE),:,tests/lint/needed.sh $@ libsodium libc)

# A test may ask for more of the linker in a comment among its first lines: /* link: -Wl,... */
more_link = $$(sed -n '1,12s|^/[*] *link: *\(.*[^ ]\) *[*]/ *$$|\1|p' $(1))
LIBS_OF_TESTS = $(LIBSUPPORT) $(LIBPROTO)
$(BUILD)/unit/hub/%: $(BUILD)/obj/tests/unit/hub/%.o $(LIBSUITE) $(LIBHUB) $(LIBS_OF_TESTS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(link) $(call more_link,tests/unit/hub/$*.c) -lcmocka $(LIBS) -o $@
$(BUILD)/unit/node/%: $(BUILD)/obj/tests/unit/node/%.o $(LIBSUITE) $(LIBNODE) $(LIBS_OF_TESTS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(link) $(call more_link,tests/unit/node/$*.c) -lcmocka $(LIBS) -o $@
$(BUILD)/unit/faults/%: $(BUILD)/obj/tests/unit/faults/%.o $(LIBFAULTS) $(LIBSUITE) $(LIBNODE) $(LIBHUB) \
    $(LIBS_OF_TESTS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(link) $(call more_link,tests/unit/faults/$*.c) -lcmocka $(LIBS) -o $@
$(BUILD)/unit/%: $(BUILD)/obj/tests/unit/%.o $(LIBSUITE) $(LIBS_OF_TESTS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(link) $(call more_link,tests/unit/$*.c) -lcmocka $(LIBS) -o $@
$(BUILD)/prog_%: $(BUILD)/obj/tests/system/prog_%.o $(LIBFAULTS) $(LIBNODE) $(LIBHUB) $(LIBS_OF_TESTS)
	$(call say,LD,$@)$(link) $(call more_link,tests/system/prog_$*.c) $(LIBS) -o $@
$(LIBBENCH): $(call obj,$(BENCH_PARTS))
	$(ARCHIVE)
$(BUILD)/bench_node: $(BUILD)/obj/tests/bench/bench_node.o $(LIBBENCH) $(LIBNODE) $(LIBS_OF_TESTS)
	$(call say,LD,$@)$(link) $(LIBS) -o $@
$(BUILD)/bench_%: $(BUILD)/obj/tests/bench/bench_%.o $(LIBBENCH) $(LIBHUB) $(LIBS_OF_TESTS)
	$(call say,LD,$@)$(link) $(call more_link,tests/bench/bench_$*.c) $(LIBS) -o $@
$(BUILD)/faults: $(BUILD)/obj/tests/faults/faults_main.o $(LIBFAULTS) $(LIBNODE) $(LIBHUB) $(LIBS_OF_TESTS)
	$(call say,LD,$@)$(link) $(LIBS) -o $@
$(BUILD)/faults_check: $(BUILD)/obj/tests/faults/check_main.o $(LIBFAULTS) $(LIBS_OF_TESTS)
	$(call say,LD,$@)$(link) $(LIBS) -o $@
# A real hub with its real keys, and a will of its own (tests/evil/README.md).
$(BUILD)/evil_hub: $(call obj,$(wildcard tests/evil/*.c) hub/main.c) $(LIBHUB) $(LIBPROTO)
	$(call say,LD,$@)$(link) -Wl,--wrap=link_send,--wrap=identity_open,--wrap=behind_check $(LIBS) -o $@
$(MAIN_SRC:tests/support/%_main.c=$(BUILD)/%): $(BUILD)/%: $(BUILD)/obj/tests/support/%_main.o \
    $(LIBS_OF_TESTS)
	$(call say,LD,$@)$(link) $(call more_link,tests/support/$*_main.c) $(LIBS) -o $@
# The checked versions of calls are inline functions of the headers: an interposer defines the calls themselves.
$(BUILD)/preload_%.so: tests/support/preload_%.c $(BUILD)/flags
	$(call say,LD,$@)$(CC) $(filter-out -fPIE -D_FORTIFY_SOURCE=2,$(ALL_CFLAGS)) -fPIC $(call inc,$<) \
	    -shared -MMD -MP -MF $@.d $< -ldl -o $@

RECORDER_SRC = $(wildcard tests/faults/recorder*.c)
$(BUILD)/recorder.so: $(RECORDER_SRC) $(wildcard tests/faults/recorder*.h) $(BUILD)/flags
	$(call say,LD,$@)$(CC) $(filter-out -fPIE,$(ALL_CFLAGS)) -fPIC $(call inc,$<) \
	    -shared $(RECORDER_SRC) -ldl -o $@

# A fuzzer is linked with clang's driver, or with one of ours that only replays files (for gcov).
FUZZ_PARTS = $(call obj,$(wildcard $(FUZZ_NOTE))) $(LIBNODE) $(LIBHUB) $(LIBS_OF_TESTS)
$(BUILD)/fuzz/%: $(BUILD)/obj/tests/fuzz/%.o $(FUZZ_PARTS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(link) -fsanitize=fuzzer $(LIBS) -o $@
$(BUILD)/replay/%: $(BUILD)/obj/tests/fuzz/%.o $(BUILD)/obj/tests/fuzz/replay.o $(FUZZ_PARTS)
	@mkdir -p $(@D)
	$(call say,LD,$@)$(link) $(LIBS) -o $@

# clang-tidy takes seconds a file: a stamp remembers what passed. The static analyser reads what
# ships; over tests it would ask about deliberate mistakes.
$(BUILD)/lint/%.tidy: %.c .clang-tidy
	@mkdir -p $(@D)
	$(call say,TIDY,$<)tests/lint/tidy.sh $(CLANG_TIDY) $< \
	    $(if $(filter tests/%,$<),--checks=-clang-analyzer-*) -- \
	    -std=c2x -D_GNU_SOURCE $(call inc,$<)
	@$(CLANG) -std=c2x -D_GNU_SOURCE $(call inc,$<) -MM -MP -MT $@ -MF $(@:.tidy=.d) $<
	@touch $@

# objects are kept: they are the incremental build
.SECONDARY:
-include $(patsubst %.c,$(BUILD)/obj/%.d,$(C_SRC)) $(patsubst %.c,$(BUILD)/lint/%.d,$(C_SRC))
-include $(wildcard $(BUILD)/*.so.d)
