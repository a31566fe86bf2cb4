package account

import (
	"crypto/aes"
	"crypto/cipher"
	"errors"

	"viewflip.app/wire"
)

// ErrVault means that a vault was altered, or is of another account or version
// than the service says.
var ErrVault = errors.New("account: the vault was altered or is not of this account")

// SealVault seals the contents of the vault, at most MaxVault bytes sealed:
// AES-256-GCM under HKDF(account seed, "viewflip/1/vault"), a random nonce
// first, with lp("viewflip/1/vault", account key, u64 version) as associated
// data. A new nonce is 96 random bits: good for 2^32 versions.
func (k Key) SealVault(version uint64, plain []byte) (VaultBlob, error) {
	b := k.vault().Seal(nil, nil, plain, k.vaultData(version))
	if len(b) > MaxVault {
		return nil, wire.ErrTooLarge
	}
	return b, nil
}

// OpenVault opens what SealVault sealed; ErrVault if it is not that.
func (k Key) OpenVault(version uint64, sealed VaultBlob) ([]byte, error) {
	b, err := k.vault().Open(nil, nil, sealed, k.vaultData(version))
	if err != nil {
		return nil, ErrVault
	}
	return b, nil
}

func (k Key) vault() cipher.AEAD { return newAEAD(k.derive("viewflip/1/vault", 32)) }

func (k Key) vaultData(version uint64) []byte {
	p := k.Public()
	return lp("viewflip/1/vault", p[:], u64(version))
}

// newAEAD is AES-256-GCM that puts a random nonce before what it seals.
func newAEAD(key []byte) cipher.AEAD {
	block, err := aes.NewCipher(key)
	if err != nil {
		panic("account: " + err.Error()) // every key has 32 bytes
	}
	a, err := cipher.NewGCMWithRandomNonce(block)
	if err != nil {
		panic("account: " + err.Error()) // the block is AES
	}
	return a
}
