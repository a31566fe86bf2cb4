//go:build unix

package store

import (
	"errors"
	"fmt"
	"os"
)

// private refuses a file that anybody but its owner may open.
func private(path string) error {
	i, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("store: master key: %w", err)
	}
	if i.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("store: the master key %s may be opened by others; run: chmod 600 %s", path, path)
	}
	return nil
}

// syncDir makes a rename last.
func syncDir(path string) error {
	d, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}
