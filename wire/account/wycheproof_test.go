package account

import (
	"bytes"
	"crypto/ed25519"
	"encoding/hex"
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"viewflip.app/wire"
)

// octets are bytes in hexadecimal, as Wycheproof writes them.
type octets []byte

func (o *octets) UnmarshalText(b []byte) (err error) {
	*o, err = hex.DecodeString(string(b))
	return err
}

type vector struct {
	ID                                                    int `json:"tcId"`
	Msg, Sig, Key, IV, AAD, CT, Tag, IKM, Salt, Info, OKM octets
	Size                                                  int
	Result                                                string
}

type vectorGroup struct {
	PublicKey                struct{ PK octets }
	KeySize, IVSize, TagSize int
	Tests                    []vector
}

// The vectors of Wycheproof that apply to the functions here. They are 109 MB,
// and the standard library has passed them before: so they are no dependency,
// and scripts/wycheproof.sh fetches them and runs this test.
func TestWycheproof(t *testing.T) {
	dir := os.Getenv("WYCHEPROOF")
	if dir == "" {
		t.Skip("scripts/wycheproof.sh sets WYCHEPROOF")
	}
	for name, check := range map[string]func(*testing.T, vectorGroup, vector) bool{
		"ed25519": func(t *testing.T, g vectorGroup, v vector) bool {
			t.Helper()
			if len(v.Sig) != len(Signature{}) {
				return false // the types hold no such signature
			}
			d, err := wire.ParseDevice(append(bytes.Clone(g.PublicKey.PK), make([]byte, 32)...))
			if err != nil {
				t.Fatal(err)
			}
			ok := Public(g.PublicKey.PK).verify(v.Msg, Signature(v.Sig))
			if ok != d.Verify(v.Msg, v.Sig) || ok != ed25519.Verify(ed25519.PublicKey(g.PublicKey.PK), v.Msg, v.Sig) {
				t.Errorf("%d: account and device disagree", v.ID)
			}
			return ok
		},
		"aes_gcm": func(_ *testing.T, g vectorGroup, v vector) bool {
			if g.KeySize != 256 || g.IVSize != 96 || g.TagSize != 128 {
				return v.Result == "valid" // not what is used here
			}
			plain, err := newAEAD(v.Key).Open(nil, nil, bytes.Join([][]byte{v.IV, v.CT, v.Tag}, nil), v.AAD)
			return err == nil && bytes.Equal(plain, v.Msg)
		},
		"hkdf_sha256": func(_ *testing.T, _ vectorGroup, v vector) bool {
			if v.Result != "valid" {
				return false // longer than HKDF can give, which is never asked for here
			}
			return bytes.Equal(derive(v.IKM, v.Salt, string(v.Info), v.Size), v.OKM)
		},
		"hmac_sha256": func(_ *testing.T, g vectorGroup, v vector) bool {
			h := mac(v.Key, v.Msg)
			return bytes.Equal(h[:g.TagSize/8], v.Tag)
		},
	} {
		t.Run(name, func(t *testing.T) {
			b, err := os.ReadFile(filepath.Join(dir, name+"_test.json"))
			if err != nil {
				t.Fatal(err)
			}
			var file struct{ TestGroups []vectorGroup }
			if err := json.Unmarshal(b, &file); err != nil {
				t.Fatal(err)
			}
			n := 0
			for _, g := range file.TestGroups {
				for _, v := range g.Tests {
					n++
					if ok := check(t, g, v); ok != (v.Result == "valid") {
						t.Errorf("vector %d is %s, here it is %v", v.ID, v.Result, ok)
					}
				}
			}
			if n < 50 {
				t.Errorf("only %d vectors", n)
			}
			t.Log(n, "vectors")
		})
	}
}
