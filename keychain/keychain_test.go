package keychain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// conform is the contract that all three stores keep. app must be new.
func conform(t *testing.T, k *Keychain) {
	t.Helper()
	ctx := t.Context()
	if _, err := k.Get(ctx, "missing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("get of a missing entry: %v", err)
	}
	if err := k.Delete(ctx, "missing"); !errors.Is(err, ErrNotFound) {
		t.Errorf("delete of a missing entry: %v", err)
	}
	every := make([]byte, 256)
	for i := range every {
		every[i] = byte(i)
	}
	for name, value := range map[string][]byte{
		"empty": {}, "bytes": every, "zeros": make([]byte, 40), "largest": bytes.Repeat([]byte{0xff}, MaxValue),
	} {
		if err := k.Set(ctx, name, value); err != nil {
			t.Fatalf("set %s: %v", name, err)
		}
		got, err := k.Get(ctx, name)
		if err != nil || !bytes.Equal(got, value) {
			t.Errorf("get %s: %d bytes, %v; want %d", name, len(got), err, len(value))
		}
	}
	if err := k.Set(ctx, "bytes", []byte("second")); err != nil {
		t.Fatal(err)
	}
	got, err := k.Get(ctx, "bytes")
	if err != nil || string(got) != "second" {
		t.Errorf("replaced entry: %q, %v", got, err)
	}
	clear(got)
	if again, err := k.Get(ctx, "bytes"); err != nil || string(again) != "second" {
		t.Errorf("an entry changed with the caller's copy: %q, %v", again, err)
	}
	mine := []byte("mine")
	if err := k.Set(ctx, "copied", mine); err != nil {
		t.Fatal(err)
	}
	clear(mine)
	if got, err := k.Get(ctx, "copied"); err != nil || string(got) != "mine" {
		t.Errorf("an entry changed with the caller's value: %q, %v", got, err)
	}
	for _, name := range []string{"empty", "bytes", "zeros", "largest", "copied"} {
		if err := k.Delete(ctx, name); err != nil {
			t.Errorf("delete %s: %v", name, err)
		}
		if _, err := k.Get(ctx, name); !errors.Is(err, ErrNotFound) {
			t.Errorf("get of deleted %s: %v", name, err)
		}
	}
	if err := k.Set(ctx, "big", make([]byte, MaxValue+1)); !errors.Is(err, ErrTooLarge) {
		t.Errorf("a value over the limit: %v", err)
	}
	for _, name := range []string{"", "A", "a b", "../x", "ä", "-a", strings.Repeat("a", 65)} {
		if k.Set(ctx, name, nil) == nil || k.Delete(ctx, name) == nil {
			t.Errorf("name %q was accepted", name)
		}
		if _, err := k.Get(ctx, name); err == nil || errors.Is(err, ErrNotFound) {
			t.Errorf("name %q was accepted", name)
		}
	}
	if s := k.Describe(); !strings.HasSuffix(s, ".") || !strings.HasPrefix(s, "The key of this device is kept in ") {
		t.Errorf("not a sentence: %q", s)
	}
	concurrently(t, k)
}

// concurrently has several goroutines change entries of their own: none loses
// what it wrote.
func concurrently(t *testing.T, k *Keychain) {
	t.Helper()
	const writers, rounds = 6, 5
	var wg sync.WaitGroup
	for w := range writers {
		wg.Go(func() {
			name := fmt.Sprintf("writer-%d", w)
			for r := range rounds {
				want := fmt.Appendf(nil, "%d-%d", w, r)
				if err := k.Set(t.Context(), name, want); err != nil {
					t.Error(err)
				}
				if got, err := k.Get(t.Context(), name); err != nil || !bytes.Equal(got, want) {
					t.Errorf("%s: %q, %v; want %q", name, got, err, want)
				}
			}
			if err := k.Delete(t.Context(), name); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
}

func TestMemory(t *testing.T) {
	k, err := Open(t.Context(), Options{App: "viewflip-test", Kind: Memory})
	if err != nil {
		t.Fatal(err)
	}
	conform(t, k)
	if err := k.Set(t.Context(), "kept", nil); err != nil {
		t.Fatal(err)
	}
	other, err := Open(t.Context(), Options{App: "viewflip-test", Kind: Memory})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Get(t.Context(), "kept"); !errors.Is(err, ErrNotFound) {
		t.Errorf("memory is shared: %v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	for _, o := range []Options{
		{Kind: Memory},
		{App: "a", Kind: "safe"},
		{App: "a", Kind: File, Passphrase: fixed("x")},
		{App: "a", Kind: File, Dir: t.TempDir()},
		{App: "a", Kind: File, Dir: t.TempDir(), Passphrase: fixed("")},
		{App: "a", Kind: File, Dir: t.TempDir(), Passphrase: func(context.Context, bool) (Secret, error) {
			return Secret{}, errors.New("nobody there")
		}},
	} {
		if k, err := Open(t.Context(), o); err == nil {
			t.Errorf("%+v opened %v", o, k.Kind())
		} else if !strings.HasPrefix(err.Error(), "keychain: ") {
			t.Errorf("error without its package: %v", err)
		}
	}
}

func fixed(pass string) func(context.Context, bool) (Secret, error) {
	return func(context.Context, bool) (Secret, error) { return NewSecret([]byte(pass)), nil }
}

// However a passphrase is printed, it is not.
func TestSecretIsNotPrinted(t *testing.T) {
	s := NewSecret([]byte("hunter2"))
	var log bytes.Buffer
	slog.New(slog.NewTextHandler(&log, nil)).Info("x", "s", s)
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "s", s)
	text, err := s.MarshalText()
	all := fmt.Sprintf("%v %+v %#v %s %q %x", s, s, s, s, s, s) + log.String() + string(text)
	if err != nil || strings.Contains(all, "hunter2") || strings.Contains(all, "68756e74657232") {
		t.Errorf("printed: %s", all)
	}
	if string(s.Reveal()) != "hunter2" {
		t.Error("not revealed")
	}
}
