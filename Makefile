# One verb each. `make test` is all tests, `make check` is what a change must pass besides, `make update` rewrites the goldens.
.PHONY: build test update check bench bench-check bench-update fuzz sim kills mutants clean

export CGO_ENABLED := 0

build:
	go build -trimpath -o bin/pipec ./cmd/pipec

test:
	go vet -structtag=false ./...
	go test ./...

update:
	PIPEC_UPDATE=1 go test ./...

check: test
	@test -z "$$(gofmt -l .)" || { echo "not formatted:"; gofmt -l .; exit 1; }
	go mod tidy -diff
	@test -z "$$(git status --porcelain)" || { echo "the tree is dirty:"; git status --short; exit 1; }

BENCH := go test -run '^$$' -bench . -benchtime 5x -timeout 1h ./spec/bench

bench:
	$(BENCH) | go run ./spec/bench

bench-check:
	$(BENCH) | go run ./spec/bench -check

bench-update:
	$(BENCH) | go run ./spec/bench -write

fuzz:
	go test -run '^$$' -fuzz FuzzParse -fuzztime 60s ./grammar
	go test -run '^$$' -fuzz FuzzJSON -fuzztime 60s ./connector/format

# What the standing budget does more often: scenarios in the simulator, real kills, and proof that both would notice (docs/crashes.md).
sim:
	go test ./spec -run 'TestSim$$' -seeds 10000 -timeout 60m -v

kills:
	go test ./cmd/pipec -run 'TestKills$$' -kills 1000 -timeout 120m -v

mutants:
	mutants/run.sh

clean:
	rm -rf bin out .pipec
