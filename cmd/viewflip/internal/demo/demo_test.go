package demo

import (
	"os"
	"path/filepath"
	"testing"
)

// Where the current directory cannot be written, the pictures go elsewhere;
// where the user's own choice cannot, it is an error.
func TestDir(t *testing.T) {
	t.Chdir(t.TempDir())
	t.Setenv("TMPDIR", t.TempDir())
	if dir, err := picturesIn(""); err != nil || filepath.Base(dir) != "viewflip-demo" {
		t.Error(dir, err)
	}
	if err := os.RemoveAll("viewflip-demo"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("viewflip-demo", nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if dir, err := picturesIn(""); err != nil || filepath.Dir(dir) != os.TempDir() {
		t.Error(dir, err)
	}
	if dir, err := picturesIn("viewflip-demo"); err == nil {
		t.Error("a file was taken for a directory:", dir)
	}
}
