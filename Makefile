# Names for the commands that people type; no logic here.

.PHONY: build check test fuzz update demo bench

build:
	CGO_ENABLED=0 go build -trimpath -o tapsim ./cmd/tapsim

check:
	.ci/run

test:
	go test ./...

fuzz:
	.ci/fuzz 1m

update:
	go test ./... -run Golden -update

demo:
	go run ./cmd/tapsim pay --amount 12.50 --state :memory:

bench:
	go test -run '^$$' -bench . -benchmem ./...
