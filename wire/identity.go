package wire

import (
	"crypto/ecdh"
	"crypto/ed25519"
	"crypto/hpke"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"strings"
)

const (
	boxSize    = 32 // X25519
	deviceSize = ed25519.PublicKeySize + boxSize
	seedSize   = ed25519.SeedSize + boxSize
)

// Address names a device: the SHA-256 of its public keys. It is not secret.
type Address [32]byte

// encoding is lower-case base32 without padding, RFC 4648.
func encode32(b []byte) string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(b))
}

func decode32(s string) ([]byte, error) {
	return base32.StdEncoding.WithPadding(base32.NoPadding).DecodeString(strings.ToUpper(s))
}

func encode64(b []byte) string { return base64.RawURLEncoding.EncodeToString(b) }

// String is the address in base32.
func (a Address) String() string { return encode32(a[:]) }

// Device is the public half of an Identity: an Ed25519 key (RFC 8032) that
// signs and an X25519 key (RFC 7748) that messages are sealed to. Comparable.
type Device struct {
	sign [ed25519.PublicKeySize]byte
	box  [boxSize]byte
}

// Address is the SHA-256 of the 64 bytes of both keys.
func (d Device) Address() Address { return sha256.Sum256(d.Append(nil)) }

// Append appends the 64 bytes of both keys, signing key first.
func (d Device) Append(b []byte) []byte { return append(append(b, d.sign[:]...), d.box[:]...) }

// ParseDevice reads what Append wrote.
func ParseDevice(b []byte) (Device, error) {
	if len(b) != deviceSize {
		return Device{}, ErrMalformed
	}
	var d Device
	copy(d.sign[:], b)
	copy(d.box[:], b[len(d.sign):])
	return d, nil
}

// Verify checks an Ed25519 signature of this device.
func (d Device) Verify(message, signature []byte) bool {
	return ed25519.Verify(d.sign[:], message, signature)
}

// Identity is the private half of a device. It cannot be printed.
type Identity struct {
	sign ed25519.PrivateKey
	box  *ecdh.PrivateKey
	open hpke.PrivateKey
	pub  Device
}

// NewIdentity makes one from 64 bytes of random; nil means crypto/rand.
func NewIdentity(random io.Reader) (*Identity, error) {
	if random == nil {
		random = rand.Reader
	}
	seed := make([]byte, seedSize)
	if _, err := io.ReadFull(random, seed); err != nil {
		return nil, fmt.Errorf("wire: new identity: %w", err)
	}
	return identityFrom(seed)
}

func identityFrom(seed []byte) (*Identity, error) {
	id := &Identity{sign: ed25519.NewKeyFromSeed(seed[:ed25519.SeedSize])}
	var err error
	if id.box, err = ecdh.X25519().NewPrivateKey(seed[ed25519.SeedSize:]); err != nil {
		return nil, fmt.Errorf("wire: identity: %w", err)
	}
	if id.open, err = hpke.NewDHKEMPrivateKey(id.box); err != nil {
		return nil, fmt.Errorf("wire: identity: %w", err)
	}
	copy(id.pub.sign[:], id.sign.Public().(ed25519.PublicKey)) //nolint:errcheck // crypto/ed25519 documents the type
	copy(id.pub.box[:], id.box.PublicKey().Bytes())
	return id, nil
}

// Marshal gives the secret bytes for the keychain: a version and both seeds.
func (id *Identity) Marshal() []byte {
	return append(append([]byte{1}, id.sign.Seed()...), id.box.Bytes()...)
}

// ParseIdentity reads what Marshal wrote.
func ParseIdentity(b []byte) (*Identity, error) {
	if len(b) != 1+seedSize || b[0] != 1 {
		return nil, ErrMalformed
	}
	return identityFrom(b[1:])
}

// Public is the device that others know.
func (id *Identity) Public() Device { return id.pub }

// Sign signs with Ed25519.
func (id *Identity) Sign(message []byte) []byte { return ed25519.Sign(id.sign, message) }

// String hides the keys.
func (id *Identity) String() string { return "***" }

// GoString hides the keys.
func (id *Identity) GoString() string { return "***" }

// LogValue hides the keys.
func (id *Identity) LogValue() slog.Value { return slog.StringValue("***") }

// MarshalText hides the keys.
func (id *Identity) MarshalText() ([]byte, error) { return []byte("***"), nil }
