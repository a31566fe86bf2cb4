package wire

import (
	"bytes"
	"reflect"
	"testing"
)

// What is inside a sealed message is parsed too: FuzzOpen cannot get past the
// seal.
func FuzzParseEnvelope(f *testing.F) {
	for _, s := range []Signal{
		Reject{Reason: RejectUsed}, Offer{SDP: "v=0"}, Answer{SDP: "v=0"}, Candidate{Line: "{}"},
		NeedMedia{Lines: 1, Restart: true}, Admit{Name: "A"},
	} {
		b, err := appendEnvelope(nil, Envelope{Seq: 1, Body: s})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	id, err := NewIdentity(nil)
	if err != nil {
		f.Fatal(err)
	}
	for _, s := range []Signal{
		Knock{Device: id.Public(), Name: "A"}, Introduce{Member: Member{Device: id.Public(), Name: "B"}},
		Admit{Name: "A", Members: []Member{{Device: id.Public(), Name: "B"}}},
	} {
		b, err := appendEnvelope(nil, Envelope{Body: s})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		e, err := parseEnvelope(b)
		if err != nil {
			return
		}
		again, err := appendEnvelope(nil, e)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := parseEnvelope(again); err != nil || !reflect.DeepEqual(back, e) {
			t.Fatalf("%#v became %#v, %v", e, back, err)
		}
	})
}

func FuzzParseInput(f *testing.F) {
	for _, in := range []Input{
		{Kind: Press, Share: 1, Gen: 2, Seq: 3, X: 65535, Button: Back}, {Kind: Wheel, DX: -120, DY: 15},
		{Kind: KeyDown, Key: 4, Repeat: true, Mods: ModShift}, {Kind: ReleaseAll},
	} {
		f.Add(AppendInput(nil, in))
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		in, err := ParseInput(b)
		if err == nil && !bytes.Equal(AppendInput(nil, in), b) {
			t.Fatalf("%+v is not canonical", in)
		}
	})
}

func FuzzParseServiceURL(f *testing.F) {
	f.Add(Service{Addrs: []string{"192.0.2.1:7465", "[2001:db8::1]:7465"}, Pin: [32]byte{1, 255}}.URL())
	f.Fuzz(func(t *testing.T, s string) {
		v, err := ParseServiceURL(s)
		if err != nil {
			return
		}
		if back, err := ParseServiceURL(v.URL()); err != nil || !reflect.DeepEqual(back, v) {
			t.Fatal(err)
		}
	})
}

func FuzzFingerprintOf(f *testing.F) {
	f.Add("v=0\r\na=fingerprint:sha-256 " + string(bytes.Repeat([]byte("AB:"), 31)) + "AB\r\n")
	f.Fuzz(func(t *testing.T, sdp string) {
		if fp, err := FingerprintOf(sdp); err == nil {
			if twice, err := FingerprintOf(sdp + "\r\n" + sdp); err != nil || twice != fp {
				t.Fatal("the same twice is another", err)
			}
		}
	})
}
