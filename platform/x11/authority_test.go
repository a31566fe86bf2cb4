package x11

import (
	"errors"
	"os"
	"path/filepath"
	"testing"
)

func TestAuthorityFile(t *testing.T) {
	file := filepath.Join(t.TempDir(), "a,b") // a comma in the path is no other part
	if err := WriteAuthority(file); err != nil {
		t.Fatal(err)
	}
	if err := WriteAuthority(file); !errors.Is(err, os.ErrExist) {
		t.Error("a cookie is replaced:", err)
	}
	if i, err := os.Stat(file); err != nil || i.Mode().Perm() != 0o600 {
		t.Error(i.Mode(), err)
	}
	cookie, err := readCookie(file)
	if err != nil || len(cookie) != cookieSize || [cookieSize]byte(cookie) == [cookieSize]byte{} {
		t.Errorf("%x %v", cookie, err)
	}
	if name, back := SplitAuthority(WithAuthority(":7", file)); name != ":7" || back != file {
		t.Error(name, back)
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	for n := range b {
		cut := filepath.Join(t.TempDir(), "cut")
		if err := os.WriteFile(cut, b[:n], 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readCookie(cut); err == nil {
			t.Errorf("%d of %d bytes are enough", n, len(b))
		}
	}
	for _, display := range []string{"", ":", ":x", ":-1", ":99999", "host", ":70000.0"} {
		if _, err := dial(WithAuthority(display, file)); err == nil {
			t.Errorf("%q is a display", display)
		}
	}
}
