package cli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// maxArgs bounds the files named on one command line.
const maxArgs = 100_000

// readLimited reads a file, or standard input for "-", of at most limit bytes.
func readLimited(in io.Reader, name string, limit int64) ([]byte, error) {
	r := in
	if name != "-" {
		f, err := os.Open(name)
		if err != nil {
			return nil, fileError(name, err)
		}
		defer f.Close()
		r = f
	}
	data, err := io.ReadAll(io.LimitReader(r, limit+1))
	switch {
	case err != nil:
		return nil, fileError(name, err)
	case int64(len(data)) > limit:
		return nil, fmt.Errorf("%s: more than %d bytes", name, limit)
	}
	return data, nil
}

// fileError says what is wrong with a file without naming the system call.
func fileError(name string, err error) error {
	return fmt.Errorf("%s: %w", name, bare(err))
}

// bare is the cause of an error without the operation that the system names.
func bare(err error) error {
	var pe *fs.PathError
	var oe *net.OpError
	var se *os.SyscallError
	switch {
	case errors.As(err, &pe):
		return pe.Err
	case errors.As(err, &oe):
		err = oe.Err
	}
	if errors.As(err, &se) {
		err = se.Err
	}
	return err
}

// expand turns files and folders into the files with one of the endings, sorted.
// A file that was named is taken whatever its ending; a folder without any is
// an error.
func expand(args []string, endings ...string) ([]string, error) {
	var files []string
	for _, arg := range args {
		info, err := os.Stat(arg)
		if err != nil {
			return nil, fileError(arg, err)
		}
		if !info.IsDir() {
			files = append(files, arg)
			continue
		}
		inside, err := filesIn(arg, endings)
		if err != nil {
			return nil, err
		}
		if len(inside) == 0 {
			return nil, fmt.Errorf("%s: no file ends in %s", arg, strings.Join(endings, " or "))
		}
		files = append(files, inside...)
	}
	return files, nil
}

func filesIn(dir string, endings []string) ([]string, error) {
	var files []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return fileError(path, err)
		}
		for _, e := range endings {
			if !d.IsDir() && strings.HasSuffix(path, e) {
				files = append(files, path)
			}
		}
		return nil
	})
	sort.Strings(files)
	return files, err
}
