package wire

import (
	"bytes"
	"reflect"
	"testing"
)

func FuzzParseInput(f *testing.F) {
	for _, in := range []Input{
		{Kind: Press, Share: 1, Gen: 2, Seq: 3, X: 65535, Button: Back}, {Kind: Wheel, DX: -120, DY: 15},
		{Kind: KeyDown, Key: 4, Repeat: true, Mods: ModShift}, {Kind: ReleaseAll},
		{Kind: KeyDown, Key: 4, Rune: 'ф'}, {Kind: Text, Text: "日本👩‍💻"},
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
