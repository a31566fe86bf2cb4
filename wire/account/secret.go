package account

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io"
	"log/slog"
)

const hiddenText = "***"

// hidden makes what embeds it unprintable: every verb of fmt, slog and JSON
// give "***".
type hidden struct{}

// Format hides the secret from every verb of fmt.
func (hidden) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, hiddenText) }

// String hides the secret.
func (hidden) String() string { return hiddenText }

// LogValue hides the secret.
func (hidden) LogValue() slog.Value { return slog.StringValue(hiddenText) }

// MarshalText hides the secret.
func (hidden) MarshalText() ([]byte, error) { return []byte(hiddenText), nil }

// secret is 32 secret bytes. They are behind two pointers: fmt follows one when
// the secret is a private field of something else and the verb is a wrong one.
type secret struct {
	hidden
	b **[32]byte
}

func newSecret(b [32]byte) secret {
	p := &b
	return secret{b: &p}
}

func (s secret) bytes() [32]byte {
	if s.b == nil {
		return [32]byte{}
	}
	return **s.b
}

// derive is HKDF-SHA256 (RFC 5869) of the secret with an empty salt.
func (s secret) derive(label string, n int) []byte { return s.deriveSalted(nil, label, n) }

func (s secret) deriveSalted(salt []byte, label string, n int) []byte {
	b := s.bytes()
	return derive(b[:], salt, label, n)
}

func derive(key, salt []byte, label string, n int) []byte {
	out, err := hkdf.Key(sha256.New, key, salt, label, n)
	if err != nil {
		panic("account: " + err.Error()) // every length is a constant below HKDF's limit
	}
	return out
}

// random32 reads 32 bytes; nil means crypto/rand.
func random32(random io.Reader) (b [32]byte, err error) {
	if random == nil {
		random = rand.Reader
	}
	if _, err := io.ReadFull(random, b[:]); err != nil {
		return b, fmt.Errorf("account: random: %w", err)
	}
	return b, nil
}

// lp joins parts so that no two lists of parts give the same bytes.
func lp(label string, parts ...[]byte) []byte {
	b := appendPart(nil, []byte(label))
	for _, p := range parts {
		b = appendPart(b, p)
	}
	return b
}

func appendPart(b, p []byte) []byte {
	return append(binary.BigEndian.AppendUint32(b, uint32(len(p))), p...)
}

func u64(v uint64) []byte { return binary.BigEndian.AppendUint64(nil, v) }

func mac(key []byte, message []byte) Hash {
	m := hmac.New(sha256.New, key)
	m.Write(message)
	return Hash(m.Sum(nil))
}
