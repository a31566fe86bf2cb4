package store_test

import (
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"viewflip.app/service/store"
)

// A database that others could open is this user's alone once it was opened,
// with all files beside it.
func TestDatabaseIsPrivate(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	dir, key := t.TempDir(), store.NewMasterKey()
	for range 2 {
		s, err := store.Open(t.Context(), store.Options{Dir: dir, Master: key})
		if err != nil {
			t.Fatal(err)
		}
		files, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil || len(files) == 0 {
			t.Fatal(files, err)
		}
		for _, f := range files {
			if i, err := os.Stat(f); err != nil || i.Mode().Perm()&0o077 != 0 {
				t.Errorf("%s: %v %v", f, i.Mode(), err)
			}
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		for _, f := range files {
			_ = os.Chmod(f, 0o644) // those that are still there
		}
	}
}
