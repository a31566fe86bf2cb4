package account

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"io"

	"viewflip.app/wire"
)

// PassKey is the one secret of a device: 32 random bytes, never shown, in the
// system's keychain. Everything else of the device follows from it. It cannot
// be printed.
type PassKey struct{ secret }

// NewPassKey makes one of random; nil means crypto/rand.
func NewPassKey(random io.Reader) (PassKey, error) {
	b, err := random32(random)
	return PassKey{newSecret(b)}, err
}

// DeviceID names the device at the service:
// HKDF(pass-key, "viewflip/1/device-id")[:16].
func (p PassKey) DeviceID() ID { return ID(p.derive("viewflip/1/device-id", len(ID{}))) }

// Password is the device's SRP password: 43 characters, the unpadded base64url
// of HKDF(pass-key, "viewflip/1/srp", 32). The SRP id is the 16 bytes of
// DeviceID. It is as secret as the pass-key.
func (p PassKey) Password() []byte { return password(p.derive("viewflip/1/srp", 32)) }

func password(b []byte) []byte { return base64.RawURLEncoding.AppendEncode(nil, b) }

// Identity is the device's mailbox identity, made from the 64 bytes of
// HKDF(pass-key, "viewflip/1/identity").
func (p PassKey) Identity() (*wire.Identity, error) {
	return wire.NewIdentity(bytes.NewReader(p.derive("viewflip/1/identity", 64)))
}

// Credentials is what a device keeps in the keychain under the name "account".
// It cannot be printed.
type Credentials struct {
	hidden
	PassKey PassKey
	Key     Key
	// VaultVersion and DevicesVersion are the highest versions seen of the
	// vault and of the own device list: an older one is a rollback.
	VaultVersion, DevicesVersion uint64
	// Service is the address of the account's service.
	Service wire.Service
}

const credentialsVersion = 1

// Marshal is the keychain item: version 1, pass-key[32], account seed[32],
// vault version u64, device-list version u64, then the service's URL.
func (c Credentials) Marshal() []byte {
	pk, seed := c.PassKey.bytes(), c.Key.bytes()
	b := append(append([]byte{credentialsVersion}, pk[:]...), seed[:]...)
	b = binary.BigEndian.AppendUint64(b, c.VaultVersion)
	b = binary.BigEndian.AppendUint64(b, c.DevicesVersion)
	return append(b, c.Service.URL()...)
}

// ParseCredentials reads what Marshal wrote.
func ParseCredentials(b []byte) (Credentials, error) {
	const fixed = 1 + 32 + 32 + 8 + 8
	if len(b) < fixed || b[0] != credentialsVersion {
		return Credentials{}, wire.ErrMalformed
	}
	s, err := wire.ParseServiceURL(string(b[fixed:]))
	if err != nil {
		return Credentials{}, wire.ErrMalformed
	}
	return Credentials{
		PassKey: PassKey{newSecret([32]byte(b[1:]))}, Key: KeyFromSeed([32]byte(b[33:])),
		VaultVersion: binary.BigEndian.Uint64(b[65:]), DevicesVersion: binary.BigEndian.Uint64(b[73:]),
		Service: s,
	}, nil
}
