# `make help` is generated from the comments behind the targets.

GO       ?= go
VERSIONS ?= 14 16 17 18
FUZZTIME ?= 30s
SOAKTIME ?= 1h
SOAKVIEWS ?= 20000
SOAKSEED ?= 1
SOAKRUNS ?= 5
# For all tests of one package; the slowest needs a fraction of it on two cores.
TIMEOUT  ?= 30m

BIN := bin/stepping-cdc
export CGO_ENABLED ?= 0

.DEFAULT_GOAL := help
.PHONY: help build demo test matrix soak bench bench-full lint fuzz clean postgres

help: ## show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

build: ## build bin/stepping-cdc, a static binary
	$(GO) build -trimpath -o $(BIN) ./cmd/stepping-cdc

demo: build ## a shop on a throw-away Postgres, live writers, and the tables that follow them
	$(BIN) demo

test: postgres ## go vet and all tests; gets a Postgres if none is installed
	$(GO) vet ./...
	$(GO) test -timeout $(TIMEOUT) ./...

matrix: ## all tests on each Postgres of VERSIONS, here 14 16 17 18
	@set -e; for v in $(VERSIONS); do \
		echo "== PostgreSQL $$v"; \
		$(GO) run ./embedded/getpg -version $$v; \
		STEPPING_TEST_PG_VERSION=$$v $(GO) test -count=1 -timeout $(TIMEOUT) ./...; \
	done

soak: postgres ## SOAKVIEWS random queries, SOAKRUNS times other histories, then random faults under load for SOAKTIME, here 1h
	cd plan && STEPPING_VIEWS=$(SOAKVIEWS) STEPPING_SEED=$(SOAKSEED) STEPPING_SHRINK=1 GOGC=300 $(GO) test -count=1 -timeout 0 -run TestRandomViewsEqualPostgres
	STEPPING_NEW_SEEDS=1 $(GO) test -count=$(SOAKRUNS) -timeout 0 ./pipeline
	STEPPING_SOAK=$(SOAKTIME) $(GO) test -count=1 -timeout 0 -v -run Soak ./pipeline/...

bench: postgres ## the whole program against its aims, in less than ten minutes
	$(GO) run ./bench -seconds 10

bench-full: postgres ## Go benchmarks, then every experiment at scale 1
	$(GO) test -run '^$$' -bench . -benchmem ./circuit/... ./decode/... ./values/...
	$(GO) run ./bench -scale 1 -only all

lint: ## formatting, go vet, and golangci-lint where it is installed
	@unformatted=$$(gofmt -l $$(git ls-files -co --exclude-standard '*.go')); \
	if [ -n "$$unformatted" ]; then echo "not formatted by gofmt:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet ./...
	@if command -v golangci-lint >/dev/null; then golangci-lint run ./...; \
	else echo "golangci-lint is not installed: only gofmt and go vet were run"; fi

fuzz: ## every fuzz test for FUZZTIME, here 30s
	@set -e; for pkg in $$($(GO) list ./...); do \
		for f in $$($(GO) test -list '^Fuzz' $$pkg | grep '^Fuzz' || true); do \
			echo "== $$pkg $$f"; \
			$(GO) test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) $$pkg; \
		done; \
	done

clean: ## remove what was built; downloads of Postgres stay in the user's cache
	rm -rf bin coverage.out
	$(GO) clean -testcache

# Before the tests, so that a download is seen and does not count against their time.
postgres:
	@$(GO) run ./embedded/getpg
