package account

import (
	"bytes"
	"reflect"
	"testing"
)

// Every type by one fuzzer: what any of them takes, it gives and takes again.
func FuzzDecode(f *testing.F) {
	all := samples(f)
	for i, s := range all {
		b, err := Encode(s.value)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(uint8(i), b)
	}
	f.Fuzz(func(t *testing.T, i uint8, b []byte) {
		s := all[int(i)%len(all)]
		v, err := s.decode(b)
		if err != nil {
			return
		}
		again, err := Encode(v)
		if err != nil {
			t.Fatal(err)
		}
		back, err := s.decode(again)
		if err != nil {
			t.Fatalf("%s was taken, %s is not: %v", b, again, err)
		}
		if _, free := v.(Export); !free && !reflect.DeepEqual(back, v) { // its spaces are not kept
			t.Fatalf("%s became %s", b, again)
		}
	})
}

func FuzzParseDeviceList(f *testing.F) {
	key := KeyFromSeed([32]byte{1})
	l, err := key.NewDeviceList(DeviceList{}, []ListedDevice{listed(f, 1), listed(f, 2)})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(l.Bytes()[64:])
	// The owner of the key may sign anything: the fuzzer makes bodies.
	f.Fuzz(func(t *testing.T, body []byte) {
		account := key.Public()
		if len(body) >= len(account) {
			copy(body, account[:])
		}
		s := key.sign(lp(labelDevices, body))
		b := append(s[:], body...)
		l, err := ParseDeviceList(b)
		if err != nil {
			return
		}
		if !bytes.Equal(l.Bytes(), b) || !l.sound() || l.Account() != account {
			t.Fatal("not what was signed")
		}
		_ = l.Follows(DeviceList{})
	})
}

// FuzzText is every parser of a line of text: what it takes has one form, or is
// cleaned into one.
func FuzzText(f *testing.F) {
	a := Authorization{Session: ID{1}, Gen: 3, Seq: 4, MAC: Hash{5}}
	for _, s := range []string{
		a.String(), RotationProof{Session: ID{1}, MAC: Hash{5}}.String(), ID{1}.String(), Kit{newSecret([32]byte{1})}.Code(),
		"0042 1234 5678", "0042", "01234567", "anna@example.org", "Anna",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if v, err := ParseAuthorization(s); err == nil && v.String() != s {
			t.Error("authorization")
		}
		if v, err := ParseRotationProof(s); err == nil && v.String() != s {
			t.Error("rotation")
		}
		if v, err := ParseID(s); err == nil && v.String() != s {
			t.Error("id")
		}
		if v, err := ParseSlot(s); err == nil && string(v) != s {
			t.Error("slot")
		}
		again := func(what, text string, parse func(string) (string, error)) {
			if back, err := parse(text); err != nil || back != text {
				t.Errorf("%s %q of %q became %q, %v", what, text, s, back, err)
			}
		}
		if v, err := ParseKit(s); err == nil {
			again("kit", v.Code(), func(s string) (string, error) { k, err := ParseKit(s); return k.Code(), err })
		}
		if v, err := ParseLinkCode(s); err == nil {
			again("code", v.Text(), func(s string) (string, error) { c, err := ParseLinkCode(s); return c.Text(), err })
		}
		if v, err := ParseCode(s); err == nil {
			again("digits", string(v), func(s string) (string, error) { c, err := ParseCode(s); return string(c), err })
		}
		if v, err := ParseEmail(s); err == nil {
			again("email", string(v), func(s string) (string, error) { e, err := ParseEmail(s); return string(e), err })
			again("normal email", v.Normal(), func(s string) (string, error) { e, err := ParseEmail(s); return e.Normal(), err })
		}
		if v, err := ParsePass(s); err == nil && string(v) != s || v.Bytes() != nil && NewPass(v.Bytes()) != v {
			t.Error("pass")
		}
		if p := PassIn(s); p != "" {
			again("pass", string(p), func(s string) (string, error) { p, err := ParsePass(s); return string(p), err })
		}
		if v, err := ParseName(s); err == nil {
			again("name", string(v), func(s string) (string, error) { n, err := ParseName(s); return string(n), err })
		}
	})
}

// FuzzBinary is every other parser of bytes.
func FuzzBinary(f *testing.F) {
	key := KeyFromSeed([32]byte{1})
	for _, b := range [][]byte{
		key.Succeed(Public{2}).Bytes(), LinkHello{A: Number{1}}.Blob(), LinkOffer{Salt: Salt{1}, B: Number{1}}.Blob(),
		LinkProof{M1: Hash{1}}.Blob(), LinkConfirm{M2: Hash{1}}.Blob(), LinkRefused(), make([]byte, ChainSize),
		append(append([]byte{1}, make([]byte, 80)...), "viewflip-service://192.0.2.1:7465?p=REREREREREREREREREREREREREREREREREREREREREQ"...),
	} {
		f.Add(b)
	}
	channel := NewLinkChannel([32]byte{1}, [32]byte{2})
	f.Fuzz(func(t *testing.T, b []byte) {
		same := func(what string, got []byte, err error) {
			if err == nil && !bytes.Equal(got, b) {
				t.Errorf("%s: %x became %x", what, b, got)
			}
		}
		s, err := ParseSuccession(b)
		same("succession", s.Bytes(), err)
		c, err := ParseChain(b)
		same("chain", c.Marshal(), err)
		hello, err := ParseLinkHello(b)
		same("hello", hello.Blob(), err)
		offer, err := ParseLinkOffer(b)
		same("offer", offer.Blob(), err)
		proof, err := ParseLinkProof(b)
		same("proof", proof.Blob(), err)
		confirm, err := ParseLinkConfirm(b)
		same("confirm", confirm.Blob(), err)
		if v, err := ParseCredentials(b); err == nil {
			if again, err := ParseCredentials(v.Marshal()); err != nil || !reflect.DeepEqual(again, v) {
				t.Error("credentials:", err)
			}
		}
		// What is sealed is made by the other device: any bytes can be inside.
		_, _ = channel.OpenRequest(channel.seal(linkRequest, labelLinkRequest, b))
		if g, err := channel.OpenGrant(channel.seal(linkGrant, labelLinkGrant, b)); err == nil {
			if plain, err := channel.open(linkGrant, labelLinkGrant, channel.SealGrant(g)); err != nil || !bytes.Equal(plain, b) {
				t.Error("grant:", err)
			}
		}
	})
}
