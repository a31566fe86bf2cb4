package wire

import (
	"reflect"
	"testing"
)

// What is inside a sealed message comes from a peer, who can sign and seal
// whatever they like: FuzzOpen cannot get there.
func FuzzParseEnvelope(f *testing.F) {
	for _, s := range []Signal{
		Knock{Name: "Ben"}, Admit{Name: "Anna", Members: []Member{{Name: "Cleo"}}}, Reject{Reason: RejectUsed}, Introduce{Member{Name: "Cleo"}},
		Offer{SDP: "v=0"}, Answer{SDP: "v=0"}, Candidate{Line: "{}"}, NeedMedia{Lines: 1}, NeedMedia{Restart: true},
		Ring{Name: "Anna", Link: Link{Service: Service{Addrs: []string{"192.0.2.1:443"}}, Secret: NewSecret([32]byte{4})}}, RingEnd{Reason: RingAnswered}, RingCheck{Nonce: [16]byte{5}, Alive: true},
	} {
		b, err := appendEnvelope(nil, Envelope{Pair: [16]byte{1}, Seq: 2, Body: s})
		if err != nil {
			f.Fatal(err)
		}
		if e, err := parseEnvelope(b); err != nil || !reflect.DeepEqual(e.Body, s) {
			f.Fatalf("%#v came back as %#v, %v", s, e.Body, err)
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
