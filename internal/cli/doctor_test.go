package cli

import (
	"errors"
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"tapsim/reader/pcsc"
)

// healthy is a machine on which nothing is missing.
func healthy() *machine {
	return &machine{
		goos: "linux", built: true, socket: "/run/pcscd/pcscd.comm",
		exists: func(string) bool { return true }, program: func(string) bool { return true },
		dial:    func(string) error { return nil },
		readers: func() ([]pcsc.Info, error) { return []pcsc.Info{{Name: "A"}, {Name: "B"}}, nil },
	}
}

func TestDoctorFindsWhatIsMissing(t *testing.T) {
	none := func(string) bool { return false }
	for _, c := range []struct {
		name   string
		spoil  func(*machine)
		failed string // names of what is missing
		fix    string
	}{
		{"nothing", func(*machine) {}, "", ""},
		{"the tag", func(m *machine) {
			m.built, m.readers = false, func() ([]pcsc.Info, error) { return nil, pcsc.ErrNotBuilt }
		}, "program readers", "make build"},
		{"tag and headers", func(m *machine) {
			m.built, m.readers = false, func() ([]pcsc.Info, error) { return nil, pcsc.ErrNotBuilt }
			m.program = none
		}, "program headers readers", "apt-get install libpcsclite-dev pkg-config"},
		{"the headers of a built program", func(m *machine) {
			m.exists = func(p string) bool { return !strings.Contains(p, "winscard") }
		}, "", ""},
		{"pcscd", func(m *machine) {
			m.dial = func(string) error { return fs.ErrNotExist }
			m.program, m.exists = none, func(p string) bool { return !strings.Contains(p, "sbin") && !strings.Contains(p, "include") }
			m.readers = func() ([]pcsc.Info, error) { return nil, pcsc.ErrNoService }
		}, "service readers", "apt-get install pcscd"},
		{"that it runs", func(m *machine) {
			m.dial = func(string) error { return fs.ErrNotExist }
			m.readers = func() ([]pcsc.Info, error) { return nil, pcsc.ErrNoService }
		}, "service readers", "systemctl start pcscd.socket"},
		{"the right to its socket", func(m *machine) { m.dial = func(string) error { return fs.ErrPermission } }, "service", "run as root"},
		{"polkit's permission", func(m *machine) { m.readers = func() ([]pcsc.Info, error) { return nil, pcsc.ErrNoAccess } }, "service readers", "polkit"},
		{"all drivers", func(m *machine) { m.exists = func(p string) bool { return !strings.Contains(p, "drivers") } }, "driver", "libccid"},
		{"USB drivers", func(m *machine) { m.exists = func(p string) bool { return !strings.Contains(p, "ccid") } }, "", "libccid"},
		{"the virtual reader", func(m *machine) { m.exists = func(p string) bool { return !strings.Contains(p, "serial") } }, "", "vsmartcard-vpcd"},
		{"a reader", func(m *machine) { m.readers = func() ([]pcsc.Info, error) { return nil, nil } }, "readers", "plug one in"},
		{"something else", func(m *machine) { m.readers = func() ([]pcsc.Info, error) { return nil, errors.New("odd") } }, "readers", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			m := healthy()
			c.spoil(m)
			var failed, fixes []string
			for _, f := range m.examine() {
				require.NotEmpty(t, f.Found)
				if !f.OK && !f.Optional {
					require.NotEmpty(t, f.Fix, f.Name)
					failed = append(failed, f.Name)
				}
				fixes = append(fixes, f.Fix)
			}
			require.Equal(t, c.failed, strings.Join(failed, " "))
			require.Contains(t, strings.Join(fixes, "\n"), c.fix)
		})
	}
	m := healthy()
	m.goos = "windows"
	require.Len(t, m.examine(), 2, "the service is the system's own")
}
