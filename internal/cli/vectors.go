package cli

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"tapsim/internal/vectors"
)

// vectorsJSON is the output of `tapsim vectors --json`.
type vectorsJSON struct {
	Passed int              `json:"passed"`
	Failed int              `json:"failed"`
	Files  []vectorFileJSON `json:"files"`
}

type vectorFileJSON struct {
	File   string           `json:"file"`
	Topic  string           `json:"topic"`
	Passed int              `json:"passed"`
	Failed []vectors.Result `json:"failed"`
}

func (a *app) vectorsCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "vectors FILE|FOLDER...",
		Short: "Run files of known answers and say why one fails",
		Long: `Run files of known answers: numbers that somebody else published, such as card
traces, standards or your HSM. The format is described in testdata/vectors.

Exit status: 0 all passed, 1 some failed, 2 a file cannot be read.`,
		Example: "  tapsim vectors testdata/vectors\n  tapsim vectors my-hsm.json --json",
		Args:    arguments(1, maxArgs, "files or folders of known answers"),
		RunE: func(_ *cobra.Command, args []string) error {
			return a.runVectors(args)
		},
	}
}

func (a *app) runVectors(args []string) error {
	names, err := expand(args, ".json")
	if err != nil {
		return err
	}
	all := vectorsJSON{Files: []vectorFileJSON{}}
	for _, name := range names {
		data, err := a.readFile(name, vectors.MaxSize)
		if err != nil {
			return err
		}
		f, err := vectors.Load(name, data)
		if err != nil {
			return err
		}
		all.add(f)
	}
	if a.json {
		err = a.printJSON(all)
	} else {
		err = a.printVectors(all)
	}
	if err == nil && all.Failed > 0 {
		err = checkFailed("%d of %d known answers failed", all.Failed, all.Passed+all.Failed)
	}
	return err
}

func (v *vectorsJSON) add(f vectors.File) {
	out := vectorFileJSON{File: f.Name, Topic: f.Topic, Failed: []vectors.Result{}}
	for _, c := range f.Cases {
		if r := vectors.Run(c); r.Passed {
			out.Passed++
		} else {
			out.Failed = append(out.Failed, r)
		}
	}
	v.Passed += out.Passed
	v.Failed += len(out.Failed)
	v.Files = append(v.Files, out)
}

func (a *app) printVectors(all vectorsJSON) error {
	var b strings.Builder
	for _, f := range all.Files {
		for _, r := range f.Failed {
			fmt.Fprintf(&b, "FAILED %s: %s\n", f.File, r)
		}
	}
	fmt.Fprintf(&b, "%d passed, %d failed\n", all.Passed, all.Failed)
	_, err := fmt.Fprint(a.out, b.String())
	return err
}
