package store

import (
	"bytes"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/streamingaead"
	"github.com/tink-crypto/tink-go/v2/tink"

	"viewflip.app/wire/account"
)

// ring is what the keyring holds; JSON, sealed by the master key.
type ring struct {
	// Data and Backup are Tink keysets: data keys and short-lived rows, and
	// backups.
	Data, Backup []byte
	// Index are keys of the e-mail index; the last is in use, the one before
	// still finds asks.
	Index []indexKey
	// Hash hides quota keys and codes.
	Hash []byte
	// Renewing and Reindexing say that a rotation is not finished.
	Renewing, Reindexing bool
}

type indexKey struct {
	Version int64
	Key     []byte
}

// keyring is an opened ring.
type keyring struct {
	ring
	data   tink.AEAD
	backup tink.StreamingAEAD
}

func randomKey() []byte {
	b := make([]byte, 32)
	_, _ = rand.Read(b) // never fails
	return b
}

func newRing() (ring, error) {
	data, err := addKey(nil, aead.AES256GCMKeyTemplate())
	if err != nil {
		return ring{}, err
	}
	backup, err := addKey(nil, streamingaead.AES256GCMHKDF1MBKeyTemplate())
	if err != nil {
		return ring{}, err
	}
	return ring{Data: data, Backup: backup, Index: []indexKey{{1, randomKey()}}, Hash: randomKey()}, nil
}

func readKeyset(b []byte) (*keyset.Handle, error) {
	h, err := insecurecleartextkeyset.Read(keyset.NewBinaryReader(bytes.NewReader(b)))
	if err != nil {
		return nil, fmt.Errorf("store: keyring: %w", err)
	}
	return h, nil
}

func changeKeyset(b []byte, change func(m *keyset.Manager) error) ([]byte, error) {
	m := keyset.NewManager()
	if b != nil {
		h, err := readKeyset(b)
		if err != nil {
			return nil, err
		}
		m = keyset.NewManagerFromHandle(h)
	}
	err := change(m)
	if err != nil {
		return nil, fmt.Errorf("store: keyring: %w", err)
	}
	h, err := m.Handle()
	if err != nil {
		return nil, fmt.Errorf("store: keyring: %w", err)
	}
	var out bytes.Buffer
	if err := insecurecleartextkeyset.Write(h, keyset.NewBinaryWriter(&out)); err != nil {
		return nil, fmt.Errorf("store: keyring: %w", err)
	}
	return out.Bytes(), nil
}

// addKey adds a new key that seals from now on; the others still open.
func addKey(b []byte, t *tinkpb.KeyTemplate) ([]byte, error) {
	return changeKeyset(b, func(m *keyset.Manager) error {
		id, err := m.Add(t)
		if err != nil {
			return err
		}
		return m.SetPrimary(id)
	})
}

// onlyPrimary drops all keys but the one that seals.
func onlyPrimary(b []byte) ([]byte, error) {
	h, err := readKeyset(b)
	if err != nil {
		return nil, err
	}
	info := h.KeysetInfo()
	return changeKeyset(b, func(m *keyset.Manager) error {
		for _, k := range info.GetKeyInfo() {
			if k.GetKeyId() == info.GetPrimaryKeyId() {
				continue
			}
			if err := m.Delete(k.GetKeyId()); err != nil {
				return err
			}
		}
		return nil
	})
}

// prefix is how everything begins that the sealing key sealed (Tink's output
// prefix: 1, then the key's id).
func (r ring) prefix() ([]byte, error) {
	h, err := readKeyset(r.Data)
	if err != nil {
		return nil, err
	}
	return binary.BigEndian.AppendUint32([]byte{1}, h.KeysetInfo().GetPrimaryKeyId()), nil
}

func (r ring) open() (*keyring, error) {
	k := &keyring{ring: r}
	h, err := readKeyset(r.Data)
	if err == nil {
		k.data, err = aead.New(h)
	}
	if err != nil {
		return nil, err
	}
	if h, err = readKeyset(r.Backup); err == nil {
		k.backup, err = streamingaead.New(h)
	}
	return k, err
}

const keyringAAD = "viewflip/1/keyring"

func (r ring) seal(m MasterKey) ([]byte, error) {
	b, err := json.Marshal(r)
	if err != nil {
		return nil, err
	}
	return m.aead().Encrypt(b, []byte(keyringAAD))
}

func openRing(sealed []byte, m MasterKey) (r ring, err error) {
	b, err := m.aead().Decrypt(sealed, []byte(keyringAAD))
	if err != nil {
		return r, ErrKey
	}
	return r, json.Unmarshal(b, &r)
}

// aad binds a sealed value to its table, column and row.
func aad(column string, row []byte) []byte { return append([]byte(column+"."), row...) }

func seal(a tink.AEAD, column string, row, plain []byte) ([]byte, error) {
	b, err := a.Encrypt(plain, aad(column, row))
	if err != nil {
		return nil, fmt.Errorf("store: seal %s: %w", column, err)
	}
	return b, nil
}

func unseal(a tink.AEAD, column string, row, sealed []byte) ([]byte, error) {
	b, err := a.Decrypt(sealed, aad(column, row))
	if err != nil {
		return nil, fmt.Errorf("store: %s was altered or belongs to another row", column)
	}
	return b, nil
}

// emailIndex finds an address by one version of the index key.
func (k indexKey) email(e account.Email) []byte {
	return keyedHash(k.Key, "email", []byte(e.Normal()))
}

// indexes are the hashes of an address: the one to write first, then the one
// of the key before, or the same again.
func (r ring) indexes(e account.Email) (now, before []byte, version int64) {
	n := len(r.Index)
	now, version = r.Index[n-1].email(e), r.Index[n-1].Version
	before = now
	if n > 1 {
		before = r.Index[n-2].email(e)
	}
	return now, before, version
}

func keyedHash(key []byte, label string, parts ...[]byte) []byte {
	h := hmac.New(sha256.New, key)
	for _, p := range append([][]byte{[]byte("viewflip/1/" + label)}, parts...) {
		_ = binary.Write(h, binary.BigEndian, uint32(len(p)))
		h.Write(p)
	}
	return h.Sum(nil)
}
