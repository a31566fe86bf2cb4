package account

import (
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base32"
	"errors"
	"io"
	"strings"
)

// ErrKit means that a text is not the whole code of a recovery kit, or a
// character of it is wrong.
var ErrKit = errors.New("this is not the complete code of a recovery kit; check every character")

// Kit is a recovery kit: 32 random bytes on paper. It is a credential of its
// own at the service, and the key to the account key that is kept there sealed.
// It cannot be printed but by Code.
type Kit struct{ secret }

// NewKit makes one of random; nil means crypto/rand.
func NewKit(random io.Reader) (Kit, error) {
	b, err := random32(random)
	return Kit{newSecret(b)}, err
}

const (
	kitAlphabet = "0123456789ABCDEFGHJKMNPQRSTVWXYZ" // Crockford's
	kitGroup    = 5
	kitChecksum = 2
	maxKitText  = 256
)

func kitEncoding() *base32.Encoding {
	return base32.NewEncoding(kitAlphabet).WithPadding(base32.NoPadding)
}

func (k Kit) checked() []byte {
	b := k.bytes()
	sum := sha256.Sum256(lp("viewflip/1/kit", b[:]))
	return append(b[:], sum[:kitChecksum]...)
}

// Code is what is printed: the 32 bytes and the first two of SHA-256(
// lp("viewflip/1/kit", bytes)) in Crockford's base32, eleven groups of five
// joined by hyphens. Whoever reads it has the account.
func (k Kit) Code() string {
	s := kitEncoding().EncodeToString(k.checked())
	var out strings.Builder
	for i := 0; i < len(s); i += kitGroup {
		if i > 0 {
			out.WriteByte('-')
		}
		out.WriteString(s[i:min(i+kitGroup, len(s))])
	}
	return out.String()
}

// ParseKit reads a code as people type it: any case, spaces and hyphens
// anywhere, O for 0 and I or L for 1. ErrKit otherwise.
func ParseKit(s string) (Kit, error) {
	if len(s) > maxKitText {
		return Kit{}, ErrKit
	}
	s = strings.NewReplacer("O", "0", "I", "1", "L", "1", "-", "").Replace(strings.ToUpper(s))
	s = strings.Join(strings.Fields(s), "")
	b, err := kitEncoding().DecodeString(s)
	if err != nil || len(b) != 32+kitChecksum {
		return Kit{}, ErrKit
	}
	k := Kit{newSecret([32]byte(b))}
	if string(k.checked()) != string(b) || kitEncoding().EncodeToString(b) != s {
		return Kit{}, ErrKit
	}
	return k, nil
}

// CredentialID names the kit at the service, as PassKey.DeviceID names a
// device: HKDF(kit, "viewflip/1/kit-id")[:16].
func (k Kit) CredentialID() ID { return ID(k.derive("viewflip/1/kit-id", len(ID{}))) }

// Password is the kit's SRP password, as PassKey.Password:
// HKDF(kit, "viewflip/1/kit-srp", 32) in unpadded base64url.
func (k Kit) Password() []byte { return password(k.derive("viewflip/1/kit-srp", 32)) }

// Seal seals an account key for the service to keep: AES-256-GCM under
// HKDF(kit, "viewflip/1/kit-seal"), a random nonce first, with
// lp("viewflip/1/kit-seal", credential id) as associated data.
func (k Kit) Seal(key Key) SealedKey {
	seed := key.bytes()
	return SealedKey(k.aead().Seal(nil, nil, seed[:], k.sealData()))
}

// Open opens what Seal sealed; ErrKit if another kit did, or it was altered.
func (k Kit) Open(s SealedKey) (Key, error) {
	b, err := k.aead().Open(nil, nil, s[:], k.sealData())
	if err != nil || len(b) != 32 {
		return Key{}, ErrKit
	}
	return KeyFromSeed([32]byte(b)), nil
}

func (k Kit) aead() cipher.AEAD { return newAEAD(k.derive("viewflip/1/kit-seal", 32)) }

func (k Kit) sealData() []byte {
	id := k.CredentialID()
	return lp("viewflip/1/kit-seal", id[:])
}
