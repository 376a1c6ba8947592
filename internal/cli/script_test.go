package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"tapsim/reader/pcsc"
)

// afterTests ends what tests started for all of them.
var afterTests []func() error

type allTests struct{ *testing.M }

func (a allTests) Run() int {
	status := a.M.Run()
	for _, end := range afterTests {
		if err := end(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			status = 1
		}
	}
	return status
}

// TestMain lets the scripts run this program as "tapsim".
func TestMain(m *testing.M) {
	testscript.Main(allTests{m}, map[string]func(){
		"tapsim": func() {
			os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// TestScripts runs the command line as users do: each subcommand, its errors
// and its hints.
func TestScripts(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join(root, "testdata", "script"),
		RequireUniqueNames:  true,
		RequireExplicitExec: true,
		Condition: func(name string) (bool, error) {
			if name != "pcsc" {
				return false, fmt.Errorf("no condition %s", name)
			}
			return pcsc.Built, nil
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_DATA_HOME", "")
			env.Setenv("TESTDATA", filepath.Join(root, "testdata"))
			return nil
		},
	})
}
