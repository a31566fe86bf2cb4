package keychain

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
)

// cheap lets tests derive many keys.
func cheap() cost { return cost{time: 1, memory: 8, threads: 1} }

func openCheap(t *testing.T, dir, pass string) (*Keychain, error) {
	t.Helper()
	f, err := openFileWith(t.Context(), Options{App: "viewflip-test", Dir: dir, Passphrase: fixed(pass)}, cheap())
	if err != nil {
		return nil, err
	}
	return &Keychain{f, File, "The key of this device is kept in a file."}, nil
}

func TestFile(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "for", "it")
	k, err := openCheap(t, dir, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	conform(t, k)
	if err := k.Set(t.Context(), "kept", []byte("secret-of-mine")); err != nil {
		t.Fatal(err)
	}
	again, err := openCheap(t, dir, "correct horse")
	if err != nil {
		t.Fatal(err)
	}
	if got, err := again.Get(t.Context(), "kept"); err != nil || string(got) != "secret-of-mine" {
		t.Errorf("after opening it again: %q, %v", got, err)
	}
	for _, pass := range []string{"correct horsE", "correct horse ", "x"} {
		if _, err := openCheap(t, dir, pass); !errors.Is(err, ErrPassphrase) {
			t.Errorf("passphrase %q: %v", pass, err)
		}
	}
	raw, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	if s := string(raw); strings.Contains(s, "kept") || strings.Contains(s, "secret-of-mine") {
		t.Error("the file shows what it keeps")
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		if d.Name() != fileName && d.Name() != lockName {
			t.Errorf("left behind: %s", d.Name())
		}
		if st, err := d.Info(); err != nil || runtime.GOOS != "windows" && st.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", d.Name(), st.Mode(), err)
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// The real cost, through the front door, and what the callback is told.
func TestFileFirstTime(t *testing.T) {
	dir := t.TempDir()
	var asked []bool
	o := Options{App: "viewflip-test", Dir: dir, Kind: File, Passphrase: func(_ context.Context, first bool) (Secret, error) {
		asked = append(asked, first)
		return NewSecret([]byte("p")), nil
	}}
	for range 2 {
		k, err := Open(t.Context(), o)
		if err != nil {
			t.Fatal(err)
		}
		if k.Kind() != File || !strings.Contains(k.Describe(), fileName) {
			t.Errorf("%s: %s", k.Kind(), k.Describe())
		}
	}
	if len(asked) != 2 || !asked[0] || asked[1] {
		t.Errorf("first time: %v", asked)
	}
	b, err := os.ReadFile(filepath.Join(dir, fileName))
	if err != nil {
		t.Fatal(err)
	}
	h, err := parseHeader(b)
	if err != nil || h.cost != defaultCost() {
		t.Errorf("%+v, %v", h, err)
	}
}

// No damage, wherever it is, opens; and none is taken for a wrong passphrase,
// for which people would search in vain.
func TestFileDamaged(t *testing.T) {
	dir := t.TempDir()
	k, err := openCheap(t, dir, "p")
	if err != nil {
		t.Fatal(err)
	}
	if err := k.Set(t.Context(), "kept", []byte("value")); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, fileName)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	damaged := func(what string, b []byte) {
		t.Helper()
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		asked := false
		_, err := openFileWith(t.Context(), Options{Dir: dir, Passphrase: func(context.Context, bool) (Secret, error) {
			asked = true
			return NewSecret([]byte("p")), nil
		}}, cheap())
		if !errors.Is(err, ErrCorrupt) || asked {
			t.Errorf("%s: %v, passphrase asked: %v", what, err, asked)
		}
		if _, err := k.Get(t.Context(), "kept"); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s, while open: %v", what, err)
		}
		if err := k.Set(t.Context(), "kept", nil); !errors.Is(err, ErrCorrupt) {
			t.Errorf("%s, while open, set: %v", what, err)
		}
	}
	for i := range good {
		b := append([]byte(nil), good...)
		b[i] ^= 1 << (i % 8)
		damaged("bit flipped", b)
	}
	for i := range good {
		damaged("truncated", good[:i])
	}
	damaged("too long", append(append([]byte(nil), good...), make([]byte, maxFile)...))
	if err := os.WriteFile(path, good, 0o600); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Get(t.Context(), "kept"); err != nil || string(got) != "value" {
		t.Errorf("restored: %q, %v", got, err)
	}
}

// Somebody who can write the file repairs its closing hash, too. They get
// neither our memory nor our time, and what they altered does not open.
func TestFileHostile(t *testing.T) {
	dir := t.TempDir()
	if _, err := openCheap(t, dir, "p"); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, fileName)
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	at := len(magic)
	for _, c := range []struct {
		what string
		edit func(b []byte)
		want error
	}{
		{"no passes", func(b []byte) { binary.BigEndian.PutUint32(b[at:], 0) }, ErrCorrupt},
		{"endless passes", func(b []byte) { binary.BigEndian.PutUint32(b[at:], 1<<31) }, ErrCorrupt},
		{"no memory", func(b []byte) { binary.BigEndian.PutUint32(b[at+4:], 0) }, ErrCorrupt},
		{"all memory", func(b []byte) { binary.BigEndian.PutUint32(b[at+4:], 1<<31) }, ErrCorrupt},
		{"no lanes", func(b []byte) { b[at+8] = 0 }, ErrCorrupt},
		{"many lanes", func(b []byte) { b[at+8] = 255 }, ErrCorrupt},
		{"another cost", func(b []byte) { b[at+3]++ }, ErrPassphrase},
		{"another salt", func(b []byte) { b[at+9]++ }, ErrPassphrase},
		{"another nonce", func(b []byte) { b[headerSize]++ }, ErrPassphrase},
		{"other contents", func(b []byte) { b[headerSize+30]++ }, ErrPassphrase},
	} {
		b := append([]byte(nil), good...)
		c.edit(b)
		sum := sha256.Sum256(b[:len(b)-hashSize])
		copy(b[len(b)-hashSize:], sum[:])
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := openCheap(t, dir, "p"); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", c.what, err, c.want)
		}
	}
}

// Several processes that share the file lose nothing of each other: each
// Keychain here has its own lock, as a process has.
func TestFileShared(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	names := []string{"a", "b", "c", "d", "e"}
	for _, name := range names {
		wg.Go(func() {
			k, err := openCheap(t, dir, "p") // all of them race to make it
			if err != nil {
				t.Error(err)
				return
			}
			if err := k.Set(t.Context(), name, []byte(name)); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	k, err := openCheap(t, dir, "p")
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if got, err := k.Get(t.Context(), name); err != nil || string(got) != name {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
}

// A lock that is never given back ends in an error, not in waiting for ever.
func TestFileLocked(t *testing.T) {
	dir := t.TempDir()
	k, err := openCheap(t, dir, "p")
	if err != nil {
		t.Fatal(err)
	}
	l, err := os.OpenFile(filepath.Join(dir, lockName), os.O_RDWR, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	if ok, err := tryLock(l); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if err := k.Set(t.Context(), "a", nil); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("set under a foreign lock: %v", err)
	}
	if _, err := k.Get(t.Context(), "a"); !errors.Is(err, ErrNotFound) {
		t.Errorf("reading needs no lock: %v", err)
	}
}

// Keys that others can open are taken away from them, and the person is told;
// where others can put files of theirs, nothing is opened.
func TestFileOfOthers(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("there are no modes")
	}
	dir := filepath.Join(t.TempDir(), "keys")
	if _, err := openCheap(t, dir, "correct horse"); err != nil {
		t.Fatal(err)
	}
	open := func() (said string, err error) {
		var log strings.Builder
		_, err = openFileWith(t.Context(), Options{App: "viewflip-test", Dir: dir, Passphrase: fixed("correct horse"), Log: slog.New(slog.NewTextHandler(&log, nil))}, cheap())
		return log.String(), err
	}
	if said, err := open(); err != nil || said != "" {
		t.Errorf("for nothing: %q %v", said, err)
	}
	path := filepath.Join(dir, fileName)
	for _, mode := range []fs.FileMode{0o644, 0o660, 0o604} {
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		said, err := open()
		if err != nil || !strings.Contains(said, path) || strings.Contains(said, "horse") {
			t.Errorf("%v: %q %v", mode, said, err)
		}
		if i, err := os.Stat(path); err != nil || i.Mode().Perm() != 0o600 {
			t.Errorf("%v became %v, %v", mode, i.Mode(), err)
		}
	}
	if err := os.Chmod(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if _, err := open(); err == nil || !strings.Contains(err.Error(), "chmod 700 "+dir) {
		t.Error("a directory of everybody:", err)
	}
}
