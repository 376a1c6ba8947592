// Package profile reads cards from YAML. The built-in ones are embedded; a file
// of the same form makes a new card without touching code. A profile selects
// among named behaviours and holds values; it holds no conditions.
package profile

import (
	"embed"
	"errors"
	"fmt"
	"slices"
	"strings"

	"tapsim/hce"
	"tapsim/internal/config"
)

//go:embed *.yaml
var builtIn embed.FS

// extension of profile files.
const extension = ".yaml"

// Names lists the built-in cards in alphabetical order.
func Names() []string {
	entries, err := builtIn.ReadDir(".")
	if err != nil {
		panic(err) // the directory is part of the program
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = strings.TrimSuffix(e.Name(), extension)
	}
	slices.Sort(names) // "-" comes before the extension's "."
	return names
}

// Load reads a built-in card. Its GoodFor says in a line what it is for.
func Load(name string) (hce.Profile, error) {
	data, err := builtIn.ReadFile(name + extension)
	if err != nil {
		return hce.Profile{}, fmt.Errorf("there is no built-in card %q; there are %s; a card of your own is a file with a name ending in %s",
			name, strings.Join(Names(), ", "), extension)
	}
	return Parse(name+extension, data)
}

// LoadFile reads a card from a file.
func LoadFile(path string) (hce.Profile, error) {
	data, err := config.ReadFile(path)
	if err != nil {
		return hce.Profile{}, err
	}
	return Parse(path, data)
}

// Parse reads a card from YAML. name stands for the file in errors, which tell
// the line. What Parse returns, hce.New accepts.
func Parse(name string, data []byte) (hce.Profile, error) {
	var f file
	if err := config.Decode(name, data, &f); err != nil {
		return hce.Profile{}, err
	}
	lines := config.Positions(data)
	p, err := f.profile(lines)
	if err == nil {
		err = p.Check()
	}
	if err == nil && p.Defect != "" && !p.Signs() {
		err = fault("certificates.defect", "the card does not sign, and so has no certificates")
	}
	var fault *hce.ProfileError
	if errors.As(err, &fault) {
		return hce.Profile{}, fmt.Errorf("%s:%d: %w", name, lineOf(lines, fault.Field), err)
	}
	if err != nil {
		return hce.Profile{}, fmt.Errorf("%s: %w", name, err)
	}
	return p, nil
}

// lineOf is the line of a field, of what encloses it when it is missing, or the
// first.
func lineOf(lines map[string]int, field string) int {
	for {
		if n, ok := lines[field]; ok {
			return n
		}
		cut := strings.LastIndexAny(field, ".[")
		if cut < 0 {
			return 1
		}
		field = field[:cut]
	}
}
