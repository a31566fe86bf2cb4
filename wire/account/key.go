package account

import (
	"crypto/ed25519"
	"crypto/sha256"
	"io"

	"viewflip.app/wire"
)

// Public is an account's public key (Ed25519, RFC 8032): what contacts pin.
// Text: unpadded base64url.
type Public [ed25519.PublicKeySize]byte

// Fingerprint is the SHA-256 of the key: what a contact link carries.
func (p Public) Fingerprint() Hash { return sha256.Sum256(p[:]) }

// MarshalText is unpadded base64url.
func (p Public) MarshalText() ([]byte, error) { return encode(p[:]) }

// UnmarshalText reads exactly 32 bytes of unpadded base64url.
func (p *Public) UnmarshalText(b []byte) error { return decode(p[:], b) }

func (p Public) verify(message []byte, s Signature) bool {
	return ed25519.Verify(p[:], message, s[:])
}

// Key is an account's private key: the Ed25519 seed. All devices of the person
// have it, the service never. It cannot be printed; the zero Key is no key.
type Key struct{ secret }

// NewKey makes a key of random; nil means crypto/rand.
func NewKey(random io.Reader) (Key, error) {
	b, err := random32(random)
	return Key{newSecret(b)}, err
}

// KeyFromSeed is the key of a seed that Seed gave.
func KeyFromSeed(seed [32]byte) Key { return Key{newSecret(seed)} }

// Seed returns the secret bytes.
func (k Key) Seed() [32]byte { return k.bytes() }

// Public is the key that others know.
func (k Key) Public() Public {
	return Public(k.private().Public().(ed25519.PublicKey)) //nolint:errcheck // crypto/ed25519 documents the type
}

func (k Key) private() ed25519.PrivateKey {
	b := k.bytes()
	return ed25519.NewKeyFromSeed(b[:])
}

func (k Key) sign(message []byte) Signature { return Signature(ed25519.Sign(k.private(), message)) }

// SuccessionSize is the length of a Succession's bytes.
const SuccessionSize = 32 + 32 + 64

// Succession says that an account's key is replaced, signed by the old one:
// after a stolen device. Whoever has the old key can make one, the thief too.
// So it explains to contacts why the identity changed; it never carries trust
// over, and the new key is a wall until verified anew.
type Succession struct {
	Old, New  Public
	signature Signature
}

const labelSuccession = "viewflip/1/succession"

// Succeed signs that next replaces this key.
func (k Key) Succeed(next Public) Succession {
	old := k.Public()
	return Succession{Old: old, New: next, signature: k.sign(lp(labelSuccession, old[:], next[:]))}
}

// Bytes is old[32] | new[32] | signature[64].
func (s Succession) Bytes() []byte {
	return append(append(append([]byte(nil), s.Old[:]...), s.New[:]...), s.signature[:]...)
}

// ParseSuccession reads what Bytes wrote and checks the signature.
func ParseSuccession(b []byte) (Succession, error) {
	if len(b) != SuccessionSize {
		return Succession{}, wire.ErrMalformed
	}
	s := Succession{Old: Public(b[:32]), New: Public(b[32:]), signature: Signature(b[64:])}
	if s.Old == s.New || !s.Old.verify(lp(labelSuccession, s.Old[:], s.New[:]), s.signature) {
		return Succession{}, wire.ErrMalformed
	}
	return s, nil
}
