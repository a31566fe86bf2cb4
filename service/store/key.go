package store

import (
	"context"
	"crypto/hkdf"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead/subtle"
	"github.com/tink-crypto/tink-go/v2/tink"

	"viewflip.app/private"
)

// MasterKey is the one secret outside the database: the key of the file of the
// embedded database and of the keyring follow from it. It cannot be printed.
type MasterKey struct{ key *[32]byte }

// NewMasterKey makes a random key.
func NewMasterKey() MasterKey {
	k := MasterKey{new([32]byte)}
	_, _ = rand.Read(k.key[:]) // never fails
	return k
}

// ParseMasterKey reads what Reveal wrote, as an environment variable has it.
func ParseMasterKey(text string) (MasterKey, error) {
	b, err := base64.RawURLEncoding.Strict().DecodeString(strings.TrimSpace(text))
	if err != nil || len(b) != 32 {
		return MasterKey{}, errors.New("store: a master key has 43 characters of base64url")
	}
	return MasterKey{(*[32]byte)(b)}, nil
}

// MasterKeyFile reads the key in a file. A file that is not there is made, mode
// 0600; one that others may read is refused where files have such modes.
func MasterKeyFile(path string) (MasterKey, error) {
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		err = WriteMasterKey(path, NewMasterKey())
		if err == nil || errors.Is(err, os.ErrExist) { // another process was first
			b, err = os.ReadFile(path)
		}
	}
	if err != nil {
		return MasterKey{}, fmt.Errorf("store: master key: %w", err)
	}
	i, err := os.Stat(path)
	if err != nil {
		return MasterKey{}, fmt.Errorf("store: master key: %w", err)
	}
	if !private.File(i) {
		return MasterKey{}, fmt.Errorf("store: the master key %s may be opened by others; run: chmod 600 %s", path, path)
	}
	return ParseMasterKey(string(b))
}

// WriteMasterKey makes a key file, mode 0600, that must not exist.
func WriteMasterKey(path string, k MasterKey) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("store: master key: %w", err)
	}
	// Written whole or not at all: half a key would lose the database.
	f, err := os.CreateTemp(filepath.Dir(path), ".master-*")
	if err != nil {
		return fmt.Errorf("store: master key: %w", err)
	}
	defer os.Remove(f.Name()) //nolint:errcheck // it is gone, or a leftover
	_, err = io.WriteString(f, k.Reveal()+"\n")
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Link(f.Name(), path)
	}
	if err != nil {
		return fmt.Errorf("store: master key: %w", err)
	}
	return nil
}

// KeyStore keeps small named secrets, as package keychain does.
type KeyStore interface {
	Get(ctx context.Context, name string) ([]byte, error)
	Set(ctx context.Context, name string, value []byte) error
}

// MasterKeyFrom reads the key from a key store and makes it on first start,
// which missing, the store's error for an absent name, tells.
func MasterKeyFrom(ctx context.Context, ks KeyStore, name string, missing error) (MasterKey, error) {
	b, err := ks.Get(ctx, name)
	if errors.Is(err, missing) {
		k := NewMasterKey()
		if err := ks.Set(ctx, name, []byte(k.Reveal())); err != nil {
			return MasterKey{}, fmt.Errorf("store: master key: %w", err)
		}
		return k, nil
	}
	if err != nil {
		return MasterKey{}, fmt.Errorf("store: master key: %w", err)
	}
	return ParseMasterKey(string(b))
}

// Reveal is the text of the key.
func (k MasterKey) Reveal() string { return base64.RawURLEncoding.EncodeToString(k.key[:]) }

// String hides the key.
func (MasterKey) String() string { return "***" }

// GoString hides the key.
func (MasterKey) GoString() string { return "***" }

// LogValue hides the key.
func (MasterKey) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalText hides the key.
func (MasterKey) MarshalText() ([]byte, error) { return []byte("***"), nil }

func (k MasterKey) derive(label string, n int) []byte {
	b, err := hkdf.Key(sha256.New, k.key[:], nil, "viewflip/1/store-"+label, n)
	if err != nil {
		panic(err) // only for lengths that no caller asks for
	}
	return b
}

// file is the key of the encrypted file, as the xts VFS takes it.
func (k MasterKey) file() string { return hex.EncodeToString(k.derive("file", 64)) }

// aead seals the keyring.
func (k MasterKey) aead() tink.AEAD { return rawAEAD(k.derive("keyring", 32)) }

func rawAEAD(key []byte) tink.AEAD {
	a, err := subtle.NewAESGCM(key)
	if err != nil {
		panic(err) // only for wrong lengths
	}
	return a
}
