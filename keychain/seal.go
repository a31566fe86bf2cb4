package keychain

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"fmt"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/chacha20poly1305"
)

// The file, big endian:
//
//	magic[20] | time u32 | memory u32 (KiB) | threads u8 | salt[16] |
//	nonce[24] | XChaCha20-Poly1305(JSON object: name → base64) | SHA-256[16]
//
// The key is Argon2id (RFC 9106) of the passphrase; magic to salt are
// authenticated with the contents. The closing hash, over all before it, has
// no key: it tells a damaged file from a wrong passphrase.
const (
	magic       = "viewflip keychain 1\n"
	saltSize    = 16
	headerSize  = len(magic) + 4 + 4 + 1 + saltSize
	hashSize    = 16
	minFileSize = headerSize + chacha20poly1305.NonceSizeX + chacha20poly1305.Overhead + hashSize
)

// cost is what Argon2id may use: passes, memory in KiB, lanes.
type cost struct {
	time, memory uint32
	threads      uint8
}

// defaultCost is the second recommendation of RFC 9106, section 4.
func defaultCost() cost { return cost{time: 3, memory: 64 << 10, threads: 4} }

// sane bounds what a file may make this machine do.
func (c cost) sane() bool {
	return c.time >= 1 && c.time <= 16 && c.memory >= 8 && c.memory <= 256<<10 && c.threads >= 1 && c.threads <= 16
}

type header struct {
	cost
	salt [saltSize]byte
}

func newHeader(c cost) (header, error) {
	h := header{cost: c}
	_, err := rand.Read(h.salt[:])
	if err != nil {
		return header{}, fmt.Errorf("keychain: random: %w", err)
	}
	return h, nil
}

func (h header) append(b []byte) []byte {
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint32(b, h.time)
	b = binary.BigEndian.AppendUint32(b, h.memory)
	return append(append(b, h.threads), h.salt[:]...)
}

// whole reports whether b is a keychain file as it was written.
func whole(b []byte) bool {
	if len(b) < minFileSize || !bytes.HasPrefix(b, []byte(magic)) {
		return false
	}
	body, end := b[:len(b)-hashSize], b[len(b)-hashSize:]
	sum := sha256.Sum256(body)
	return bytes.Equal(sum[:hashSize], end)
}

// parseHeader reads the header of a whole file.
func parseHeader(b []byte) (header, error) {
	if !whole(b) {
		return header{}, ErrCorrupt
	}
	var h header
	b = b[len(magic):]
	h.time, h.memory, h.threads = binary.BigEndian.Uint32(b), binary.BigEndian.Uint32(b[4:]), b[8]
	copy(h.salt[:], b[9:])
	if !h.sane() {
		return header{}, ErrCorrupt
	}
	return h, nil
}

// sealKey is the key that a passphrase gives under one header.
type sealKey struct {
	header header
	key    []byte
}

func newSealKey(pass Secret, h header) *sealKey {
	return &sealKey{h, argon2.IDKey(pass.Reveal(), h.salt[:], h.time, h.memory, h.threads, chacha20poly1305.KeySize)}
}

func (k *sealKey) seal(plain []byte) ([]byte, error) {
	aead, err := chacha20poly1305.NewX(k.key)
	if err != nil {
		return nil, fmt.Errorf("keychain: seal: %w", err)
	}
	b := k.header.append(nil)
	nonce := make([]byte, aead.NonceSize())
	if _, err := rand.Read(nonce); err != nil {
		return nil, fmt.Errorf("keychain: random: %w", err)
	}
	b = aead.Seal(append(b, nonce...), nonce, plain, k.header.append(nil))
	sum := sha256.Sum256(b)
	return append(b, sum[:hashSize]...), nil
}

// open decrypts a whole file. One that another passphrase or salt sealed is
// ErrPassphrase.
func (k *sealKey) open(b []byte) ([]byte, error) {
	h, err := parseHeader(b)
	if err != nil {
		return nil, err
	}
	if h != k.header {
		return nil, ErrPassphrase
	}
	aead, err := chacha20poly1305.NewX(k.key)
	if err != nil {
		return nil, fmt.Errorf("keychain: open: %w", err)
	}
	b = b[headerSize : len(b)-hashSize]
	plain, err := aead.Open(nil, b[:aead.NonceSize()], b[aead.NonceSize():], h.append(nil))
	if err != nil {
		return nil, ErrPassphrase
	}
	return plain, nil
}
