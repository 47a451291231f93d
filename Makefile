# What people and the pipeline do here. Tools are pinned in .ci/tools and built into bin/ once.

SHELL       := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:

# One set of build flags for everything: another set would compile every dependency again.
export CGO_ENABLED ?= 0
export GOFLAGS     += -trimpath

VERSION  ?= $(shell git describe --tags --always --dirty 2>/dev/null || echo devel)
# Runs of each fuzz test. A time such as 10m does too, but go then now and then fails a test that was just ending
# (go.dev/issue/75804): CI counts.
FUZZTIME ?= 10000x
SCENARIO ?= smoke
SOAK     ?= 30m
# What proto-breaking compares with: the last release, or else main, here or at origin.
REF      ?= $(or $(shell git describe --tags --abbrev=0 2>/dev/null),$(shell git for-each-ref --count=1 --format='%(refname)' refs/heads/main refs/remotes/origin/main 2>/dev/null),HEAD)

TOOLS         := .ci/tools
BUF           := $(TOOLS)/node_modules/.bin/buf
NODE_TOOLS    := $(TOOLS)/node_modules/.package-lock.json
PLUGINS       := $(addprefix bin/,protoc-gen-go protoc-gen-connect-go protoc-gen-go-grpc protoc-gen-connect-openapi)
PROTOVALIDATE := github.com/bufbuild/protovalidate@v1.2.2
VALIDATE      := .deps/protovalidate/buf/validate/validate.proto
ENT_FEATURES  := sql/upsert,sql/lock,sql/execquery,sql/modifier,sql/versioned-migration
HANDWRITTEN    = git ls-files -co --exclude-standard '*.go' ':!gen' ':!ent/db'

.PHONY: help
help: ## Show this list
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / {printf "  %-15s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

##### Tools

bin/protoc-gen-go:              pkg := google.golang.org/protobuf/cmd/protoc-gen-go
bin/protoc-gen-connect-go:      pkg := connectrpc.com/connect/cmd/protoc-gen-connect-go
bin/protoc-gen-go-grpc:         pkg := google.golang.org/grpc/cmd/protoc-gen-go-grpc
bin/protoc-gen-connect-openapi: pkg := github.com/sudorandom/protoc-gen-connect-openapi
bin/ent:                        pkg := entgo.io/ent/cmd/ent
bin/grpcurl:                    pkg := github.com/fullstorydev/grpcurl/cmd/grpcurl
bin/benchstat:                  pkg := golang.org/x/perf/cmd/benchstat
bin/stripe-mock:                pkg := github.com/stripe/stripe-mock

bin/%: $(TOOLS)/go.mod
	go build -C $(<D) -o $(CURDIR)/$@ $(pkg)

bin/golangci-lint: $(TOOLS)/lint/go.mod
	go build -C $(<D) -o $(CURDIR)/$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

bin/temporal: $(TOOLS)/temporal/go.mod
	go build -C $(<D) -ldflags '-s -w' -o $(CURDIR)/$@ github.com/temporalio/cli/cmd/temporal

bin/k6: $(TOOLS)/k6/go.mod
	go build -C $(<D) -ldflags '-s -w' -o $(CURDIR)/$@ go.k6.io/k6

# Not `npm ci`, which insists on lock entries for buf's binaries of every platform.
$(NODE_TOOLS): $(TOOLS)/package.json $(TOOLS)/package-lock.json
	npm install --prefix $(TOOLS) --no-save --ignore-scripts
	@touch $@

$(VALIDATE): Makefile
	@mkdir -p $(@D)
	cp -f "$$(go mod download -json $(PROTOVALIDATE) | sed -n 's/.*"Dir": "\(.*\)".*/\1/p')/proto/protovalidate/buf/validate/validate.proto" $@

.PHONY: tools
tools: $(NODE_TOOLS) $(VALIDATE) $(PLUGINS) bin/ent bin/golangci-lint bin/grpcurl bin/benchstat bin/stripe-mock ## Build every tool the other targets build when they need it

##### Generated code

.PHONY: generate
generate: gen $(if $(wildcard ent/schema),ent/db) ## Generate gen/ from proto/, ent/db/ from ent/schema/

.PHONY: gen
gen: $(NODE_TOOLS) $(VALIDATE) $(PLUGINS)
	$(BUF) generate

# ent reads the package's path from the target folder, so that one must hold a package already.
.PHONY: ent/db
ent/db: bin/ent
	rm -rf $@
	mkdir $@
	echo 'package db' >$@/ent.go
	bin/ent generate --feature $(ENT_FEATURES) --target ./$@ ./ent/schema

.PHONY: checkgenerate
checkgenerate: generate ## Fail if the generated code differs from what is committed
	@changed=$$(git status --porcelain -- gen ent/db); [ -z "$$changed" ] || \
	  { git --no-pager diff -- gen ent/db; echo "$$changed"; echo "Run 'make generate' and commit the result."; exit 1; }

.PHONY: slo
slo: ## Generate deploy/prometheus/rules.yaml from the objectives in deploy/slo/
	go run ./deploy/slo >deploy/prometheus/rules.yaml

.PHONY: dashboards
dashboards: ## Generate deploy/grafana/dashboards/ from the code in deploy/grafana/
	go run ./deploy/grafana

.PHONY: proto-lint
proto-lint: $(NODE_TOOLS) $(VALIDATE) ## Lint proto/ and check its formatting
	$(BUF) lint
	$(BUF) format proto --diff --exit-code

.PHONY: proto-format
proto-format: $(NODE_TOOLS) ## Format proto/
	$(BUF) format proto --write

.PHONY: proto-breaking
proto-breaking: $(NODE_TOOLS) $(VALIDATE) ## Refuse changes to proto/ that break users of REF (default main)
	@git cat-file -e $(REF):proto 2>/dev/null || { echo "$(REF) has no proto/ yet: nothing to break"; exit 0; }; \
	old=$$(mktemp -d); trap 'rm -rf "$$old"' EXIT; \
	git archive $(REF) buf.yaml proto | tar -x -C "$$old"; cp -r .deps "$$old"; \
	$(BUF) breaking --against "$$old"

.PHONY: migrate-new
migrate-new: ## Write the migrations that ent/schema/ now needs: make migrate-new name=add_orders
	go run ./ent/migrate new $(or $(name),$(error say name=…))

.PHONY: migrate-initial
migrate-initial: ## Write the first migration anew, as long as nothing is released
	go run ./ent/migrate initial

.PHONY: migrate-check
migrate-check: ## Fail if ent/schema/ and ent/migrations/ disagree
	go run ./ent/migrate check

##### The program

.PHONY: build
build: ## Build bin/orderprocessing
	go build -ldflags '-s -w -X main.version=$(VERSION)' -o bin/orderprocessing ./cmd/orderprocessing

.PHONY: run
run: build ## Build and serve, with SQLite in ./data and no setup
	bin/orderprocessing serve

##### Checks

.PHONY: fmt
fmt: proto-format ## Format Go and proto files
	@$(HANDWRITTEN) | xargs -r gofmt -w

.PHONY: lint
lint: proto-lint bin/golangci-lint ## gofmt, go vet, golangci-lint, buf lint, buf format
	@unformatted=$$($(HANDWRITTEN) | xargs -r gofmt -l); [ -z "$$unformatted" ] || \
	  { echo "$$unformatted"; echo "Run 'make fmt'."; exit 1; }
	go vet -tags temporal,consul,apart,vault,collector,drill ./...
	bin/golangci-lint run --allow-parallel-runners

.PHONY: test
test: build bin/grpcurl ## All tests; installs PostgreSQL, Redis and Prometheus if they are missing and starts its own
	.ci/deps
	go test -timeout 20m ./...
	.ci/test-ts

.PHONY: tour
tour: build bin/grpcurl ## Run the commands of the README and compare what they print
	node .ci/tour.mjs

.PHONY: test-short
test-short: ## The tests of the packages that need no Postgres or Redis, under a minute
	go test $$(go list -f '{{.ImportPath}} {{.TestImports}} {{.XTestImports}}' ./... | grep -Ev '/(pgtest|storetest|redistest)' | cut -d' ' -f1)

# Not what the detector makes ten times slower and tells little of: whole servers, which start processes, the contracts of
# stores on SQLite, whose C was translated, as they run on Postgres too, and generators.
.PHONY: test-race
test-race: ## The Go tests under the race detector, but for those of whole servers and of stores on SQLite
	.ci/deps
	CGO_ENABLED=1 go test -race -timeout 30m -skip '^(TestCrash|TestSQLiteStore|Test(One|Four)SQLiteShards?)$$|^TestSuite$$/^sqlite$$/^races$$' $$(go list ./... | grep -vE '/cmd/|/deploy/|/ent/migrate$$|/clients/replay$$|/server$$')

.PHONY: test-temporal
test-temporal: bin/temporal ## The tests of the Temporal engine on a real one; builds it the first time, which takes minutes
	.ci/deps
	go test -tags temporal -run 'TestServer|TestLifecycle_temporal' -timeout 30m ./server/saga/temporal ./server

bin/consul: $(TOOLS)/consul/go.mod
	go build -C $(<D) -ldflags '-s -w' -o $(CURDIR)/$@ github.com/hashicorp/consul

.PHONY: test-consul
test-consul: bin/consul ## The tests of discovery by Consul, on a real agent; builds it the first time, which takes minutes
	ORDERPROCESSING_TEST_CONSUL=$(CURDIR)/bin/consul go test -tags consul -count=1 -timeout 20m -run 'TestConsul|TestRegistration|TestLifecycle_consul|TestOutages_consul' ./server/discovery ./server ./cmd/orderprocessing

bin/vault: $(TOOLS)/vault/go.mod $(TOOLS)/vault/main.go
	go build -C $(<D) -ldflags '-s -w' -o $(CURDIR)/$@ .

.PHONY: test-vault
test-vault: bin/vault ## The tests of secrets on a real Vault and Postgres; builds it the first time, which takes minutes
	.ci/deps
	ORDERPROCESSING_TEST_VAULT=$(CURDIR)/bin/vault go test -tags vault -count=1 -timeout 10m -run TestVault ./server/secrets/vault ./cmd/orderprocessing

bin/collector: $(TOOLS)/collector/go.mod $(TOOLS)/collector/main.go
	go build -C $(<D) -ldflags '-s -w' -o $(CURDIR)/$@ .

.PHONY: test-collector
test-collector: bin/collector ## Traces and logs through a real collector, killed on the way; builds it the first time, which takes minutes
	.ci/deps
	ORDERPROCESSING_TEST_COLLECTOR=$(CURDIR)/bin/collector go test -tags collector -count=1 -timeout 10m -run '^TestCollector$$' ./cmd/orderprocessing

.PHONY: test-apart
test-apart: ## Two processes of each service, one killed every few seconds while orders are replayed
	.ci/deps
	go test -tags apart -v -count=1 -timeout 20m -run '^TestApart$$' ./cmd/orderprocessing

.PHONY: drill
drill: ## Break the gateway under load, and watch a real Prometheus and Alertmanager page and resolve
	.ci/deps
	go test -tags drill -v -count=1 -timeout 15m -run '^TestDrill$$' ./deploy/slo

.PHONY: chaos
chaos: ## Kill servers, Postgres and the bank many times while orders are replayed (a short form is in test)
	.ci/deps
	ORDERPROCESSING_TEST_CHAOS=long go test -v -count=1 -timeout 60m -run '^TestChaos$$' ./cmd/orderprocessing

.PHONY: outages
outages: ## Take Redis, a shard, the gateway and the collector away again and again while orders are placed (a short form is in test)
	.ci/deps
	ORDERPROCESSING_TEST_OUTAGES=long go test -v -count=1 -timeout 60m -run '^TestOutages$$' ./cmd/orderprocessing

.PHONY: k6
k6: build bin/k6 ## A k6 scenario against a server of its own: make k6 SCENARIO=smoke, or another of deploy/k6; builds k6 the first time
	.ci/with-server bash -c 'k6 run --no-usage-report deploy/k6/$(SCENARIO).js && orderprocessing verify'

.PHONY: soak
soak: build ## Offer a server of its own a usual rate for SOAK (default 30m) and fail when it grows
	ORDERPROCESSING_CACHE_MEMORY_BYTES=4194304 .ci/with-server go run ./server/bench/soak -for $(SOAK)

.PHONY: fuzz
fuzz: ## Run every fuzz test FUZZTIME (default 10000x)
	@for dir in $$(git grep -l --untracked '^func Fuzz' -- '*_test.go' | xargs -r dirname | sort -u); do \
	  names=$$(go test -list '^Fuzz' "./$$dir"); \
	  for name in $$(grep '^Fuzz' <<<"$$names"); do \
	    echo "$$dir $$name"; go test -run '^$$' -fuzz "^$$name\$$" -fuzztime $(FUZZTIME) "./$$dir"; \
	  done; \
	done

.PHONY: bench
bench: ## Measure orders a second on this machine, in turns with its floors; ends with 1 when an order is lost or wrong
	.ci/deps
	go run ./server/bench

# Those that need no database, so that ten turns take a few minutes.
BENCHMARKS ?= ./interceptors ./server/domain/card ./server/domain/id ./server/outbound ./server/ratelimit/memory ./server/store/coalesce

.PHONY: benchcmp
benchcmp: bin/benchstat ## Compare micro-benchmarks with REF, ten turns each: make benchcmp REF=v1.2.0 BENCHMARKS=./server/domain/id
	.ci/benchcmp $(REF) $(BENCHMARKS)

.PHONY: profile
profile: ## Draw what the server spends its CPU on while it confirms orders: confirm-*.pprof and a flame graph of each
	.ci/deps
	go run ./server/bench -run confirm -sustain 20 -profile confirm

.PHONY: ci
ci: ## What the pipeline runs
	.ci/run

.PHONY: clean
clean: ## Remove what was built or fetched; keeps ./data
	rm -rf bin .deps $(TOOLS)/node_modules clients/ts/node_modules clients/ts/dist
