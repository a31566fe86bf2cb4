package private_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"testing"

	"viewflip.app/private"
)

// Every bit of others and of the group makes a file one that others may open, and
// one bit a directory into which everybody puts files.
func TestModes(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "secret")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	is := func(path string, mode fs.FileMode, check func(fs.FileInfo) bool) bool {
		t.Helper()
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		i, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		return check(i)
	}
	windows := runtime.GOOS == "windows"
	for mode := range fs.FileMode(0o1000) {
		if got, want := is(file, mode, private.File), windows || mode&0o077 == 0; got != want {
			t.Errorf("a file with mode %o: %v", mode, got)
		}
		if mode&0o700 != 0o700 { // else the directory cannot be looked at or removed
			continue
		}
		if got, want := is(dir, mode, private.Dir), windows || mode&0o002 == 0; got != want {
			t.Errorf("a directory with mode %o: %v", mode, got)
		}
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory
		t.Fatal(err)
	}
}
