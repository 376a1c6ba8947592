package cli

import (
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"tapsim/reader/pcsc"
	"tapsim/transcript"
)

// finding is one thing that readers need, as `tapsim doctor --json` lists it.
type finding struct {
	Name  string `json:"name"`
	OK    bool   `json:"ok"`
	Found string `json:"found"`         // what was found, in words
	Fix   string `json:"fix,omitempty"` // what to do
	// Optional things help some users; without them nothing is wrong.
	Optional bool `json:"optional,omitempty"`
}

func (a *app) doctorCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "doctor",
		Short: "What real readers need on this machine, and how to get what is missing",
		Long: `Check what PC/SC readers need: a program built for them, the headers to build it,
the service, the right to use it, drivers, readers. Each thing that is missing comes
with its fix.

Exit status: 0 all is there, 1 something is missing.`,
		Example: "  tapsim doctor\n  tapsim doctor --json",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			findings := thisMachine().examine()
			if err := a.printFindings(findings); err != nil {
				return err
			}
			missing := 0
			for _, f := range findings {
				if !f.OK && !f.Optional {
					missing++
				}
			}
			if missing > 0 {
				return checkFailed("real readers cannot be used yet: %d of %d things are missing", missing, len(findings))
			}
			return nil
		},
	}
}

func (a *app) printFindings(findings []finding) error {
	if a.json {
		return a.printJSON(findings)
	}
	s := a.style()
	var out []byte
	for _, f := range findings {
		mark, role := "ok    ", transcript.RoleGood
		switch {
		case !f.OK && f.Optional:
			mark, role = "-     ", transcript.RoleDim
		case !f.OK:
			mark, role = "FAILED", transcript.RoleBad
		}
		out = fmt.Appendf(out, "%s %-10s %s\n", painted(s, role, mark), f.Name, f.Found)
		if f.Fix != "" {
			out = fmt.Appendf(out, "       %-10s fix: %s\n", "", f.Fix)
		}
	}
	_, err := a.out.Write(out)
	return err
}

// machine is what an examination looks at.
type machine struct {
	goos    string
	built   bool
	socket  string // of pcscd
	exists  func(pattern string) bool
	program func(name string) bool
	dial    func(socket string) error
	readers func() ([]pcsc.Info, error)
}

func thisMachine() *machine {
	m := &machine{
		goos: runtime.GOOS, built: pcsc.Built, socket: os.Getenv("PCSCLITE_CSOCK_NAME"), readers: pcsc.Readers,
		exists: func(pattern string) bool {
			found, _ := filepath.Glob(pattern)
			return len(found) > 0
		},
		program: func(name string) bool {
			_, err := exec.LookPath(name)
			return err == nil
		},
		dial: func(socket string) error {
			c, err := net.Dial("unix", socket)
			if err != nil {
				return err
			}
			return c.Close()
		},
	}
	if m.socket == "" {
		m.socket = "/run/pcscd/pcscd.comm"
	}
	return m
}

// examine looks at everything. Where the service is the system's own, there is
// nothing to install.
func (m *machine) examine() []finding {
	findings := []finding{m.buildTag()}
	if m.goos != "windows" && m.goos != "darwin" {
		findings = append(findings, m.headers(), m.service(), m.drivers(), m.virtual())
	}
	return append(findings, m.connected())
}

func (m *machine) buildTag() finding {
	f := finding{Name: "program", OK: m.built, Found: "built with PC/SC"}
	if !m.built {
		f.Found = "built without PC/SC"
		f.Fix = "make build (adds the tag pcsc where the headers are), or: CGO_ENABLED=1 go build -tags pcsc ./cmd/tapsim"
	}
	return f
}

func (m *machine) headers() finding {
	f := finding{Name: "headers", Optional: m.built, Found: "libpcsclite's headers and pkg-config"}
	found := m.exists("/usr/include/PCSC/winscard.h") || m.exists("/usr/local/include/PCSC/winscard.h")
	switch {
	case found && m.program("pkg-config"):
		f.OK = true
	case m.built:
		f.Found = "not there, and not needed: this program is built"
	default:
		f.Found = "libpcsclite's headers or pkg-config are missing"
		f.Fix = "apt-get install libpcsclite-dev pkg-config gcc (Fedora: dnf install pcsc-lite-devel pkgconf gcc), then make build"
	}
	return f
}

// service finds out whether the service runs and lets us in.
func (m *machine) service() finding {
	f := finding{Name: "service", Found: "pcscd answers at " + m.socket}
	err := m.dial(m.socket)
	switch {
	case err == nil:
		f.OK = true
		if _, err := m.readers(); errors.Is(err, pcsc.ErrNoAccess) {
			f.OK, f.Found = false, "pcscd runs, and does not let you in"
			f.Fix = "run as root, or let polkit allow org.debian.pcsc-lite.access_pcsc to your user (over ssh and in containers it refuses by default)"
		}
	case errors.Is(err, os.ErrPermission):
		f.Found = "no permission to open " + m.socket
		f.Fix = "run as root, or give your user the right to that socket"
	case !m.program("pcscd") && !m.exists("/usr/sbin/pcscd"):
		f.Found = "pcscd is not installed"
		f.Fix = "apt-get install pcscd (Fedora: dnf install pcsc-lite), then systemctl start pcscd.socket"
	default:
		f.Found = "pcscd is installed and not running (" + bare(err).Error() + ": " + m.socket + ")"
		f.Fix = "systemctl start pcscd.socket; without systemd: mkdir -p /run/pcscd && pcscd --foreground &"
	}
	return f
}

func (m *machine) drivers() finding {
	f := finding{Name: "driver", OK: true, Found: "a driver for USB readers (CCID)"}
	if !m.exists("/usr/lib*/pcsc/drivers/ifd-ccid.bundle") && !m.exists("/usr/lib/*/pcsc/drivers/ifd-ccid.bundle") && !m.exists("/usr/lib64/pcsc/drivers/ifd-ccid.bundle") {
		f.OK, f.Optional, f.Found = false, m.hasVirtual(), "no driver for USB readers"
		f.Fix = "apt-get install libccid (Fedora: dnf install pcsc-lite-ccid), then restart pcscd"
	}
	return f
}

func (m *machine) hasVirtual() bool { return m.exists("/usr/lib*/pcsc/drivers/serial/libifdvpcd.so*") }

func (m *machine) virtual() finding {
	f := finding{Name: "virtual", OK: m.hasVirtual(), Optional: true, Found: "vsmartcard's virtual reader, for 'tapsim card'"}
	if !f.OK {
		f.Found = "no virtual reader, which 'tapsim card' needs"
		f.Fix = "apt-get install vsmartcard-vpcd, then restart pcscd"
	}
	return f
}

// connected lists the readers, which proves all the rest.
func (m *machine) connected() finding {
	f := finding{Name: "readers"}
	list, err := m.readers()
	switch {
	case errors.Is(err, pcsc.ErrNotBuilt):
		f.Found, f.Fix = "not asked: the program is built without PC/SC", "see above"
	case err != nil:
		f.Found, f.Fix = err.Error(), "see above"
	case len(list) == 0:
		f.Found, f.Fix = "none", "plug one in; a USB reader that stays unseen needs another driver, or is not of the CCID class"
	default:
		f.OK = true
		for i, r := range list {
			f.Found += map[bool]string{false: ", "}[i == 0] + r.Name
		}
	}
	return f
}
