package keychain

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
)

// Errors that callers act on.
var (
	// ErrNotFound means that there is no secret of that name.
	ErrNotFound = errors.New("keychain: there is no such entry")
	// ErrPassphrase means that the passphrase does not open the keychain file.
	ErrPassphrase = errors.New("keychain: the passphrase is wrong")
	// ErrCorrupt means that the keychain file is damaged or is no keychain file.
	ErrCorrupt = errors.New("keychain: the keychain file is damaged")
	// ErrUnavailable means that the keychain of the operating system is missing,
	// locked or does not answer.
	ErrUnavailable = errors.New("keychain: the keychain of this system cannot be used")
	// ErrTooLarge means that a secret is over MaxValue.
	ErrTooLarge = errors.New("keychain: the secret is too large")
)

// MaxValue is the largest secret, in bytes. What the operating systems take
// sets it: 2560 bytes on Windows, after base64.
const MaxValue = 1536

// Kind is one of the three stores, or Auto.
type Kind string

// The kinds.
const (
	// Auto is OS where that works, else Memory; the empty Kind means Auto.
	Auto   Kind = "auto"
	OS     Kind = "os"
	File   Kind = "file"
	Memory Kind = "memory"
)

// Options are what Open needs.
type Options struct {
	// App names the program in the keychain of the operating system. Required.
	App string
	// Dir is where the file of Kind File lives; it is made when missing.
	Dir string
	// Kind is which store to use. Only Auto falls back to another.
	Kind Kind
	// Passphrase is asked once by Kind File. firstTime means that the file does
	// not exist yet, and that this passphrase will seal it.
	Passphrase func(ctx context.Context, firstTime bool) (Secret, error)
	// Log never gets a name or a secret. Nil discards.
	Log *slog.Logger
}

// store is what the three kinds have in common. Names and values were checked.
type store interface {
	get(ctx context.Context, name string) ([]byte, error)
	set(ctx context.Context, name string, value []byte) error
	delete(ctx context.Context, name string) error
}

// Keychain is an open store of secrets, safe for concurrent use. It holds
// nothing that has to be closed.
type Keychain struct {
	store    store
	kind     Kind
	sentence string
}

// Open opens the store that o asks for. An explicit OS that cannot be used is
// ErrUnavailable; a file that cannot be opened is ErrPassphrase or ErrCorrupt.
func Open(ctx context.Context, o Options) (*Keychain, error) {
	if o.App == "" {
		return nil, errors.New("keychain: no name of an application given")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	switch o.Kind {
	case OS:
		s, err := openOS(ctx, o.App)
		if err != nil {
			return nil, err
		}
		return newOS(s), nil
	case File:
		s, err := openFile(ctx, o)
		if err != nil {
			return nil, err
		}
		return &Keychain{s, File, "The key of this device is kept in the file " + s.path + ", sealed by your passphrase: without the passphrase nobody can use it, and it cannot be recovered."}, nil
	case Memory:
		return &Keychain{newMemory(), Memory, "The key of this device is kept in memory only, as asked: it is a new device every time it starts."}, nil
	case Auto, "":
		s, err := openOS(ctx, o.App)
		if err == nil {
			return newOS(s), nil
		}
		if ctx.Err() != nil {
			return nil, fmt.Errorf("keychain: open: %w", ctx.Err())
		}
		o.Log.Info("no keychain, using memory", "err", err)
		return &Keychain{newMemory(), Memory, "The key of this device is kept in memory only, because " + reason(err) + ": it is a new device every time it starts."}, nil
	default:
		return nil, fmt.Errorf("keychain: there is no kind %q: use os, file or memory", string(o.Kind))
	}
}

func newOS(s store) *Keychain {
	return &Keychain{s, OS, "The key of this device is kept in " + osName + ": it stays the same device, and your login protects it."}
}

// Kind is the store that is in use: OS, File or Memory.
func (k *Keychain) Kind() Kind { return k.kind }

// Describe is one sentence for people: which store is in use, and what that
// means for them.
func (k *Keychain) Describe() string { return k.sentence }

// Get returns a copy of a secret, or ErrNotFound.
func (k *Keychain) Get(ctx context.Context, name string) ([]byte, error) {
	if err := checkName(name); err != nil {
		return nil, err
	}
	return k.store.get(ctx, name)
}

// Set keeps a secret of at most MaxValue bytes under a name; an older one of
// that name is replaced.
func (k *Keychain) Set(ctx context.Context, name string, value []byte) error {
	if err := checkName(name); err != nil {
		return err
	}
	if len(value) > MaxValue {
		return ErrTooLarge
	}
	return k.store.set(ctx, name, bytes.Clone(value))
}

// Delete removes a secret, or returns ErrNotFound.
func (k *Keychain) Delete(ctx context.Context, name string) error {
	if err := checkName(name); err != nil {
		return err
	}
	return k.store.delete(ctx, name)
}

var names = regexp.MustCompile(`^[a-z0-9][a-z0-9-]{0,63}$`)

func checkName(name string) error {
	if !names.MatchString(name) {
		return errors.New("keychain: a name is 1 to 64 of a-z, 0-9 and -")
	}
	return nil
}
