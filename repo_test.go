// This file is the house's rules, read from source by the test itself: who may
// import whom, which packages are pure, where each outside module lives, and
// how long a function may be. The table is the document; ARCHITECTURE.md says
// why. It reads files with go/parser and never runs the go command, whose
// answers the test cache would keep.
package tapsim_test

import (
	"go/ast"
	"go/format"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const module = "tapsim"

// room is what one package may do.
type room struct {
	imports []string // packages of this module; "*" is all
	pure    bool     // no clock, randomness, I/O
}

// rooms is the import table. What is not in it may not be.
var rooms = map[string]room{
	"apdu":               {nil, true},
	"emv":                {nil, true},
	"emv/qr":             {list("emv"), true},
	"cryptogram":         {list("emv"), true},
	"cryptogram/pin":     {list("cryptogram"), true},
	"cryptogram/oda":     {list("emv"), true},
	"provisioning":       {list("emv"), true},
	"internal/config":    {list("emv"), false},
	"internal/qrimage":   {nil, false},
	"internal/statedir":  {nil, false},
	"internal/vectors":   {list("emv cryptogram cryptogram/pin cryptogram/oda"), true},
	"iso8583":            {nil, true}, // but its connection files, below
	"transcript":         {list("apdu emv"), true},
	"transcript/interop": {list("apdu emv transcript"), true},
	"hce":                {list("apdu emv cryptogram cryptogram/oda"), true},
	"hce/profile":        {list("internal/config emv cryptogram hce"), false},
	"wallet":             {list("apdu emv emv/qr cryptogram hce provisioning"), true},
	"wallet/store":       {list("apdu emv cryptogram cryptogram/oda hce provisioning wallet"), false},
	"reader":             {list("apdu"), false},
	"reader/pcsc":        {list("apdu reader"), false},
	"reader/vpcd":        {list("apdu reader"), false},
	"reader/guard":       {list("apdu emv"), true},
	"reader/readertest":  {list("apdu reader"), false},
	"terminal/kernel":    {list("apdu emv"), true},
	"terminal/kernel/c2": {list("apdu emv cryptogram/oda terminal/kernel"), true},
	"terminal/kernel/c3": {list("apdu emv cryptogram/oda terminal/kernel terminal/kernel/internal/rules"), true},
	"terminal/kernel/c7": {list("apdu emv cryptogram/oda terminal/kernel terminal/kernel/internal/rules"), true},
	"terminal":           {list("apdu emv emv/qr iso8583 terminal/kernel cryptogram/pin"), true},
	"terminal/config":    {list("internal/config emv cryptogram/oda terminal terminal/kernel"), false},
	"terminal/journal":   {list("iso8583 terminal"), false},
	"terminal/slip":      {list("emv iso8583 terminal transcript"), false},
	"issuer":             {list("emv cryptogram cryptogram/pin cryptogram/oda provisioning iso8583"), true},
	"issuer/config":      {list("internal/config emv cryptogram issuer"), false},
	"issuer/store":       {list("emv issuer"), false},
	"internal/httpapi":   {list("emv issuer provisioning"), false},
	"sim":                {list("*"), false},
	"internal/cli":       {list("*"), false},
	"cmd/tapsim":         {list("internal/cli"), false},

	"cryptogram/oda/testca": {list("emv cryptogram/oda"), false}, // key files

	"terminal/kernel/internal/rules":      {list("apdu emv cryptogram/oda terminal/kernel"), true}, // what kernels 3 and 7 share
	"terminal/kernel/internal/kerneltest": {list("apdu emv terminal/kernel"), true},                // for tests alone
}

// exempt are files of pure packages that may open sockets and read the clock.
var exempt = []string{"iso8583/client.go", "iso8583/server.go", "iso8583/conn.go"}

// impure are the standard packages that a pure package may not import.
var impure = list("net net/http os os/exec os/signal log log/slog crypto/rand math/rand math/rand/v2 database/sql syscall")

// homes says where each outside module may be imported, tests aside.
var homes = map[string][]string{
	"github.com/moov-io/iso8583":    list("iso8583"),
	"github.com/ebfe/scard":         list("reader/pcsc"),
	"github.com/spf13/cobra":        list("internal/cli"),
	"github.com/spf13/pflag":        list("internal/cli"),
	"github.com/makiuchi-d/gozxing": list("internal/qrimage"),
	"rsc.io/qr":                     list("internal/qrimage"),
	"github.com/emmansun/gmsm":      list("cryptogram cryptogram/oda"),
	"go.yaml.in/yaml/v3":            list("internal/config"),
	"modernc.org/sqlite":            list("issuer/store"),
	"golang.org/x/term":             list("internal/cli"),
	"golang.org/x/sys":              list("internal/statedir"),

	"github.com/stretchr/testify": list("reader/readertest"), // a package for tests
}

// maxFunction is how many lines a function may have; a screen.
const maxFunction = 75

func list(s string) []string { return strings.Fields(s) }

func TestImportsFollowTheTable(t *testing.T) {
	eachFile(t, func(t *testing.T, file string, src *source) {
		dir := path.Dir(file)
		r, ok := rooms[dir]
		if !ok {
			t.Errorf("%s: package %s is not in the table of repo_test.go", file, dir)
			return
		}
		for _, imp := range src.imports {
			inside, ours := strings.CutPrefix(imp, module+"/")
			switch {
			case ours && !slices.Contains(r.imports, inside) && !slices.Contains(r.imports, "*"):
				t.Errorf("%s imports %s: the table does not allow it", file, imp)
			case !ours && strings.Contains(strings.Split(imp, "/")[0], "."):
				checkHome(t, file, dir, imp)
			case r.pure && slices.Contains(impure, imp) && !slices.Contains(exempt, file):
				t.Errorf("%s imports %s: the package is pure", file, imp)
			}
		}
		if r.pure && !slices.Contains(exempt, file) && src.mentionsNow {
			t.Errorf("%s mentions time.Now: the package is pure, the clock is an argument", file)
		}
	})
}

func checkHome(t *testing.T, file, dir, imp string) {
	for mod, allowed := range homes {
		if imp == mod || strings.HasPrefix(imp, mod+"/") {
			if !slices.Contains(allowed, dir) {
				t.Errorf("%s imports %s: its home is %v", file, imp, allowed)
			}
			return
		}
	}
	t.Errorf("%s imports %s: the module has no home in repo_test.go", file, imp)
}

func TestEveryPackageHasOneComment(t *testing.T) {
	comments := map[string]int{}
	eachFile(t, func(t *testing.T, file string, src *source) {
		dir := path.Dir(file)
		if _, seen := comments[dir]; !seen {
			comments[dir] = 0
		}
		if src.ast.Doc != nil {
			comments[dir]++
		}
	})
	for dir, n := range comments {
		if n != 1 {
			t.Errorf("package %s has %d package comments, want 1", dir, n)
		}
	}
}

func TestFunctionsFitAScreen(t *testing.T) {
	eachFile(t, func(t *testing.T, file string, src *source) {
		for _, d := range src.ast.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := src.fset.Position(f.End()).Line - src.fset.Position(f.Pos()).Line + 1; n > maxFunction {
				t.Errorf("%s: %s has %d lines, at most %d fit a screen", file, f.Name.Name, n, maxFunction)
			}
		}
	})
}

func TestSourceIsFormatted(t *testing.T) {
	eachFile(t, func(t *testing.T, file string, src *source) {
		want, err := format.Source(src.text)
		require.NoError(t, err)
		if string(want) != string(src.text) {
			t.Errorf("%s: run gofmt -w", file)
		}
	})
}

type source struct {
	fset        *token.FileSet
	ast         *ast.File
	text        []byte
	imports     []string
	mentionsNow bool
}

// eachFile calls f for each Go file of the module that is not a test.
func eachFile(t *testing.T, f func(t *testing.T, file string, src *source)) {
	t.Helper()
	count := 0
	require.NoError(t, filepath.WalkDir(".", func(file string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (strings.HasPrefix(d.Name(), ".") && file != "." || d.Name() == "testdata"):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go"):
			return nil
		}
		count++
		f(t, filepath.ToSlash(file), parse(t, file))
		return nil
	}))
	require.NotZero(t, count, "no Go files found: is the test run from the module's root?")
}

func parse(t *testing.T, file string) *source {
	t.Helper()
	text, err := os.ReadFile(file)
	require.NoError(t, err)
	src := &source{fset: token.NewFileSet(), text: text}
	src.ast, err = parser.ParseFile(src.fset, file, text, parser.ParseComments)
	require.NoError(t, err)
	for _, i := range src.ast.Imports {
		p, err := strconv.Unquote(i.Path.Value)
		require.NoError(t, err)
		src.imports = append(src.imports, p)
	}
	ast.Inspect(src.ast, func(n ast.Node) bool {
		if sel, ok := n.(*ast.SelectorExpr); ok && sel.Sel.Name == "Now" {
			if x, ok := sel.X.(*ast.Ident); ok && x.Name == "time" {
				src.mentionsNow = true
			}
		}
		return true
	})
	return src
}
