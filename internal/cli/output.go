package cli

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// output is where a command writes a file: the name of -o, and whether a file
// that is there may be replaced.
type output struct {
	name  string
	force bool
}

// write writes data to the file, or to standard output when there is no name.
// It never replaces a file that is there unless told.
func (a *app) write(o output, data []byte) error {
	if o.name == "" || o.name == "-" {
		_, err := a.out.Write(data)
		return err
	}
	if err := o.check(); err != nil {
		return err
	}
	file, err := os.CreateTemp(filepath.Dir(o.name), ".tapsim-*")
	if err != nil {
		return fileError(o.name, err)
	}
	_, err = file.Write(data)
	err = errors.Join(err, file.Chmod(0o644), file.Close())
	if err == nil {
		err = os.Rename(file.Name(), o.name)
	}
	if err != nil {
		return errors.Join(fileError(o.name, err), os.Remove(file.Name()))
	}
	return nil
}

// check says whether the file may be written.
func (o output) check() error {
	info, err := os.Stat(o.name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return fileError(o.name, err)
	case info.IsDir():
		return fmt.Errorf("%s: a folder; name a file", o.name)
	case !o.force:
		return fmt.Errorf("%s: the file is there; name another, or --force to replace it", o.name)
	}
	return nil
}
