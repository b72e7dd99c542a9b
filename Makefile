# redistill: one target a stage, each a file made from the files before it.
#
#   make                                   the embedded recipe, from fetch to report.html
#   make train RUN=slow ARGS="--learning-rate 2e-5"
#                                          one more run with a parameter changed; all before it is kept
#   make logits LAUNCH=slurm SHARDS=16     the teacher's work as a Slurm job array; LAUNCH=local: as processes here
#   make help                              every target
#
# Make decides by the timestamps of the manifests; a stage that is started decides by fingerprint, and when
# its artifact is already right only touches the manifest. ARGS of a stage are remembered in data/runs/RECIPE/args:
# changed ones run it again, the same ones do not, and a later stage does not reset an earlier one's.

RECIPE = smollm2
RUN = main
ARGS =
LAUNCH =
SHARDS =
TSX = node --import tsx

recipe := data/recipes/$(RECIPE)
run := data/runs/$(RECIPE)
stages := fetch mix teacher logits train eval report

.PHONY: all help setup doctor status build api $(stages) publish plan test test-real test-slurm check format bench study compare cache-gc clean FORCE
.SUFFIXES:

all: report ## every stage, up to the report (the default)

help: ## this list
	@echo 'make TARGET [RECIPE=$(RECIPE)] [RUN=$(RUN)] [ARGS="--KEY VALUE"] [LAUNCH=slurm|local SHARDS=N]'
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo 'recipes: $(notdir $(wildcard data/recipes/*))'

# ---- Set-up: Node packages from the lock file, then TensorFlow. Both stamps live in node_modules, so they go with it.

packages := node_modules/.installed-lock.json
tensorflow := node_modules/@tensorflow/tfjs-node-gpu/setup.json

setup: $(packages) ## Node packages and TensorFlow (every stage does this by itself)
	@$(TSX) stages/setup.ts

doctor: $(packages) ## what is on this machine, what is missing, how fast it is
	@$(TSX) stages/doctor.ts

# Anew only for another lock file; npm's own record is newer than that after an "npm install" by hand.
$(packages): package-lock.json
	@command -v npm >/dev/null || { echo 'setup: npm not found; install Node.js 20.19 or later' >&2; exit 1; }
	@cmp -s $< $@ || test node_modules/.package-lock.json -nt $< || npm ci --no-audit --no-fund
	@cp $< $@

$(tensorflow): $(packages) $(addprefix pipeline/setup/,installTensorflow.ts tensorflowBuilds.ts) $(wildcard pipeline/engine/native/*)
	@$(TSX) stages/setup.ts

# ---- ARGS: given to the one stage asked for, read from its file by all others.

asked := $(filter $(stages),$(MAKECMDGOALS))
ifneq ($(strip $(ARGS)),)
ifneq ($(words $(asked)),1)
$(error ARGS is for one stage: name exactly one of $(stages))
endif
endif

# Only train has its own for each RUN: scores are compared between runs, so all are taken with the same ARGS.
args_file = $(run)/args/$1$(if $(filter train,$1),-$(RUN))
stored = $(shell cat $(call args_file,$1) 2>/dev/null)
differs = $(subst |$(strip $1)|,,|$(strip $2)|)
changed := $(foreach stage,$(asked),$(if $(call differs,$(ARGS),$(call stored,$(stage))),$(stage)))

# The YAML file of a stage.
config_fetch := sources
$(foreach stage,mix teacher logits train eval,$(eval config_$(stage) := $(stage)))

# The arguments of a stage, and what makes it stale when they change (nothing, if it never had any).
args = $(if $(filter $1,$(asked)),$(ARGS),$(call stored,$1))
args_stamp = $(if $(filter $1,$(changed)),$(call args_file,$1),$(wildcard $(call args_file,$1)))

# A mistake in them is told before they are stored, so that the next make does not repeat it.
$(foreach stage,$(changed),$(call args_file,$(stage))): FORCE | $(packages)
	@$(if $(strip $(ARGS)),$(TSX) stages/$(asked).ts --check $(addprefix --config ,$(wildcard $(recipe)/$(config_$(asked)).yaml)) $(ARGS))
	@mkdir -p $(@D)
	@printf '%s\n' '$(subst ','\'',$(strip $(ARGS)))' > $@

ifneq ($(filter before teacher,$(RUN)),)
$(error RUN=$(RUN) is what eval calls the $(if $(filter before,$(RUN)),untrained student,teacher); take another name)
endif

# ---- LAUNCH and SHARDS: how the logits are made, not what they are, so they make nothing stale.

ifneq ($(strip $(LAUNCH)$(SHARDS)),)
ifeq ($(filter $(LAUNCH),slurm local),)
$(error LAUNCH="$(LAUNCH)": expected slurm or local, with SHARDS, the number of shares)
endif
ifeq ($(shell echo '$(SHARDS)' | grep -x '[1-9][0-9]*'),)
$(error SHARDS="$(SHARDS)": expected the number of shares, such as SHARDS=8)
endif
endif

logits_stage := stages/$(if $(LAUNCH),launch.ts --launch $(LAUNCH) --shards $(SHARDS),logits.ts)

ifneq ($(filter publish,$(MAKECMDGOALS)),)
ifeq ($(strip $(REPO)),)
$(error publish needs the repository on the Hub: make publish REPO=ORG/NAME)
endif
endif

# ---- Stages, in flow order. Set-up is order-only: it must be there, but makes nothing stale. New ARGS come first, so that
# a mistake in them is told before hours of other stages.

ifneq ($(filter all clean plan status compare publish $(stages),$(or $(MAKECMDGOALS),all)),)
ifeq ($(wildcard $(recipe)/*.yaml),)
$(error no recipe "$(RECIPE)" in data/recipes; RECIPE is one of: $(notdir $(wildcard data/recipes/*)))
endif
endif

sources := $(run)/sources.json
mix := $(run)/mix/manifest.json
teacher := $(run)/teacher/manifest.json
logits := $(run)/logits/manifest.json
train := $(run)/train/$(RUN)/manifest.json
before := $(run)/eval/before/manifest.json
# Written last, after the manifest beside it.
eval := $(run)/eval/$(RUN)/comparison.json
judged := $(run)/eval/teacher/manifest.json
report := $(run)/report.html

# The YAML file among the prerequisites of a stage.
config = $(filter $(recipe)/%.yaml,$^)

# Manifests are committed whole: an interrupt must not make make delete them.
.PRECIOUS: $(sources) $(mix) $(teacher) $(logits) $(train) $(before) $(eval) $(judged) $(report)

fetch: $(sources) ## models, datasets and benchmarks into the Hugging Face cache
mix: $(mix) ## the training text, as tokens
teacher: $(teacher) ## the quantized teacher
logits: $(logits) ## the teacher's top-k logits over the mix
train: $(train) ## the student RUN, from mix and logits
eval: $(before) $(eval) $(if $(EVAL_TEACHER),$(judged)) ## scores of the student before training and of the student RUN (EVAL_TEACHER=1: the teacher's too)
report: $(report) ## one page about all of it

# Asked for by name it looks again, as files on this machine may have changed under their names.
$(sources): $(call args_stamp,fetch) $(recipe)/sources.yaml $(if $(filter fetch,$(asked)),FORCE) | $(tensorflow)
	$(TSX) stages/fetch.ts --config $(config) --recipe $(recipe) --out $(@D) $(call args,fetch)

$(mix): $(call args_stamp,mix) $(recipe)/mix.yaml $(sources) | $(tensorflow)
	$(TSX) stages/mix.ts --config $(config) --tokenizer $(run)/sources/student --out $(@D) $(call args,mix)

$(teacher): $(call args_stamp,teacher) $(recipe)/teacher.yaml $(sources) | $(tensorflow)
	$(TSX) stages/teacher.ts --config $(config) --model $(run)/sources/teacher --out $(@D) $(call args,teacher)

$(logits): $(call args_stamp,logits) $(recipe)/logits.yaml $(mix) $(teacher) | $(tensorflow)
	$(TSX) $(logits_stage) --config $(config) --mix $(run)/mix --teacher $(run)/teacher --original $(run)/sources/teacher --out $(@D) $(call args,logits)

$(train): $(call args_stamp,train) $(recipe)/train.yaml $(mix) $(logits) | $(tensorflow)
	$(TSX) stages/train.ts --config $(config) --mix $(run)/mix --logits $(run)/logits --student $(run)/sources/student --out $(@D) $(call args,train)

evaluate = $(TSX) stages/eval.ts --config $(config) --mix $(run)/mix --logits $(run)/logits --out $(@D) $(call args,eval)

$(before): $(call args_stamp,eval) $(recipe)/eval.yaml $(logits) | $(tensorflow)
	$(evaluate) --model $(run)/sources/student

$(eval): $(call args_stamp,eval) $(recipe)/eval.yaml $(logits) $(train) $(before) | $(tensorflow)
	$(evaluate) --model $(run)/train/$(RUN)/model --before $(run)/eval/before

$(judged): $(call args_stamp,eval) $(recipe)/eval.yaml $(logits) | $(tensorflow)
	$(evaluate) --model $(run)/teacher

$(report): $(before) $(eval) $(wildcard $(run)/train/*/manifest.json $(run)/eval/*/manifest.json) $(call args_stamp,report) | $(tensorflow)
	$(TSX) stages/report.ts --run $(run) --out $@ $(call args,report)

plan: | $(tensorflow) ## what RECIPE takes: downloads, disk, memory, time, money; fetches nothing but headers
	@$(TSX) stages/plan.ts --recipe $(recipe) --run $(run)

status: $(packages) ## what is made, stale or at work, and what the next make would do
	@$(TSX) stages/status.ts --run $(run) --student $(RUN)

compare: $(packages) ## the runs of RECIPE side by side: what differs, and their final figures
	@$(TSX) stages/compare.ts --run $(run)

publish: | $(tensorflow) ## the student RUN to the Hugging Face Hub: REPO=ORG/NAME [PRIVATE=1]; DRY_RUN=1 only writes it to a folder
	@$(TSX) stages/publish.ts --run $(run) --name $(RUN) --repo '$(REPO)' $(if $(PRIVATE),--private) $(if $(DRY_RUN),--dry-run)

# ---- The project itself.

test: | $(tensorflow) ## all tests; ends with "N passed, N failed"
	@$(TSX) test/runTests.ts

# The figures to stderr; what is not there (the embedded recipe's run, ../shared, REDISTILL_PYTHON) is skipped by name.
real := $(wildcard test/real/*.real.ts) $(addprefix test/,hub/embeddedModel.test.ts hub/pythonCache.test.ts mix/tokenizer.test.ts \
  mix/tokensArrow.test.ts logits/logitsShard.test.ts teacher/quantizeHqq.test.ts train/distillationLoss.test.ts \
  train/student.test.ts train/cachedLoss.test.ts)

test-real: | $(tensorflow) ## against transformers and pyarrow, on the real model of a finished run; kill -9
	@$(TSX) test/runTests.ts --jobs=1 --timeout=1800 $(real)

test-slurm: | $(tensorflow) ## the job array, on a one-node Slurm cluster of its own (apt installs slurm-wlm and munge)
	@$(TSX) test/runTests.ts --jobs=1 --timeout=1800 $(wildcard test/slurm/*.slurm.ts)

dist := dist/index.js

build: $(dist) ## the library as JavaScript with types, in dist/ (what `import ... from 'redistill'` finds)

# What is no TypeScript (tasks, tables, the page's style) lies beside the code that reads it.
$(dist): tsconfig.build.json $(shell find pipeline -type f) | $(packages)
	@rm -rf dist
	@node_modules/.bin/tsc -p $<
	@tar -C pipeline -c --exclude='*.ts' . | tar -C dist -x

api: $(packages) ## the library's reference, dist/api/index.html
	@node_modules/.bin/typedoc

check: | $(tensorflow) ## formatting, lint, types, tests
	node_modules/.bin/prettier --check .
	node_modules/.bin/eslint .
	node_modules/.bin/tsc --noEmit
	@$(MAKE) --no-print-directory test

format: | $(packages) ## rewrite the sources in the house format
	node_modules/.bin/prettier --write .

bench: | $(tensorflow) ## our speed and memory against the alternatives
	$(TSX) test/bench/bench.ts

study: $(sources) ## does it work: KD beside cross-entropy alone on GSM8K of ../shared (most of an hour)
	@$(TSX) test/study/gsm8kStudy.ts --recipe $(recipe) --sources $(run)/sources --out data/runs/study

cache-gc: $(packages) ## remove logits that no manifest refers to; DRY_RUN=1 only lists them
	@$(TSX) stages/cacheGc.ts --runs $(run) $(if $(DRY_RUN),--dry-run)

clean: ## remove what the runs of RECIPE made (not the Hugging Face cache)
	rm -rf $(run)
