package keychain

import (
	"bytes"
	"log/slog"
)

// Secret is a passphrase. It cannot be printed by accident.
type Secret struct{ b []byte }

// NewSecret wraps secret bytes; it keeps a copy.
func NewSecret(b []byte) Secret { return Secret{bytes.Clone(b)} }

// Reveal returns the bytes, which stay the secret's own; the name is there to
// be searched for.
func (s Secret) Reveal() []byte { return s.b }

// String hides the secret.
func (Secret) String() string { return "***" }

// GoString hides the secret.
func (Secret) GoString() string { return "***" }

// LogValue hides the secret.
func (Secret) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalText hides the secret.
func (Secret) MarshalText() ([]byte, error) { return []byte("***"), nil }
