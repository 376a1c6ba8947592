# Names for the commands that people type.

.PHONY: build check test fuzz rounds update demo story bench

# Real readers need C: the tag is added where a compiler and libpcsclite's headers
# are (macOS has its own PC/SC).
PCSC := $(shell command -v cc >/dev/null && { [ "$$(uname)" = Darwin ] || pkg-config --exists libpcsclite 2>/dev/null; } && echo pcsc)

build:
	CGO_ENABLED=$(if $(PCSC),1,0) go build -trimpath -tags '$(PCSC)' -o tapsim ./cmd/tapsim

check:
	.ci/run

test:
	go test ./...

fuzz:
	.ci/fuzz 1m

rounds:
	.ci/rounds 20

update:
	go test ./... -run Golden -update

demo:
	go run ./cmd/tapsim pay --amount 12.50 --state :memory:

# The README's life of a card in a wallet, in a folder of its own.
story: build
	@sed -n '/^## The life of a card/,/^## A bank/s/^    //p' README.md >story.sh
	@here="$$PWD"; cd "$$(mktemp -d)" && mv "$$here/story.sh" . && PATH="$$here:$$PATH" sh -ex story.sh

bench:
	go test -run '^$$' -bench . -benchmem ./...
