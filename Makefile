# Every target sets up what it needs; nothing else has to be typed on a fresh machine. A Nix shell needs no .venv: there the
# programs are those on the PATH.
BIN := $(if $(IN_NIX_SHELL),,.venv/bin/)
export PATH := $(if $(IN_NIX_SHELL),,$(CURDIR)/.venv/bin:)$(PATH)
S30 := $(BIN)s30
NOX := $(BIN)nox --no-venv
RUN := $(BIN)python

.PHONY: readme verify test mutants setup session container container-push container-check nix-check lint run reproduce bench \
        agda-check assumptions verification-status telemetry figures claims lock clean help

verify: setup ## Verify every paper in every layer, with its claims; prints the table
	@$(S30) verify

test: setup ## Run all tests but the mutants
	@$(RUN) ci/run_tests.py --no-mutants

mutants: setup ## Every listed mistake in every layer must be rejected by the check that is named for it (a minute or two a paper); ARGS=--part
	@$(RUN) ci/run_tests.py --mutants $(ARGS)

setup: ## Create .venv and find libLLVM (nothing when that is done)
	@ci/setup.sh

run: setup ## Run one paper's layers: make run PAPER=26
	@$(S30) run $(PAPER)

reproduce: setup ## Measure one paper of the record again without a network: make reproduce PAPER=26
	@ci/reproduce.sh --paper $(PAPER)

lint: setup ## ruff, mypy, import-linter, GitHub's schema of workflows
	@$(NOX) -s lint workflows

session: ## Run one nox session in an environment of its own: make session SESSION=torch ARGS="--evidence evidence/torch"
	@ci/session.sh "$$SESSION" $$ARGS

container: ## Build the container image with Nix
	@ci/container.sh build

container-push: ## Build it and push it: make container-push IMAGE=ghcr.io/OWNER/NAME TAG=v1 (REGISTRY_USER, REGISTRY_TOKEN)
	@ci/container.sh push

nix-check: setup ## Evaluate the Nix flake offline; build it where nixpkgs can be had
	@$(NOX) -s nix

container-check: setup ## Run the Containerfile's steps in a fresh Debian (root; some minutes)
	@$(NOX) -s container

claims: setup ## Every claim, with the experiments' full profile
	@$(S30) verify --profile full --time-limit 900

figures: setup ## Draw the figures of every paper that is built, and the tables in its README, from the full profile
	@for paper in $$($(S30) list --json | $(RUN) -c 'import json, sys; print(*(p["id"] for p in json.load(sys.stdin) if p["built"]))'); do \
	  $(S30) train $$paper --profile full --time-limit 900 --save || exit 1; done

agda-check: setup ## Check every proof and print the theorems
	@$(S30) theorems

assumptions: setup ## Write agda/ASSUMPTIONS.md: every theorem by what it assumes
	@$(S30) theorems --assumptions > .s30/ASSUMPTIONS.md && mv .s30/ASSUMPTIONS.md agda/ASSUMPTIONS.md

bench: setup ## Time a cold sweep, a warm one, one edited file per layer, and growth with papers and workers (minutes); ARGS
	@$(RUN) ci/bench.py $(ARGS)

verification-status: setup ## Measure everything anew and write verification.yaml, on a clean tree (minutes)
	@$(S30) verify --profile full --time-limit 900 --record verification.yaml

readme: setup ## Refresh the table of results in README.md
	@$(S30) verify --readme README.md

telemetry: setup ## Is verification.yaml fresh?
	@$(S30) telemetry check

lock: ## Pin requirements/lock.in anew
	@python3 -m uv pip compile --generate-hashes --universal --fork-strategy fewest --python-version 3.11 --no-header \
	  --no-emit-index-url --quiet -o requirements/lock.txt requirements/lock.in

clean: ## Remove what is cached and installed
	@rm -rf .venv .s30 .nox

help: ## This list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/:[^#]*## /\t/' | expand -t 24
