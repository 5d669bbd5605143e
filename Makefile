# `make run` and `make test` do all the set-up they need, once. `make help` lists the rest.

# What `make run` asks the quickstart: make run ARGS='"What is the capital of France?"'
ARGS ?=
# A user's own model files in the place of the two that are fetched: COLLAB_SMALL=path.gguf make run
# (and COLLAB_LARGE); COLLAB_MODELS names another folder for the cache.

.DEFAULT_GOAL := help
.PHONY: run test models libraries lint format docs bench compare clean help

run:  ## Build the quickstart and run it on two real models
	@Scripts/run $(ARGS)

test:  ## Build and run all tests
	@Scripts/test

models:  ## Fetch the models (about 420 MB) into the cache, or make sure that they are there
	@Scripts/fetch-models
	@echo "The models are in $$(Scripts/fetch-models --path)."

libraries:  ## Install OpenBLAS, libcurl and SQLite where they are missing
	@Scripts/setup-libraries

lint:  ## Check the style of the sources
	@Scripts/lint

format:  ## Give the sources that style
	swift format -i -r -p Sources Tests Examples Benchmarks Package.swift

docs:  ## Build the documentation, warnings being errors
	@Scripts/docs

bench: libraries models  ## Run the benchmarks: make bench ARGS="engine --json"
	swift run -c release --package-path Benchmarks collab-bench $(ARGS)

compare: libraries  ## Exchange merged models: make compare ARGS="--torch PYTHON --mergekit PYTHON --llama PYTHON"
	swift build --product merge
	@Scripts/compare-merged-models $(ARGS)

clean:  ## Remove what was built (the models stay in their cache)
	swift package clean
	rm -rf .build/test.log .build/docs

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile
