package account

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base32"
	"encoding/base64"
	"fmt"
	"io"
	"strings"

	"viewflip.app/wire"
)

type (
	// ID is 16 random bytes that name a device, session, contact, ticket or
	// attempt. Not secret. Text: base32 in lower case, 26 characters, as
	// wire.InviteID. The zero ID names nothing.
	ID [16]byte
	// Salt is the salt of an SRP verifier.
	Salt [16]byte
	// Number is an SRP value or verifier of the 3072-bit group. Which numbers
	// are legal, service/srp says.
	Number [384]byte
	// Hash is a SHA-256 or HMAC-SHA256 value, an SRP proof or a nonce.
	Hash [32]byte
	// Signature is an Ed25519 signature.
	Signature [64]byte
	// DeviceKeys are the 64 bytes of a wire.Device.
	DeviceKeys [64]byte
	// SealedKey is an account key under a recovery kit: see Kit.Seal.
	SealedKey [12 + 32 + 16]byte
)

// NewID makes one of random; nil means crypto/rand.
func NewID(random io.Reader) (id ID, err error) {
	if random == nil {
		random = rand.Reader
	}
	if _, err := io.ReadFull(random, id[:]); err != nil {
		return id, fmt.Errorf("account: random: %w", err)
	}
	return id, nil
}

// NewNonce makes 32 random bytes; nil means crypto/rand.
func NewNonce(random io.Reader) (Hash, error) {
	b, err := random32(random)
	return Hash(b), err
}

// ParseID reads the text of an ID in its one canonical form.
func ParseID(s string) (ID, error) {
	enc := base32.StdEncoding.WithPadding(base32.NoPadding)
	b, err := enc.DecodeString(strings.ToUpper(s))
	if err != nil || len(b) != len(ID{}) || ID(b).String() != s || ID(b) == (ID{}) {
		return ID{}, wire.ErrMalformed
	}
	return ID(b), nil
}

// String is the ID in base32.
func (i ID) String() string {
	return strings.ToLower(base32.StdEncoding.WithPadding(base32.NoPadding).EncodeToString(i[:]))
}

// MarshalText is String.
func (i ID) MarshalText() ([]byte, error) { return []byte(i.String()), nil }

// UnmarshalText is ParseID.
func (i *ID) UnmarshalText(b []byte) (err error) {
	*i, err = ParseID(string(b))
	return err
}

// Equal compares in constant time.
func (h Hash) Equal(o Hash) bool { return subtle.ConstantTimeCompare(h[:], o[:]) == 1 }

func encode(b []byte) ([]byte, error) {
	return base64.RawURLEncoding.AppendEncode(nil, b), nil
}

// decode fills all of dst from canonical unpadded base64url.
func decode(dst, text []byte) error {
	b, err := decodeAny(text, len(dst))
	if err != nil || len(b) != len(dst) {
		return wire.ErrMalformed
	}
	copy(dst, b)
	return nil
}

func decodeAny(text []byte, limit int) ([]byte, error) {
	enc := base64.RawURLEncoding.Strict()
	// The decoder skips line ends, which are not canonical.
	if len(text) > enc.EncodedLen(limit) || strings.ContainsAny(string(text), "\r\n") {
		return nil, wire.ErrMalformed
	}
	b, err := enc.AppendDecode(nil, text)
	if err != nil {
		return nil, wire.ErrMalformed
	}
	return b, nil
}

// MarshalText is unpadded base64url.
func (s Salt) MarshalText() ([]byte, error) { return encode(s[:]) }

// UnmarshalText reads exactly 16 bytes of unpadded base64url.
func (s *Salt) UnmarshalText(b []byte) error { return decode(s[:], b) }

// MarshalText is unpadded base64url.
func (n Number) MarshalText() ([]byte, error) { return encode(n[:]) }

// UnmarshalText reads exactly 384 bytes of unpadded base64url.
func (n *Number) UnmarshalText(b []byte) error { return decode(n[:], b) }

// MarshalText is unpadded base64url.
func (h Hash) MarshalText() ([]byte, error) { return encode(h[:]) }

// UnmarshalText reads exactly 32 bytes of unpadded base64url.
func (h *Hash) UnmarshalText(b []byte) error { return decode(h[:], b) }

// MarshalText is unpadded base64url.
func (s Signature) MarshalText() ([]byte, error) { return encode(s[:]) }

// UnmarshalText reads exactly 64 bytes of unpadded base64url.
func (s *Signature) UnmarshalText(b []byte) error { return decode(s[:], b) }

// MarshalText is unpadded base64url.
func (s SealedKey) MarshalText() ([]byte, error) { return encode(s[:]) }

// UnmarshalText reads exactly 60 bytes of unpadded base64url.
func (s *SealedKey) UnmarshalText(b []byte) error { return decode(s[:], b) }

// KeysOf are the bytes of a device's public keys.
func KeysOf(d wire.Device) DeviceKeys { return DeviceKeys(d.Append(nil)) }

// Device is the device with these keys.
func (k DeviceKeys) Device() wire.Device {
	d, err := wire.ParseDevice(k[:])
	if err != nil {
		panic("account: " + err.Error()) // only the length can be wrong
	}
	return d
}

// MarshalText is unpadded base64url.
func (k DeviceKeys) MarshalText() ([]byte, error) { return encode(k[:]) }

// UnmarshalText reads exactly 64 bytes of unpadded base64url.
func (k *DeviceKeys) UnmarshalText(b []byte) error { return decode(k[:], b) }
