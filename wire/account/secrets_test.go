package account

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"reflect"
	"strings"
	"testing"

	"viewflip.app/wire"
)

func serviceAt(t *testing.T) wire.Service {
	t.Helper()
	s, err := wire.ParseServiceURL("viewflip-service://192.0.2.1:7465?p=REREREREREREREREREREREREREREREREREREREREREQ")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Nothing secret is printed by any verb, log or JSON, not even as a private
// field of something else.
func TestUnprintable(t *testing.T) {
	all := [32]byte(bytes.Repeat([]byte{0xa5}, 32))
	s := newSecret(all)
	key, pass, kit := Key{s}, PassKey{s}, Kit{s}
	link, err := ParseLinkCode("0042 7734 7734")
	if err != nil {
		t.Fatal(err)
	}
	chain := Chain{rotate: s, current: s}
	type private struct {
		key     Key
		pass    PassKey
		kit     Kit
		chain   Chain
		link    LinkCode
		channel LinkChannel
	}
	for _, v := range []any{
		key, pass, kit, chain, link, NewLinkChannel(all, [32]byte{}), NewSession(ID{1}, chain), LinkGrant{Key: key},
		Credentials{PassKey: pass, Key: key, Service: serviceAt(t)},
		struct{ Key Key }{key}, []PassKey{pass}, map[string]Kit{"kit": kit}, SessionRow{Chain: chain},
		private{key, pass, kit, chain, link, NewLinkChannel(all, [32]byte{})},
	} {
		out := ""
		for _, verb := range []string{"%v", "%+v", "%#v", "%s", "%q", "%x", "%X", "%d", "%o", "%t"} {
			out += fmt.Sprintf(verb, v) + fmt.Sprintf(verb, &v)
		}
		var log bytes.Buffer
		slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "v", v)
		slog.New(slog.NewTextHandler(&log, nil)).Info("x", "v", v)
		asJSON, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		out += log.String() + string(asJSON)
		// Each is long enough not to stand in an address of memory by chance.
		for _, leak := range []string{
			"a5a5a5", "A5A5A5", "165 165", "165,165", "0xa5, 0xa5", "0xa5,0xa5", "245 245", "pYVl", "paWl",
			"77347734", "7734 7734", "7734-7734", "7734, 7734", "7734,7734", "[55 55", "55 55 51 52", "37373334",
		} {
			if strings.Contains(out, leak) {
				t.Errorf("%T: %q is in %s", v, leak, out)
			}
		}
	}
}

func TestCredentials(t *testing.T) {
	pass, err := NewPassKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	key, err := NewKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	c := Credentials{PassKey: pass, Key: key, VaultVersion: 7, DevicesVersion: 9, Service: serviceAt(t)}
	b := c.Marshal()
	back, err := ParseCredentials(b)
	if err != nil || !reflect.DeepEqual(back, c) {
		t.Error("not the same:", err)
	}
	for _, bad := range [][]byte{nil, b[:40], b[:81], b[1:], append([]byte{2}, b[1:]...)} {
		if _, err := ParseCredentials(bad); err == nil {
			t.Errorf("%d bytes are credentials", len(bad))
		}
	}
	first, err := pass.Identity()
	if err != nil {
		t.Fatal(err)
	}
	second, err := back.PassKey.Identity()
	if err != nil || first.Public() != second.Public() || pass.DeviceID() != back.PassKey.DeviceID() || len(pass.Password()) != 43 {
		t.Error("another device:", err)
	}
	other, err := NewPassKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	if other.DeviceID() == pass.DeviceID() || bytes.Equal(other.Password(), pass.Password()) || bytes.Contains(b, pass.Password()) {
		t.Error("two pass-keys give one device")
	}
}

func TestSuccession(t *testing.T) {
	old, next := KeyFromSeed([32]byte{1}), KeyFromSeed([32]byte{2}).Public()
	b := old.Succeed(next).Bytes()
	if s, err := ParseSuccession(b); err != nil || s.Old != old.Public() || s.New != next {
		t.Error(err)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if _, err := ParseSuccession(bad); err == nil {
			t.Fatalf("byte %d may be altered", i)
		}
	}
	if _, err := ParseSuccession(old.Succeed(old.Public()).Bytes()); err == nil {
		t.Error("a key follows itself")
	}
	if _, err := ParseSuccession(b[1:]); err == nil {
		t.Error("a short one")
	}
}

func TestVault(t *testing.T) {
	key, other := KeyFromSeed([32]byte{1}), KeyFromSeed([32]byte{2})
	b, err := key.SealVault(3, []byte("pins"))
	if err != nil {
		t.Fatal(err)
	}
	if plain, err := key.OpenVault(3, b); err != nil || string(plain) != "pins" {
		t.Error(err)
	}
	if _, err := key.OpenVault(4, b); !errors.Is(err, ErrVault) {
		t.Error("an old vault under a new version:", err)
	}
	if _, err := other.OpenVault(3, b); !errors.Is(err, ErrVault) {
		t.Error("another account:", err)
	}
	for i := range b {
		bad := bytes.Clone(b)
		bad[i] ^= 1
		if _, err := key.OpenVault(3, bad); !errors.Is(err, ErrVault) {
			t.Fatalf("byte %d may be altered", i)
		}
	}
	if again, err := key.SealVault(3, []byte("pins")); err != nil || bytes.Equal(again, b) {
		t.Error("sealed twice alike:", err)
	}
	if _, err := key.SealVault(3, make([]byte, MaxVault)); !errors.Is(err, wire.ErrTooLarge) {
		t.Error(err)
	}
}

func TestKit(t *testing.T) {
	kit, err := NewKit(nil)
	if err != nil {
		t.Fatal(err)
	}
	code := kit.Code()
	if len(code) != 55+10 || strings.Count(code, "-") != 10 {
		t.Fatal("the code has another form")
	}
	loose := strings.NewReplacer("0", "o", "1", "l", "-", " \n").Replace(strings.ToLower(code))
	for _, typed := range []string{code, loose, strings.ReplaceAll(code, "-", "")} {
		if back, err := ParseKit(typed); err != nil || back.bytes() != kit.bytes() {
			t.Error(err)
		}
	}
	caught := 0
	for i, c := range code {
		if c == '-' {
			continue
		}
		for _, other := range kitAlphabet {
			if other == c {
				continue
			}
			caught++
			if _, err := ParseKit(code[:i] + string(other) + code[i+1:]); !errors.Is(err, ErrKit) {
				caught--
			}
		}
	}
	if all := 55 * 31; caught < all-2 { // two bytes miss one in 65536
		t.Errorf("of %d wrong characters %d were noticed", all, caught)
	}
	for _, bad := range []string{"", code[:60], code + "0", code[:64] + "U", strings.Repeat("0", 300)} {
		if _, err := ParseKit(bad); !errors.Is(err, ErrKit) {
			t.Errorf("%d characters are a kit: %v", len(bad), err)
		}
	}
	key := KeyFromSeed([32]byte{5})
	sealed := kit.Seal(key)
	if back, err := kit.Open(sealed); err != nil || back.Seed() != key.Seed() {
		t.Error(err)
	}
	sealed[59] ^= 1
	if _, err := kit.Open(sealed); !errors.Is(err, ErrKit) {
		t.Error("altered:", err)
	}
	other, err := NewKit(nil)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := other.Open(kit.Seal(key)); !errors.Is(err, ErrKit) || other.CredentialID() == kit.CredentialID() || bytes.Equal(other.Password(), kit.Password()) {
		t.Error("another kit:", err)
	}
}

func TestContactProof(t *testing.T) {
	maker, accepter := KeyFromSeed([32]byte{1}).Public(), KeyFromSeed([32]byte{2}).Public()
	secret := wire.NewSecret([32]byte{3})
	p := ContactProof(secret, maker.Fingerprint(), accepter)
	for name, other := range map[string]Hash{
		"another link":     ContactProof(wire.NewSecret([32]byte{4}), maker.Fingerprint(), accepter),
		"another maker":    ContactProof(secret, accepter.Fingerprint(), accepter),
		"another accepter": ContactProof(secret, maker.Fingerprint(), maker),
	} {
		if p.Equal(other) {
			t.Error(name)
		}
	}
	if !p.Equal(ContactProof(secret, maker.Fingerprint(), accepter)) {
		t.Error("not the same twice")
	}
}

func TestPhrase(t *testing.T) {
	words := strings.Fields(wordList)
	seen := map[string]bool{}
	for _, w := range words {
		if seen[w] || len(w) > 8 || strings.Trim(w, "abcdefghijklmnopqrstuvwxyz") != "" {
			t.Errorf("%q", w)
		}
		seen[w] = true
	}
	if len(seen) != 256 {
		t.Fatal(len(seen), "words")
	}
	a, b := PhraseSide{Account: Public{1}, Device: wire.Address{2}}, PhraseSide{Account: Public{3}, Device: wire.Address{1}}
	p := Phrase(a, b, Hash{1}, Hash{2})
	if p != Phrase(b, a, Hash{1}, Hash{2}) {
		t.Error("the two see different words")
	}
	if p[0] == "" || p[3] == "" {
		t.Error(p)
	}
	for name, other := range map[string][PhraseWords]string{
		"another account": Phrase(PhraseSide{Account: Public{9}, Device: a.Device}, b, Hash{1}, Hash{2}),
		"another device":  Phrase(PhraseSide{Account: a.Account, Device: wire.Address{9}}, b, Hash{1}, Hash{2}),
		"another nonce":   Phrase(a, b, Hash{9}, Hash{2}), "nonces swapped": Phrase(a, b, Hash{2}, Hash{1}),
	} {
		if other == p {
			t.Error(name)
		}
	}
	if PhraseCommitment(Hash{1}) == PhraseCommitment(Hash{2}) {
		t.Error("a commitment to nothing")
	}
}
