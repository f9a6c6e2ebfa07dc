# Everything a developer or CI runs. `make help` lists it.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
export CGO_ENABLED ?= 0

# Tools are pinned in tools/go.mod, apart from what the program itself needs, and from the S3 server of tests.
SQLC := go tool -modfile=tools/go.mod sqlc
LINT := go tool -modfile=tools/go.mod golangci-lint

.PHONY: help
help: ## Print this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

.PHONY: run
run: setup build ## Start everything with demo data; Ctrl-C stops it. Options: make run ARGS="--addr 127.0.0.1:9000"
	@exec bin/fanfare dev $(ARGS)

.PHONY: test
test: setup dashboard browser s3server ## Run the tests, the long proofs in their short form
	go test -short -timeout 25m $(TESTFLAGS) ./e2e ./jobs ./... # what takes longest begins first

.PHONY: prove
prove: setup dashboard browser s3server ## Run the tests with the long proofs whole (kills, fuzz)
	FANFARE_PROVE=1 go test -timeout 60m $(TESTFLAGS) ./e2e ./jobs ./...
	tools/fuzz

.PHONY: build
build: dashboard ## Build bin/fanfare; the first time takes a few minutes
	@[[ -e bin/fanfare ]] || echo "building bin/fanfare; the first time takes a few minutes"
	@mkdir -p bin
	go build -o bin/fanfare .

# Go builds what is in web/dist into the program.
web_sources := $(shell find web -type d \( -name node_modules -o -name dist \) -prune -o -type f ! -name '*.go' -print)

.PHONY: web
web: $(if $(wildcard web/package.json),web/dist/index.html) ## Build the dashboard, if its sources have changed

web/dist/index.html: $(web_sources) web/node_modules/.package-lock.json
	@find web/dist -mindepth 1 ! -name .gitkeep -delete
	npm --prefix web run build
	@touch $@

web/node_modules/.package-lock.json: web/package-lock.json
	@tools/ensure-node
	npm --prefix web ci --no-audit --no-fund
	@touch $@

.PHONY: dashboard
dashboard: # build the dashboard where Node.js is or can be; the program works without it
	@if [[ ! -e web/package.json ]]; then :; elif tools/ensure-node; then $(MAKE) --no-print-directory web; else echo "the program is built without the dashboard"; fi

.PHONY: setup
setup: # install what the machine lacks
	@tools/ensure-postgres

.PHONY: browser
browser: # install what the browser tests drive
	@tools/ensure-chromium

.PHONY: s3server
s3server: # build the S3 server that tests start; Go's build cache keeps it
	@go tool -modfile=tools/versitygw/go.mod -n versitygw >/dev/null

.PHONY: lint
lint: web/node_modules/.package-lock.json ## Run the linters
	$(LINT) run ./...
	npm --prefix web run lint

.PHONY: generate
generate: web/node_modules/.package-lock.json ## Make the generated files anew: queries, OpenAPI document, db/schema.sql
	$(SQLC) vet
	$(SQLC) generate
	go run . openapi > api/openapi.yaml.new && mv api/openapi.yaml.new api/openapi.yaml
	npm --prefix web run generate
	go run ./db/schemadump

.PHONY: check
check: web/node_modules/.package-lock.json ## Fail if a generated file is stale or go.mod is untidy
	$(SQLC) vet
	$(SQLC) diff
	go run . openapi | diff -u api/openapi.yaml - || { echo "api/openapi.yaml is stale: run make generate"; exit 1; }
	npm --prefix web run --silent check
	go run ./db/schemadump --check
	go mod tidy -diff
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { gofmt -l $$(git ls-files '*.go'); echo "run gofmt"; exit 1; }

.PHONY: screenshots
screenshots: setup dashboard browser ## Take the pictures of the dashboard in docs/screenshots anew
	FANFARE_SCREENSHOTS=$(CURDIR)/docs/screenshots go test -short -count 1 ./e2e -run TestDashboardPages

.PHONY: bench
bench: setup ## Run the benchmarks (see docs/performance.md)
	go run ./bench b1

.PHONY: clean
clean: ## Remove what was built; development data (.fanfare) stays
	rm -rf bin
	find web/dist -mindepth 1 ! -name .gitkeep -delete
