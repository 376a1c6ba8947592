package cli

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
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
		"tapsim-many": manyCommands,
		"tapsim": func() {
			if os.Getenv(overService) != "" {
				os.Exit(besideService(os.Args[1:]))
			}
			os.Exit(Main(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
		},
	})
}

// scriptCommands are what scripts have besides testscript's own.
var scriptCommands = map[string]func(ts *testscript.TestScript, neg bool, args []string){
	"capture": capture, "envfile": envfile, "serve": serve, "nosecrets": nosecrets,
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
		Cmds:                scriptCommands,
		Condition: func(name string) (bool, error) {
			if name != "pcsc" {
				return false, fmt.Errorf("no condition %s", name)
			}
			return pcsc.Built, nil
		},
		Setup: func(env *testscript.Env) error {
			env.Setenv("HOME", env.WorkDir)
			env.Setenv("XDG_DATA_HOME", "")
			env.Setenv("GORACE", "atexit_sleep_ms=0") // the race detector lets each program sleep a second at its end
			env.Setenv("TESTDATA", filepath.Join(root, "testdata"))
			env.Setenv("README", filepath.Join(root, "README.md"))
			return nil
		},
	})
}

// capture FILE REGEXP writes what the parentheses of the last match in standard
// output hold into a file, without a line's end.
func capture(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: capture FILE REGEXP")
	}
	found := regexp.MustCompile(args[1]).FindAllStringSubmatch(ts.ReadFile("stdout"), -1)
	if len(found) == 0 {
		ts.Fatalf("no match for %s", args[1])
	}
	ts.Check(os.WriteFile(ts.MkAbs(args[0]), []byte(found[len(found)-1][1]), 0o600))
}

// envfile NAME FILE puts a file's text into the environment.
func envfile(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: envfile NAME FILE")
	}
	ts.Setenv(args[0], strings.TrimSpace(ts.ReadFile(args[1])))
}
